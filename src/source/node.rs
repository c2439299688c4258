//! The tree that the three formats share.

use super::Span;

/// A value and its place. Scalars keep their text: the field that reads one decides its type, so
/// `country: no` and `version: 1.10` are what a reader takes them for in a string field.
#[derive(Debug, Clone)]
pub struct Node {
    pub span: Span,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub enum Kind {
    Null,
    /// `plain`: written without quotes, so it may also be a number or a boolean.
    Scalar {
        text: String,
        plain: bool,
    },
    Seq(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub struct Key {
    pub span: Span,
    pub name: String,
}

impl Node {
    /// What kind of value this is, for messages. The value itself may be a secret.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Scalar { .. } => "a single value",
            Kind::Seq(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
}
