//! Strings of a file, which may have been filled in from outside of it.

use crate::secret::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The name by which [`super::de`] recognises a request for a text with what it was filled in from.
pub(super) const TEXT: &str = "$text";

/// How a scalar came to its text, where references were resolved in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Filled {
    /// The text as the file writes it, which messages quote in place of the value.
    pub written: String,
    /// The environment or another file gave a part of it, so it may be a secret.
    pub external: bool,
}

/// A string of a file. It may be a secret, so it cannot be shown by accident: there is no
/// `Display`, and `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    value: Box<str>,
    filled: Option<Box<Filled>>,
}

impl Text {
    pub fn as_str(&self) -> &str {
        &self.value
    }

    /// The text as the file writes it, for messages.
    pub fn quote(&self) -> &str {
        self.filled.as_ref().map_or(&self.value, |filled| &filled.written)
    }

    /// Whether references were resolved in it.
    pub fn is_filled(&self) -> bool {
        self.filled.is_some()
    }

    /// Whether the environment or another file gave a part of it.
    pub fn is_external(&self) -> bool {
        self.filled.as_ref().is_some_and(|filled| filled.external)
    }

    /// The text as a value that is not sensitive by itself.
    pub fn into_value(self) -> Value {
        Value::plain(self.value)
    }

    pub fn into_string(self) -> String {
        self.value.into()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(text)")
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
                let value: Option<String> = seq.next_element()?;
                let value = value.ok_or_else(|| A::Error::missing_field("value"))?;
                let written: Option<String> = seq.next_element()?.flatten();
                let external = seq.next_element()?.unwrap_or_default();
                let filled = written.map(|written| Box::new(Filled { written, external }));
                Ok(Text {
                    value: value.into(),
                    filled,
                })
            }
        }

        deserializer.deserialize_tuple_struct(TEXT, 3, TextVisitor)
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}
