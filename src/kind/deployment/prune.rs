//! Deployments that are there and no file lists: deleted if they are ours, nothing needs them, and the
//! files say so.

use super::action::{Action, Delete};
use super::decommission::{Decommission, Verdict};
use super::diff::on_server;
use super::live::Deployment;
use crate::change::{Change, FieldValue, Op, Precondition, Refused, Resource, Risk, ServiceChange};
use crate::finding::Waiting;
use crate::code::Code;
use crate::config::DeploymentPolicy;
use crate::draft::consent::still_protected;
use crate::draft::{Draft, Part, Step, View};
use crate::kind::{Key, Kind};
use crate::problem::Problem;
use std::collections::{BTreeMap, BTreeSet};

pub fn prune(draft: &mut Draft<'_>) {
    let input = draft.input();
    let desired = input.desired;
    let looks = desired.sections[Kind::Deployment].is_some() && !desired.prune.keeps(Kind::Deployment);
    let entries = desired.entries.deployments.iter();
    let listed: BTreeSet<String> = entries.map(|entry| entry.address.value.identity()).collect();
    let view = draft.view();
    let unlisted = (input.live.deployments.iter())
        .filter(|deployment| !listed.contains(&deployment.address.identity()));
    let is_candidate = |deployment: &&Deployment| {
        looks && view.is_ours(deployment) && view.may_go(&on_server(deployment))
    };
    let (candidates, others): (Vec<_>, Vec<_>) = unlisted.partition(is_candidate);
    let mut decommission = Decommission::new(input, &view, candidates);
    for other in others {
        if let Some(problem) = left_alone(&draft.view(), other) {
            draft.find(problem, Some(on_server(other)));
        }
        draft.leave(Key::Deployment(other.address.key()));
    }
    decommission.settle();
    for (deployment, verdict) in decommission.waiting() {
        let Verdict {
            reason,
            invocations,
            message,
        } = verdict;
        draft.wait(Waiting {
            resource: on_server(deployment),
            reason,
            invocations: invocations.n,
            paused: invocations.paused,
            message,
        });
    }
    let mut deleted: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for deployment in decommission.deletions() {
        let names = deployment.services.keys();
        let goes: Vec<String> = names.filter(|name| decommission.goes(name)).cloned().collect();
        let part = delete(&draft.view(), deployment, &goes, &deleted, &decommission);
        let id = draft.take(part);
        for name in goes {
            deleted.entry(name).or_default().extend(id);
        }
    }
}

/// A destruction that leaves alone what the file lists says why.
fn left_alone(view: &View<'_>, live: &Deployment) -> Option<Problem> {
    let stack = view.stack()?;
    let identity = live.address.identity();
    let mut emptied = view.input.desired.emptied.iter().flat_map(|was| &was.deployments);
    emptied.find(|entry| entry.address.value.identity() == identity)?;
    let message = format!("is listed, but does not carry the mark of the stack {stack}, so it stays");
    let problem = Problem::warning(Code::Unmarked, message);
    Some(problem.help("delete it with `restatectl delete deployment`"))
}

/// `goes`: its services that go altogether. `deleted`: the deletions so far, by such a service.
fn delete(
    view: &View<'_>,
    deployment: &Deployment,
    goes: &[String],
    deleted: &BTreeMap<String, Vec<u32>>,
    decommission: &Decommission<'_>,
) -> Part {
    let mut part = Part::default();
    let resource = on_server(deployment);
    let services = dropped(view, deployment, goes);
    if let Some(keyed) = services.iter().find(|service| service.ty != "Service") {
        let message = format!("the state of {} stays on the server", keyed.name);
        part.find(Problem::info(Code::StateStays, message), &resource);
    }
    let is_forced = view.input.desired.prune.deployments.policy == DeploymentPolicy::Force;
    let revisions = deployment.services.iter().map(|(name, revision)| FieldValue {
        path: vec!["services".to_owned(), name.clone(), "revision".to_owned()],
        value: Some((*revision).into()),
    });
    let change = Change {
        risk: Risk::Destructive,
        reason: Some(view.reason_to_delete()),
        depends_on: needs(view, deployment, goes, deleted).into_iter().collect(),
        services,
        invocations: is_forced.then(|| decommission.in_flight(deployment)).flatten(),
        refused: protected(view, deployment, goes, &resource),
        precondition: Precondition {
            fields: revisions.collect(),
            ..Precondition::default()
        },
        ..Change::new(Op::Delete, resource, None)
    };
    let action = Action::Delete(Delete {
        id: deployment.id.clone(),
        services: goes.to_vec(),
        only_if_drained: !is_forced,
    });
    part.step = Some(Step {
        // One on which nothing runs and which serves nothing is no loss.
        counts: is_forced || !goes.is_empty(),
        ..Step::new(change, Some(action.into()))
    });
    part
}

/// The services that nobody serves any more. As they are by then: an overwrite may have brought one of
/// them back.
fn dropped(view: &View<'_>, deployment: &Deployment, goes: &[String]) -> Vec<ServiceChange> {
    let latest = goes.iter().filter_map(|name| view.world.get(name));
    latest
        .filter(|latest| latest.server.is(deployment))
        .map(|latest| ServiceChange {
            name: latest.service.name.clone(),
            ty: latest.service.ty.clone(),
            revision_before: Some(latest.service.revision),
            revision_after: None,
            handlers_added: Vec::new(),
            handlers_removed: latest.service.handlers.keys().cloned().collect(),
        })
        .collect()
}

/// The steps that a deletion has to come after.
fn needs(
    view: &View<'_>,
    deployment: &Deployment,
    goes: &[String],
    deleted: &BTreeMap<String, Vec<u32>>,
) -> BTreeSet<u32> {
    // An older revision must be gone before the latest goes, or it would come back to life.
    let older = goes.iter().filter_map(|name| deleted.get(name)).flatten();
    let mut needs: BTreeSet<u32> = older.copied().collect();
    for change in view.steps.iter().map(|step| &step.change) {
        let feeds = change.resource.key.feeds().is_some_and(|sink| goes.contains(&sink.service));
        if change.op == Op::Delete && feeds {
            needs.insert(change.id);
        }
    }
    for (id, step, exposed) in view.world.recoded() {
        let other = view.input.live.deployment(id);
        let drops = |name: &String| {
            !exposed.contains(name) && other.is_some_and(|other| other.services.contains_key(name))
        };
        needs.extend(goes.iter().any(drops).then_some(step));
    }
    // Nor may it go if what should serve in its place did not come.
    let serves = |name: &&String| view.input.live.is_latest(deployment, name);
    let serves = deployment.services.keys().filter(serves);
    needs.extend(serves.flat_map(|name| view.world.registrations_of(name)));
    needs
}

fn protected(
    view: &View<'_>,
    deployment: &Deployment,
    goes: &[String],
    resource: &Resource,
) -> Option<Refused> {
    let written = view.input.desired.written();
    let identity = deployment.address.identity();
    let is_protected = (written.deployments.iter())
        .any(|entry| entry.is_protected && entry.address.value.identity() == identity);
    let what = if is_protected {
        resource.key.to_string()
    } else {
        let is_protected = |name: &&String| {
            let service = written.services.get(*name);
            service.is_some_and(|service| service.is_protected)
        };
        format!("the service {}", goes.iter().find(is_protected)?)
    };
    Some(still_protected(&what).into())
}
