//! `--target` and `prune`: a part of a plan that is whole in itself.

use super::names::Names;
use crate::change::{Change, Op, Refused, Resource};
use crate::code::Code;
use crate::draft::{Drafted, Input, Step, Targets};
use crate::finding::{Finding, WaitingFor};
use crate::kind::Key;
use crate::problem::{Problem, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// Keeps the changes of the targets, what those need, and what they would otherwise damage: the
/// overrides of services that they register, and the promotions that follow. Nothing is deleted
/// unless it is a target itself.
pub fn targets(input: &Input<'_>, drafted: &mut Drafted) {
    let targets = match input.targets {
        Targets::All => return,
        Targets::Deletions => return deletions(input, drafted),
        Targets::Only(targets) | Targets::Again(targets) => targets,
    };
    let names = Names::of(input);
    let is_target = |resource: &Resource| match input.targets {
        // Keys, which may have a star in them.
        Targets::Again(_) => names
            .of_resource(resource)
            .iter()
            .any(|name| targets.contains(name)),
        _ => names.are_of(targets, resource),
    };
    let selected = selected(&drafted.steps, is_target);
    drafted.waiting.retain(|waiting| is_target(&waiting.resource));
    let changes = || drafted.steps.iter().map(|step| &step.change);
    // What is wrong with a service that a target touches, or with what feeds it, is in the way.
    let touched: BTreeSet<&str> = changes()
        .filter(|change| selected.contains(&change.id))
        .flat_map(|change| change.services.iter().map(|service| service.name.as_str()))
        .collect();
    let is_of_touched = |key: &Key| match key {
        Key::Deployment(_) => false,
        Key::Service(name) => touched.contains(name.as_str()),
        Key::Subscription(_) => key
            .feeds()
            .is_some_and(|sink| touched.contains(sink.service.as_str())),
    };
    let keys: BTreeSet<&Key> = changes()
        .filter(|change| selected.contains(&change.id))
        .map(|change| &change.resource.key)
        .collect();
    let stays = |finding: &Finding| {
        let about = finding.resource.as_ref();
        about.is_none_or(|about| is_target(about) || keys.contains(&about.key) || is_of_touched(&about.key))
    };
    drafted.findings.retain(stays);
    drafted.findings.extend(
        names
            .unknown(targets)
            .map(|problem| Finding::new(problem, None, input.sources)),
    );
    drafted.steps.retain(|step| selected.contains(&step.change.id));
    renumber(&mut drafted.steps);
}

/// Keeps the deletions that would be made if nothing else were. What is wrong elsewhere stays in the
/// way: it may decide what an entry needs.
fn deletions(input: &Input<'_>, drafted: &mut Drafted) {
    let mut selected = BTreeSet::new();
    for change in drafted.steps.iter().map(|step| &step.change) {
        let is_alone = change.depends_on.iter().all(|need| selected.contains(need));
        if change.op == Op::Delete && is_alone {
            selected.insert(change.id);
        }
    }
    drafted.steps.retain(|step| selected.contains(&step.change.id));
    settles_by_plan(input, drafted);
    let keys: BTreeSet<&Key> = (drafted.steps.iter())
        .map(|step| &step.change.resource.key)
        .collect();
    drafted.findings.retain(|finding| {
        let about = finding.resource.as_ref();
        finding.severity == Severity::Error || about.is_none_or(|about| keys.contains(&about.key))
    });
    renumber(&mut drafted.steps);
}

/// What serves until a registration comes that is not made here is not superseded yet.
pub fn settles_by_plan(input: &Input<'_>, drafted: &mut Drafted) {
    let serves = |id: &String| {
        let mut services = input.live.services.values();
        services.any(|service| service.deployment_id == *id)
    };
    let registers: BTreeSet<u32> = (drafted.steps.iter())
        .filter(|step| step.change.op == Op::Register)
        .map(|step| step.change.id)
        .collect();
    drafted.waiting.retain(|waiting| {
        let is_latest = waiting.resource.server_id.as_ref().is_some_and(serves);
        waiting.reason != WaitingFor::Settling || !is_latest || !registers.is_empty()
    });
}

/// The ids of the changes that stay in the plan.
fn selected(steps: &[Step], is_target: impl Fn(&Resource) -> bool) -> BTreeSet<u32> {
    let changes = || steps.iter().map(|step| &step.change);
    let mut selected: BTreeSet<u32> = changes()
        .filter(|change| is_target(&change.resource))
        .map(|change| change.id)
        .collect();
    loop {
        let needed: BTreeSet<u32> = changes()
            .filter(|change| selected.contains(&change.id))
            .flat_map(|change| change.depends_on.iter().copied())
            .collect();
        let more: Vec<u32> = changes()
            .filter(|change| !selected.contains(&change.id))
            .filter(|change| is_pulled(change, &needed, &selected))
            .map(|change| change.id)
            .collect();
        if more.is_empty() {
            return selected;
        }
        selected.extend(more);
    }
}

/// A needed deletion is not made either: then what needs it cannot be done.
fn is_pulled(change: &Change, needed: &BTreeSet<u32>, selected: &BTreeSet<u32>) -> bool {
    let follows = matches!(change.op, Op::Configure | Op::Promote)
        && change.depends_on.iter().any(|need| selected.contains(need));
    (needed.contains(&change.id) && change.op != Op::Delete) || follows
}

pub fn renumber(steps: &mut [Step]) {
    let ids: BTreeMap<u32, u32> = steps.iter().map(|step| step.change.id).zip(1..).collect();
    for change in steps.iter_mut().map(|step| &mut step.change) {
        change.id = ids[&change.id];
        let missing = change.depends_on.iter().any(|need| !ids.contains_key(need));
        if missing && change.refused.is_none() {
            let problem = Problem::error(Code::TargetIncomplete, "it needs a deletion that is no target");
            let help = "name what is to be deleted with `--target` too: an older deployment, or a subscription that feeds the service";
            change.refused = Some(Refused::from(problem.help(help)));
        }
        let needs = change.depends_on.iter();
        change.depends_on = needs.filter_map(|need| ids.get(need).copied()).collect();
    }
}
