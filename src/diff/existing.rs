//! Deployments that are registered already: a change of their connection, of their code behind the
//! same address, or of who serves.

use super::change::{
    Action, Change, Field, Kind, Op, Precondition, Refused, Resource, Risk, ServiceChange, Update, Validated,
};
use super::deployment::{code_differences, connection, connection_fields, stored_connection};
use super::registrations::consents;
use super::visibility::{Exposure, Visibility};
use super::{ServedBy, Work, needs, refusal, refused};
use crate::admin::{Error, wire};
use crate::desired::{self, Consent, Deployment, Duration};
use crate::live::{self, Options, Service};
use crate::problem::Severity;
use crate::source::Spanned;
use std::collections::{BTreeMap, BTreeSet};

/// `should_serve`: the services of which this is the last listed deployment.
pub fn diff(
    work: &mut Work<'_>,
    entry: &Deployment,
    live: &live::Deployment,
    exposed: Option<&BTreeSet<String>>,
    should_serve: &[&String],
) {
    let resource = Resource::new(Kind::Deployment, entry.address.value.key()).with_id(&live.id);
    let fields = connection_fields(entry, live);
    metadata_stale(work, entry, live, &resource);
    let differences = match work.input.answers.discoveries.get(&live.id) {
        Some(Ok(fresh)) => code_differences(&stored(work, live, exposed), fresh),
        Some(Err(error)) => {
            unreachable(work, entry, &resource, error, !fields.is_empty());
            Vec::new()
        }
        None => Vec::new(),
    };
    let elsewhere: Vec<&String> = should_serve
        .iter()
        .filter(|name| {
            let predicted = work.world.services.get(**name);
            predicted.is_none_or(|p| p.server != ServedBy::Live(live.id.clone()))
        })
        .copied()
        .collect();

    if !elsewhere.is_empty() {
        promote(work, entry, resource, fields, &elsewhere);
    } else if !differences.is_empty() {
        overwrite(work, entry, live, resource, fields, &differences);
    } else if !fields.is_empty() {
        update(work, entry, live, resource, fields);
    }
}

/// What was registered. The service list has it where this deployment is the latest.
fn stored(
    work: &Work<'_>,
    live: &live::Deployment,
    exposed: Option<&BTreeSet<String>>,
) -> BTreeMap<String, Service> {
    if let Some(Ok(stored)) = work.input.answers.stored.get(&live.id) {
        return stored.clone();
    }
    exposed
        .into_iter()
        .flatten()
        .filter_map(|name| Some((name.clone(), work.input.live.services.get(name)?.clone())))
        .collect()
}

fn metadata_stale(work: &mut Work<'_>, entry: &Deployment, live: &live::Deployment, resource: &Resource) {
    let Some(wanted) = &entry.metadata else { return };
    let stale: Vec<&String> = wanted
        .value
        .iter()
        .filter(|(name, value)| live.metadata.get(*name) != Some(*value))
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
fn unreachable(work: &mut Work<'_>, entry: &Deployment, resource: &Resource, error: &Error, changes: bool) {
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
        "a connection can only be changed while the endpoint is up"
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

fn promote(
    work: &mut Work<'_>,
    entry: &Deployment,
    resource: Resource,
    fields: Vec<Field>,
    elsewhere: &[&String],
) {
    let mut depends_on = BTreeSet::new();
    let mut services = Vec::new();
    let mut from = BTreeSet::new();
    for name in elsewhere {
        let Some(now) = work.world.services.get(*name) else {
            continue;
        };
        depends_on.extend(&now.registrations);
        from.insert(match &now.server {
            ServedBy::Live(id) => work.deployment_key(id),
            ServedBy::Planned(identity) => identity.clone(),
        });
        services.push(ServiceChange {
            name: (*name).clone(),
            ty: now.service.ty.clone(),
            revision_before: Some(now.service.revision),
            revision_after: Some(now.service.revision + 1),
            handlers_added: Vec::new(),
            handlers_removed: Vec::new(),
        });
    }
    let names = elsewhere
        .iter()
        .map(|name| name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let from = from.into_iter().collect::<Vec<_>>().join(", ");
    let refusal = if consents(work, entry, Consent::Promote) {
        unavailable(
            "promote",
            "remove the newer deployment from the server, or register this one under a new address",
        )
    } else {
        let message = format!("the file says that it serves {names}, which {from} serves");
        needs(Consent::Promote, message, "deployment")
    };
    refuse(
        work,
        entry,
        Op::Promote,
        resource,
        fields,
        services,
        depends_on,
        refusal,
    );
}

fn overwrite(
    work: &mut Work<'_>,
    entry: &Deployment,
    live: &live::Deployment,
    resource: Resource,
    fields: Vec<Field>,
    differences: &[String],
) {
    let Some(Ok(fresh)) = work.input.answers.discoveries.get(&live.id) else {
        return;
    };
    let stored = stored(work, live, Some(&live.services.keys().cloned().collect()));
    let names: BTreeSet<&String> = stored.keys().chain(fresh.keys()).collect();
    let handlers = |service: Option<&Service>| -> BTreeSet<String> {
        service
            .map(|s| s.handlers.keys().cloned().collect())
            .unwrap_or_default()
    };
    let services = names
        .into_iter()
        .filter_map(|name| {
            let (before, after) = (stored.get(name), fresh.get(name));
            let (old, new) = (handlers(before), handlers(after));
            Some(ServiceChange {
                name: name.clone(),
                ty: after.or(before)?.ty.clone(),
                revision_before: before.map(|s| s.revision),
                revision_after: after.map(|s| before.map_or(s.revision, |b| b.revision)),
                handlers_added: new.difference(&old).cloned().collect(),
                handlers_removed: old.difference(&new).cloned().collect(),
            })
        })
        .collect();
    let refusal = if consents(work, entry, Consent::Overwrite) {
        unavailable(
            "overwrite",
            "serve the new code at an address of its own, and list that",
        )
    } else {
        let message = format!(
            "the endpoint serves other code than is registered: {}",
            differences.join(", ")
        );
        let mut refusal = needs(Consent::Overwrite, message, "deployment");
        refusal.help = format!(
            "better serve new code at an address of its own: in-flight invocations may fail; {}",
            refusal.help
        );
        refusal
    };
    refuse(
        work,
        entry,
        Op::Overwrite,
        resource,
        fields,
        services,
        BTreeSet::new(),
        refusal,
    );
}

fn unavailable(what: &str, instead: &str) -> Refused {
    refused(
        &format!("{what}-unavailable"),
        format!("this version of restatectl detects what needs `{what}`, and does not do it yet"),
        instead,
    )
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a change that two refused operations share"
)]
fn refuse(
    work: &mut Work<'_>,
    entry: &Deployment,
    op: Op,
    resource: Resource,
    fields: Vec<Field>,
    services: Vec<ServiceChange>,
    depends_on: BTreeSet<u32>,
    refused: Refused,
) {
    let precondition = Precondition::of(&fields);
    work.push(Change {
        id: 0,
        op,
        risk: Risk::Breaking,
        resource,
        origin: work.input.sources.origin(entry.span),
        reason: None,
        validated: Validated::Server,
        depends_on: depends_on.into_iter().collect(),
        fields,
        services,
        refused: Some(refused),
        precondition,
        action: None,
    });
}

fn update(
    work: &mut Work<'_>,
    entry: &Deployment,
    live: &live::Deployment,
    resource: Resource,
    fields: Vec<Field>,
) {
    let validated = match work.input.answers.updates.get(&live.id) {
        Some(Ok(())) => Validated::Server,
        Some(Err(error)) => {
            // The same endpoint may have been reported already, by its discovery.
            if !matches!(work.input.answers.discoveries.get(&live.id), Some(Err(_))) {
                unreachable(work, entry, &resource, error, true);
            }
            Validated::Local
        }
        None => Validated::Local,
    };
    let Exposure {
        keep_private,
        refusals,
        ..
    } = if work.input.live.server.has_patch() {
        Exposure::default()
    } else {
        put_resets(work, entry, live)
    };
    let precondition = Precondition::of(&fields);
    work.push(Change {
        id: 0,
        op: Op::Update,
        risk: Risk::Safe,
        resource,
        origin: work.input.sources.origin(entry.span),
        reason: None,
        validated,
        depends_on: Vec::new(),
        fields,
        services: Vec::new(),
        refused: refusal(refusals),
        precondition,
        action: Some(Action::Update(Update {
            id: live.id.clone(),
            request: wire::Update {
                connection: connection(entry, Some(live)),
                dry_run: false,
            },
            before: stored_connection(live),
            keep_private,
        })),
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
            refusals: vec![refusal],
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
