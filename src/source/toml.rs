//! TOML into the tree.

use super::limits::{Limits, too_deep};
use super::node::{Key, Kind, Node};
use super::{Span, offset};
use crate::code::Code;
use crate::problem::{Problem, Problems};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub fn parse(file: u32, text: &str, problems: &mut Problems) -> Option<Node> {
    let mut reader = Reader {
        file,
        text,
        limits: Limits::new(text.len()),
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let range = error.span().unwrap_or_default();
        let span = reader.span(range.clone());
        problems.push(if error.message().contains("duplicate key") {
            let key = text.get(range).unwrap_or_default();
            Problem::error(Code::DuplicateKey, format!("`{key}` is written twice"))
                .at(span)
                .help("keep one of them")
        } else if error.message().contains("recursion depth") {
            too_deep(span)
        } else {
            let message = format!("this is not valid TOML: {}", error.message());
            Problem::error(Code::InvalidToml, message).at(span)
        });
    }
    if !errors.is_empty() {
        return None;
    }
    match reader.table(table.into_inner(), 0..text.len(), 0) {
        Ok(root) => Some(root),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

struct Reader<'t> {
    file: u32,
    text: &'t str,
    limits: Limits,
}

impl Reader<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        Span {
            file: self.file,
            start: offset(range.start),
            end: offset(range.end),
        }
    }

    fn table(&mut self, table: DeTable<'_>, range: Range<usize>, depth: usize) -> Result<Node, Problem> {
        let span = self.span(range);
        self.limits.node(span, depth)?;
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            let key = Key {
                span: self.span(key.span()),
                name: key.into_inner().into(),
            };
            entries.push((key, self.value(value, depth + 1)?));
        }
        entries.sort_by_key(|(key, _)| key.span);
        let kind = Kind::Map(entries);
        Ok(Node { span, kind })
    }

    fn value(&mut self, value: Spanned<DeValue<'_>>, depth: usize) -> Result<Node, Problem> {
        let range = value.span();
        let span = self.span(range.clone());
        let kind = match value.into_inner() {
            DeValue::Table(table) => return self.table(table, range, depth),
            DeValue::Array(items) => {
                self.limits.node(span, depth)?;
                let items = items.into_iter().map(|item| self.value(item, depth + 1));
                Kind::Seq(items.collect::<Result<_, _>>()?)
            }
            DeValue::String(text) => {
                self.limits.node(span, depth)?;
                Kind::scalar(text, false)
            }
            // As written: `1.10` stays `1.10` for a field that wants a string.
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
                self.limits.node(span, depth)?;
                Kind::scalar(&self.text[range], true)
            }
        };
        Ok(Node { span, kind })
    }
}
