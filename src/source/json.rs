//! JSON into the tree. It is nearly YAML, but not quite: YAML forbids long keys and some characters.

use super::build::{Builder, Met};
use super::hidden::{Dropped, Vocabulary};
use super::node::Node;
use super::{Span, floor, line_start, offset};
use crate::code::Code;
use crate::problem::{Problem, Problems};
use granit_parser::{Event, ScalarStyle, StructureStyle};
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// The tree, and what was written and is not in it.
pub fn parse(
    file: u32,
    text: &str,
    vocabulary: &'static Vocabulary,
    problems: &mut Problems,
) -> Option<(Node, Vec<Dropped>)> {
    // Some editors start a file with it.
    let json = text.trim_start_matches('\u{feff}');
    let at = text.len() - json.len();
    let strict: Result<IgnoredAny, _> = serde_json::from_str(json);
    if let Err(error) = strict {
        let place = at + line_start(json, error.line()) + error.column().saturating_sub(1);
        problems.push(invalid(&error, file, text, floor(text, place)));
        return None;
    }
    let mut builder = Builder::new(text, Events { file, text, at }, vocabulary);
    match builder.root(problems) {
        Ok(root) => Some((root, builder.dropped)),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn invalid(error: &serde_json::Error, file: u32, text: &str, at: usize) -> Problem {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let (start, end) = (offset(at), offset(at));
    let problem = Problem::error(Code::InvalidJson, format!("this is not valid JSON: {message}")).at(Span {
        file,
        start,
        end,
    });
    let is_after_comma = text[..at].trim_end().ends_with(',');
    match text[at..].chars().next() {
        Some('}' | ']') if is_after_comma => problem.help("remove the comma before it"),
        Some('/' | '#') => problem.help("JSON has no comments; YAML and TOML do"),
        _ => problem,
    }
}

/// What a text consists of that is known to be JSON, but for what its strings escape.
struct Events<'t> {
    file: u32,
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Events<'t> {
    type Item = Met<'t>;

    fn next(&mut self) -> Option<Met<'t>> {
        let between = |c: char| c.is_ascii_whitespace() || c == ',' || c == ':';
        let rest = self.text[self.at..].trim_start_matches(between);
        let start = self.text.len() - rest.len();
        let length = match rest.bytes().next()? {
            b'{' | b'}' | b'[' | b']' => 1,
            b'"' => string_length(rest),
            _ => rest
                .find([',', '}', ']', ' ', '\n', '\r', '\t'])
                .unwrap_or(rest.len()),
        };
        self.at = start + length;
        let span = Span {
            file: self.file,
            start: offset(start),
            end: offset(self.at),
        };
        let token = &rest[..length];
        let style = StructureStyle::Flow;
        Some(match token.as_bytes()[0] {
            b'{' => Ok((Event::MappingStart(style, 0, None), span)),
            b'}' => Ok((Event::MappingEnd, span)),
            b'[' => Ok((Event::SequenceStart(style, 0, None), span)),
            b']' => Ok((Event::SequenceEnd, span)),
            b'"' => match string(token) {
                Ok(text) => Ok((Event::Scalar(text, ScalarStyle::DoubleQuoted, 0, None), span)),
                Err(error) => Err(invalid(&error, self.file, self.text, start)),
            },
            _ => Ok((Event::Scalar(token.into(), ScalarStyle::Plain, 0, None), span)),
        })
    }
}

/// The length of a JSON string in bytes, with its quotes.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text[1..].find(|c| {
        let ends = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

fn string(token: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    let inner = &token[1..token.len() - 1];
    if inner.contains('\\') {
        serde_json::from_str(token).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(inner))
    }
}
