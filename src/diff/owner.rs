//! Whose a resource is: a deployment's mark says it, and services and subscriptions belong to whom
//! the deployment behind them belongs.

use super::change::{Finding, Refused, Resource};
use super::{ServedBy, Work, refused};
use crate::desired::{Consent, Deployment};
use crate::live;
use crate::problem::Severity;
use crate::source::Spanned;

/// The other stack whose mark a deployment carries.
pub fn foreign_mark<'a>(work: &Work<'a>, live: &'a live::Deployment) -> Option<&'a str> {
    let ours = work
        .input
        .desired
        .stack
        .as_ref()
        .map(|stack| stack.value.as_str());
    live.stack().filter(|mark| Some(*mark) != ours)
}

/// Whether pruning may touch it: with a stack what carries its mark, without one what carries none.
pub fn is_ours(work: &Work<'_>, live: &live::Deployment) -> bool {
    let ours = work
        .input
        .desired
        .stack
        .as_ref()
        .map(|stack| stack.value.as_str());
    live.stack() == ours
}

/// The live deployment that serves a service after the changes so far, if it keeps its mark: one
/// that this plan registers, also by force, gets ours.
fn server_of<'a>(work: &Work<'a>, service: &str) -> Option<&'a live::Deployment> {
    let predicted = work.world.services.get(service)?;
    match &predicted.server {
        ServedBy::Live(_) if predicted.bumps > 0 && work.stack().is_some() => None,
        ServedBy::Live(id) => work.input.live.deployment(id),
        ServedBy::Planned(_) => None,
    }
}

/// Whether a subscription that feeds this service is ours to delete.
pub fn is_sink_ours(work: &Work<'_>, service: &str) -> bool {
    if !work.world.services.contains_key(service) {
        // Nobody's, as far as can be told.
        return work.stack().is_none();
    }
    server_of(work, service).is_none_or(|live| is_ours(work, live))
}

/// The refusal to change what belongs to another stack, unless that is allowed. `entry` names what
/// carries the `allow:` list.
pub fn take_over(
    work: &Work<'_>,
    stack: &str,
    allow: &[Spanned<Consent>],
    keys: &[&str],
    what: &str,
    entry: &str,
) -> Option<Refused> {
    let consent = Consent::TakeOver(stack.to_owned());
    (!work.consents.allows(&consent, allow, keys)).then(|| {
        refused(
            "foreign-stack",
            format!("{what} belongs to the stack {stack}"),
            format!(
                "leave it to that stack's file; if it is to be taken over, add `allow: [{consent}]` to the {entry}, or run with `--allow {consent}`"
            ),
        )
    })
}

/// The same for a change of a service, or of a subscription that feeds it.
pub fn take_over_service(
    work: &Work<'_>,
    service: &str,
    allow: &[Spanned<Consent>],
    keys: &[&str],
    entry: &str,
) -> Option<Refused> {
    let mark = server_of(work, service).and_then(|live| foreign_mark(work, live))?;
    take_over(work, mark, allow, keys, &format!("the service {service}"), entry)
}

/// A deployment that is listed without carrying our mark can only get it by registering it again.
pub fn unmarked(work: &mut Work<'_>, entry: &Deployment, live: &live::Deployment, resource: &Resource) {
    let Some(stack) = &work.input.desired.stack else {
        return;
    };
    let stack = &stack.value;
    let message = match live.stack() {
        Some(mark) if mark == stack => return,
        Some(mark) => format!("carries the mark of the stack {mark}, and keeps it"),
        None => format!("is listed, but does not carry the mark of the stack {stack}"),
    };
    work.find(
        Severity::Info,
        "unmarked",
        message,
        resource.clone(),
        Some(entry.address.span),
    )
    .help = Some(
        "no server can mark it without registering it again; once no file lists it, pruning leaves it alone"
            .to_owned(),
    );
}

/// 1.5 keeps no metadata, and with it no marks [S:1.5.3].
pub fn check_server(work: &mut Work<'_>) {
    let Some(stack) = &work.input.desired.stack else {
        return;
    };
    let server = &work.input.live.server;
    if server.has_patch() {
        return;
    }
    work.outcome.findings.push(Finding {
        code: "stack-unsupported".to_owned(),
        severity: Severity::Error,
        message: format!(
            "Restate {} does not keep the metadata that marks what a stack owns",
            server.version
        ),
        help: Some("remove `stack`, or upgrade to Restate 1.6".to_owned()),
        resource: None,
        origin: work.input.sources.origin(stack.span),
    });
}
