//! Values that know their place in a file.

use super::Span;
use litemap::LiteMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// The name by which [`super::de`] recognises a request for a value together with its span.
pub(super) const SPANNED: &str = "$spanned";

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned::new(f(self.value), self.span)
    }
}

/// A field as read from a file: `value` is `None` when it was wrong, which has been reported then.
/// Reading goes on behind it, so that one run reports every problem.
#[derive(Debug, Clone)]
pub struct Read<T> {
    pub value: Option<T>,
    pub span: Span,
}

/// The entries of a list that could be read.
pub fn entries<T>(list: Option<Read<Vec<Read<T>>>>) -> impl Iterator<Item = Spanned<T>> {
    list.and_then(|list| list.value)
        .into_iter()
        .flatten()
        .filter_map(Read::ok)
}

/// The entries of a map; `None` for a value that could not be read.
pub fn pairs<V>(map: Option<Read<Map<V>>>) -> impl Iterator<Item = (Spanned<String>, Option<Spanned<V>>)> {
    map.and_then(|map| map.value)
        .into_iter()
        .flat_map(|map| map.0)
        .map(|(key, value)| (key, value.ok()))
}

/// The map in as little memory as it can be: there are many such maps, with an entry or two each.
pub fn compact<K: Ord, V>(map: BTreeMap<K, V>) -> LiteMap<K, V> {
    let mut compact = LiteMap::with_capacity(map.len());
    compact.extend(map);
    compact
}

/// Whether `true` is written.
pub fn is_true(field: Option<Read<bool>>) -> bool {
    field.and_then(Read::ok).is_some_and(|field| field.value)
}

impl<T> Read<T> {
    pub fn ok(self) -> Option<Spanned<T>> {
        self.value.map(|value| Spanned::new(value, self.span))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReadVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ReadVisitor<T> {
            type Value = Read<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its span")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Read<T>, A::Error> {
                let mut part = || seq.next_element::<u32>().map(Option::unwrap_or_default);
                let span = Span {
                    file: part()?,
                    start: part()?,
                    end: part()?,
                };
                // An error here has been reported by the deserializer, with this value's span.
                let value = seq.next_element::<T>().ok().flatten();
                Ok(Read { value, span })
            }
        }

        deserializer.deserialize_tuple_struct(SPANNED, 4, ReadVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Read<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A map in the order of the file, each key with its place.
#[derive(Debug, Clone)]
pub struct Map<V>(pub Vec<(Spanned<String>, Read<V>)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Map<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for MapVisitor<V> {
            type Value = Map<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map<V>, A::Error> {
                let mut entries = Vec::with_capacity(map.size_hint().unwrap_or_default());
                while let Some(key) = map.next_key::<Read<String>>()? {
                    let value = map.next_value()?;
                    if let Some(key) = key.ok() {
                        entries.push((key, value));
                    }
                }
                Ok(Map(entries))
            }
        }

        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

impl<V: JsonSchema> JsonSchema for Map<V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Map_of_{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        std::collections::BTreeMap::<String, V>::json_schema(generator)
    }
}
