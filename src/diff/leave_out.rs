//! `--exclude`: what is not done, with what needs it, and with what would do damage without it.

use super::names::Names;
use super::select::{renumber, settles_by_plan};
use crate::change::{Change, Op, Resource};
use crate::code::Code;
use crate::draft::{Drafted, Input};
use crate::finding::Finding;
use crate::kind::{Key, SubscriptionKey};
use crate::problem::Problem;
use std::collections::{BTreeMap, BTreeSet};

/// Takes the changes of what is excluded out of the plan, and tells of each.
pub fn excluded(input: &Input<'_>, drafted: &mut Drafted) {
    if input.exclude.is_empty() {
        return;
    }
    let names = Names::of(input);
    let is_excluded = |resource: &Resource| names.are_of(input.exclude, resource);
    let left = left(drafted, is_excluded);
    let keys: BTreeSet<_> = (drafted.steps.iter())
        .filter(|step| left.contains_key(&step.change.id))
        .map(|step| step.change.resource.key.clone())
        .collect();
    let kept: Vec<&Change> = (drafted.steps.iter())
        .map(|step| &step.change)
        .filter(|change| !left.contains_key(&change.id))
        .collect();
    // What is wrong with them is in nobody's way, unless it is wrong with what is done.
    let stays = |finding: &Finding| {
        let about = finding.resource.as_ref();
        let is_out = |about: &Resource| is_excluded(about) || keys.contains(&about.key);
        about.is_none_or(|about| !is_out(about) || concerns(finding, &about.key, &kept))
    };
    drafted.findings.retain(stays);
    for change in drafted.steps.iter().map(|step| &step.change) {
        if let Some(why) = left.get(&change.id) {
            let message = format!("left out: {}; {why}", change.op.name());
            let problem = Problem::info(Code::LeftOut, message);
            let finding = Finding::new(problem, Some(change.resource.clone()), input.sources);
            drafted.findings.push(finding);
        }
    }
    let unknown = names.unknown(input.exclude);
    let unknown = unknown.map(|problem| Finding::new(problem, None, input.sources));
    drafted.findings.extend(unknown);
    drafted.steps.retain(|step| !left.contains_key(&step.change.id));
    drafted.waiting.retain(|waiting| !is_excluded(&waiting.resource));
    settles_by_plan(input, drafted);
    renumber(&mut drafted.steps);
}

/// Whether what is wrong with something that is left out is also wrong with what is done: it shares the
/// records of its topic, or what it feeds loses the handler.
fn concerns(finding: &Finding, key: &Key, kept: &[&Change]) -> bool {
    let Key::Subscription(SubscriptionKey { source, .. }) = key else {
        return false;
    };
    let reads_too = |change: &&Change| matches!(&change.resource.key, Key::Subscription(other) if other.source == *source);
    let serves = |change: &&Change| {
        let feeds = key.feeds();
        let mut services = change.services.iter();
        services.any(|service| feeds.is_some_and(|sink| sink.service == service.name))
    };
    (finding.code == Code::GroupShared && kept.iter().any(reads_too))
        || (finding.code == Code::HandlerInUse && kept.iter().any(serves))
}

/// The ids of the changes that are left out, and why.
fn left(drafted: &Drafted, is_excluded: impl Fn(&Resource) -> bool) -> BTreeMap<u32, String> {
    let changes = || drafted.steps.iter().map(|step| &step.change);
    let mut left: BTreeMap<u32, String> = changes()
        .filter(|change| is_excluded(&change.resource))
        .map(|change| (change.id, "`--exclude` says so".to_owned()))
        .collect();
    loop {
        let key = |id: &u32| {
            let found = changes().find(|change| change.id == *id);
            found.map_or_else(String::new, |change| change.resource.key.shown())
        };
        let why = |change: &Change| {
            if let Some(needed) = change.depends_on.iter().find(|need| left.contains_key(need)) {
                return Some(format!("it needs what is left out of {}", key(needed)));
            }
            let mut out = changes().filter(|change| left.contains_key(&change.id));
            let mends = out.find(|out| mends(out, change));
            mends.map(|out| format!("it would damage {}, which is left out", out.resource.key.shown()))
        };
        let more: Vec<(u32, String)> = changes()
            .filter(|change| !left.contains_key(&change.id))
            .filter_map(|change| Some((change.id, why(change)?)))
            .collect();
        if more.is_empty() {
            return left;
        }
        left.extend(more);
    }
}

/// Whether a change puts right what the other one does on its way.
fn mends(change: &Change, other: &Change) -> bool {
    matches!(change.op, Op::Configure | Op::Promote) && change.depends_on.contains(&other.id)
}
