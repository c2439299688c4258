//! The tree that the three formats share.

use super::Span;
use super::text::Filled;

/// A value and its place. It has no `Debug`: a value may be a secret.
#[derive(Clone)]
pub struct Node {
    pub span: Span,
    pub kind: Kind,
}

#[derive(Clone)]
pub enum Kind {
    Null,
    Scalar(Scalar),
    Seq(Vec<Node>),
    Map(Vec<(Key, Node)>),
    /// A reference without a value, which has been reported.
    Unknown,
}

/// Scalars keep their text: the field that reads one decides its type, so `country: no` and
/// `version: 1.10` are what a reader takes them for in a string field.
#[derive(Clone)]
pub struct Scalar {
    pub text: Box<str>,
    /// Written without quotes, or filled in: it may also be a number or a boolean.
    pub plain: bool,
    pub filled: Option<Box<Filled>>,
}

#[derive(Clone)]
pub struct Key {
    pub span: Span,
    pub name: Box<str>,
}

impl Kind {
    pub fn scalar(text: impl Into<Box<str>>, plain: bool) -> Self {
        Self::Scalar(Scalar {
            text: text.into(),
            plain,
            filled: None,
        })
    }
}

impl Scalar {
    /// The text as the file writes it, for messages.
    pub fn quote(&self) -> &str {
        self.filled.as_ref().map_or(&self.text, |filled| &filled.written)
    }
}

impl Node {
    /// What kind of value this is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Scalar(_) => "a single value",
            Kind::Seq(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Unknown => "a value that is not known",
        }
    }
}
