//! The valid desired state. Building it from the file's shape reports everything that is wrong;
//! what is here can be relied on, and every value keeps its place in the file.

mod address;
mod canonical;
mod deployment;
mod duration;
mod kafka;
mod service;
mod subscription;

use crate::config::{self, FORMAT_VERSION};
use crate::problem::{Problem, Problems};
use crate::source::{Map, Read, Span, Spanned, duplicate_key};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

pub use address::{Address, HttpAddress};
pub use deployment::{Deployment, Header, Headers};
pub use duration::Duration;
pub use service::{SERVICE_NAME, Service};
pub use subscription::{Sink, Source, Subscription, is_sensitive_option};

/// Everything that is refused unless somebody consents to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consent {
    Breaking,
    Overwrite,
    Promote,
    Expose,
    Regroup,
}

impl Consent {
    pub const ALL: [Self; 5] = [
        Self::Breaking,
        Self::Overwrite,
        Self::Promote,
        Self::Expose,
        Self::Regroup,
    ];

    /// The word for it, in `allow:` and `--allow`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Breaking => "breaking",
            Self::Overwrite => "overwrite",
            Self::Promote => "promote",
            Self::Expose => "expose",
            Self::Regroup => "regroup",
        }
    }
}

/// What the files of a run ask for.
#[derive(Debug, Default)]
pub struct Desired {
    /// In listed order, which decides who serves a service that several expose.
    pub deployments: Vec<Deployment>,
    pub services: BTreeMap<String, Service>,
    pub subscriptions: Vec<Subscription>,
}

impl Desired {
    /// `files`: what each file says, and its place. `is_whole`: these are all there are.
    pub fn build(files: Vec<(config::File, Span)>, is_whole: bool, problems: &mut Problems) -> Self {
        let mut desired = Self::default();
        check_versions(&files, is_whole, problems);
        for (file, _) in files {
            let config::File {
                version: _,
                // They have served their purpose.
                variables: _,
                deployments,
                services,
                subscriptions,
            } = file;
            let deployments = entries(deployments).filter_map(|entry| Deployment::build(entry, problems));
            desired.deployments.extend(deployments);
            for (name, entry) in pairs(services) {
                if let Some(service) = entry.and_then(|entry| Service::build(name, entry, problems)) {
                    desired.add_service(service, problems);
                }
            }
            let subscriptions =
                entries(subscriptions).filter_map(|entry| Subscription::build(entry, problems));
            desired.subscriptions.extend(subscriptions);
        }
        desired
    }

    /// One file cannot have a service twice, but two can.
    fn add_service(&mut self, service: Service, problems: &mut Problems) {
        match self.services.entry(service.name.value.clone()) {
            Entry::Vacant(entry) => drop(entry.insert(service)),
            Entry::Occupied(first) => {
                let (first, second) = (first.get().name.span, service.name.span);
                problems.push(duplicate_key(&service.name.value, second, first));
            }
        }
    }

    /// The values that must not appear in any output.
    pub fn sensitive_values(&self) -> impl Iterator<Item = &crate::secret::Value> {
        let headers = self
            .deployments
            .iter()
            .flat_map(|d| &d.additional_headers)
            .flat_map(|headers| headers.value.values().map(|header| &header.value));
        let options = self
            .subscriptions
            .iter()
            .flat_map(|s| s.options.values().map(|option| &option.value));
        headers.chain(options).filter(|value| value.is_sensitive())
    }
}

/// Every version that is written must be ours, and one file must have one.
fn check_versions(files: &[(config::File, Span)], is_whole: bool, problems: &mut Problems) {
    for (file, _) in files {
        if let Some(&Read {
            value: Some(found),
            span,
        }) = file.version.as_ref()
            && found != FORMAT_VERSION
        {
            let message = format!("this program reads format version {FORMAT_VERSION}, not {found}");
            problems.push(
                Problem::error("wrong-version", message)
                    .at(span)
                    .help("a newer format needs a newer restatectl"),
            );
        }
    }
    if let [(_, root), ..] = files
        && is_whole
        && files.iter().all(|(file, _)| file.version.is_none())
    {
        let top = Span {
            end: root.start,
            ..*root
        };
        problems.push(
            Problem::error("missing-field", "nothing says which format version this is")
                .at(top)
                .help(format!("add `version: {FORMAT_VERSION}` at the top")),
        );
    }
}

/// The entries of a list that could be read.
fn entries<T>(list: Option<Read<Vec<Read<T>>>>) -> impl Iterator<Item = Spanned<T>> {
    list.and_then(|list| list.value)
        .into_iter()
        .flatten()
        .filter_map(Read::ok)
}

/// The entries of a map; `None` for a value that could not be read.
fn pairs<V>(map: Option<Read<Map<V>>>) -> impl Iterator<Item = (Spanned<String>, Option<Spanned<V>>)> {
    map.and_then(|map| map.value)
        .into_iter()
        .flat_map(|map| map.0)
        .map(|(key, value)| (key, value.ok()))
}
