//! New code behind a known address, and old code that is to serve again.

use super::action::Action;
use super::desired::Deployment;
use super::existing::{Known, unreachable};
use super::taking::{By, Taking};
use super::{code_differences, connection, live, metadata};
use crate::admin::wire;
use crate::ask::stored;
use crate::change::{Change, Op, Precondition, Risk, Validated};
use crate::code;
use crate::consent::Consent;
use crate::draft::consent::needs;
use crate::draft::world::ServedBy;
use crate::draft::{Part, View};
use crate::kind::service::live::Service;
use crate::problem::Problem;
use std::collections::BTreeMap;

/// What an endpoint serves now, beside what was registered.
pub struct Code<'a> {
    pub fresh: &'a BTreeMap<String, Service>,
    /// How the endpoint differs from what was registered, in words.
    pub differences: Vec<String>,
}

impl Code<'_> {
    /// Whether it is not what was registered.
    pub fn is_other(&self) -> bool {
        !self.differences.is_empty()
    }
}

/// What the endpoint serves now; `None` when it was not discovered again.
pub fn code<'a>(view: &View<'a>, live: &live::Deployment) -> Option<Code<'a>> {
    let answers = view.input.answers;
    let fresh = answers.discoveries.get(&live.id)?.as_ref().ok()?;
    let differences = code_differences(&stored(view.input.live, answers, live), fresh);
    Some(Code { fresh, differences })
}

/// What an endpoint serves that is to be overwritten, with consent.
pub fn overwritten<'a>(
    view: &View<'a>,
    entry: &Deployment,
    live: &live::Deployment,
) -> Option<&'a BTreeMap<String, Service>> {
    let code = code(view, live).filter(Code::is_other)?;
    let given = view
        .consents
        .allows(&Consent::Overwrite, &entry.allow, &entry.names());
    given.map(|_| code.fresh)
}

/// A forced registration makes a deployment the latest for all its services again.
pub fn promote(view: &View<'_>, known: Known<'_>, code: Option<&Code<'_>>, elsewhere: &[&str]) -> Part {
    let mut taking = Taking::default();
    taking.risk = Risk::Breaking;
    taking.ask(view, known.entry, &Consent::Promote, || {
        let message = format!("the file says that it serves {}", servers(view, elsewhere));
        needs(&Consent::Promote, message, "deployment")
    });
    let Some(code) = code else {
        return cannot_recode(view, known, taking, Op::Promote);
    };
    if code.is_other() {
        ask_overwrite(view, known.entry, code, &mut taking);
    }
    force(view, known, code, taking, Op::Promote)
}

/// Says who serves services: `Cart, which http://a:9080 serves`.
fn servers(view: &View<'_>, services: &[&str]) -> String {
    let mut by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in services {
        let server = match view.world.get(name).map(|predicted| &predicted.server) {
            Some(ServedBy::Live(id)) => view.deployment_key(id),
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
pub fn overwrite(view: &View<'_>, mut known: Known<'_>, code: &Code<'_>) -> Part {
    let (entry, live, input) = (known.entry, known.live, view.input);
    let mut taking = Taking::default();
    taking.risk = Risk::Breaking;
    ask_overwrite(view, entry, code, &mut taking);
    if !input.live.server.patches_deployments() {
        return force(view, known, code, taking, Op::Overwrite);
    }
    let dry = match input.answers.overwrites.get(&live.id) {
        Some(Ok(dry)) => dry,
        Some(Err(error)) => {
            known.find(unreachable(entry, error, true));
            return cannot_recode(view, known, taking, Op::Overwrite);
        }
        None => return cannot_recode(view, known, taking, Op::Overwrite),
    };
    if dry.values().any(|service| is_tied(view, live, service)) {
        return force(view, known, code, taking, Op::Overwrite);
    }
    for service in dry.values() {
        let server = view.world.get(&service.name).map(|predicted| &predicted.server);
        // One that is new to the deployment starts at revision 1, behind who serves it [S:1.6.2, 1.7.12].
        if server.is_none_or(|server| server.is(live)) {
            taking.take(view, entry, service, By::Overwrite(live));
        }
    }
    let action = |known: &Known<'_>, outcome| Action::Update {
        is: known.existing(outcome),
        request: wire::Update {
            connection: connection(entry, Some(live)),
            overwrite: true,
            dry_run: false,
        },
    };
    let recoding = Recoding {
        fresh: dry,
        op: Op::Overwrite,
        overwrites: true,
    };
    recoded(view, known, recoding, taking, action)
}

/// A service that is new to the deployment starts at revision 1. If another one serves it at the same
/// revision, either may win: the one on 1.7.12, the other on 1.6.2 [S:1.6.2, 1.7.12]. New revisions
/// leave no doubt.
fn is_tied(view: &View<'_>, live: &live::Deployment, service: &Service) -> bool {
    let other = view.world.get(&service.name);
    let other = other.filter(|other| !other.server.is(live));
    !live.services.contains_key(&service.name)
        && other.is_some_and(|other| other.service.revision <= service.revision)
}

fn ask_overwrite(view: &View<'_>, entry: &Deployment, code: &Code<'_>, taking: &mut Taking) {
    taking.ask(view, entry, &Consent::Overwrite, || {
        let message = format!(
            "the endpoint serves other code than is registered: {}",
            code.differences.join(", ")
        );
        let refusal = needs(&Consent::Overwrite, message, "deployment");
        let help = refusal.help.clone().unwrap_or_default();
        refusal.help(format!(
            "better serve new code at an address of its own: in-flight invocations may fail; {help}"
        ))
    });
}

fn force(view: &View<'_>, known: Known<'_>, code: &Code<'_>, mut taking: Taking, op: Op) -> Part {
    let (entry, live, input) = (known.entry, known.live, view.input);
    for service in code.fresh.values() {
        taking.take(view, entry, service, By::Force(live));
    }
    let action = |known: &Known<'_>, outcome| Action::Promote {
        is: known.existing(outcome),
        request: wire::Registration {
            connection: connection(entry, Some(live)),
            metadata: metadata(entry, view.stack(), Some(live), &input.live.server),
            auth: live.auth.clone(),
            force: true,
            breaking: true,
            dry_run: false,
        },
    };
    let recoding = Recoding {
        fresh: code.fresh,
        op,
        overwrites: op == Op::Overwrite || code.is_other(),
    };
    recoded(view, known, recoding, taking, action)
}

/// What a registered deployment becomes.
#[derive(Clone, Copy)]
struct Recoding<'a> {
    /// What it will expose, by name.
    fresh: &'a BTreeMap<String, Service>,
    op: Op,
    /// Whether other code may come to serve in-flight invocations.
    overwrites: bool,
}

/// The change of a deployment that is registered again.
fn recoded(
    view: &View<'_>,
    mut known: Known<'_>,
    recoding: Recoding<'_>,
    mut taking: Taking,
    action: impl FnOnce(&Known<'_>, super::action::Served) -> Action,
) -> Part {
    let Recoding { fresh, op, overwrites } = recoding;
    let (entry, live) = (known.entry, known.live);
    let exposed = fresh.keys().cloned().collect();
    taking.effects.recoded = Some((live.id.clone(), exposed));
    for name in live.services.keys().filter(|name| !fresh.contains_key(*name)) {
        taking.drop_service(view, name, live);
    }
    taking.ask_breaking(view, entry, None);
    taking.ask_protected(view, entry, overwrites);
    let outcome = taking.settle(view, entry, fresh);
    let action = action(&known, outcome);
    // A promotion can be an overwrite as well.
    let is_overwrite = code(view, live).is_some_and(|code| code.is_other());
    let invocations = is_overwrite.then(|| hit(view, &mut known)).flatten();
    step(view, known, taking, op, Some(action), invocations)
}

/// A change without an action: as long as it is not known what the endpoint serves, nobody can tell
/// what would become of its services.
fn cannot_recode(view: &View<'_>, mut known: Known<'_>, mut taking: Taking, op: Op) -> Part {
    let input = view.input;
    // One that could not be reached has been told, and offline that goes for all.
    if input.offline.is_none() && !input.answers.discoveries.contains_key(&known.live.id) {
        let message = "what the endpoint serves now is not known";
        let refusal = Problem::error(code::Code::NotDiscovered, message);
        taking
            .asked
            .refusals
            .push(refusal.help("run without `--discover none`"));
    }
    let is_overwrite = code(view, known.live).is_some_and(|code| code.is_other());
    let invocations = is_overwrite.then(|| hit(view, &mut known)).flatten();
    step(view, known, taking, op, None, invocations)
}

fn step(
    view: &View<'_>,
    known: Known<'_>,
    mut taking: Taking,
    op: Op,
    action: Option<Action>,
    invocations: Option<u64>,
) -> Part {
    let Known {
        entry,
        live: _,
        resource,
        fields,
        asked,
        part,
    } = known;
    taking.asked.given.extend(asked.given);
    taking.asked.refusals.extend(asked.refusals);
    let mut precondition = Precondition::of(&fields);
    precondition.fields.extend(taking.preconditions());
    let change = Change {
        validated: if action.is_some() {
            Validated::Server
        } else {
            Validated::Local
        },
        fields,
        invocations,
        precondition,
        ..Change::new(op, resource, view.input.origin(entry.span))
    };
    taking.into_part(view, part, change, action)
}

/// The unfinished invocations that run on it.
fn hit(view: &View<'_>, known: &mut Known<'_>) -> Option<u64> {
    match view.input.answers.in_flight.as_ref()? {
        Ok(in_flight) => Some(in_flight.on_deployment(&known.live.id).n),
        Err(error) => {
            let message = format!("how many invocations run on it is not known: {}", error.message);
            known.find(Problem::warning(code::Code::InvocationsUnknown, message));
            None
        }
    }
}
