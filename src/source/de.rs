//! A serde deserializer over the tree that reports problems with their place and goes on. It takes
//! the tree apart, so that no value is in memory twice.

use super::Span;
use super::mistake::{Error, at_least};
use super::node::{Key, Kind, Node, Scalar};
use super::spanned::SPANNED;
use super::text::TEXT;
use crate::code::Code;
use crate::problem::{Problem, Problems, nearest};
use serde::de::value::{StrDeserializer, StringDeserializer, U32Deserializer};
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use std::cell::RefCell;

/// What is known of the structs that are read, by their names.
#[derive(Clone, Copy)]
pub struct Shapes {
    /// What to say about a field that a struct does not have.
    pub hint: fn(&str, &str) -> Option<&'static str>,
    /// The field that a single value stands for, in place of the whole struct.
    pub short: fn(&str) -> Option<&'static str>,
}

/// Reads a typed value out of a tree. `None` when the root itself has the wrong shape; everything
/// that is wrong is in `problems`.
pub fn read<T: de::DeserializeOwned>(node: Node, shapes: Shapes, problems: &mut Problems) -> Option<T> {
    let span = node.span;
    let found = RefCell::new(Vec::new());
    let result = T::deserialize(NodeDeserializer {
        node,
        found: &found,
        shapes,
    });
    for problem in found.into_inner() {
        problems.push(problem);
    }
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            if let Some(problem) = error.0 {
                problems.push(at_least(*problem, span));
            }
            None
        }
    }
}

struct NodeDeserializer<'f> {
    node: Node,
    found: &'f RefCell<Vec<Problem>>,
    shapes: Shapes,
}

impl NodeDeserializer<'_> {
    /// A reader of a part of the node.
    fn at(&self, node: Node) -> Self {
        Self { node, ..*self }
    }

    /// The error of a field that cannot hold a secret, so that the value can be quoted.
    fn wrong_word(&self, expected: &str) -> Error {
        match &self.node.kind {
            Kind::Unknown => Error(None),
            Kind::Scalar(scalar) => {
                let found = match scalar {
                    Scalar {
                        filled: Some(filled), ..
                    } => format!("what `{}` gives", filled.written),
                    Scalar {
                        text, plain: true, ..
                    } => format!("`{text}`"),
                    Scalar { text, .. } => format!("the string \"{text}\""),
                };
                let message = format!("expected {expected}, found {found}");
                Error::new(Problem::error(Code::WrongType, message).at(self.node.span))
            }
            _ => self.wrong_type(expected),
        }
    }

    fn wrong_type(&self, expected: &str) -> Error {
        if matches!(self.node.kind, Kind::Unknown) {
            return Error(None);
        }
        Error::new(
            Problem::error(
                Code::WrongType,
                format!("expected {expected}, found {}", self.node.describe()),
            )
            .at(self.node.span),
        )
    }

    fn number<N: std::str::FromStr>(&self) -> Result<N, Error> {
        match &self.node.kind {
            Kind::Scalar(Scalar {
                text, plain: true, ..
            }) => text.parse().map_err(|_| self.wrong_word("a whole number")),
            _ => Err(self.wrong_word("a whole number")),
        }
    }

    /// The fields of a struct: a map, or the one value that it may be written as.
    fn take_fields(&mut self, name: &str, fields: &[&str]) -> Result<Vec<(Key, Node)>, Error> {
        let span = self.node.span;
        if let (Kind::Scalar(_), Some(field)) = (&self.node.kind, (self.shapes.short)(name)) {
            let node = std::mem::replace(
                &mut self.node,
                Node {
                    span,
                    kind: Kind::Null,
                },
            );
            let name = field.into();
            return Ok(vec![(Key { span, name }, node)]);
        }
        self.take_entries().map_err(|Error(problem)| {
            let help = format!("its fields: `{}`", fields.join("`, `"));
            Error(problem.map(|problem| Box::new(problem.help(help))))
        })
    }

    fn take_entries(&mut self) -> Result<Vec<(Key, Node)>, Error> {
        match &mut self.node.kind {
            Kind::Map(entries) => Ok(std::mem::take(entries)),
            _ => Err(self.wrong_type("a map")),
        }
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        match &mut self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Unknown => Err(Error(None)),
            Kind::Scalar(scalar) => visitor.visit_string(std::mem::take(&mut scalar.text).into()),
            Kind::Seq(_) => self.deserialize_seq(visitor),
            Kind::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let expected = "`true` or `false`";
        match &self.node.kind {
            Kind::Scalar(Scalar {
                text, plain: true, ..
            }) if &**text == "true" => visitor.visit_bool(true),
            Kind::Scalar(Scalar {
                text, plain: true, ..
            }) if &**text == "false" => visitor.visit_bool(false),
            Kind::Scalar(scalar) => {
                let meant = match scalar.quote().to_lowercase().as_str() {
                    "yes" | "on" | "y" | "true" => Some("write `true`, without quotes"),
                    "no" | "off" | "n" | "false" => Some("write `false`, without quotes"),
                    _ => None,
                };
                let Error(problem) = self.wrong_word(expected);
                Err(Error(problem.map(|p| match meant {
                    Some(meant) => Box::new(p.help(meant)),
                    None => p,
                })))
            }
            _ => Err(self.wrong_type(expected)),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(self.number()?)
    }

    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        match &mut self.node.kind {
            Kind::Scalar(scalar) => visitor.visit_string(std::mem::take(&mut scalar.text).into()),
            _ => Err(self.wrong_type("a string")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.kind {
            Kind::Null => {
                let problem = Problem::warning(
                    Code::EmptyValue,
                    "nothing is written here, which is the same as leaving the field out",
                );
                let help = "remove the field, or write `[]` or `{}` for a list or map with nothing in it";
                self.found
                    .borrow_mut()
                    .push(problem.at(self.node.span).help(help));
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        match &mut self.node.kind {
            Kind::Seq(items) => visitor.visit_seq(Items {
                items: std::mem::take(items).into_iter(),
                of: self,
            }),
            _ => Err(self.wrong_type("a list")),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match (name, &mut self.node.kind) {
            (SPANNED, _) => visitor.visit_seq(SpanThenValue {
                span: self.node.span,
                of: Some(self),
                next: 0,
            }),
            (TEXT, Kind::Scalar(scalar)) => visitor.visit_seq(TextParts { scalar, next: 0 }),
            (TEXT, _) => Err(self.wrong_type("a string")),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let entries = self.take_entries()?;
        visitor.visit_map(Entries::new(self, entries))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut entries = self.take_fields(name, fields)?;
        entries.retain(|(key, _)| {
            let known = fields.contains(&&*key.name);
            if !known {
                let problem = Problem::error(Code::UnknownField, format!("unknown field `{}`", key.name));
                let hint = (self.shapes.hint)(name, &key.name).map(str::to_owned);
                let near = || {
                    Some(format!(
                        "did you mean `{}`?",
                        nearest(&key.name, fields.iter().copied())?
                    ))
                };
                let all = || format!("known here: `{}`", fields.join("`, `"));
                let help = hint.or_else(near).unwrap_or_else(all);
                self.found.borrow_mut().push(problem.at(key.span).help(help));
            }
            known
        });
        visitor.visit_map(Entries::new(self, entries))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.kind {
            Kind::Scalar(Scalar {
                filled: Some(filled),
                text,
                ..
            }) => {
                visitor.visit_enum(Variant(text)).map_err(|Error(problem)| {
                    // Not with the value in it, which may be a secret.
                    let message = format!(
                        "what `{}` gives is not one of the values allowed here",
                        filled.written
                    );
                    Error(problem.map(|problem| Box::new(Problem { message, ..*problem })))
                })
            }
            Kind::Scalar(scalar) => visitor.visit_enum(Variant(&scalar.text)),
            _ => Err(self.wrong_type("a word")),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char bytes byte_buf unit unit_struct
        newtype_struct tuple identifier ignored_any
    }
}

struct Items<'f> {
    of: NodeDeserializer<'f>,
    items: std::vec::IntoIter<Node>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.items
            .next()
            .map(|item| seed.deserialize(self.of.at(item)))
            .transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'f> {
    of: NodeDeserializer<'f>,
    entries: std::vec::IntoIter<(Key, Node)>,
    /// The value of the key that was asked for last.
    value: Option<Node>,
}

impl<'f> Entries<'f> {
    fn new(of: NodeDeserializer<'f>, entries: Vec<(Key, Node)>) -> Self {
        Self {
            of,
            entries: entries.into_iter(),
            value: None,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        // A key has a place too, which only a deserializer of ours can give.
        let key = Node {
            span: key.span,
            kind: Kind::scalar(key.name, false),
        };
        seed.deserialize(self.of.at(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let value = self.value.take();
        let value = value.ok_or_else(|| de::Error::custom("a value without its key"))?;
        seed.deserialize(self.of.at(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// Answers a request for [`SPANNED`]: file, start, end, then the value.
struct SpanThenValue<'f> {
    span: Span,
    of: Option<NodeDeserializer<'f>>,
    next: usize,
}

impl<'de> SeqAccess<'de> for SpanThenValue<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let span = self.span;
        self.next += 1;
        let number = match self.next {
            1 => span.file,
            2 => span.start,
            3 => span.end,
            _ => {
                let Some(of) = self.of.take() else {
                    return Ok(None);
                };
                let found = of.found;
                return seed.deserialize(of).map(Some).map_err(|Error(problem)| {
                    let problem = problem.map(|p| at_least(*p, span));
                    found.borrow_mut().extend(problem);
                    Error(None)
                });
            }
        };
        let number: U32Deserializer<Error> = number.into_deserializer();
        seed.deserialize(number).map(Some)
    }
}

/// Answers a request for [`TEXT`]: the value, as it is written if it was filled in, whether from
/// outside.
struct TextParts<'n> {
    scalar: &'n mut Scalar,
    next: usize,
}

impl<'de> SeqAccess<'de> for TextParts<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Scalar { text, filled, .. } = &mut *self.scalar;
        self.next += 1;
        let value = match self.next {
            1 => seed.deserialize(String::from(std::mem::take(text)).into_deserializer()),
            2 => match filled {
                Some(filled) => seed.deserialize(Present(std::mem::take(&mut filled.written))),
                None => seed.deserialize(().into_deserializer()),
            },
            _ => {
                let external = filled.as_ref().is_some_and(|filled| filled.external);
                seed.deserialize(external.into_deserializer())
            }
        };
        value.map(Some)
    }
}

/// An optional string that is there.
struct Present(String);

impl<'de> Deserializer<'de> for Present {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text: StringDeserializer<Error> = self.0.into_deserializer();
        visitor.visit_some(text)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Variant<'n>(&'n str);

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name: StrDeserializer<'_, Error> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _seed: S) -> Result<S::Value, Error> {
        Err(de::Error::custom("expected a word"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("expected a word"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        Err(de::Error::custom("expected a word"))
    }
}
