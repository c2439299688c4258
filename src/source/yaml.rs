//! YAML, and JSON as the part of YAML that it is, into the tree.

use super::hidden::{Dropped, names_a_secret};
use super::limits::Limits;
use super::node::{Key, Kind, Node};
use super::{Span, duplicate_key, offset};
use crate::problem::{Problem, Problems};
use granit_parser::{Event, Parser, ScalarStyle};
use std::collections::HashMap;

/// JSON is checked by a JSON parser first, since YAML would accept more.
pub fn parse_json(file: u32, text: &str, problems: &mut Problems) -> Option<(Node, Vec<Dropped>)> {
    let strict: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
    if let Err(error) = strict {
        // Its own limit is beyond ours, which names itself below.
        if error.to_string().starts_with("recursion limit") {
            return parse(file, text, problems);
        }
        let at = line_start(text, error.line()) + error.column().saturating_sub(1);
        let at = offset(at.min(text.len()));
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        let span = Span {
            file,
            start: at,
            end: at,
        };
        let problem = Problem::error("invalid-json", format!("this is not valid JSON: {message}")).at(span);
        let is_after_comma = text[..at as usize].trim_end().ends_with(',');
        problems.push(match text[at as usize..].chars().next() {
            Some('}' | ']') if is_after_comma => problem.help("remove the comma before it"),
            Some('/' | '#') => problem.help("JSON has no comments; YAML and TOML do"),
            _ => problem,
        });
        return None;
    }
    parse(file, text, problems)
}

fn line_start(text: &str, line: usize) -> usize {
    text.split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum()
}

/// The tree, and what was written and is not in it.
pub fn parse(file: u32, text: &str, problems: &mut Problems) -> Option<(Node, Vec<Dropped>)> {
    let mut builder = Builder {
        file,
        text,
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        limits: Limits::default(),
        dropped: Vec::new(),
        secret_depth: 0,
    };
    match builder.document(problems) {
        Ok(node) => Some((node, builder.dropped)),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

struct Builder<'t> {
    file: u32,
    text: &'t str,
    events: Parser<'t, granit_parser::StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    limits: Limits,
    /// Entries with keys that were written before, which are in no tree but in the text.
    dropped: Vec<Dropped>,
    /// How many of the keys above name a secret.
    secret_depth: usize,
}

impl<'t> Builder<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Problem> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => {
                    let range = span.byte_range().unwrap_or_default();
                    let span = self.span(range.start, range.end);
                    return Ok((event, span));
                }
                Some(Err(error)) => {
                    let at = error
                        .marker()
                        .byte_offset()
                        .unwrap_or_else(|| line_start(self.text, error.marker().line()));
                    return Err(self.syntax_error(&error.info(), at));
                }
                None => return Err(self.syntax_error("the document ends too early", self.text.len())),
            }
        }
    }

    fn syntax_error(&self, info: &str, at: usize) -> Problem {
        let problem =
            Problem::error("invalid-yaml", format!("this is not valid YAML: {info}")).at(self.span(at, at));
        let line = self.text[..at.min(self.text.len())]
            .rfind('\n')
            .map_or(0, |i| i + 1);
        if self.text[line..].trim_start_matches(' ').starts_with('\t') {
            problem.help("indent with spaces: YAML does not allow tabs")
        } else {
            problem
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span {
            file: self.file,
            start: offset(start),
            end: offset(end.max(start)),
        }
    }

    fn document(&mut self, problems: &mut Problems) -> Result<Node, Problem> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(Problem::error(
                        "several-documents",
                        "a second document starts here; a desired state is one document",
                    )
                    .at(span)
                    .help("remove the `---` line, or move what follows to a file of its own"));
                }
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, 0, problems)?);
                }
                Event::StreamEnd => {
                    return root.ok_or_else(|| {
                        Problem::error("empty-file", "the file has no content")
                            .at(self.span(0, 0))
                            .help("the smallest valid file says `version: 1`")
                    });
                }
                _ => return Err(self.syntax_error("unexpected content", span.start as usize)),
            }
        }
    }

    fn node(
        &mut self,
        event: Event<'t>,
        span: Span,
        depth: usize,
        problems: &mut Problems,
    ) -> Result<Node, Problem> {
        self.limits.node(span, depth)?;
        if event.tag().is_some_and(|tag| !tag.is_yaml_core_schema_tag("str")) {
            // It is not quoted: a password may start with `!`.
            problems.push(
                Problem::error(
                    "yaml-tag",
                    "a value that starts with `!` has a tag, which means nothing here",
                )
                .at(span)
                .help("put the value in quotes, or remove the tag: the field decides the type of a value"),
            );
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let is_null = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let kind = if is_null {
                    Kind::Null
                } else {
                    Kind::scalar(text, plain)
                };
                (Node { span, kind }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        break span;
                    }
                    items.push(self.node(event, span, depth + 1, problems)?);
                };
                let span = self.cover(span, end, items.last().map(|n| n.span));
                (
                    Node {
                        span,
                        kind: Kind::Seq(items),
                    },
                    anchor,
                )
            }
            Event::MappingStart(_, anchor, _) => (self.map(span, depth, problems)?, anchor),
            Event::Alias(id) => {
                let Some(target) = self.anchors.get(&id) else {
                    return Err(self.syntax_error("an anchor that contains itself", span.start as usize));
                };
                let (nodes, bytes) = size(target);
                self.limits.alias(span, nodes, bytes)?;
                let target = target.clone();
                return Ok(Node { span, ..target });
            }
            _ => return Err(self.syntax_error("unexpected content", span.start as usize)),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn map(&mut self, start: Span, depth: usize, problems: &mut Problems) -> Result<Node, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let end = loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break span;
            }
            let is_plain = matches!(&event, Event::Scalar(_, ScalarStyle::Plain, ..));
            let key = self.node(event, span, depth + 1, problems)?;
            let name = match key.kind {
                Kind::Scalar(scalar) => Some(scalar.text),
                Kind::Null => Some("null".into()),
                Kind::Seq(_) | Kind::Map(_) | Kind::Unknown => None,
            };
            let names_a_secret = name.as_deref().is_some_and(names_a_secret);
            self.secret_depth += usize::from(names_a_secret);
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1, problems)?;
            self.secret_depth -= usize::from(names_a_secret);
            match name {
                Some(name) if &*name == "<<" && is_plain => {
                    problems.push(
                        Problem::error("merge-key", "`<<` does not merge maps in YAML 1.2")
                            .at(key.span)
                            .help("write the keys out; an alias can stand for a whole value"),
                    );
                    self.drop(key.span, value, false);
                }
                // What is one word for YAML is a key and its value for everyone else.
                Some(name) if is_plain && is_unwritten(&value) && !is_word(&name) => {
                    let length = name.find(|c| !is_word_char(c)).unwrap_or(name.len());
                    let (word, rest) = split(key.span, length);
                    let message = format!("there is no `: ` after `{}`", &name[..length]);
                    problems.push(Problem::error("invalid-key", message).at(word));
                    let kind = Kind::scalar(name, true);
                    self.drop(word, Node { span: rest, kind }, true);
                }
                Some(name) => entries.push((Key { span: key.span, name }, value)),
                None => {
                    problems.push(Problem::error("invalid-key", "a key must be a string").at(key.span));
                    self.drop(key.span, value, false);
                }
            }
        };
        let span = self.cover(start, end, entries.last().map(|(_, n)| n.span));
        self.drop_duplicates(&mut entries, problems);
        Ok(Node {
            span,
            kind: Kind::Map(entries),
        })
    }

    fn drop(&mut self, key: Span, value: Node, is_secret: bool) {
        self.dropped.push(Dropped {
            key,
            value,
            is_secret: is_secret || self.secret_depth > 0,
        });
    }

    /// Keeps the first entry of each name.
    fn drop_duplicates(&mut self, entries: &mut Vec<(Key, Node)>, problems: &mut Problems) {
        let mut by_name: Vec<usize> = (0..entries.len()).collect();
        by_name.sort_by(|&a, &b| entries[a].0.name.cmp(&entries[b].0.name));
        let mut duplicates = vec![false; entries.len()];
        for same in by_name.chunk_by(|&a, &b| entries[a].0.name == entries[b].0.name) {
            for &again in &same[1..] {
                let (key, value) = &entries[again];
                problems.push(duplicate_key(&key.name, key.span, entries[same[0]].0.span));
                self.drop(key.span, value.clone(), names_a_secret(&key.name));
                duplicates[again] = true;
            }
        }
        let mut at = duplicates.into_iter();
        entries.retain(|_| !at.next().unwrap_or_default());
    }

    /// A flow collection ends at its bracket; a block collection with its last value, since its
    /// end event comes only where the next thing starts.
    fn cover(&self, start: Span, end: Span, last: Option<Span>) -> Span {
        let is_flow = self.text[start.start as usize..].starts_with(['{', '[']);
        let end = match last {
            Some(last) if !is_flow => last.end,
            _ => end.end,
        };
        Span {
            end: end.max(start.end),
            ..start
        }
    }
}

/// Not even `null`.
fn is_unwritten(value: &Node) -> bool {
    matches!(value.kind, Kind::Null) && value.span.start == value.span.end
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || "_-.".contains(c)
}

fn is_word(name: &str) -> bool {
    name.chars().all(is_word_char)
}

fn split(span: Span, bytes: usize) -> (Span, Span) {
    let at = (span.start + offset(bytes)).min(span.end);
    (Span { end: at, ..span }, Span { start: at, ..span })
}

/// Values, and bytes of text.
fn size(node: &Node) -> (usize, usize) {
    let add = |(nodes, bytes): (usize, usize), more: (usize, usize)| (nodes + more.0, bytes + more.1);
    match &node.kind {
        Kind::Null | Kind::Unknown => (1, 0),
        Kind::Scalar(scalar) => (1, scalar.text.len()),
        Kind::Seq(items) => items.iter().map(size).fold((1, 0), add),
        Kind::Map(entries) => entries
            .iter()
            .map(|(key, value)| add(size(value), (0, key.name.len())))
            .fold((1, 0), add),
    }
}
