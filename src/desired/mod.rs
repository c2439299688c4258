//! The valid desired state. Building it from the file's shape reports everything that is wrong;
//! what is here can be relied on, and every value keeps its place in the file.

mod address;
mod canonical;
mod deployment;
mod duration;
mod service;
mod subscription;

use crate::config::{self, FORMAT_VERSION};
use crate::problem::{Problem, Problems};
use crate::source::{Map, Read, Span, Spanned};
use std::collections::BTreeMap;

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
    pub fn build(file: config::File, root: Span, problems: &mut Problems) -> Self {
        let config::File {
            version,
            deployments,
            services,
            subscriptions,
        } = file;
        check_version(version.as_ref(), root, problems);
        Self {
            deployments: entries(deployments)
                .filter_map(|entry| Deployment::build(entry, problems))
                .collect(),
            services: pairs(services)
                .filter_map(|(name, entry)| Service::build(name, entry?, problems))
                .map(|service| (service.name.value.clone(), service))
                .collect(),
            subscriptions: entries(subscriptions)
                .filter_map(|entry| Subscription::build(entry, problems))
                .collect(),
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

fn check_version(version: Option<&Read<u64>>, root: Span, problems: &mut Problems) {
    let top = Span {
        end: root.start,
        ..root
    };
    match version {
        None => problems.push(
            Problem::error(
                "missing-field",
                "the file does not say which format version it is in",
            )
            .at(top)
            .help(format!("add `version: {FORMAT_VERSION}` at the top")),
        ),
        Some(&Read {
            value: Some(found),
            span,
        }) if found != FORMAT_VERSION => problems.push(
            Problem::error(
                "wrong-version",
                format!("this program reads format version {FORMAT_VERSION}, not {found}"),
            )
            .at(span)
            .help("a newer format needs a newer restatectl"),
        ),
        Some(_) => {}
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

/// `${env:…}` and its kin come with a later version of this program. Sending them literally would
/// register a header that says `${env:TOKEN}`, so they are refused until then.
fn no_reference(text: &Spanned<String>, problems: &mut Problems) -> bool {
    let found = ["${env:", "${file:", "${var:"]
        .into_iter()
        .any(|start| text.value.contains(start));
    if found {
        problems.push(
            Problem::error(
                "reference",
                "this version of restatectl does not resolve references",
            )
            .at(text.span)
            .help("write the value itself, or make the file with a tool that fills it in"),
        );
    }
    !found
}
