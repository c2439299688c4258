//! What no plan may do without being told, however right each of its changes is.

use crate::change::Resource;
use crate::code::Code;
use crate::draft::View;
use crate::draft::consent::Given;
use crate::finding::Guard;
use crate::kind::{Kind, rules};
use crate::problem::Problem;

/// From how many resources on a share of them says something.
const MANY: usize = 10;
/// The share of the resources that a plan may delete unasked, in percent.
const LARGEST_SHARE: u64 = 30;

/// A guard that counts: what it found, and whether that is too much.
struct Count {
    code: Code,
    is_too_much: bool,
    message: String,
    /// The limit that the number exceeds, in words.
    limit: &'static str,
}

/// Returns also the consent that was needed. `foreign`: listed resources of other stacks.
pub fn check(view: &View<'_>, foreign: &[(Problem, Resource)]) -> (Vec<Guard>, Option<Given>) {
    let mut guards = Vec::new();
    if let Some(cluster) = &view.input.desired.cluster_name {
        // Another one has ended the run before this.
        let message = format!("the cluster is {}", cluster.value);
        guards.push(Guard::passing(Code::Target, message));
    }
    guards.extend(
        foreign
            .iter()
            .map(|(problem, about)| Guard::failing(problem.clone(), Some(about.clone()))),
    );
    guards.extend(protected(view));
    let total = total(view);
    let counts = counts(view, total);
    let needs_more = counts.iter().any(|count| count.is_too_much);
    let consent = needs_more.then(|| view.consents.deletes()).flatten();
    let allowed = consent.as_ref().map(|(allowed, _)| *allowed);
    let allowed = allowed.filter(|allowed| total <= *allowed);
    guards.extend(counts.into_iter().map(|count| judged(count, total, allowed)));
    (guards, consent.map(|(_, given)| given))
}

/// All that the run deletes of what counts, in its earlier waves too.
fn total(view: &View<'_>) -> u64 {
    view.steps.iter().filter(|step| step.counts).count() as u64 + view.input.deleted
}

fn counts(view: &View<'_>, total: u64) -> Vec<Count> {
    let desired = view.input.desired;
    let max = desired.safety.max_deletes;
    let mut counts = vec![Count {
        code: Code::MaxDeletes,
        is_too_much: total > max,
        message: format!("{total} of {max}"),
        limit: "`safety.max_deletes`",
    }];
    for kind in Kind::ALL {
        let owned = kind.rules().owned(view);
        let is_deleted = |step: &&crate::draft::Step| step.counts && step.change.resource.kind() == *kind;
        let deleted = view.steps.iter().filter(is_deleted).count();
        let name = kind.name();
        if owned >= MANY {
            let share = deleted as u64 * 100 / owned as u64;
            counts.push(Count {
                code: Code::DeleteShare,
                is_too_much: deleted as u64 * 100 > owned as u64 * LARGEST_SHARE,
                message: format!("{deleted} of {owned} {name}s, which is {share} %"),
                limit: "30 % of a kind",
            });
        }
        if deleted > 0 && !desired.sections[*kind].is_some_and(|section| section.is_empty) {
            counts.push(Count {
                code: Code::LastOfKind,
                is_too_much: deleted == owned,
                message: format!("{deleted} of {owned} {name}s"),
                limit: "all of a kind",
            });
        }
    }
    counts
}

/// `allowed`: up to how many deletions are consented to, if that is enough.
fn judged(count: Count, total: u64, allowed: Option<u64>) -> Guard {
    let Count {
        code,
        is_too_much,
        message,
        limit,
    } = count;
    match allowed {
        _ if !is_too_much => Guard::passing(code, message),
        Some(allowed) => Guard::passing(code, format!("{message}, allowed by `--allow deletes={allowed}`")),
        None => {
            let help =
                format!("this is more than {limit}: if it is meant, run with `--allow deletes={total}`");
            let problem = Problem::error(code, message).lacks(format!("deletes={total}"));
            Guard::failing(problem.help(help), None)
        }
    }
}

/// The guard of protected entries; `None` when nothing is protected.
fn protected(view: &View<'_>) -> Option<Guard> {
    let entries = rules::listed(view.input.desired.written());
    let protected = entries.filter(|entry| entry.is_protected).count();
    if protected == 0 {
        return None;
    }
    let changes = view.steps.iter().map(|step| &step.change);
    let hit = changes.filter_map(|change| {
        let refused = change.refused.as_ref()?;
        let why = refused.message.split("; ").next().unwrap_or_default();
        let is_hit = refused.code == Code::Protected;
        is_hit.then(|| format!("{} of {}: {why}", change.op.name(), change.resource.key))
    });
    let hit: Vec<String> = hit.collect();
    Some(if hit.is_empty() {
        let message = format!("{protected} protected, none is touched");
        Guard::passing(Code::Protected, message)
    } else {
        Guard::failing(Problem::error(Code::Protected, hit.join("; ")), None)
    })
}
