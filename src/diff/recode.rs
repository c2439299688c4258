//! New code behind a known address, and old code that is to serve again.

use super::change::{Action, Change, Op, Precondition, Resource, Risk, Validated};
use super::deployment::{code_differences, connection, metadata};
use super::existing::{Known, unreachable};
use super::probe::stored;
use super::taking::{By, Taking};
use super::{ServedBy, Work, needs, refusal, refused};
use crate::admin::wire;
use crate::desired::{Consent, Deployment};
use crate::live::{self, Service};
use crate::problem::Severity;
use std::collections::BTreeMap;

/// What an endpoint serves now, beside what was registered.
pub struct Code<'a> {
    pub fresh: &'a BTreeMap<String, Service>,
    /// In words.
    pub differences: Vec<String>,
}

/// `None` where the endpoint was not discovered again.
pub fn code<'a>(work: &Work<'a>, live: &live::Deployment) -> Option<Code<'a>> {
    let fresh = work.input.answers.discoveries.get(&live.id)?.as_ref().ok()?;
    let differences = code_differences(&stored(work.input.live, work.input.answers, live), fresh);
    Some(Code { fresh, differences })
}

/// What an endpoint serves that is to be overwritten, with consent.
pub fn overwritten<'a>(
    work: &Work<'a>,
    entry: &Deployment,
    live: &live::Deployment,
) -> Option<&'a BTreeMap<String, Service>> {
    let code = code(work, live).filter(|code| !code.differences.is_empty())?;
    work.consented(entry, &Consent::Overwrite).then_some(code.fresh)
}

/// A forced registration makes a deployment the latest for all its services again.
pub fn promote(work: &mut Work<'_>, known: Known<'_>, elsewhere: &[&String]) {
    let mut taking = Taking::new();
    taking.risk = Risk::Breaking;
    if !work.consented(known.entry, &Consent::Promote) {
        let message = format!("the file says that it serves {}", servers(work, elsewhere));
        taking
            .refusals
            .push(needs(&Consent::Promote, message, "deployment"));
    }
    let Some(code) = code(work, known.live) else {
        return cannot_recode(work, known, taking, Op::Promote);
    };
    if !code.differences.is_empty() {
        ask_overwrite(work, known.entry, &code, &mut taking);
    }
    force(work, known, &code, taking, Op::Promote);
}

/// `Cart, which http://a:9080 serves`
fn servers(work: &Work<'_>, services: &[&String]) -> String {
    let mut by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in services {
        let server = match work.world.services.get(*name).map(|predicted| &predicted.server) {
            Some(ServedBy::Live(id)) => work.deployment_key(id),
            Some(ServedBy::Planned(identity)) => identity.clone(),
            None => "nothing".to_owned(),
        };
        by.entry(server).or_default().push(name);
    }
    let parts = by
        .iter()
        .map(|(server, names)| format!("{}, which {server} serves", names.join(", ")));
    parts.collect::<Vec<_>>().join("; ")
}

/// The same address serves other code: taken over without a new revision where the server can.
pub fn overwrite(work: &mut Work<'_>, known: Known<'_>, code: &Code<'_>) {
    let Known { entry, live, .. } = known;
    let mut taking = Taking::new();
    taking.risk = Risk::Breaking;
    ask_overwrite(work, entry, code, &mut taking);
    if !work.input.live.server.has_patch() {
        return force(work, known, code, taking, Op::Overwrite);
    }
    let dry = match work.input.answers.overwrites.get(&live.id) {
        Some(Ok(dry)) => dry,
        Some(Err(error)) => {
            unreachable(work, entry, &known.resource, error, true);
            return cannot_recode(work, known, taking, Op::Overwrite);
        }
        None => return cannot_recode(work, known, taking, Op::Overwrite),
    };
    if dry.values().any(|service| is_tied(work, live, service)) {
        return force(work, known, code, taking, Op::Overwrite);
    }
    let id = work.next_id();
    let exposed = dry.keys().cloned().collect();
    work.recoded.insert(live.id.clone(), (id, exposed));
    for service in dry.values() {
        let server = work
            .world
            .services
            .get(&service.name)
            .map(|predicted| &predicted.server);
        // One that is new to the deployment starts at revision 1, behind who serves it [S:1.6.2, 1.7.12].
        if server.is_none_or(|server| *server == ServedBy::Live(live.id.clone())) {
            taking.take(work, entry, id, service, By::Overwrite(live));
        }
    }
    for name in live.services.keys().filter(|name| !dry.contains_key(*name)) {
        taking.drop_service(work, id, name, live);
    }
    taking.ask_breaking(work, entry, None);
    taking.ask_protected(work, entry, true);
    let outcome = taking.settle(work, entry, dry);
    let action = Action::Update {
        is: known.existing(outcome),
        request: wire::Update {
            connection: connection(entry, Some(live)),
            overwrite: true,
            dry_run: false,
        },
    };
    push(work, known, taking, Op::Overwrite, Some(action));
}

/// A service that is new to the deployment starts at revision 1. If another one serves it at the same
/// revision, either may win: the one on 1.7.12, the other on 1.6.2 [S]. New revisions leave no doubt.
fn is_tied(work: &Work<'_>, live: &live::Deployment, service: &Service) -> bool {
    let other = work.world.services.get(&service.name);
    let other = other.filter(|other| other.server != ServedBy::Live(live.id.clone()));
    !live.services.contains_key(&service.name)
        && other.is_some_and(|other| other.service.revision <= service.revision)
}

fn ask_overwrite(work: &Work<'_>, entry: &Deployment, code: &Code<'_>, taking: &mut Taking) {
    if work.consented(entry, &Consent::Overwrite) {
        return;
    }
    let message = format!(
        "the endpoint serves other code than is registered: {}",
        code.differences.join(", ")
    );
    let mut refusal = needs(&Consent::Overwrite, message, "deployment");
    refusal.help = format!(
        "better serve new code at an address of its own: in-flight invocations may fail; {}",
        refusal.help
    );
    taking.refusals.push(refusal);
}

fn force(work: &mut Work<'_>, known: Known<'_>, code: &Code<'_>, mut taking: Taking, op: Op) {
    let Known { entry, live, .. } = known;
    let id = work.next_id();
    let exposed = code.fresh.keys().cloned().collect();
    work.recoded.insert(live.id.clone(), (id, exposed));
    for service in code.fresh.values() {
        taking.take(work, entry, id, service, By::Force(live));
    }
    for name in live
        .services
        .keys()
        .filter(|name| !code.fresh.contains_key(*name))
    {
        taking.drop_service(work, id, name, live);
    }
    taking.ask_breaking(work, entry, None);
    taking.ask_protected(work, entry, op == Op::Overwrite || !code.differences.is_empty());
    let outcome = taking.settle(work, entry, code.fresh);
    let action = Action::Promote {
        is: known.existing(outcome),
        request: wire::Registration {
            connection: connection(entry, Some(live)),
            metadata: metadata(entry, work.stack(), Some(live), &work.input.live.server),
            auth: live.auth.clone(),
            force: true,
            breaking: true,
            dry_run: false,
        },
    };
    push(work, known, taking, op, Some(action));
}

/// Without knowing what the endpoint serves there is no telling what would become of its services.
fn cannot_recode(work: &mut Work<'_>, known: Known<'_>, mut taking: Taking, op: Op) {
    // One that could not be reached has been told, and offline that goes for all.
    if work.input.offline.is_none() && !work.input.answers.discoveries.contains_key(&known.live.id) {
        taking.refusals.push(refused(
            "not-discovered",
            "what the endpoint serves now is not known",
            "run without `--discover none`",
        ));
    }
    push(work, known, taking, op, None);
}

fn push(work: &mut Work<'_>, known: Known<'_>, mut taking: Taking, op: Op, action: Option<Action>) {
    let Known {
        entry,
        live,
        resource,
        mut fields,
        foreign,
    } = known;
    taking.refusals.extend(foreign);
    let mut precondition = Precondition::of(&fields);
    precondition.fields.extend(taking.preconditions());
    let basis = taking.basis(work);
    fields.append(&mut taking.fields);
    // A promotion can be an overwrite as well.
    let is_overwrite = code(work, live).is_some_and(|code| !code.differences.is_empty());
    let invocations = is_overwrite.then(|| hit(work, live, &resource)).flatten();
    work.push(Change {
        risk: taking.risk,
        validated: if action.is_some() {
            Validated::Server
        } else {
            Validated::Local
        },
        depends_on: taking.depends_on.into_iter().collect(),
        fields,
        services: taking.services,
        invocations,
        refused: refusal(taking.refusals),
        precondition,
        basis,
        action,
        ..Change::new(op, resource, work.input.sources.origin(entry.span))
    });
}

/// The unfinished invocations that run on it.
fn hit(work: &mut Work<'_>, live: &live::Deployment, resource: &Resource) -> Option<u64> {
    match work.input.answers.in_flight.as_ref()? {
        Ok(in_flight) => Some(in_flight.on_deployment(&live.id)),
        Err(error) => {
            let message = format!("how many invocations run on it is not known: {}", error.message);
            work.find(
                Severity::Warning,
                "invocations-unknown",
                message,
                resource.clone(),
                None,
            );
            None
        }
    }
}
