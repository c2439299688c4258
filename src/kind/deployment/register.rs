//! Deployments that are not registered yet.

use super::action::{Action, Register};
use super::connection::registration_fields;
use super::discovery;
use super::desired::Deployment;
use super::diff::listed;
use super::metadata;
use super::taking::{By, Taking};
use crate::admin::{Error, ErrorKind};
use crate::ask::{Dry, registration};
use crate::change::{Change, Op, Precondition, Resource, Risk, Validated};
use crate::code::Code;
use crate::draft::{Part, Step, View};
use crate::problem::Problem;

/// What becomes of an entry whose address is not registered.
pub fn register(view: &View<'_>, entry: &Deployment) -> Part {
    let resource = listed(&entry.address.value);
    let identity = entry.address.value.identity();
    match view.input.answers.registrations.get(&identity) {
        Some(Ok(dry)) => as_dry_run(view, entry, resource, dry),
        Some(Err(error)) => cannot_register(view, entry, resource, Some(error)),
        None if view.input.offline.is_some() => not_validated(view, entry, resource),
        None => cannot_register(view, entry, resource, None),
    }
}

fn as_dry_run(view: &View<'_>, entry: &Deployment, resource: Resource, dry: &Dry) -> Part {
    let mut part = Part::default();
    metadata_unsupported(view, entry, &resource, &mut part);
    let mut taking = Taking::default();
    for service in dry.services.values() {
        taking.take(view, entry, service, By::Registration);
    }
    // Against what an earlier change of this plan leaves, it breaks nothing: the dry run could only
    // see the present.
    let is_settled =
        taking.breaks.is_empty() && taking.undoes.is_empty() && !taking.depends_on.is_empty();
    let is_breaking = !is_settled && breaking(view, entry, dry, &mut taking);
    let outcome = taking.settle(view, entry, &dry.services);
    let is_validated = dry.refused.is_none() || !taking.asked.refusals.is_empty();
    let request = registration(entry, view.stack(), view.input.live, is_breaking, false);
    let change = Change {
        validated: if is_validated {
            Validated::Server
        } else {
            Validated::Local
        },
        fields: registration_fields(entry, request.metadata.as_ref()),
        precondition: Precondition::absent(),
        ..Change::new(Op::Register, resource, view.input.origin(entry.span))
    };
    let action = Action::Register(Register { request, outcome });
    taking.into_part(view, part, change, Some(action))
}

/// The change without knowing what comes of it: more services may come than are known.
fn unknown(view: &View<'_>, entry: &Deployment, change: Change, problem: Problem) -> Part {
    let mut part = Part::default();
    part.find(problem.at(entry.address.span), &change.resource);
    let change = Change {
        precondition: Precondition::absent(),
        origin: view.input.origin(entry.span),
        ..change
    };
    part.step = Some(Step::new(change, None));
    part.effects.is_incomplete = true;
    part
}

fn cannot_register(
    view: &View<'_>,
    entry: &Deployment,
    resource: Resource,
    failure: Option<&Error>,
) -> Part {
    let address = &entry.address.value;
    let (message, help) = match failure {
        None => ("the server was not asked".to_owned(), "plan again".to_owned()),
        Some(error) if discovery::is_about_endpoint(error) => {
            (discovery::message(error), discovery::help(error, entry))
        }
        Some(error) => {
            let help = "the endpoint must answer as a Restate service; see the server's message";
            (error.message.clone(), help.to_owned())
        }
    };
    let code = match failure {
        Some(error) if !error.is_endpoint_failure() && error.kind != ErrorKind::Lost => Code::DryRunRefused,
        _ => Code::EndpointUnreachable,
    };
    let message = format!("the server cannot register {address}: {message}");
    let change = Change::new(Op::Register, resource, None);
    unknown(view, entry, change, Problem::error(code, message).help(help))
}

/// A registration offline: no endpoint is asked, so what it exposes is not known.
fn not_validated(view: &View<'_>, entry: &Deployment, resource: Resource) -> Part {
    let message = "what it exposes is not known, nor what that does to overrides and subscriptions";
    let metadata = metadata(entry, view.stack(), None, &view.input.live.server);
    let change = Change {
        fields: registration_fields(entry, metadata.as_ref()),
        ..Change::new(Op::Register, resource, None)
    };
    unknown(view, entry, change, Problem::info(Code::NotValidated, message))
}

fn metadata_unsupported(view: &View<'_>, entry: &Deployment, resource: &Resource, part: &mut Part) {
    let server = &view.input.live.server;
    if let Some(metadata) = entry.metadata.as_ref().filter(|_| !server.keeps_metadata()) {
        let message = format!("Restate {} does not keep `metadata`", server.version);
        let problem = Problem::warning(Code::MetadataUnsupported, message).at(metadata.span);
        part.find(problem, resource);
    }
}

/// 1.5 and 1.6 refuse removed handlers by themselves; 1.7 accepts them silently, so the check is
/// made here for all [S:all]. Tells whether the registration is to be sent as breaking.
fn breaking(view: &View<'_>, entry: &Deployment, dry: &Dry, taking: &mut Taking) -> bool {
    let refusal = dry.refused.as_ref().map(|error| error.message.as_str());
    let consented = taking.ask_breaking(view, entry, refusal);
    let is_breaking = taking.risk == Risk::Breaking || !taking.undoes.is_empty();
    let server = &view.input.live.server;
    if is_breaking && consented && !server.knows_breaking() {
        let (version, why) = (&server.version, taking.why_breaking(refusal));
        let message = format!(
            "Restate {version} accepts this only from a forced registration, which restatectl does not send: {why}"
        );
        taking.asked.refusals.push(
            Problem::error(Code::BreakingUnsupported, message)
                .help("keep the handlers and types, give the service a new name, or upgrade to Restate 1.6"),
        );
    }
    is_breaking
}
