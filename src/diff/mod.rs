//! Desired state × live state × the server's dry runs → changes. Pure: the same inputs give the
//! same changes, whatever order files and answers came in.

pub mod change;
mod consent;
mod decommission;
mod deployment;
mod existing;
mod guards;
mod owner;
mod pairing;
pub mod probe;
mod prune;
mod recode;
mod registrations;
mod select;
mod services;
mod subscriptions;
mod taking;
mod visibility;

use crate::desired::{Consent, Desired};
use crate::live::{self, Live};
use crate::problem::Severity;
use crate::source::{Sources, Span, Spanned};
use change::{Change, Finding, Guard, Kind, Refused, Resource, Waiting};
use jiff::Timestamp;
use probe::Answers;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub use consent::{CommandConsent, Consents};
pub use deployment::{code_differences, stored_connection};

/// Which of the listed deployments are discovered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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
    pub targets: Targets<'a>,
    /// How much this run has deleted already, of what counts.
    pub deleted: u64,
    /// The server is a snapshot of this time, and no endpoint is asked.
    pub offline: Option<&'a str>,
    /// When the server was read.
    pub now: Timestamp,
}

/// What to change, as `KIND/KEY`, with what that needs.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a> {
    All,
    Only(&'a [String]),
    /// What a plan touches that was made before: what goes is decided as it was then, among all.
    Again(&'a [String]),
}

#[derive(Debug, Default)]
pub struct Outcome {
    /// In the order of execution.
    pub changes: Vec<Change>,
    /// Sorted.
    pub findings: Vec<Finding>,
    pub guards: Vec<Guard>,
    /// Sorted.
    pub waiting: Vec<Waiting>,
    /// The keys of live resources that no entry lists, sorted.
    pub unmanaged: BTreeMap<Kind, Vec<String>>,
}

impl Outcome {
    /// Live resources are named by what the server tells, such as a consumer group, which for the
    /// files may be a value from outside. `mask` hides those.
    #[must_use]
    pub fn masked(mut self, mask: impl Fn(&str) -> String) -> Self {
        let in_place = |text: &mut String| *text = mask(text);
        let group = |resource: &mut Resource| {
            if let Some((ends, group)) = resource.key.split_once(" @ ") {
                resource.key = format!("{ends} @ {}", mask(group));
            }
        };
        for change in &mut self.changes {
            // That of an entry is as the file writes it.
            if change.origin.is_none() {
                group(&mut change.resource);
            }
            if let Some(refused) = &mut change.refused {
                in_place(&mut refused.message);
                in_place(&mut refused.help);
            }
            let precondition = change
                .precondition
                .fields
                .iter_mut()
                .map(|field| &mut field.value);
            let fields = change
                .fields
                .iter_mut()
                .flat_map(|field| [&mut field.before, &mut field.after]);
            for value in precondition.chain(fields).flatten() {
                if let serde_json::Value::String(text) = value {
                    in_place(text);
                }
            }
        }
        for waiting in &mut self.waiting {
            group(&mut waiting.resource);
            in_place(&mut waiting.message);
        }
        for finding in &mut self.findings {
            if finding.origin.is_none() {
                finding.resource.iter_mut().for_each(group);
            }
            in_place(&mut finding.message);
            finding.help.iter_mut().for_each(in_place);
        }
        for guard in &mut self.guards {
            in_place(&mut guard.message);
        }
        let keys = self.unmanaged.get_mut(&Kind::Subscription).into_iter().flatten();
        keys.for_each(in_place);
        self
    }
}

pub fn diff(input: &Input<'_>) -> Outcome {
    let mut work = Work {
        input,
        consents: Consents::new(input.consents),
        world: World::of(input.live),
        listed_services: BTreeSet::new(),
        recoded: BTreeMap::new(),
        feeds: BTreeMap::new(),
        foreign: Vec::new(),
        outcome: Outcome::default(),
    };
    owner::check_server(&mut work);
    offline(&mut work);
    registrations::diff(&mut work);
    services::diff(&mut work);
    subscriptions::diff(&mut work);
    prune::deployments(&mut work);
    select::targets(&mut work);
    guards::check(&mut work);
    unused_consents(&mut work);
    work.outcome.findings.sort();
    work.outcome.waiting.sort();
    for keys in work.outcome.unmanaged.values_mut() {
        keys.sort();
    }
    work.outcome
}

/// What a plan against a snapshot leaves open.
fn offline(work: &mut Work<'_>) {
    let Some(taken) = work.input.offline else { return };
    work.outcome.findings.push(Finding {
        code: "offline".to_owned(),
        severity: Severity::Info,
        message: format!("this is a plan against a snapshot of {taken}: no endpoint was asked, and the values of headers and hidden options were not compared"),
        help: None,
        resource: None,
        origin: None,
    });
}

/// The state of a computation.
struct Work<'a> {
    input: &'a Input<'a>,
    consents: Consents<'a>,
    world: World,
    /// The services that listed deployments expose.
    listed_services: BTreeSet<String>,
    /// What live deployments expose after the change that takes over other code of theirs, by id.
    recoded: BTreeMap<String, (u32, BTreeSet<String>)>,
    /// What feeds a service after this plan, by service: the key of a subscription.
    feeds: BTreeMap<String, String>,
    /// Listed deployments that belong to another stack.
    foreign: Vec<(Resource, Refused)>,
    outcome: Outcome,
}

/// What callers will see: each service as predicted after the changes so far.
struct World {
    services: BTreeMap<String, Predicted>,
    /// The services that nothing serves any more, and the change that drops them: revisions start
    /// anew then [S:all].
    dropped: BTreeMap<String, u32>,
    /// A dry run failed, so that more services may come than are known.
    is_incomplete: bool,
}

struct Predicted {
    service: live::Service,
    server: ServedBy,
    /// The changes of this plan that reset its overrides, in order.
    registrations: Vec<u32>,
    /// How many new revisions this plan makes of it.
    bumps: u32,
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
                    bumps: 0,
                };
                (name.clone(), predicted)
            })
            .collect();
        Self {
            services,
            dropped: BTreeMap::new(),
            is_incomplete: false,
        }
    }
}

impl Work<'_> {
    /// Appends a change and gives it its id.
    fn push(&mut self, mut change: Change) -> u32 {
        let id = self.next_id();
        change.id = id;
        change.consents = self.consents.take_given();
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

    fn stack(&self) -> Option<&str> {
        self.input
            .desired
            .stack
            .as_ref()
            .map(|stack| stack.value.as_str())
    }

    /// The key of a live deployment, for messages.
    fn deployment_key(&self, id: &str) -> String {
        let found = self.input.live.deployment(id);
        found.map_or_else(|| id.to_owned(), |deployment| deployment.address.key())
    }

    fn unmanaged(&mut self, kind: Kind, key: String) {
        self.outcome.unmanaged.entry(kind).or_default().push(key);
    }
}

/// Several refusals of one change, as one.
fn refusal(mut reasons: Vec<Refused>) -> Option<Refused> {
    if reasons.len() <= 1 {
        return reasons.pop();
    }
    // First what no consent on the entry can mend.
    reasons.sort_by_key(|reason| !["protected", "foreign-stack"].contains(&reason.code.as_str()));
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
fn needs(consent: &Consent, message: String, entry: &str) -> Refused {
    let word = consent.word();
    refused(
        word,
        message,
        format!("if that is meant, add `allow: [{word}]` to the {entry}, or run with `--allow {word}`"),
    )
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
        let message = format!("the consent `{}` was not needed", consent.value);
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
        .map(ToString::to_string)
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
