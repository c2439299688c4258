//! What is there and no file lists: deleted if it is ours, nothing needs it, and the files say so.
//! A kind is looked at only if its section is written.

use super::change::{
    Action, Change, DeleteDeployment, FieldValue, Kind, Op, Precondition, Refused, Resource, Risk,
    ServiceChange, Waiting,
};
use super::decommission::{Decommission, Verdict};
use super::{ServedBy, Work, owner, refused, select};
use crate::desired::{DeploymentPolicy, Desired, SubscriptionPolicy};
use crate::live::{self, Live};
use crate::problem::Severity;
use std::collections::{BTreeMap, BTreeSet};

fn listed(desired: &Desired) -> BTreeSet<String> {
    let entries = desired.deployments.iter();
    entries.map(|entry| entry.address.value.identity()).collect()
}

/// Whether the plan needs to know which invocations are not completed.
pub fn asks_in_flight(desired: &Desired, live: &Live) -> bool {
    // What a forced deletion hits is shown, if it can be told.
    let looks =
        desired.sections.deployments.is_some() && desired.prune.deployments.policy != DeploymentPolicy::Keep;
    let listed = listed(desired);
    let is_unlisted = |d: &live::Deployment| !listed.contains(&d.address.identity());
    looks && live.deployments.iter().any(is_unlisted)
}

/// Deletes a live subscription that no entry claims, or counts it as unmanaged. `duplicate_of`: the
/// id of the one that stays in its place.
pub fn subscription(work: &mut Work<'_>, live: &live::Subscription, duplicate_of: Option<&str>) {
    let desired = work.input.desired;
    let sink = live.feeds();
    let is_ours = sink
        .as_ref()
        .is_some_and(|sink| owner::is_sink_ours(work, &sink.service));
    let looks =
        desired.sections.subscriptions.is_some() && desired.prune.subscriptions == SubscriptionPolicy::Delete;
    if !looks || !is_ours {
        if let Some(sink) = sink {
            work.feeds.insert(sink.service, live.key());
        }
        work.unmanaged(Kind::Subscription, live.key());
        return;
    }
    let resource = Resource::new(Kind::Subscription, live.key()).with_id(&live.id);
    let reason = match duplicate_of {
        Some(kept) => format!("duplicates {kept}"),
        None => reason(work),
    };
    let group = live.options.get("group.id").and_then(|group| group.shown());
    let precondition = Precondition {
        fields: vec![FieldValue {
            path: vec!["options".to_owned(), "group.id".to_owned()],
            value: group.map(Into::into),
        }],
        ..Precondition::default()
    };
    let is_protected = desired
        .protected
        .subscriptions
        .iter()
        .any(|(source, sink, group)| {
            *source == live.source
                && *sink == live.sink
                && group
                    .as_deref()
                    .is_none_or(|group| live.group_id() == Some(group))
        });
    work.push(Change {
        risk: Risk::Destructive,
        reason: Some(reason),
        refused: is_protected.then(|| protected(&live.key())),
        precondition,
        action: Some(Action::DeleteSubscription { id: live.id.clone() }),
        ..Change::new(Op::Delete, resource, None)
    });
}

/// Why a deletion is ours to make.
fn reason(work: &Work<'_>) -> String {
    match work.stack() {
        Some(stack) => format!("not in the file; owned by stack {stack}"),
        None => "not in the file".to_owned(),
    }
}

fn protected(what: &str) -> Refused {
    refused(
        "protected",
        format!("{what} is protected"),
        "to delete it, remove `protected: true` first, in a commit of its own",
    )
}

pub fn deployments(work: &mut Work<'_>) {
    let desired = work.input.desired;
    let prune = desired.prune.deployments;
    let looks = desired.sections.deployments.is_some() && prune.policy != DeploymentPolicy::Keep;
    let listed = listed(desired);
    let unlisted = (work.input.live.deployments.iter())
        .filter(|deployment| !listed.contains(&deployment.address.identity()));
    let is_candidate = |deployment: &&live::Deployment| {
        let resource = Resource::new(Kind::Deployment, deployment.address.key()).with_id(&deployment.id);
        looks && owner::is_ours(work, deployment) && select::may_go(work, &resource)
    };
    let (candidates, others): (Vec<_>, Vec<_>) = unlisted.partition(is_candidate);
    for other in others {
        left_alone(work, other);
        work.unmanaged(Kind::Deployment, other.address.key());
    }
    let mut decommission = Decommission::new(work, candidates);
    decommission.settle();
    for (deployment, verdict) in decommission.waiting() {
        let resource = Resource::new(Kind::Deployment, deployment.address.key()).with_id(&deployment.id);
        let Verdict {
            reason,
            invocations,
            message,
        } = verdict;
        work.outcome.waiting.push(Waiting {
            resource,
            reason,
            invocations,
            message,
        });
    }
    let mut deleted = BTreeMap::new();
    let order = decommission.deletions();
    for deployment in order {
        let goes: Vec<String> = deployment
            .services
            .keys()
            .filter(|name| decommission.goes(name))
            .cloned()
            .collect();
        let id = delete(work, deployment, &goes, &deleted, &decommission);
        for name in goes {
            deleted.entry(name).or_insert_with(Vec::new).push(id);
        }
    }
}

/// A destruction that leaves alone what the file lists says why.
fn left_alone(work: &mut Work<'_>, live: &live::Deployment) {
    let desired = work.input.desired;
    if let Some(stack) = work.stack()
        && desired.emptied_of.contains(&live.address.identity())
    {
        let message = format!("is listed, but does not carry the mark of the stack {stack}, so it stays");
        let resource = Resource::new(Kind::Deployment, live.address.key()).with_id(&live.id);
        work.find(Severity::Warning, "unmarked", message, resource, None)
            .help = Some("delete it with `restatectl delete deployment`".to_owned());
    }
}

/// `goes`: its services that go altogether. `deleted`: the deletions so far, by such a service.
fn delete(
    work: &mut Work<'_>,
    deployment: &live::Deployment,
    goes: &[String],
    deleted: &BTreeMap<String, Vec<u32>>,
    decommission: &Decommission<'_>,
) -> u32 {
    let desired = work.input.desired;
    let key = deployment.address.key();
    let resource = Resource::new(Kind::Deployment, key.clone()).with_id(&deployment.id);
    // An older revision must be gone before the latest goes, or it would come back to life.
    let mut depends_on: BTreeSet<u32> = goes
        .iter()
        .filter_map(|name| deleted.get(name))
        .flatten()
        .copied()
        .collect();
    for change in &work.outcome.changes {
        let feeds = |name: &String| change.resource.feeds() == Some(name);
        let is_feed =
            change.op == Op::Delete && change.resource.kind == Kind::Subscription && goes.iter().any(feeds);
        if is_feed {
            depends_on.insert(change.id);
        }
    }
    for (id, (change, exposed)) in &work.recoded {
        let other = work.input.live.deployment(id);
        let drops = |name: &String| {
            !exposed.contains(name) && other.is_some_and(|other| other.services.contains_key(name))
        };
        depends_on.extend(goes.iter().any(drops).then_some(*change));
    }
    // Nor may it go if what should serve in its place did not come.
    for name in deployment.services.keys() {
        depends_on.extend(
            work.world
                .services
                .get(name)
                .iter()
                .flat_map(|p| &p.registrations),
        );
    }
    // As they are by then: an overwrite may have brought one of them back.
    let services = goes.iter().filter_map(|name| {
        let latest = work.world.services.get(name)?;
        (latest.server == ServedBy::Live(deployment.id.clone())).then(|| ServiceChange {
            name: name.clone(),
            ty: latest.service.ty.clone(),
            revision_before: Some(latest.service.revision),
            revision_after: None,
            handlers_added: Vec::new(),
            handlers_removed: latest.service.handlers.keys().cloned().collect(),
        })
    });
    let services: Vec<ServiceChange> = services.collect();
    if let Some(keyed) = services.iter().find(|service| service.ty != "Service") {
        let message = format!("the state of {} stays on the server", keyed.name);
        work.find(Severity::Info, "state-stays", message, resource.clone(), None);
    }
    let only_if_drained = desired.prune.deployments.policy != DeploymentPolicy::Force;
    let precondition = Precondition {
        fields: (deployment.services.iter())
            .map(|(name, revision)| FieldValue {
                path: vec!["services".to_owned(), name.clone(), "revision".to_owned()],
                value: Some((*revision).into()),
            })
            .collect(),
        ..Precondition::default()
    };
    let protected_service = goes
        .iter()
        .find(|name| desired.protected.services.contains(*name));
    let refusal = if desired
        .protected
        .deployments
        .contains(&deployment.address.identity())
    {
        Some(protected(&key))
    } else {
        protected_service.map(|name| protected(&format!("the service {name}")))
    };
    let reason = reason(work);
    work.push(Change {
        risk: Risk::Destructive,
        reason: Some(reason),
        depends_on: depends_on.into_iter().collect(),
        services,
        invocations: (!only_if_drained)
            .then(|| decommission.in_flight(deployment))
            .flatten(),
        refused: refusal,
        precondition,
        action: Some(Action::DeleteDeployment(DeleteDeployment {
            id: deployment.id.clone(),
            services: goes.to_vec(),
            only_if_drained,
        })),
        ..Change::new(Op::Delete, resource, None)
    })
}
