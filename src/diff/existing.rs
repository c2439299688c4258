//! Deployments that are registered already: a change of their connection, of their code behind the
//! same address, or of who serves.

use super::change::{
    Action, Basis, Change, Existing, Field, Kind, Op, Precondition, Refused, Resource, Served, Validated,
};
use super::deployment::{connection, connection_fields, stored_connection};
use super::visibility::{Exposure, Visibility};
use super::{ServedBy, Work, owner, recode, refusal, refused, services};
use crate::admin::{Error, wire};
use crate::desired::{self, Deployment, Duration};
use crate::live::{self, Options};
use crate::problem::Severity;
use crate::secret::MASK;
use crate::source::Spanned;

/// A listed deployment that is registered.
pub struct Known<'a> {
    pub entry: &'a Deployment,
    pub live: &'a live::Deployment,
    pub resource: Resource,
    /// Of its connection, those that are to change.
    pub fields: Vec<Field>,
    /// The refusal to change it, if it belongs to another stack.
    pub foreign: Option<Refused>,
}

impl Known<'_> {
    /// As the plan was made with it. `outcome`: what a change makes of its services.
    pub fn existing(&self, outcome: Served) -> Existing {
        Existing {
            id: self.live.id.clone(),
            before: stored_connection(self.live),
            outcome,
        }
    }
}

/// `should_serve`: the services of which this is the last listed deployment.
pub fn diff(work: &mut Work<'_>, entry: &Deployment, live: &live::Deployment, should_serve: &[&String]) {
    let resource = Resource::new(Kind::Deployment, entry.address.value.key()).with_id(&live.id);
    let fields = connection_fields(entry, live);
    metadata_stale(work, entry, live, &resource);
    let elsewhere: Vec<&String> = (should_serve.iter())
        .filter(|name| {
            // One that nobody serves comes with the overwrite that brings it.
            let predicted = work.world.services.get(**name);
            predicted.is_some_and(|p| p.server != ServedBy::Live(live.id.clone()))
        })
        .copied()
        .collect();
    if let Some(Err(error)) = work.input.answers.discoveries.get(&live.id) {
        let is_needed = !fields.is_empty() || !elsewhere.is_empty();
        unreachable(work, entry, &resource, error, is_needed);
    }
    let foreign = foreign(work, entry, live, &resource);
    owner::unmarked(work, entry, live, &resource);

    let code = recode::code(work, live);
    let known = Known {
        entry,
        live,
        resource,
        fields,
        foreign,
    };
    if !elsewhere.is_empty() {
        recode::promote(work, known, &elsewhere);
    } else if let Some(code) = code.filter(|code| !code.differences.is_empty()) {
        recode::overwrite(work, known, &code);
    } else if !known.fields.is_empty() {
        update(work, known);
    }
}

/// A listed deployment that carries another stack's mark stops the plan, also where nothing is to
/// change.
fn foreign(
    work: &mut Work<'_>,
    entry: &Deployment,
    live: &live::Deployment,
    resource: &Resource,
) -> Option<Refused> {
    let mark = owner::foreign_mark(work, live)?;
    let (key, shown) = (entry.address.value.key(), entry.address.value.to_string());
    let keys = [key.as_str(), shown.as_str()];
    let refusal = owner::take_over(work, mark, &entry.allow, &keys, &shown, "deployment")?;
    work.foreign.push((resource.clone(), refusal.clone()));
    Some(refusal)
}

fn metadata_stale(work: &mut Work<'_>, entry: &Deployment, live: &live::Deployment, resource: &Resource) {
    let Some(wanted) = &entry.metadata else { return };
    let stale: Vec<&String> = wanted
        .value
        .iter()
        // A snapshot hides the secrets that somebody put there.
        .filter(|(name, value)| {
            let now = live.metadata.get(*name);
            now != Some(*value) && now.is_none_or(|now| !now.contains(MASK))
        })
        .map(|(name, _)| name)
        .collect();
    if stale.is_empty() || !work.input.live.server.has_patch() {
        return;
    }
    let names = stale
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let message = format!("the metadata {names} differs from what was registered, and stays as it is");
    work.find(
        Severity::Info,
        "metadata-stale",
        message,
        resource.clone(),
        Some(wanted.span),
    )
    .help = Some("no server can change metadata without a forced registration".to_owned());
}

/// A warning as long as nothing about the deployment is to change.
pub(super) fn unreachable(
    work: &mut Work<'_>,
    entry: &Deployment,
    resource: &Resource,
    error: &Error,
    changes: bool,
) {
    let severity = if changes {
        Severity::Error
    } else {
        Severity::Warning
    };
    let message = format!(
        "the server cannot discover {} now: {}",
        entry.address.value, error.message
    );
    let help = if changes {
        "a registered deployment can only be changed while its endpoint is up"
    } else {
        "its invocations are failing too; what it serves was not compared"
    };
    work.find(
        severity,
        "endpoint-unreachable",
        message,
        resource.clone(),
        Some(entry.address.span),
    )
    .help = Some(help.to_owned());
}

fn update(work: &mut Work<'_>, known: Known<'_>) {
    let Known { entry, live, .. } = known;
    let validated = match work.input.answers.updates.get(&live.id) {
        Some(Ok(())) => Validated::Server,
        Some(Err(error)) => {
            // The same endpoint may have been reported already, by its discovery.
            if !matches!(work.input.answers.discoveries.get(&live.id), Some(Err(_))) {
                unreachable(work, entry, &known.resource, error, true);
            }
            Validated::Local
        }
        None => Validated::Local,
    };
    let exposure = if work.input.live.server.has_patch() {
        Exposure::default()
    } else {
        put_resets(work, entry, live)
    };
    let outcome = Served {
        keep_private: exposure.keep_private,
        may_expose: exposure.may_expose,
        ..Served::default()
    };
    let action = Action::Update {
        is: known.existing(outcome),
        request: wire::Update {
            connection: connection(entry, Some(live)),
            overwrite: false,
            dry_run: false,
        },
    };
    let mut refusals = exposure.refusals;
    refusals.extend(known.foreign);
    let mut basis = Basis::default();
    if !work.input.live.server.has_patch() {
        let names = live.services.keys();
        basis.options = names.flat_map(|name| services::before(work, name)).collect();
    }
    work.push(Change {
        validated,
        precondition: Precondition::of(&known.fields),
        basis,
        fields: known.fields,
        refused: refusal(refusals),
        action: Some(action),
        ..Change::new(Op::Update, known.resource, work.input.sources.origin(entry.span))
    });
}

/// 1.5 changes a connection with a PUT that discovers the endpoint again, and what the SDK declares
/// then wins over overrides [S:1.5.3]. Whether it declares an option or leaves it to the server's
/// default cannot be seen, so every override may be reset or kept, and what the file says is sent.
fn put_resets(work: &mut Work<'_>, entry: &Deployment, live: &live::Deployment) -> Exposure {
    let Some(Ok(fresh)) = work.input.answers.discoveries.get(&live.id) else {
        let version = &work.input.live.server.version;
        let message = format!(
            "Restate {version} discovers the endpoint again when a connection changes, and whether its code is unchanged is not known"
        );
        let refusal = refused("overwrite", message, "run without `--discover none`");
        return Exposure {
            refusals: if work.input.offline.is_some() {
                Vec::new()
            } else {
                vec![refusal]
            },
            ..Exposure::default()
        };
    };
    let id = work.next_id();
    let mut visibility = Visibility::default();
    for service in fresh.values() {
        let Some(predicted) = work.world.services.get_mut(&service.name) else {
            continue;
        };
        let serves = predicted.server == ServedBy::Live(live.id.clone());
        if serves && predicted.service.options != service.options {
            let wanted = work.input.desired.services.get(&service.name);
            predicted.service.options = worst_case(&predicted.service.options, &service.options, wanted);
            predicted.registrations.push(id);
            visibility.note(work, &service.name, service.options.public);
        }
    }
    visibility.settle(work, entry)
}

/// Of what an option may be after a PUT, what it is now or the baseline, that which differs from
/// what is wanted.
fn worst_case(now: &Options, baseline: &Options, wanted: Option<&desired::Service>) -> Options {
    let Options {
        public,
        idempotency_retention,
        journal_retention,
        inactivity_timeout,
        abort_timeout,
        workflow_completion_retention,
    } = baseline;
    let public_wanted = wanted.and_then(|wanted| Some(wanted.public.as_ref()?.value));
    let duration = |now: Option<Duration>, baseline: Option<Duration>, wanted: Option<&Spanned<Duration>>| {
        let is_wanted = wanted.is_some_and(|wanted| Some(wanted.value) == baseline);
        if is_wanted { now } else { baseline }
    };
    let field = |read: fn(&desired::Service) -> Option<&Spanned<Duration>>| wanted.and_then(read);
    Options {
        public: if public_wanted == Some(*public) {
            now.public
        } else {
            *public
        },
        idempotency_retention: duration(
            now.idempotency_retention,
            *idempotency_retention,
            field(|s| s.idempotency_retention.as_ref()),
        ),
        journal_retention: duration(
            now.journal_retention,
            *journal_retention,
            field(|s| s.journal_retention.as_ref()),
        ),
        inactivity_timeout: duration(
            now.inactivity_timeout,
            *inactivity_timeout,
            field(|s| s.inactivity_timeout.as_ref()),
        ),
        abort_timeout: duration(
            now.abort_timeout,
            *abort_timeout,
            field(|s| s.abort_timeout.as_ref()),
        ),
        workflow_completion_retention: duration(
            now.workflow_completion_retention,
            *workflow_completion_retention,
            field(|s| s.workflow_completion_retention.as_ref()),
        ),
    }
}
