//! Consumer groups that several subscriptions share.

use super::desired;
use super::pairing::{Pair, Pairing};
use crate::change::Op;
use crate::code::Code;
use crate::draft::{Part, View};
use crate::problem::Problem;
use std::collections::BTreeSet;

/// A subscription after the plan.
struct Member<'a> {
    source: String,
    /// The consumer group in effect.
    group: &'a str,
    shown_group: &'a str,
    sink: String,
    entry: Option<&'a desired::Subscription>,
}

/// Each record of a topic reaches only one of the subscriptions that share a group [S:1.6.2, 1.7.12].
/// Groups are those in effect after the plan, also where the file leaves them to the server.
pub fn shared_groups(view: &View<'_>, pairing: &Pairing<'_>) -> Part {
    let mut part = Part::default();
    let mut members = members(view, pairing);
    members.sort_by(|a, b| (&a.source, a.group, &a.sink).cmp(&(&b.source, b.group, &b.sink)));
    let pairs = members.iter().enumerate().flat_map(|(at, one)| {
        let rest = members[at + 1..].iter();
        let same = rest.take_while(move |other| (&one.source, one.group) == (&other.source, other.group));
        same.map(move |other| (one, other))
    });
    for (one, other) in pairs {
        // Two that are there and that no entry lists are not this file's to judge, and two that both
        // write it have been told with their lines.
        let Some(entry) = one.entry.or(other.entry) else {
            continue;
        };
        let writes = |member: &Member<'_>| member.entry.is_some_and(|entry| entry.group_id().is_some());
        if one.sink == other.sink || (writes(one) && writes(other)) {
            continue;
        }
        let message = format!(
            "{} and {} share the consumer group {} of {}: each record reaches only one of them",
            one.sink, other.sink, one.shown_group, one.source
        );
        let problem = Problem::error(Code::GroupShared, message)
            .at(entry.span)
            .help("give each a `group.id` of its own");
        part.find(problem, &entry.key().into());
    }
    part
}

fn members<'a>(view: &View<'a>, pairing: &Pairing<'a>) -> Vec<Member<'a>> {
    let entries = view.input.desired.entries.subscriptions.iter().enumerate();
    let entries = entries.filter_map(|(index, wanted)| {
        let live = match pairing.of_entry.get(&index) {
            Some(Pair::With(live)) => Some(*live),
            Some(Pair::Ambiguous) | None => None,
        };
        let written = wanted.group_id().zip(wanted.shown_group.as_deref());
        let (group, shown_group) = written.or_else(|| live?.group_id().zip(live?.shown_group()))?;
        Some(Member {
            source: wanted.source.value.to_string(),
            group,
            shown_group,
            sink: wanted.sink.value.to_string(),
            entry: Some(wanted),
        })
    });
    let deleted: BTreeSet<&str> = (view.steps.iter())
        .filter(|step| step.change.op == Op::Delete)
        .filter_map(|step| step.change.resource.server_id.as_deref())
        .collect();
    let unlisted = (view.input.live.subscriptions.iter())
        .filter(|live| !pairing.claimed.contains(live.id.as_str()) && !deleted.contains(live.id.as_str()));
    let unlisted = unlisted.filter_map(|live| {
        Some(Member {
            source: live.source.to_string(),
            group: live.group_id()?,
            shown_group: live.shown_group()?,
            sink: live.sink.to_string(),
            entry: None,
        })
    });
    entries.chain(unlisted).collect()
}
