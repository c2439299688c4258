//! The valid desired state. Building it from the file's shape reports everything that is wrong;
//! what is here can be relied on, and every value keeps its place in the file.

mod canonical;
mod policy;

use crate::code::Code;
use crate::config::{self, FORMAT_VERSION};
use crate::kind::deployment::desired::Deployment;
use crate::kind::service::desired::Service;
use crate::kind::subscription::desired::Subscription;
use crate::kind::{Kind, PerKind};
use crate::problem::{Problem, Problems};
use crate::source::frozen::Frozen;
use crate::source::{Read, Span, Spanned, Text, duplicate_key, entries, pairs};
use crate::stack;
use crate::whole::Tree;
use policy::agreed;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

pub use policy::{Prune, PruneDeployments, Safety};

/// What the files of a run ask for.
#[derive(Debug, Default)]
pub struct Desired {
    pub entries: Entries,
    /// The name of the stack that owns all of this.
    pub stack: Option<Spanned<String>>,
    /// The cluster that the files are for.
    pub cluster_name: Option<Spanned<String>>,
    pub prune: Prune,
    pub safety: Safety,
    /// Which kinds the files have a section for, which is what makes pruning look at them.
    pub sections: PerKind<Option<Section>>,
    /// What the files list, where all that is ours is to go all the same.
    pub emptied: Option<Entries>,
    /// What the references of each file stood for, where that is not sensitive.
    pub frozen: BTreeMap<String, Frozen>,
    /// The digest of what each file says, by its number, but for those that have secrets in them.
    pub meanings: BTreeMap<u32, String>,
    /// The files as they were read, where that was asked for.
    pub trees: Vec<Tree>,
}

/// What should be on the server, by kind.
#[derive(Debug, Default)]
pub struct Entries {
    /// Deployments in the order of the file, which decides who serves a service that several expose.
    pub deployments: Vec<Deployment>,
    pub services: BTreeMap<String, Service>,
    pub subscriptions: Vec<Subscription>,
}

/// A section of one or several files.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    pub span: Span,
    /// Whether the section is empty in every file that has it.
    pub is_empty: bool,
}

impl Section {
    /// A section, joined with what another file says; `None` when nothing is written behind its name.
    fn and<T>(before: Option<Self>, section: Option<&Read<T>>, is_empty: fn(&T) -> bool) -> Option<Self> {
        let Some(section) = section else { return before };
        let is_empty = section.value.as_ref().is_some_and(is_empty);
        Some(Self {
            span: before.map_or(section.span, |before| before.span),
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
            let sections = desired.sections;
            desired.sections = PerKind::from_fn(|kind| match kind {
                Kind::Deployment => Section::and(sections[kind], deployments.as_ref(), Vec::is_empty),
                Kind::Service => Section::and(sections[kind], services.as_ref(), |map| map.0.is_empty()),
                Kind::Subscription => Section::and(sections[kind], subscriptions.as_ref(), Vec::is_empty),
            });
            let listed = &mut desired.entries;
            let deployments = entries(deployments).filter_map(|entry| Deployment::build(entry, problems));
            listed.deployments.extend(deployments);
            for (name, entry) in pairs(services) {
                if let Some(service) = entry.and_then(|entry| Service::build(name, entry, problems)) {
                    listed.add_service(service, problems);
                }
            }
            let subscriptions =
                entries(subscriptions).filter_map(|entry| Subscription::build(entry, problems));
            listed.subscriptions.extend(subscriptions);
            stacks.extend(stack.and_then(|stack| stack::read(stack, problems)));
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
        desired
    }

    /// The name of the stack that owns all of this.
    pub fn stack(&self) -> Option<&str> {
        self.stack.as_ref().map(|stack| stack.value.as_str())
    }

    /// What the files list, also where it is to go all the same.
    pub fn written(&self) -> &Entries {
        self.emptied.as_ref().unwrap_or(&self.entries)
    }

    /// The same owner, target and safety, with every section written and empty: all that is ours is
    /// to go. `at`: what asks for it.
    #[must_use]
    pub fn emptied(self, at: Span) -> Self {
        let Self {
            entries,
            stack,
            cluster_name,
            prune,
            safety,
            sections: _,
            emptied,
            frozen,
            meanings,
            trees,
        } = self;
        let section = Some(Section {
            span: at,
            is_empty: true,
        });
        Self {
            entries: Entries::default(),
            stack,
            cluster_name,
            prune: prune.of_everything(),
            safety,
            sections: PerKind::from_fn(|_| section),
            emptied: emptied.or(Some(entries)),
            frozen,
            meanings,
            trees,
        }
    }
}

impl Entries {
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
                Problem::error(Code::WrongVersion, message)
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
            Problem::error(Code::MissingField, "nothing says which format version this is")
                .at(top)
                .help(format!("add `version: {FORMAT_VERSION}` at the top")),
        );
    }
}
