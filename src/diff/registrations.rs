//! The listed deployments in listed order: what is registered, and what that does to services.

use super::change::{Action, Change, Kind, Op, Precondition, Register, Resource, Risk, Validated};
use super::deployment::{metadata, registration_fields};
use super::probe::{Dry, registration};
use super::taking::{By, Taking};
use super::{Work, existing, recode, refusal, refused};
use crate::admin::Error;
use crate::desired::{Consent, Deployment};
use crate::live;
use crate::problem::{Severity, nearest};
use std::collections::{BTreeMap, BTreeSet};

/// The end state is that of registering the listed deployments in listed order. So each is looked
/// at after the changes of those before it: what they took from it, it takes back.
pub fn diff(work: &mut Work<'_>) {
    // Which entry is the last listed one for each service, and so should serve it.
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for (index, entry) in work.input.desired.deployments.iter().enumerate() {
        let exposed = exposed_by(work, entry);
        for name in exposed.iter().flatten() {
            last.insert(name.clone(), index);
        }
        check_services(work, entry, exposed.as_ref());
    }
    work.listed_services = last.keys().cloned().collect();
    for (index, entry) in work.input.desired.deployments.iter().enumerate() {
        // What was asked so far is about no change in particular.
        work.consents.take_given();
        let identity = entry.address.value.identity();
        let found = work.input.live.deployments_at(&identity);
        let Some((&live, others)) = found.split_first() else {
            register(work, entry);
            continue;
        };
        same_address(work, entry, others);
        let should_serve: Vec<&String> = (last.iter())
            .filter(|(_, at)| **at == index)
            .map(|(name, _)| name)
            .collect();
        existing::diff(work, entry, live, &should_serve);
    }
    work.consents.take_given();
}

fn same_address(work: &mut Work<'_>, entry: &Deployment, others: &[&live::Deployment]) {
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
}

/// The services an entry will expose; `None` when its dry run failed.
fn exposed_by(work: &Work<'_>, entry: &Deployment) -> Option<BTreeSet<String>> {
    let identity = entry.address.value.identity();
    let (live, answers) = (work.input.live, work.input.answers);
    let Some(&found) = live.deployments_at(&identity).first() else {
        return match answers.registrations.get(&identity) {
            Some(Ok(dry)) => Some(dry.services.keys().cloned().collect()),
            Some(Err(_)) | None => None,
        };
    };
    let overwritten = recode::overwritten(work, entry, found);
    Some(match overwritten {
        Some(fresh) => fresh.keys().cloned().collect(),
        None => found.services.keys().cloned().collect(),
    })
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
        Some(Err(error)) => return cannot_register(work, entry, resource, Some(error)),
        None if work.input.offline.is_some() => return not_validated(work, entry, resource),
        None => return cannot_register(work, entry, resource, None),
    };
    metadata_unsupported(work, entry, &resource);
    let mut taking = Taking::new();
    let id = work.next_id();
    for service in dry.services.values() {
        taking.take(work, entry, id, service, By::Registration);
    }
    // Against what an earlier change of this plan leaves, it breaks nothing: the dry run could only
    // see the present.
    let is_settled = taking.breaks.is_empty() && !taking.depends_on.is_empty();
    let is_breaking = !is_settled && breaking(work, entry, dry, &mut taking);
    let outcome = taking.settle(work, entry, &dry.services);
    let is_validated = dry.refused.is_none() || !taking.refusals.is_empty();
    let stack = work.stack();
    let request = registration(entry, stack, work.input.live, is_breaking, false);
    let mut fields = registration_fields(entry, request.metadata.as_ref());
    fields.append(&mut taking.fields);
    let basis = taking.basis(work);
    work.push(Change {
        risk: taking.risk,
        validated: if is_validated {
            Validated::Server
        } else {
            Validated::Local
        },
        depends_on: taking.depends_on.into_iter().collect(),
        fields,
        services: taking.services,
        refused: refusal(taking.refusals),
        precondition: Precondition::absent(),
        basis,
        action: Some(Action::Register(Register { request, outcome })),
        ..Change::new(Op::Register, resource, work.input.sources.origin(entry.span))
    });
}

fn cannot_register(work: &mut Work<'_>, entry: &Deployment, resource: Resource, failure: Option<&Error>) {
    work.world.is_incomplete = true;
    let address = &entry.address.value;
    let message = failure.map_or("the server was not asked", |error| error.message.as_str());
    let help = match failure {
        Some(error) if error.is_endpoint_failure() && entry.use_http_11.is_none() => {
            "is the endpoint up, and can the server reach it at this address? `--wait-endpoints 30s` waits for it. One that speaks HTTP/1.1 only needs `use_http_11: true`"
        }
        Some(error) if error.is_endpoint_failure() => {
            "is the endpoint up, and can the server reach it at this address? `--wait-endpoints 30s` waits for it"
        }
        // META0014: the endpoint does not speak HTTP/2 [S:all].
        Some(error) if error.restate_code() == Some("META0014") => {
            "the endpoint speaks HTTP/1.1 only: write `use_http_11: true`"
        }
        _ => "the endpoint must answer as a Restate service; see the server's message",
    };
    let code = match failure {
        Some(error) if !error.is_endpoint_failure() => "dry-run-refused",
        _ => "endpoint-unreachable",
    };
    let message = format!("the server cannot register {address}: {message}");
    let place = Some(entry.address.span);
    work.find(Severity::Error, code, message, resource.clone(), place)
        .help = Some(help.to_owned());
    work.push(Change {
        precondition: Precondition::absent(),
        ..Change::new(Op::Register, resource, work.input.sources.origin(entry.span))
    });
}

/// No endpoint is asked offline, so what it exposes is not known.
fn not_validated(work: &mut Work<'_>, entry: &Deployment, resource: Resource) {
    work.world.is_incomplete = true;
    let message = "what it exposes is not known, nor what that does to overrides and subscriptions";
    let place = Some(entry.address.span);
    work.find(
        Severity::Info,
        "not-validated",
        message.to_owned(),
        resource.clone(),
        place,
    );
    let metadata = metadata(entry, work.stack(), None, &work.input.live.server);
    work.push(Change {
        fields: registration_fields(entry, metadata.as_ref()),
        precondition: Precondition::absent(),
        ..Change::new(Op::Register, resource, work.input.sources.origin(entry.span))
    });
}

fn metadata_unsupported(work: &mut Work<'_>, entry: &Deployment, resource: &Resource) {
    let server = &work.input.live.server;
    let Some(metadata) = entry.metadata.as_ref().filter(|_| !server.has_patch()) else {
        return;
    };
    let message = format!("Restate {} does not keep `metadata`", server.version);
    work.find(
        Severity::Warning,
        "metadata-unsupported",
        message,
        resource.clone(),
        Some(metadata.span),
    );
}

/// 1.5 and 1.6 refuse removed handlers by themselves; 1.7 accepts them silently, so the check is
/// made here for all [S:all]. Tells whether the registration is to be sent as breaking.
fn breaking(work: &Work<'_>, entry: &Deployment, dry: &Dry, taking: &mut Taking) -> bool {
    let refusal = dry.refused.as_ref().map(|error| error.message.as_str());
    let consented = taking.ask_breaking(work, entry, refusal);
    let is_breaking = taking.risk == Risk::Breaking;
    if is_breaking && consented && !work.input.live.server.has_patch() {
        let version = &work.input.live.server.version;
        let why = taking.why_breaking(refusal);
        taking.refusals.push(refused(
            "breaking-unsupported",
            format!("Restate {version} accepts this only from a forced registration, which restatectl does not send: {why}"),
            "keep the handlers and types, give the service a new name, or upgrade to Restate 1.6",
        ));
    }
    is_breaking
}

impl Work<'_> {
    /// Whether a deployment's entry or the command line consents.
    pub(super) fn consented(&self, entry: &Deployment, what: &Consent) -> bool {
        let key = entry.address.value.key();
        let shown = entry.address.value.to_string();
        let name = entry
            .name
            .as_ref()
            .map_or(key.as_str(), |name| name.value.as_str());
        self.consents.allows(what, &entry.allow, &[&key, &shown, name])
    }
}
