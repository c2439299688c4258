//! TOML into the tree.

use super::node::{Key, Kind, Node};
use super::{Span, offset};
use crate::problem::{Problem, Problems};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub fn parse(file: u32, text: &str, problems: &mut Problems) -> Option<Node> {
    let reader = Reader { file, text };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let range = error.span().unwrap_or_default();
        let span = reader.span(range.clone());
        problems.push(if error.message().contains("duplicate key") {
            let key = text.get(range).unwrap_or_default();
            Problem::error("duplicate-key", format!("`{key}` is written twice"))
                .at(span)
                .help("keep one of them")
        } else {
            Problem::error(
                "invalid-toml",
                format!("this is not valid TOML: {}", error.message()),
            )
            .at(span)
        });
    }
    let whole = 0..text.len();
    errors.is_empty().then(|| reader.table(table.into_inner(), whole))
}

struct Reader<'t> {
    file: u32,
    text: &'t str,
}

impl Reader<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        Span {
            file: self.file,
            start: offset(range.start),
            end: offset(range.end),
        }
    }

    fn table(&self, table: DeTable<'_>, range: Range<usize>) -> Node {
        let mut entries: Vec<(Key, Node)> = table
            .into_iter()
            .map(|(key, value)| {
                let key = Key {
                    span: self.span(key.span()),
                    name: key.into_inner().into(),
                };
                (key, self.value(value))
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.span);
        Node {
            span: self.span(range),
            kind: Kind::Map(entries),
        }
    }

    fn value(&self, value: Spanned<DeValue<'_>>) -> Node {
        let range = value.span();
        let kind = match value.into_inner() {
            DeValue::Table(table) => return self.table(table, range),
            DeValue::Array(items) => Kind::Seq(items.into_iter().map(|item| self.value(item)).collect()),
            DeValue::String(text) => Kind::scalar(text, false),
            // As written: `1.10` stays `1.10` for a field that wants a string.
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
                Kind::scalar(&self.text[range.clone()], true)
            }
        };
        Node {
            span: self.span(range),
            kind,
        }
    }
}
