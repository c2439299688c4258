//! From the events of a parser to the tree, for YAML and JSON.

use super::hidden::{Dropped, Vocabulary};
use super::limits::Limits;
use super::node::{Key, Kind, Node};
use super::{Span, duplicate_key, offset};
use crate::code::Code;
use crate::problem::{Problem, Problems};
use granit_parser::{Event, ScalarStyle};
use std::collections::{HashMap, HashSet};

pub type Met<'t> = Result<(Event<'t>, Span), Problem>;

pub struct Builder<'t, E> {
    text: &'t str,
    events: E,
    vocabulary: &'static Vocabulary,
    anchors: HashMap<usize, Node>,
    limits: Limits,
    /// Entries with keys that were written before, which are in no tree but in the text.
    pub dropped: Vec<Dropped>,
    /// How many of the keys above name a secret.
    secret_depth: usize,
}

impl<'t, E: Iterator<Item = Met<'t>>> Builder<'t, E> {
    pub fn new(text: &'t str, events: E, vocabulary: &'static Vocabulary) -> Self {
        Self {
            text,
            events,
            vocabulary,
            anchors: HashMap::new(),
            limits: Limits::new(text.len()),
            dropped: Vec::new(),
            secret_depth: 0,
        }
    }

    pub fn next(&mut self) -> Met<'t> {
        let too_early = || Err(invalid("the document ends too early", Span::default()));
        self.events.next().unwrap_or_else(too_early)
    }

    /// The value that comes next, and all that is in it.
    pub fn root(&mut self, problems: &mut Problems) -> Result<Node, Problem> {
        let (event, span) = self.next()?;
        self.node(event, span, 0, problems)
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
                    Code::YamlTag,
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
                items.shrink_to_fit();
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
                    return Err(invalid("an anchor that contains itself", span));
                };
                let (nodes, bytes) = size(target);
                self.limits.copy(span, nodes, bytes)?;
                let target = target.clone();
                return Ok(Node { span, ..target });
            }
            _ => return Err(invalid("unexpected content", span)),
        };
        if anchor != 0 {
            let (nodes, bytes) = size(&node);
            self.limits.copy(span, nodes, bytes)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn map(&mut self, start: Span, depth: usize, problems: &mut Problems) -> Result<Node, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut merged: Vec<(Key, Node)> = Vec::new();
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
            let names_a_secret = name
                .as_deref()
                .is_some_and(|name| self.vocabulary.is_secret(name));
            self.secret_depth += usize::from(names_a_secret);
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1, problems)?;
            self.secret_depth -= usize::from(names_a_secret);
            match name {
                Some(name) if &*name == "<<" && is_plain => match maps_of(value) {
                    Ok(maps) => merged.extend(maps),
                    Err(value) => {
                        let message = format!("`<<` merges maps, and this is {}", value.describe());
                        problems.push(
                            Problem::error(Code::MergeKey, message)
                                .at(key.span)
                                .help("write an alias of a map, or a list of such aliases"),
                        );
                        self.drop(key.span, value, false);
                    }
                },
                // What is one word for YAML is a key and its value for everyone else.
                Some(name) if is_plain && is_unwritten(&value) && !is_word(&name) => {
                    let length = name.find(|c| !is_word_char(c)).unwrap_or(name.len());
                    let (word, rest) = split(key.span, length);
                    let message = format!("there is no `: ` after `{}`", &name[..length]);
                    problems.push(Problem::error(Code::InvalidKey, message).at(word));
                    let kind = Kind::scalar(name, true);
                    self.drop(word, Node { span: rest, kind }, true);
                }
                Some(name) => entries.push((Key { span: key.span, name }, value)),
                None => {
                    problems.push(Problem::error(Code::InvalidKey, "a key must be a string").at(key.span));
                    self.drop(key.span, value, false);
                }
            }
        };
        let span = self.cover(start, end, entries.last().map(|(_, n)| n.span));
        self.drop_duplicates(&mut entries, problems);
        // What is written wins over what is merged, and of several maps the first.
        if !merged.is_empty() {
            let mut names: HashSet<Box<str>> = entries.iter().map(|(key, _)| key.name.clone()).collect();
            merged.retain(|(key, _)| names.insert(key.name.clone()));
            entries.append(&mut merged);
        }
        entries.shrink_to_fit();
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
                let is_secret = self.vocabulary.is_secret(&key.name);
                self.drop(key.span, value.clone(), is_secret);
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

pub fn invalid(what: &str, span: Span) -> Problem {
    Problem::error(Code::InvalidYaml, format!("this is not valid YAML: {what}")).at(span)
}

/// The entries that `<<` merges: those of a map, or of the maps in a list.
fn maps_of(value: Node) -> Result<Vec<(Key, Node)>, Node> {
    match value.kind {
        Kind::Map(entries) => Ok(entries),
        Kind::Seq(items) if items.iter().all(|item| matches!(item.kind, Kind::Map(_))) => {
            let maps = items.into_iter().map(maps_of);
            Ok(maps
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .flatten()
                .collect())
        }
        kind => Err(Node { kind, ..value }),
    }
}

/// Whether nothing is written at all, not even `null`.
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

/// The size of a tree: how many values, and how many bytes of text.
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
