//! Deployments that are registered already: a change of their connection, of their code behind the
//! same address, or of who serves.

use super::action::{Action, Existing, Served};
use super::discovery;
use super::desired::Deployment;
use super::visibility::Visibility;
use super::{connection, connection_fields, live, recode, stored_connection};
use crate::admin::{Error, wire};
use crate::change::{Basis, Change, Field, Op, Precondition, Resource, Validated};
use crate::code::Code;
use crate::draft::owner::Allowing;
use crate::draft::{Asked, Part, Step, View};
use crate::kind::Key;
use crate::kind::service::desired::Service;
use crate::kind::service::basis::in_effect;
use crate::kind::service::options::{Options, ServiceOption};
use crate::problem::{Problem, Severity};
use crate::secret::{MASK, Value};

/// A listed deployment that is registered, and what has been found out about it.
pub struct Known<'a> {
    pub entry: &'a Deployment,
    pub live: &'a live::Deployment,
    pub resource: Resource,
    /// The fields of the connection that are to change.
    pub fields: Vec<Field>,
    /// Consent to change what belongs to another stack, or the refusal.
    pub asked: Asked,
    pub part: Part,
}

impl Known<'_> {
    /// The deployment as the plan was made with it. `outcome`: what a change makes of its services.
    pub fn existing(&self, outcome: Served) -> Existing {
        Existing {
            id: self.live.id.clone(),
            before: stored_connection(self.live),
            created_at: self.live.created_at.clone(),
            outcome,
        }
    }

    pub fn find(&mut self, problem: Problem) {
        self.part.find(problem, &self.resource);
    }
}

/// `should_serve`: the services of which this is the last listed deployment.
pub fn diff(
    view: &View<'_>,
    entry: &Deployment,
    live: &live::Deployment,
    should_serve: &[String],
) -> Part {
    let mut known = Known {
        entry,
        live,
        resource: Resource::live(Key::Deployment(entry.address.value.key()), &live.id),
        fields: connection_fields(entry, live),
        asked: Asked::default(),
        part: Part::default(),
    };
    metadata_stale(view, &mut known);
    let elsewhere: Vec<&str> = (should_serve.iter())
        .map(String::as_str)
        .filter(|name| {
            // One that nobody serves comes with the overwrite that brings it.
            let predicted = view.world.get(name);
            predicted.is_some_and(|predicted| !predicted.server.is(live))
        })
        .collect();
    if let Some(Err(error)) = view.input.answers.discoveries.get(&live.id) {
        let is_needed = !known.fields.is_empty() || !elsewhere.is_empty();
        known.find(unreachable(entry, error, is_needed));
    }
    foreign(view, &mut known);
    unmarked(view, &mut known);

    let code = recode::code(view, live);
    if !elsewhere.is_empty() {
        recode::promote(view, known, code.as_ref(), &elsewhere)
    } else if let Some(code) = code.filter(recode::Code::is_other) {
        recode::overwrite(view, known, &code)
    } else if !known.fields.is_empty() {
        update(view, known)
    } else {
        let Known { asked, mut part, .. } = known;
        part.given = asked.given;
        part
    }
}

/// A listed deployment that carries another stack's mark stops the plan, also where nothing is to
/// change.
fn foreign(view: &View<'_>, known: &mut Known<'_>) {
    let Some(mark) = view.foreign_mark(known.live) else {
        return;
    };
    let (entry, keys) = (known.entry, known.entry.names());
    let allowing = Allowing {
        allow: &entry.allow,
        keys: &keys,
        entry: "deployment",
    };
    let answer = view.take_over(mark, &entry.address.value.to_string(), allowing);
    if let Err(problem) = &answer {
        known.part.foreign = Some((problem.clone(), known.resource.clone()));
    }
    known.asked.take(answer);
}

/// A deployment that is listed without carrying our mark can only get it by registering it again.
fn unmarked(view: &View<'_>, known: &mut Known<'_>) {
    let Some(stack) = view.stack() else { return };
    let message = match known.live.stack() {
        Some(mark) if mark == stack => return,
        Some(mark) => format!("carries the mark of the stack {mark}, and keeps it"),
        None => format!("is listed, but does not carry the mark of the stack {stack}"),
    };
    let problem = Problem::info(Code::Unmarked, message)
        .at(known.entry.address.span)
        .help("no server can mark it without registering it again; once no file lists it, pruning leaves it alone");
    known.find(problem);
}

fn metadata_stale(view: &View<'_>, known: &mut Known<'_>) {
    let Some(wanted) = &known.entry.metadata else {
        return;
    };
    // A snapshot hides the secrets that somebody put there.
    let is_stale = |name: &String, value: &Value| {
        let now = known.live.metadata.get(name);
        now.is_none_or(|now| now != value.expose() && !now.contains(MASK))
    };
    let stale: Vec<String> = (wanted.value.iter())
        .filter(|(name, value)| is_stale(name, value))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if stale.is_empty() || !view.input.live.server.keeps_metadata() {
        return;
    }
    let names = stale.join(", ");
    let message = format!("the metadata {names} differs from what was registered, and stays as it is");
    let problem = Problem::info(Code::MetadataStale, message)
        .at(wanted.span)
        .help("no server can change metadata without a forced registration");
    known.find(problem);
}

/// A warning as long as nothing about the deployment is to change.
pub fn unreachable(entry: &Deployment, error: &Error, changes: bool) -> Problem {
    let help = discovery::help(error, entry);
    let (severity, help) = if changes {
        let why = "a registered deployment can only be changed while its endpoint is up";
        (Severity::Error, format!("{why}; {help}"))
    } else {
        let why = "its invocations are failing too, and what it serves was not compared";
        (Severity::Warning, format!("{why}; {help}"))
    };
    let message = format!(
        "the server cannot discover {} now: {}",
        entry.address.value,
        discovery::message(error)
    );
    Problem::new(Code::EndpointUnreachable, severity, message)
        .at(entry.address.span)
        .help(help)
}

fn update(view: &View<'_>, mut known: Known<'_>) -> Part {
    let (entry, live, input) = (known.entry, known.live, view.input);
    let validated = match input.answers.updates.get(&live.id) {
        Some(Ok(())) => Validated::Server,
        Some(Err(error)) => {
            // The same endpoint may have been reported already, by its discovery.
            if !matches!(input.answers.discoveries.get(&live.id), Some(Err(_))) {
                known.find(unreachable(entry, error, true));
            }
            Validated::Local
        }
        None => Validated::Local,
    };
    let mut basis = Basis::default();
    let mut outcome = Served::default();
    if !input.live.server.patches_deployments() {
        let visibility = put_resets(view, &mut known);
        outcome = visibility.settle(view, entry, &mut known.asked);
        let names = live.services.keys();
        basis.options = names.flat_map(|name| in_effect(input.live, name)).collect();
    }
    let action = Action::Update {
        is: known.existing(outcome),
        request: wire::Update {
            connection: connection(entry, Some(live)),
            overwrite: false,
            dry_run: false,
        },
    };
    let Known {
        resource,
        fields,
        asked,
        mut part,
        ..
    } = known;
    let (given, refused) = asked.refused();
    let change = Change {
        validated,
        precondition: Precondition::of(&fields),
        fields,
        refused,
        ..Change::new(Op::Update, resource, input.origin(entry.span))
    };
    part.step = Some(Step {
        basis,
        ..Step::new(change, Some(action.into()))
    });
    part.given = given;
    part
}

/// 1.5 changes a connection with a PUT that discovers the endpoint again, and what the SDK declares
/// then wins over overrides [S:1.5.3]. Whether it declares an option or leaves it to the server's
/// default cannot be seen, so every override may be reset or kept, and what the file says is sent.
fn put_resets(view: &View<'_>, known: &mut Known<'_>) -> Visibility {
    let (input, live) = (view.input, known.live);
    let mut visibility = Visibility::default();
    let Some(Ok(fresh)) = input.answers.discoveries.get(&live.id) else {
        if input.offline.is_none() {
            let version = &input.live.server.version;
            let message = format!(
                "Restate {version} discovers the endpoint again when a connection changes, and whether its code is unchanged is not known"
            );
            let refusal = Problem::error(Code::Overwrite, message).help("run without `--discover none`");
            known.asked.refusals.push(refusal);
        }
        return visibility;
    };
    for service in fresh.values() {
        let Some(predicted) = view.world.get(&service.name) else {
            continue;
        };
        if predicted.server.is(live) && predicted.service.options != service.options {
            let wanted = input.desired.entries.services.get(&service.name);
            let options = worst_case(&predicted.service.options, &service.options, wanted);
            known.part.effects.reset.push((service.name.clone(), options));
            visibility.note(view, &service.name, service.options.public);
        }
    }
    visibility
}

/// What options may be after a PUT, at worst: of the value now and the baseline, the one that is not
/// wanted.
fn worst_case(now: &Options, baseline: &Options, wanted: Option<&Service>) -> Options {
    let mut worst = baseline.clone();
    for option in ServiceOption::ALL {
        let wants = wanted.and_then(|wanted| wanted.wants(option));
        if wants.is_some() && wants == baseline.get(option) {
            worst.take(option, now);
        }
    }
    worst
}
