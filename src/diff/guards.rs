//! What no plan may do without being told, however right each of its changes is.

use super::change::{Action, Change, Guard, GuardStatus, Kind, Op};
use super::{Work, owner};
use crate::desired::DeploymentPolicy;

/// From so many on a share of them says something.
const MANY: usize = 10;
/// In percent.
const LARGEST_SHARE: u64 = 30;

pub fn check(work: &mut Work<'_>) {
    if let Some(cluster) = &work.input.desired.cluster_name {
        // Another one has ended the run before this.
        work.outcome.guards.push(Guard {
            code: "target".to_owned(),
            status: GuardStatus::Pass,
            message: format!("the cluster is {}", cluster.value),
            help: None,
            resource: None,
        });
    }
    foreign(work);
    protected(work);
    let counted: Vec<Kind> = (work.outcome.changes.iter())
        .filter(|change| counts(work, change))
        .map(|change| change.resource.kind)
        .collect();
    let max = work.input.desired.safety.max_deletes;
    let total = counted.len() as u64 + work.input.deleted;
    let over = total > max;
    let mut failed = vec![(
        "max-deletes",
        over,
        format!("{total} of {max}"),
        "`safety.max_deletes`",
    )];
    let desired = work.input.desired;
    let sections = [
        (Kind::Deployment, desired.sections.deployments),
        (Kind::Subscription, desired.sections.subscriptions),
    ];
    for (kind, section) in sections {
        let owned = owned(work, kind);
        let deleted = counted.iter().filter(|counted| **counted == kind).count();
        if owned >= MANY {
            let share = deleted as u64 * 100 / owned as u64;
            let message = format!("{deleted} of {owned} {}s, which is {share} %", kind.name());
            let over = deleted as u64 * 100 > owned as u64 * LARGEST_SHARE;
            failed.push(("delete-share", over, message, "30 % of a kind"));
        }
        if deleted > 0 && !section.is_some_and(|section| section.is_empty) {
            let message = format!("{deleted} of {owned} {}s", kind.name());
            failed.push(("last-of-kind", deleted == owned, message, "all of a kind"));
        }
    }
    let needs_more = failed.iter().any(|(_, fails, ..)| *fails);
    let allowed = needs_more.then(|| work.consents.deletes()).flatten();
    let is_allowed = allowed.is_some_and(|allowed| total <= allowed);
    for (code, fails, message, what) in failed {
        let message = if fails && is_allowed {
            format!(
                "{message}, allowed by `--allow deletes={}`",
                allowed.unwrap_or(total)
            )
        } else {
            message
        };
        let fails = fails && !is_allowed;
        work.outcome.guards.push(Guard {
            code: code.to_owned(),
            status: status(fails),
            message,
            help: fails.then(|| {
                format!("this is more than {what}: if it is meant, run with `--allow deletes={total}`")
            }),
            resource: None,
        });
    }
}

fn status(fails: bool) -> GuardStatus {
    if fails {
        GuardStatus::Fail
    } else {
        GuardStatus::Pass
    }
}

/// Deployments on which nothing runs and which serve nothing are no loss.
fn counts(work: &Work<'_>, change: &Change) -> bool {
    let drained = matches!(
        &change.action,
        Some(Action::DeleteDeployment(deletion)) if deletion.only_if_drained && deletion.services.is_empty()
    );
    let is_forced = work.input.desired.prune.deployments.policy == DeploymentPolicy::Force;
    change.op == Op::Delete && (!drained || (is_forced && change.resource.kind == Kind::Deployment))
}

/// How many live resources of a kind pruning could touch if no file listed any.
fn owned(work: &Work<'_>, kind: Kind) -> usize {
    let live = work.input.live;
    match kind {
        Kind::Deployment => live
            .deployments
            .iter()
            .filter(|d| owner::is_ours(work, d))
            .count(),
        Kind::Subscription => {
            let sinks = live
                .subscriptions
                .iter()
                .filter_map(crate::live::Subscription::feeds);
            sinks
                .filter(|sink| owner::is_sink_ours(work, &sink.service))
                .count()
        }
        Kind::Service => 0,
    }
}

fn foreign(work: &mut Work<'_>) {
    if work.foreign.is_empty() {
        return;
    }
    for (resource, refused) in std::mem::take(&mut work.foreign) {
        work.outcome.guards.push(Guard {
            code: refused.code,
            status: GuardStatus::Fail,
            message: refused.message,
            help: Some(refused.help),
            resource: Some(resource),
        });
    }
}

/// Only where something is protected.
fn protected(work: &mut Work<'_>) {
    let desired = work.input.desired;
    if desired.protected.is_empty() {
        return;
    }
    let hit: Vec<String> = (work.outcome.changes.iter())
        .filter_map(|change| {
            let refused = change
                .refused
                .as_ref()
                .filter(|refused| refused.code == "protected")?;
            let why = refused.message.split("; ").next().unwrap_or_default();
            Some(format!("{} of {}: {why}", change.op.name(), change.resource.key))
        })
        .collect();
    let message = if hit.is_empty() {
        format!("{} protected, none is touched", desired.protected.len())
    } else {
        hit.join("; ")
    };
    let guard = Guard {
        code: "protected".to_owned(),
        status: status(!hit.is_empty()),
        message,
        help: None,
        resource: None,
    };
    work.outcome.guards.push(guard);
}
