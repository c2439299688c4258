//! `--target`: a part of a plan that is whole in itself.

use super::change::{Change, Finding, Kind, Op, Resource};
use super::{Targets, Work, refused};
use crate::problem::{Severity, nearest};
use std::collections::{BTreeMap, BTreeSet};

/// Keeps the changes of the targets, what those need, and what they would otherwise damage: the
/// overrides of services that they register, and the promotions that follow. Nothing is deleted
/// unless it is a target itself.
pub fn targets(work: &mut Work<'_>) {
    let targets = match work.input.targets {
        Targets::All => return,
        Targets::Only(targets) | Targets::Again(targets) => targets,
    };
    unknown_targets(work, targets);
    let is_target = |resource: &Resource| {
        let names = names(work, resource);
        targets.iter().any(|target| names.contains(target))
    };
    let changes = &work.outcome.changes;
    let mut selected: BTreeSet<u32> = (changes.iter())
        .filter(|change| is_target(&change.resource))
        .map(|change| change.id)
        .collect();
    loop {
        let more: Vec<u32> = (changes.iter())
            .filter(|change| !selected.contains(&change.id))
            .filter(|change| is_pulled(change, changes, &selected))
            .map(|change| change.id)
            .collect();
        if more.is_empty() {
            break;
        }
        selected.extend(more);
    }
    let waiting = work.outcome.waiting.iter();
    let waiting = waiting
        .filter(|waiting| is_target(&waiting.resource))
        .cloned()
        .collect();
    // What is wrong with a service that a target touches, or with what feeds it, is in the way.
    let touched: BTreeSet<&str> = (changes.iter())
        .filter(|change| selected.contains(&change.id))
        .flat_map(|change| change.services.iter().map(|service| service.name.as_str()))
        .collect();
    let is_of = |about: &Resource| match about.kind {
        Kind::Deployment => false,
        Kind::Service => touched.contains(about.key.as_str()),
        Kind::Subscription => about.feeds().is_some_and(|service| touched.contains(service)),
    };
    let stays = |finding: &Finding| {
        let Some(about) = &finding.resource else {
            return true;
        };
        let is_changed = |change: &Change| {
            selected.contains(&change.id)
                && change.resource.kind == about.kind
                && change.resource.key == about.key
        };
        is_target(about) || changes.iter().any(is_changed) || is_of(about)
    };
    let findings = work
        .outcome
        .findings
        .iter()
        .filter(|finding| stays(finding))
        .cloned()
        .collect();
    work.outcome.waiting = waiting;
    work.outcome.findings = findings;
    let changes = std::mem::take(&mut work.outcome.changes);
    let kept = changes.into_iter().filter(|change| selected.contains(&change.id));
    work.outcome.changes = renumbered(kept.collect());
}

/// Whether a deletion of it may be in the plan at all.
pub fn may_go(work: &Work<'_>, resource: &Resource) -> bool {
    let Targets::Only(targets) = work.input.targets else {
        return true;
    };
    names(work, resource).iter().any(|name| targets.contains(name))
}

/// A needed deletion is not made either: then what needs it cannot be done.
fn is_pulled(change: &Change, changes: &[Change], selected: &BTreeSet<u32>) -> bool {
    let is_needed = changes
        .iter()
        .any(|other| selected.contains(&other.id) && other.depends_on.contains(&change.id));
    let follows = matches!(change.op, Op::Configure | Op::Promote)
        && change.depends_on.iter().any(|need| selected.contains(need));
    (is_needed && change.op != Op::Delete) || follows
}

fn renumbered(mut changes: Vec<Change>) -> Vec<Change> {
    let ids: BTreeMap<u32, u32> = changes.iter().map(|change| change.id).zip(1..).collect();
    for change in &mut changes {
        change.id = ids[&change.id];
        let missing = change.depends_on.iter().any(|need| !ids.contains_key(need));
        if missing && change.refused.is_none() {
            change.refused = Some(refused(
                "target-incomplete",
                "it needs a deletion that is no target",
                "name what is to be deleted with `--target` too: an older deployment, or a subscription that feeds the service",
            ));
        }
        change.depends_on = change
            .depends_on
            .iter()
            .filter_map(|need| ids.get(need).copied())
            .collect();
    }
    changes
}

/// What a target may call a resource.
fn names(work: &Work<'_>, resource: &Resource) -> Vec<String> {
    let kind = resource.kind.name();
    let mut names = vec![format!("{kind}/{}", resource.key)];
    names.extend(resource.server_id.as_ref().map(|id| format!("{kind}/{id}")));
    // As people read it, and without the group, which plans often leave out.
    let shown = resource.shown();
    names.push(format!("{kind}/{}", shown.split(" @ ").next().unwrap_or(&shown)));
    names.push(format!("{kind}/{shown}"));
    let entry = (work.input.desired.deployments.iter())
        .find(|entry| kind == "deployment" && entry.address.value.key() == resource.key);
    let name = entry.and_then(|entry| entry.name.as_ref());
    names.extend(name.map(|name| format!("{kind}/{}", name.value)));
    names
}

/// Without the kind, which would make everything of it look alike, and without ids, which nobody
/// mistypes.
fn nearest_of_kind<'a>(target: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    let (kind, name) = target.split_once('/')?;
    let names = known.iter().filter_map(|known| {
        let (its_kind, name) = known.split_once('/')?;
        let is_id = name.starts_with("dp_") || name.starts_with("sub_");
        (its_kind == kind && !is_id).then_some(name)
    });
    let found = nearest(name, names)?;
    known
        .iter()
        .find(|known| known.strip_prefix(kind) == Some(&format!("/{found}")))
        .map(String::as_str)
}

fn unknown_targets(work: &mut Work<'_>, targets: &[String]) {
    let input = work.input;
    let desired = input.desired;
    let known: BTreeSet<String> = {
        let listed = desired.deployments.iter().map(|entry| entry.address.value.key());
        let live = input.live.deployments.iter();
        let deployments = live
            .map(|d| Resource::new(Kind::Deployment, d.address.key()).with_id(&d.id))
            .chain(listed.map(|key| Resource::new(Kind::Deployment, key)));
        let services = desired.services.keys().chain(input.live.services.keys());
        let services = services.map(|name| Resource::new(Kind::Service, name));
        let live = input.live.subscriptions.iter();
        let subscriptions = live
            .map(|s| Resource::new(Kind::Subscription, s.key()).with_id(&s.id))
            .chain(
                desired
                    .subscriptions
                    .iter()
                    .map(|s| Resource::new(Kind::Subscription, s.key())),
            );
        let resources = deployments.chain(services).chain(subscriptions);
        resources.flat_map(|resource| names(work, &resource)).collect()
    };
    for target in targets.iter().filter(|target| !known.contains(*target)) {
        let help = match nearest_of_kind(target, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "write `deployment/URI`, `service/NAME` or `subscription/KEY`, as plans show them".to_owned()
            }
        };
        work.outcome.findings.push(Finding {
            code: "unknown-target".to_owned(),
            severity: Severity::Error,
            message: format!("`{target}` is neither in the file nor on the server"),
            help: Some(help),
            resource: None,
            origin: None,
        });
    }
}
