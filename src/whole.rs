//! The desired state of all files as one document, in which references are resolved but for secrets.

use crate::config::SECTIONS_IN_ORDER;
use crate::source::frozen::{Frozen, pointer, variables_in};
use crate::source::interpolate::VARIABLES;
use crate::source::node::{Kind, Node, Scalar};
use crate::source::reference::is_bare;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One file, as it was read.
pub struct Tree {
    pub file: String,
    /// Before references were resolved.
    pub written: Node,
    pub resolved: Node,
}

/// Values may be secrets.
impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)
    }
}

/// All files as one document.
#[derive(Debug)]
pub struct Whole {
    pub document: Json,
    /// The names of the variables of the environment that stand for a secret that is written in a file, with
    /// its place in words.
    pub literals: Vec<(String, String)>,
}

impl Whole {
    /// `is_shown`: whether no secret of the run is in a text; one may be used where nothing is secret.
    pub fn of(trees: &[Tree], frozen: &BTreeMap<String, Frozen>, is_shown: &dyn Fn(&str) -> bool) -> Self {
        let (mut fields, mut variables) = (Map::new(), Map::new());
        let mut literals = Vec::new();
        let secret: BTreeSet<&str> = frozen.values().flat_map(Frozen::sensitive_variables).collect();
        for Tree {
            file,
            written,
            resolved,
        } in trees
        {
            let (Kind::Map(written), Kind::Map(resolved)) = (&written.kind, &resolved.kind) else {
                continue;
            };
            let mut reading = Reading {
                file,
                sensitive: frozen.get(file).map(|frozen| &frozen.sensitive),
                is_shown,
                literals: &mut literals,
            };
            for ((key, written), (_, resolved)) in written.iter().zip(resolved) {
                match as_written(written) {
                    Json::Object(declared) if &*key.name == VARIABLES => {
                        let declared = declared.into_iter();
                        variables.extend(declared.map(|(name, of)| without_secret(name, of, &secret)));
                    }
                    _ => {
                        let mut path = vec![key.name.to_string()];
                        let value = reading.value(written, resolved, &mut path);
                        add_to(&mut fields, &key.name, value);
                    }
                }
            }
        }
        // Those that it still refers to.
        let text = Json::Object(fields.clone()).to_string();
        let used: BTreeSet<String> = variables_in(&text).into_iter().collect();
        variables.retain(|name, _| used.contains(name));
        if !variables.is_empty() {
            fields.insert(VARIABLES.to_owned(), variables.into());
        }
        let sections = SECTIONS_IN_ORDER.into_iter();
        let ordered = sections.filter_map(|name| Some((name.to_owned(), fields.shift_remove(name)?)));
        Self {
            document: ordered.collect::<Map<_, _>>().into(),
            literals,
        }
    }
}

/// One file, as it is put in.
struct Reading<'a> {
    file: &'a str,
    sensitive: Option<&'a BTreeSet<String>>,
    is_shown: &'a dyn Fn(&str) -> bool,
    literals: &'a mut Vec<(String, String)>,
}

impl Reading<'_> {
    fn value(&mut self, written: &Node, resolved: &Node, path: &mut Vec<String>) -> Json {
        match (&written.kind, &resolved.kind) {
            (Kind::Map(written), Kind::Map(resolved)) => {
                let entries = written
                    .iter()
                    .zip(resolved)
                    .map(|((key, written), (_, resolved))| {
                        path.push(key.name.to_string());
                        let value = self.value(written, resolved, path);
                        path.pop();
                        (key.name.to_string(), value)
                    });
                entries.collect::<Map<_, _>>().into()
            }
            (Kind::Seq(written), Kind::Seq(resolved)) => {
                let items = written.iter().zip(resolved).enumerate();
                let items = items.map(|(index, (written, resolved))| {
                    path.push(index.to_string());
                    let value = self.value(written, resolved, path);
                    path.pop();
                    value
                });
                items.collect()
            }
            (Kind::Scalar(text), Kind::Scalar(resolved)) => {
                let place = pointer(path);
                let is_sensitive = self.sensitive.is_some_and(|places| places.contains(&place));
                match (is_sensitive || !(self.is_shown)(&resolved.text), &resolved.filled) {
                    (false, _) => plain(resolved),
                    (true, Some(_)) if is_bare(&text.text) => Json::from(&*text.text),
                    (true, _) => {
                        let name = self.free_name(path);
                        self.literals
                            .push((name.clone(), format!("{}, at {place}", self.file)));
                        Json::from(format!("${{env:{name}}}"))
                    }
                }
            }
            (_, Kind::Null) => Json::Null,
            // What could not be resolved stays as it is written.
            _ => as_written(written),
        }
    }
}

impl Reading<'_> {
    /// A variable of the environment for what is secret and written in a file, by its place.
    fn free_name(&self, path: &[String]) -> String {
        let letters = |part: &String| -> String {
            let letter = |c: char| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_uppercase()
                } else {
                    '_'
                }
            };
            part.chars().map(letter).collect()
        };
        let base = path.iter().map(letters).collect::<Vec<_>>().join("_");
        let is_taken = |name: &String| self.literals.iter().any(|(taken, _)| taken == name);
        let numbered = (2..).map(|n| format!("{base}_{n}"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        names.find(|name| !is_taken(name)).unwrap_or(base)
    }
}

/// A declaration, without a default that would be a secret.
fn without_secret(name: String, mut declaration: Json, secret: &BTreeSet<&str>) -> (String, Json) {
    let default = declaration.get("default").and_then(Json::as_str);
    let is_literal = default.is_some_and(|default| !is_bare(default));
    if let Some(fields) = declaration
        .as_object_mut()
        .filter(|_| is_literal && secret.contains(name.as_str()))
    {
        fields.shift_remove("default");
    }
    (name, declaration)
}

/// Lists go on, maps are one, and what is written once more is equal.
fn add_to(fields: &mut Map<String, Json>, name: &str, value: Json) {
    match (fields.get_mut(name), value) {
        (Some(Json::Array(list)), Json::Array(more)) => list.extend(more),
        (Some(Json::Object(map)), Json::Object(more)) => map.extend(more),
        (Some(_), _) => {}
        (None, value) => drop(fields.insert(name.to_owned(), value)),
    }
}

fn as_written(node: &Node) -> Json {
    match &node.kind {
        Kind::Null | Kind::Unknown => Json::Null,
        Kind::Scalar(scalar) if scalar.text.contains("${") => Json::from(&*scalar.text),
        Kind::Scalar(scalar) => plain(scalar),
        Kind::Seq(items) => items.iter().map(as_written).collect(),
        Kind::Map(entries) => {
            let entries = entries.iter();
            entries
                .map(|(key, value)| (key.name.to_string(), as_written(value)))
                .collect()
        }
    }
}

/// A value that is no reference, with its type where it says one.
fn plain(scalar: &Scalar) -> Json {
    let text = &*scalar.text;
    match text {
        "true" if scalar.plain => true.into(),
        "false" if scalar.plain => false.into(),
        _ => match text.parse::<i64>() {
            Ok(n) if scalar.plain && n.to_string() == text => n.into(),
            _ => text.replace("${", "$${").into(),
        },
    }
}
