//! Desired state × live state × the server's dry runs → changes. Pure: the same inputs give the
//! same changes, whatever order files and answers came in.

pub mod change;
mod consent;
mod deployment;
mod existing;
mod pairing;
pub mod probe;
mod registrations;
mod services;
mod subscriptions;
mod visibility;

use crate::desired::{Consent, Desired};
use crate::live::{self, Live};
use crate::problem::Severity;
use crate::source::{Sources, Span, Spanned};
use change::{Change, Finding, Kind, Refused, Resource};
use probe::Answers;
use std::collections::{BTreeMap, BTreeSet};

pub use consent::{CommandConsent, Consents};
pub use deployment::stored_connection;

/// Which of the listed deployments are discovered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discover {
    All,
    /// Those whose connection changes.
    Changed,
    None,
}

pub struct Input<'a> {
    pub desired: &'a Desired,
    pub live: &'a Live,
    pub answers: &'a Answers,
    pub sources: &'a Sources,
    pub consents: &'a [CommandConsent],
    /// `KIND/KEY` of resources to write again although no difference can be seen.
    pub resend: &'a [String],
}

#[derive(Debug, Default)]
pub struct Outcome {
    /// In the order of execution.
    pub changes: Vec<Change>,
    /// Sorted.
    pub findings: Vec<Finding>,
    /// The keys of live resources that no entry lists, sorted.
    pub unmanaged: BTreeMap<Kind, Vec<String>>,
}

pub fn diff(input: &Input<'_>) -> Outcome {
    let mut work = Work {
        input,
        consents: Consents::new(input.consents),
        world: World::of(input.live),
        outcome: Outcome::default(),
    };
    registrations::diff(&mut work);
    services::diff(&mut work);
    subscriptions::diff(&mut work);
    unmanaged_deployments(&mut work);
    unused_consents(&mut work);
    work.outcome.findings.sort();
    work.outcome
}

/// The state of a computation.
struct Work<'a> {
    input: &'a Input<'a>,
    consents: Consents<'a>,
    world: World,
    outcome: Outcome,
}

/// What callers will see: each service as predicted after the changes so far.
struct World {
    services: BTreeMap<String, Predicted>,
    /// A dry run failed, so that more services may come than are known.
    is_incomplete: bool,
}

struct Predicted {
    service: live::Service,
    server: ServedBy,
    /// The registrations of this plan that touch it, in order.
    registrations: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ServedBy {
    /// By server id.
    Live(String),
    /// By the identity of an entry that is yet to be registered.
    Planned(String),
}

impl World {
    fn of(live: &Live) -> Self {
        let services = live
            .services
            .iter()
            .map(|(name, service)| {
                let predicted = Predicted {
                    service: service.clone(),
                    server: ServedBy::Live(service.deployment_id.clone()),
                    registrations: Vec::new(),
                };
                (name.clone(), predicted)
            })
            .collect();
        Self {
            services,
            is_incomplete: false,
        }
    }
}

impl Work<'_> {
    /// Appends a change and gives it its id.
    fn push(&mut self, mut change: Change) -> u32 {
        let id = self.next_id();
        change.id = id;
        self.outcome.changes.push(change);
        id
    }

    fn next_id(&self) -> u32 {
        u32::try_from(self.outcome.changes.len() + 1).unwrap_or(u32::MAX)
    }

    fn find(
        &mut self,
        severity: Severity,
        code: &str,
        message: String,
        about: Resource,
        at: Option<Span>,
    ) -> &mut Finding {
        let origin = at.and_then(|span| self.input.sources.origin(span));
        self.outcome.findings.push(Finding {
            code: code.to_owned(),
            severity,
            message,
            help: None,
            resource: Some(about),
            origin,
        });
        let last = self.outcome.findings.len() - 1;
        &mut self.outcome.findings[last]
    }

    /// The key of a live deployment, for messages.
    fn deployment_key(&self, id: &str) -> String {
        self.input
            .live
            .deployments
            .iter()
            .find(|deployment| deployment.id == id)
            .map_or_else(|| id.to_owned(), |deployment| deployment.address.key())
    }
}

/// Several refusals of one change, as one.
fn refusal(mut reasons: Vec<Refused>) -> Option<Refused> {
    if reasons.len() <= 1 {
        return reasons.pop();
    }
    let join = |part: fn(&Refused) -> &str| reasons.iter().map(part).collect::<Vec<_>>().join("; ");
    Some(Refused {
        code: reasons[0].code.clone(),
        message: join(|r| &r.message),
        help: join(|r| &r.help),
    })
}

fn refused(code: &str, message: impl Into<String>, help: impl Into<String>) -> Refused {
    Refused {
        code: code.to_owned(),
        message: message.into(),
        help: help.into(),
    }
}

/// The refusal for want of consent. `entry` names what carries the `allow:` list.
fn needs(consent: Consent, message: String, entry: &str) -> Refused {
    let word = consent.word();
    refused(
        word,
        message,
        format!("if that is meant, add `allow: [{word}]` to the {entry}, or run with `--allow {word}`"),
    )
}

fn unmanaged_deployments(work: &mut Work<'_>) {
    let listed: BTreeSet<String> = work
        .input
        .desired
        .deployments
        .iter()
        .map(|entry| entry.address.value.identity())
        .collect();
    let mut keys: Vec<String> = work
        .input
        .live
        .deployments
        .iter()
        .filter(|deployment| !listed.contains(&deployment.address.identity()))
        .map(|deployment| deployment.address.key())
        .collect();
    keys.sort();
    if !keys.is_empty() {
        work.outcome.unmanaged.insert(Kind::Deployment, keys);
    }
}

fn unused_consents(work: &mut Work<'_>) {
    let desired = work.input.desired;
    let mut unused: Vec<(Spanned<Consent>, Resource)> = Vec::new();
    let mut look = |allow: &[Spanned<Consent>], resource: Resource| {
        for consent in allow.iter().filter(|consent| work.consents.is_unused(consent)) {
            unused.push((consent.clone(), resource.clone()));
        }
    };
    for entry in &desired.deployments {
        look(
            &entry.allow,
            Resource::new(Kind::Deployment, entry.address.value.key()),
        );
    }
    for service in desired.services.values() {
        look(&service.allow, Resource::new(Kind::Service, &service.name.value));
    }
    for subscription in &desired.subscriptions {
        look(
            &subscription.allow,
            Resource::new(Kind::Subscription, subscription.key()),
        );
    }
    for (consent, resource) in unused {
        let message = format!("the consent `{}` was not needed", consent.value.word());
        work.find(
            Severity::Warning,
            "unused-allow",
            message,
            resource,
            Some(consent.span),
        )
        .help = Some("remove it, so that it cannot allow the next change by accident".to_owned());
    }
    let commands: Vec<String> = work
        .consents
        .unused_commands()
        .into_iter()
        .map(|consent| match &consent.key {
            Some(key) => format!("{}={key}", consent.what.word()),
            None => consent.what.word().to_owned(),
        })
        .collect();
    for command in commands {
        work.outcome.findings.push(Finding {
            code: "unused-allow".to_owned(),
            severity: Severity::Warning,
            message: format!("the consent `--allow {command}` was not needed"),
            help: None,
            resource: None,
            origin: None,
        });
    }
}
