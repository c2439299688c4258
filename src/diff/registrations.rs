//! The listed deployments in listed order: what is registered, and what that does to services.

use super::change::{
    Action, Change, ExpectedService, Field, Kind, Op, Precondition, Refused, Register, Resource, Risk,
    ServiceChange, Validated,
};
use super::deployment::registration_fields;
use super::probe::{Dry, registration};
use super::visibility::Visibility;
use super::{Predicted, ServedBy, Work, existing, needs, refusal, refused};
use crate::desired::{Consent, Deployment};
use crate::live::Service;
use crate::problem::{Severity, nearest};
use std::collections::{BTreeMap, BTreeSet};

pub fn diff(work: &mut Work<'_>) {
    // Which entry is the last listed one for each service, and so should serve it.
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut known = Vec::new();
    for (index, entry) in work.input.desired.deployments.iter().enumerate() {
        let exposed = exposed_by(work, entry);
        for name in exposed.iter().flatten() {
            last.insert(name.clone(), index);
        }
        check_services(work, entry, exposed.as_ref());
        known.push(exposed);
    }
    for entry in &work.input.desired.deployments {
        if work
            .input
            .live
            .deployments_at(&entry.address.value.identity())
            .is_empty()
        {
            register(work, entry);
        }
    }
    // Registrations first: they decide which of the deployments that are there must be promoted.
    for (index, entry) in work.input.desired.deployments.iter().enumerate() {
        let identity = entry.address.value.identity();
        let found = work.input.live.deployments_at(&identity);
        let Some((&live, others)) = found.split_first() else {
            continue;
        };
        for other in others {
            let message = format!(
                "another deployment is registered on the same address, as {}",
                other.id
            );
            let resource = Resource::new(Kind::Deployment, other.address.key()).with_id(&other.id);
            work.find(
                Severity::Warning,
                "duplicate-deployment",
                message,
                resource,
                Some(entry.address.span),
            );
        }
        let should_serve: Vec<&String> = last
            .iter()
            .filter(|(_, at)| **at == index)
            .map(|(name, _)| name)
            .collect();
        existing::diff(work, entry, live, known[index].as_ref(), &should_serve);
    }
    in_listed_order(work);
}

/// The services an entry will expose; `None` when its dry run failed.
fn exposed_by(work: &Work<'_>, entry: &Deployment) -> Option<BTreeSet<String>> {
    let identity = entry.address.value.identity();
    let (live, answers) = (work.input.live, work.input.answers);
    match live.deployments_at(&identity).first() {
        Some(found) => Some(found.services.keys().cloned().collect()),
        None => match answers.registrations.get(&identity) {
            Some(Ok(dry)) => Some(dry.services.keys().cloned().collect()),
            Some(Err(_)) | None => None,
        },
    }
}

/// `services:` names exactly what must be exposed.
fn check_services(work: &mut Work<'_>, entry: &Deployment, exposed: Option<&BTreeSet<String>>) {
    let (Some(wanted), Some(exposed)) = (&entry.services, exposed) else {
        return;
    };
    let resource = Resource::new(Kind::Deployment, entry.address.value.key());
    for name in wanted.value.iter().filter(|name| !exposed.contains(&name.value)) {
        let message = format!("the endpoint does not expose the service `{}`", name.value);
        let help = match nearest(&name.value, exposed.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it exposes: {}", list(exposed)),
        };
        work.find(
            Severity::Error,
            "services-mismatch",
            message,
            resource.clone(),
            Some(name.span),
        )
        .help = Some(help);
    }
    for name in exposed
        .iter()
        .filter(|name| !wanted.value.iter().any(|w| w.value == **name))
    {
        let message = format!("the endpoint exposes the service `{name}`, which `services` does not list");
        work.find(
            Severity::Error,
            "services-mismatch",
            message,
            resource.clone(),
            Some(wanted.span),
        )
        .help = Some("list it, or remove `services`".to_owned());
    }
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "no services".to_owned();
    }
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn register(work: &mut Work<'_>, entry: &Deployment) {
    let address = &entry.address.value;
    let resource = Resource::new(Kind::Deployment, address.key());
    let dry = match work.input.answers.registrations.get(&address.identity()) {
        Some(Ok(dry)) => dry,
        failure => {
            work.world.is_incomplete = true;
            let message = match failure {
                Some(Err(error)) => error.message.clone(),
                _ => "the server was not asked".to_owned(),
            };
            let help = match failure {
                Some(Err(error)) if error.is_endpoint_failure() && entry.use_http_11.is_none() => {
                    "is the endpoint up, and can the server reach it at this address? `--wait-endpoints 30s` waits for it. One that speaks HTTP/1.1 only needs `use_http_11: true`"
                }
                Some(Err(error)) if error.is_endpoint_failure() => {
                    "is the endpoint up, and can the server reach it at this address? `--wait-endpoints 30s` waits for it"
                }
                // META0014: the endpoint does not speak HTTP/2 [S:all].
                Some(Err(error)) if error.restate_code() == Some("META0014") => {
                    "the endpoint speaks HTTP/1.1 only: write `use_http_11: true`"
                }
                _ => "the endpoint must answer as a Restate service; see the server's message",
            };
            let code = match failure {
                Some(Err(error)) if !error.is_endpoint_failure() => "dry-run-refused",
                _ => "endpoint-unreachable",
            };
            let span = entry.address.span;
            work.find(
                Severity::Error,
                code,
                format!("the server cannot register {address}: {message}"),
                resource.clone(),
                Some(span),
            )
            .help = Some(help.to_owned());
            push(work, entry, resource, Vec::new(), Registration::default());
            return;
        }
    };
    if entry.metadata.is_some() && !work.input.live.server.has_patch() {
        let message = format!(
            "Restate {} does not keep `metadata`",
            work.input.live.server.version
        );
        work.find(
            Severity::Warning,
            "metadata-unsupported",
            message,
            resource.clone(),
            entry.metadata.as_ref().map(|m| m.span),
        );
    }
    let mut registration = Registration::default();
    let id = work.next_id();
    for service in dry.services.values() {
        take_service(work, entry, id, service, &mut registration);
    }
    // Against what an earlier change of this plan leaves, it breaks nothing: the dry run could only
    // see the present.
    let is_settled = registration.breaks.is_empty() && !registration.depends_on.is_empty();
    if !is_settled {
        breaking_consent(work, entry, dry, &mut registration);
        registration.is_breaking = !registration.breaks.is_empty() || dry.refused.is_some();
    }
    if registration.visibility.exposes() {
        registration.risk = Risk::Breaking;
    }
    let exposure = std::mem::take(&mut registration.visibility).settle(work, entry);
    registration.keep_private = exposure.keep_private;
    registration.may_expose = exposure.may_expose;
    registration.refusals.extend(exposure.refusals);
    registration.expected = expected(dry);
    registration.is_validated = dry.refused.is_none() || !registration.refusals.is_empty();
    push(work, entry, resource, registration_fields(entry), registration);
}

fn expected(dry: &Dry) -> Vec<ExpectedService> {
    dry.services.values().map(ExpectedService::from).collect()
}

/// What one registration does, as it is found out.
struct Registration {
    fields: Vec<Field>,
    services: Vec<ServiceChange>,
    depends_on: BTreeSet<u32>,
    /// What callers lose, in words.
    breaks: Vec<String>,
    /// By these, or by what the server says.
    is_breaking: bool,
    visibility: Visibility,
    keep_private: Vec<String>,
    may_expose: Vec<String>,
    refusals: Vec<Refused>,
    expected: Vec<ExpectedService>,
    risk: Risk,
    is_validated: bool,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            fields: Vec::new(),
            services: Vec::new(),
            depends_on: BTreeSet::new(),
            breaks: Vec::new(),
            is_breaking: false,
            visibility: Visibility::default(),
            keep_private: Vec::new(),
            may_expose: Vec::new(),
            refusals: Vec::new(),
            expected: Vec::new(),
            risk: Risk::Safe,
            is_validated: false,
        }
    }
}

/// The registration `id` takes over one service: compares it with what serves it by then, and
/// predicts it afterwards.
fn take_service(
    work: &mut Work<'_>,
    entry: &Deployment,
    id: u32,
    dry: &Service,
    registration: &mut Registration,
) {
    let name = &dry.name;
    let before = work.world.services.remove(name);
    // Each dry run sees only the present, so two registrations in one plan predict the same
    // revision; the later one comes after the earlier.
    let earlier = before.as_ref().map_or(0, |p| p.registrations.len());
    let revision = dry.revision + u32::try_from(earlier).unwrap_or(0);
    let handlers = |service: &Service| service.handlers.keys().cloned().collect::<BTreeSet<_>>();
    let old_handlers = before.as_ref().map(|p| handlers(&p.service)).unwrap_or_default();
    let new_handlers = handlers(dry);
    let removed: Vec<String> = old_handlers.difference(&new_handlers).cloned().collect();
    let mut registrations = Vec::new();
    if let Some(before) = &before {
        registrations.clone_from(&before.registrations);
        registration.depends_on.extend(&before.registrations);
        if before.service.ty != dry.ty {
            registration.breaks.push(format!(
                "service {name} changes from {} to {}",
                before.service.ty, dry.ty
            ));
            registration.fields.push(Field::new(
                &["services", name, "type"],
                Some(before.service.ty.clone().into()),
                Some(dry.ty.clone().into()),
            ));
        }
        let from = match &before.server {
            ServedBy::Live(id) => work.deployment_key(id),
            ServedBy::Planned(identity) => planned_key(work, identity),
        };
        registration.fields.push(Field::new(
            &["services", name, "deployment"],
            Some(from.into()),
            Some(entry.address.value.key().into()),
        ));
        for handler in &removed {
            registration
                .breaks
                .push(format!("callers lose the handler {name}/{handler}"));
        }
    }
    registration.services.push(ServiceChange {
        name: name.clone(),
        ty: dry.ty.clone(),
        revision_before: before.as_ref().map(|p| p.service.revision),
        revision_after: Some(revision),
        handlers_added: new_handlers.difference(&old_handlers).cloned().collect(),
        handlers_removed: removed,
    });
    registration.visibility.note(work, name, dry.options.public);
    registrations.push(id);
    work.world.services.insert(
        name.clone(),
        Predicted {
            service: Service {
                revision,
                ..dry.clone()
            },
            server: ServedBy::Planned(entry.address.value.identity()),
            registrations,
        },
    );
}

fn planned_key(work: &Work<'_>, identity: &str) -> String {
    work.input
        .desired
        .deployments
        .iter()
        .map(|entry| &entry.address.value)
        .find(|address| address.identity() == identity)
        .map_or_else(|| identity.to_owned(), crate::desired::Address::key)
}

pub fn consents(work: &Work<'_>, entry: &Deployment, what: Consent) -> bool {
    let key = entry.address.value.key();
    let shown = entry.address.value.to_string();
    let name = entry
        .name
        .as_ref()
        .map_or(key.as_str(), |name| name.value.as_str());
    work.consents.allows(what, &entry.allow, &[&key, &shown, name])
}

/// 1.5 and 1.6 refuse removed handlers by themselves; 1.7 accepts them silently, so the check is
/// made here for all [S:all].
fn breaking_consent(work: &Work<'_>, entry: &Deployment, dry: &Dry, registration: &mut Registration) {
    if registration.breaks.is_empty() && dry.refused.is_none() {
        return;
    }
    registration.risk = Risk::Breaking;
    let why = match &dry.refused {
        Some(error) if registration.breaks.is_empty() => error.message.clone(),
        _ => registration.breaks.join(", "),
    };
    if !consents(work, entry, Consent::Breaking) {
        registration.refusals.push(needs(
            Consent::Breaking,
            format!("this is breaking: {why}"),
            "deployment",
        ));
    } else if !work.input.live.server.has_patch() {
        let version = &work.input.live.server.version;
        registration.refusals.push(refused(
            "breaking-unsupported",
            format!("Restate {version} accepts this only from a forced registration, which restatectl does not send: {why}"),
            "keep the handlers and types, give the service a new name, or upgrade to Restate 1.6",
        ));
    }
}

fn push(
    work: &mut Work<'_>,
    entry: &Deployment,
    resource: Resource,
    mut fields: Vec<Field>,
    mut made: Registration,
) {
    fields.append(&mut made.fields);
    let request = registration(entry, work.input.live, made.is_breaking, false);
    work.push(Change {
        id: 0,
        op: Op::Register,
        risk: made.risk,
        resource,
        origin: work.input.sources.origin(entry.span),
        reason: None,
        validated: if made.is_validated {
            Validated::Server
        } else {
            Validated::Local
        },
        depends_on: made.depends_on.into_iter().collect(),
        fields,
        services: made.services,
        refused: refusal(made.refusals),
        precondition: Precondition::absent(),
        action: Some(Action::Register(Register {
            request,
            expected: made.expected,
            keep_private: made.keep_private,
            may_expose: made.may_expose,
        })),
    });
}

/// Registrations were computed before the other deployments; the plan lists all in listed order.
fn in_listed_order(work: &mut Work<'_>) {
    let order: BTreeMap<String, usize> = (work.input.desired.deployments.iter().enumerate())
        .map(|(at, entry)| (entry.address.value.key(), at))
        .collect();
    let place = |change: &Change| order.get(&change.resource.key).copied();
    work.outcome.changes.sort_by_key(place);
    let mut renumbered = BTreeMap::new();
    for (change, id) in work.outcome.changes.iter_mut().zip(1..) {
        renumbered.insert(change.id, id);
        change.id = id;
    }
    let renumber = |ids: &mut Vec<u32>| {
        for id in ids {
            *id = renumbered[&*id];
        }
    };
    for change in &mut work.outcome.changes {
        renumber(&mut change.depends_on);
    }
    for predicted in work.world.services.values_mut() {
        renumber(&mut predicted.registrations);
    }
}
