//! Live resources in the shape of the file, as the kinds write them.

use crate::ask::Answers;
use crate::change::Resource;
use crate::kind::{Key, Kind};
use crate::live::Live;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What to write of a server.
pub struct Export {
    pub stack: Option<String>,
    /// The entries by kind, in the order of the file.
    pub entries: Vec<Entry>,
    /// What is on the server and not in the file, and why.
    pub left_out: Vec<LeftOut>,
    /// What must be set before the file can be planned: names of environment variables.
    pub supply: BTreeMap<String, Supply>,
    /// What the file does not say, since it could not be found out.
    pub notes: Vec<String>,
}

/// A resource in the file's own shape.
#[derive(Clone)]
pub struct Entry {
    pub key: Key,
    pub json: Json,
}

impl Entry {
    pub fn kind(&self) -> Kind {
        self.key.kind()
    }
}

pub struct LeftOut {
    pub resource: Resource,
    pub why: String,
}

/// A value that is not written.
pub struct Supply {
    /// What the value is, in words.
    pub what: String,
    /// The value on the server, for the check; never shown. `None` when the server hides it.
    pub value: Option<Rc<str>>,
}

/// An export in the making.
pub struct Exporting<'a> {
    pub live: &'a Live,
    /// What the endpoints serve without overrides, where that could be found out.
    pub answers: &'a Answers,
    /// The stack to export; everything without one.
    pub stack: Option<&'a str>,
    export: Export,
}

impl<'a> Exporting<'a> {
    pub fn new(live: &'a Live, answers: &'a Answers, stack: Option<&'a str>) -> Self {
        Self {
            live,
            answers,
            stack,
            export: Export {
                stack: stack.map(str::to_owned),
                entries: Vec::new(),
                left_out: Vec::new(),
                supply: BTreeMap::new(),
                notes: Vec::new(),
            },
        }
    }

    pub fn finish(self) -> Export {
        self.export
    }

    pub fn leave_out(&mut self, resource: Resource, why: impl Into<String>) {
        let why = why.into();
        self.export.left_out.push(LeftOut { resource, why });
    }

    pub fn note(&mut self, note: String) {
        self.export.notes.push(note);
    }

    pub fn has(&self, key: &Key) -> bool {
        self.export.entries.iter().any(|entry| entry.key == *key)
    }

    pub fn push(&mut self, key: Key, json: Map<String, Json>) {
        let json = json.into();
        self.export.entries.push(Entry { key, json });
    }

    /// A reference to an environment variable of its own.
    pub fn supply(&mut self, whose: &str, name: &str, what: String, value: Option<Rc<str>>) -> Json {
        let whose = whose.split_once("://").map_or(whose, |(_, rest)| rest);
        let words: Vec<String> = format!("secret {whose} {name}")
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_uppercase)
            .collect();
        let base = words.join("_");
        let supply = &mut self.export.supply;
        let numbered = (2..).map(|n| format!("{base}_{n}"));
        let free = std::iter::once(base.clone())
            .chain(numbered)
            .find(|name| !supply.contains_key(name));
        let variable = free.unwrap_or(base);
        let reference = format!("${{env:{variable}}}");
        supply.insert(variable, Supply { what, value });
        reference.into()
    }
}

/// Text as a value that is no reference, whatever it holds.
pub fn literal(text: &str) -> Json {
    text.replace("${", "$${").into()
}
