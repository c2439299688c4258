//! Scenes in a line: what is served, what is registered already, and a file that lists it.
//!
//! `let old = world.has(service("Mail"));` is a deployment that is there, and
//! `let new = world.serves(service("Mail"), "services: { Mail: { public: false } }");` one that the
//! file wants. `world.lists([&old, &new], "…")` writes a file for endpoints that run.

use crate::endpoint::{Endpoint, Manifest};
use crate::sdk::SdkEndpoint;
use crate::world::World;
use serde_json::Value;

/// An entry of a file's `deployments`.
pub struct Entry {
    uri: String,
    fields: String,
}

impl From<&Endpoint> for Entry {
    fn from(endpoint: &Endpoint) -> Entry {
        endpoint.at("/")
    }
}

impl From<&SdkEndpoint> for Entry {
    fn from(endpoint: &SdkEndpoint) -> Entry {
        Entry::from(&endpoint.url())
    }
}

impl<T: AsRef<str>> From<&T> for Entry {
    fn from(uri: &T) -> Entry {
        Entry {
            uri: uri.as_ref().to_owned(),
            fields: String::new(),
        }
    }
}

impl Entry {
    /// With more than its address: `allow: [breaking]`.
    #[must_use]
    pub fn with(mut self, fields: &str) -> Entry {
        self.fields = format!("{}, {fields}", self.fields);
        self
    }
}

impl Endpoint {
    /// Its entry, with more than its address.
    pub fn with(&self, fields: &str) -> Entry {
        self.at("/").with(fields)
    }

    /// The entry of what is mounted there.
    pub fn at(&self, path: &str) -> Entry {
        Entry {
            uri: self.url_at(path),
            fields: String::new(),
        }
    }
}

impl World {
    /// An endpoint that somebody has registered.
    #[track_caller]
    pub fn has(&self, manifest: impl Into<Manifest>) -> Endpoint {
        let endpoint = Endpoint::start(manifest);
        self.register(&endpoint.url());
        endpoint
    }

    /// An endpoint, and a file that lists it and nothing else but what more it says.
    pub fn serves(&self, manifest: impl Into<Manifest>, more: &str) -> Endpoint {
        let endpoint = Endpoint::start(manifest);
        self.lists([&endpoint], more);
        endpoint
    }

    /// Writes the desired state: these deployments, on its second line, and what more it says.
    pub fn lists<E: Into<Entry>>(&self, deployments: impl IntoIterator<Item = E>, more: &str) {
        let entries = deployments.into_iter().map(|entry| {
            let Entry { uri, fields } = entry.into();
            format!("{{ uri: '{uri}'{fields} }}")
        });
        let entries: Vec<String> = entries.collect();
        self.wants(&format!("deployments: [{}]\n{more}\n", entries.join(", ")));
    }

    /// A file of this test, `restate.yaml` mostly.
    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        let path = self.desk.path().join(name);
        std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Edits the desired state.
    #[track_caller]
    pub fn edit(&self, before: &str, after: &str) {
        let file = self.read("restate.yaml");
        assert!(file.contains(before), "no {before:?} in:\n{file}");
        self.desk.write("restate.yaml", file.replace(before, after));
    }

    /// Adds to the desired state.
    #[track_caller]
    pub fn wants_also(&self, more: &str) {
        self.desk.write("restate.yaml", self.read("restate.yaml") + more);
    }

    /// What is registered.
    #[track_caller]
    pub fn deployments(&self) -> Vec<Value> {
        self.get("/deployments")["deployments"]
            .as_array()
            .unwrap()
            .clone()
    }
}
