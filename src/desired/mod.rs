//! The valid desired state. Building it from the file's shape reports everything that is wrong;
//! what is here can be relied on, and every value keeps its place in the file.

mod address;
mod canonical;
mod consent;
mod deployment;
mod duration;
mod endpoint;
mod kafka;
mod lifecycle;
mod service;
mod subscription;

use crate::config::{self, FORMAT_VERSION};
use crate::problem::{Problem, Problems};
use crate::source::frozen::Frozen;
use crate::source::{Map, Read, Span, Spanned, Text, duplicate_key};
use litemap::LiteMap;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

pub use crate::config::{DeploymentPolicy, SubscriptionPolicy};
pub use address::{Address, HttpAddress};
pub use consent::Consent;
pub use deployment::{Deployment, Header, Headers};
pub use duration::Duration;
pub use endpoint::EndpointPattern;
use lifecycle::agreed;
pub use lifecycle::{Prune, PruneDeployments, STACK_MARK, Safety};
pub use service::{SERVICE_NAME, Service};
pub use subscription::{Sink, Source, Subscription, is_sensitive_option};

/// What the files of a run ask for.
#[derive(Debug, Default)]
pub struct Desired {
    /// In listed order, which decides who serves a service that several expose.
    pub deployments: Vec<Deployment>,
    pub services: BTreeMap<String, Service>,
    pub subscriptions: Vec<Subscription>,
    /// Who owns all of this.
    pub stack: Option<Spanned<String>>,
    /// The cluster that this is for.
    pub cluster_name: Option<Spanned<String>>,
    pub prune: Prune,
    pub safety: Safety,
    /// Which kinds the files have a section for, which is what makes pruning look at them.
    pub sections: Sections,
    pub protected: Protected,
    /// The deployments that were listed, by identity, where all that is ours is to go.
    pub emptied_of: BTreeSet<String>,
    /// What the references of each file stood for, where that is not sensitive.
    pub frozen: BTreeMap<String, Frozen>,
}

/// Whether a file's value at this path may not be shown or kept. `is_external`: the environment or
/// another file gave a part of it.
pub fn is_sensitive_place(path: &[String], is_external: bool) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path[..] {
        ["deployments", _, "additional_headers", ..] => true,
        ["subscriptions", _, "options", name, ..] => subscription::is_sensitive_value(name, is_external),
        _ => false,
    }
}

/// What no plan may delete, also where the entries themselves are left out of account.
#[derive(Debug, Default)]
pub struct Protected {
    /// By identity.
    pub deployments: BTreeSet<String>,
    pub services: BTreeSet<String>,
    /// Source, sink, and consumer group if the file writes it.
    pub subscriptions: BTreeSet<(String, String, Option<String>)>,
}

impl Protected {
    pub fn len(&self) -> usize {
        self.deployments.len() + self.services.len() + self.subscriptions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The sections that are written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sections {
    pub deployments: Option<Section>,
    pub subscriptions: Option<Section>,
}

/// A section of one or several files.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    pub span: Span,
    /// In all of them: there should be none.
    pub is_empty: bool,
}

impl Section {
    /// With what another file says; `None` where nothing is written behind the name.
    fn and<T>(before: Option<Self>, list: Option<&Read<Vec<T>>>) -> Option<Self> {
        let Some(list) = list else { return before };
        let is_empty = list.value.as_ref().is_some_and(Vec::is_empty);
        Some(Self {
            span: before.map_or(list.span, |before| before.span),
            is_empty: is_empty && before.is_none_or(|before| before.is_empty),
        })
    }
}

impl Desired {
    /// `files`: what each file says, and its place. `is_whole`: these are all there are.
    pub fn build(files: Vec<(config::File, Span)>, is_whole: bool, problems: &mut Problems) -> Self {
        let mut desired = Self::default();
        check_versions(&files, is_whole, problems);
        let (mut stacks, mut targets, mut prunes, mut safeties) = (vec![], vec![], vec![], vec![]);
        for (file, _) in files {
            let config::File {
                version: _,
                // They have served their purpose.
                variables: _,
                stack,
                target,
                deployments,
                services,
                subscriptions,
                prune,
                safety,
            } = file;
            let sections = &mut desired.sections;
            sections.deployments = Section::and(sections.deployments, deployments.as_ref());
            sections.subscriptions = Section::and(sections.subscriptions, subscriptions.as_ref());
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
            stacks.extend(stack.and_then(|stack| lifecycle::stack(stack, problems)));
            targets.extend(
                target
                    .and_then(Read::ok)
                    .and_then(|target| target.value.cluster_name?.ok()),
            );
            prunes.extend(
                prune
                    .and_then(Read::ok)
                    .map(|read| read.map(|prune| Prune::build(prune, problems))),
            );
            safeties.extend(safety.and_then(Read::ok).map(|read| read.map(Safety::build)));
        }
        desired.stack = agreed(stacks, "stack", problems);
        desired.cluster_name = agreed(targets, "target", problems).map(|name| name.map(Text::into_string));
        desired.prune = agreed(prunes, "prune", problems).map_or_else(Prune::default, |prune| prune.value);
        desired.safety =
            agreed(safeties, "safety", problems).map_or_else(Safety::default, |safety| safety.value);
        desired.protected = desired.protected();
        desired
    }

    fn protected(&self) -> Protected {
        let deployments = self.deployments.iter().filter(|entry| entry.is_protected);
        let services = self.services.values().filter(|service| service.is_protected);
        let subscriptions = self.subscriptions.iter().filter(|entry| entry.is_protected);
        Protected {
            deployments: deployments.map(|entry| entry.address.value.identity()).collect(),
            services: services.map(|service| service.name.value.clone()).collect(),
            subscriptions: subscriptions
                .map(|entry| {
                    let group = entry.group_id().map(str::to_owned);
                    (
                        entry.source.value.to_string(),
                        entry.sink.value.to_string(),
                        group,
                    )
                })
                .collect(),
        }
    }

    /// The same owner, target and safety, with every section written and empty: all that is ours is
    /// to go. `at`: what asks for it.
    #[must_use]
    pub fn emptied(self, at: Span) -> Self {
        let section = Some(Section {
            span: at,
            is_empty: true,
        });
        let deployments = PruneDeployments {
            policy: match self.prune.deployments.policy {
                DeploymentPolicy::Keep => DeploymentPolicy::Drained,
                policy => policy,
            },
            keep: 0,
            ..self.prune.deployments
        };
        let listed = self.deployments.iter();
        Self {
            emptied_of: listed.map(|entry| entry.address.value.identity()).collect(),
            deployments: Vec::new(),
            services: BTreeMap::new(),
            subscriptions: Vec::new(),
            prune: Prune {
                deployments,
                subscriptions: SubscriptionPolicy::Delete,
            },
            sections: Sections {
                deployments: section,
                subscriptions: section,
            },
            ..self
        }
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

fn is_true(field: Option<Read<bool>>) -> bool {
    field.and_then(Read::ok).is_some_and(|field| field.value)
}

/// As small as it can be: there are many such maps, with an entry or two each.
fn compact<V>(map: BTreeMap<String, V>) -> LiteMap<String, V> {
    let mut compact = LiteMap::with_capacity(map.len());
    compact.extend(map);
    compact
}

/// The entries of a map; `None` for a value that could not be read.
fn pairs<V>(map: Option<Read<Map<V>>>) -> impl Iterator<Item = (Spanned<String>, Option<Spanned<V>>)> {
    map.and_then(|map| map.value)
        .into_iter()
        .flat_map(|map| map.0)
        .map(|(key, value)| (key, value.ok()))
}
