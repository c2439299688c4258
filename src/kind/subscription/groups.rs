//! Consumer groups that several subscriptions share.

use super::clusters::group_of;
use super::desired;
use super::ends::{Name, Source};
use super::pairing::{Pair, Pairing};
use crate::change::Op;
use crate::code::Code;
use crate::draft::{Part, View};
use crate::problem::Problem;
use std::collections::BTreeSet;

/// How many sources that are patterns are looked at.
const MOST_PATTERNS: usize = 100;

/// A subscription after the plan.
struct Member<'a> {
    source: &'a Name<Source>,
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
    let entries = &view.input.desired.entries.subscriptions;
    let sources = entries.iter().map(|wanted| Name::Known(wanted.source.value.clone()));
    let sources: Vec<_> = sources.collect();
    let mut members = members(view, pairing, &sources);
    members.sort_by(|a, b| (&a.source, a.group, &a.sink).cmp(&(&b.source, b.group, &b.sink)));
    patterns(&members, &mut part);
    for run in members.chunk_by(|one, other| (one.source, one.group) == (other.source, other.group)) {
        for (at, one) in run.iter().enumerate() {
            // Two that are there and that no entry lists are not this file's to judge, and two that both
            // write it have been told with their lines. Of two, the later one is told.
            let writes = |member: &Member<'_>| member.entry.is_some_and(|entry| entry.group_id().is_some());
            let is_other = |(index, other): &(usize, &Member<'_>)| {
                let is_told_there = *index > at && other.entry.is_some();
                other.sink != one.sink && !(writes(one) && writes(other)) && !is_told_there
            };
            let Some(entry) = one.entry else { continue };
            let Some((_, other)) = run.iter().enumerate().find(is_other) else {
                continue;
            };
            let message = format!(
                "{} and {} share the consumer group {} of {}: each record reaches only one of them",
                other.sink, one.sink, one.shown_group, one.source
            );
            let problem = Problem::error(Code::GroupShared, message)
                .at(entry.span)
                .help("give each a `group.id` of its own");
            part.find(problem, &entry.key().into());
        }
    }
    part
}

/// A source whose topic is a regular expression reads all topics that match it.
fn patterns(members: &[Member<'_>], part: &mut Part) {
    // So many are no mistake of somebody's, and each is compared with all.
    let is_pattern = |one: &&Member<'_>| one.source.known().is_some_and(|source| source.topic.starts_with('^'));
    for one in members.iter().filter(is_pattern).take(MOST_PATTERNS) {
        let Some(pattern) = one.source.known().filter(|source| source.topic.starts_with('^')) else {
            continue;
        };
        // What only Kafka's library understands is not judged.
        let Ok(expression) = regex_lite::Regex::new(&pattern.topic) else {
            continue;
        };
        let is_read_too = |other: &&Member<'_>| {
            other.group == one.group
                && other.sink != one.sink
                && (other.source.known()).is_some_and(|source| {
                    source != pattern && source.cluster == pattern.cluster && expression.is_match(&source.topic)
                })
        };
        if let Some(other) = members.iter().find(is_read_too) {
            let Some(entry) = one.entry.or(other.entry) else {
                continue;
            };
            let message = format!(
                "{} and {} share the consumer group {}, and {} matches {}: each of its records reaches only one of them",
                one.sink, other.sink, one.shown_group, one.source, other.source
            );
            let problem = Problem::warning(Code::GroupShared, message)
                .at(entry.span)
                .help("give each a `group.id` of its own");
            part.find(problem, &entry.key().into());
        }
    }
}

fn members<'a>(
    view: &View<'a>,
    pairing: &Pairing<'a>,
    sources: &'a [Name<Source>],
) -> Vec<Member<'a>> {
    let entries = view.input.desired.entries.subscriptions.iter().enumerate();
    let entries = entries.filter_map(|(index, wanted)| {
        let live = match pairing.of_entry.get(&index) {
            Some(Pair::With(live)) => Some(*live),
            Some(Pair::Ambiguous) | None => None,
        };
        let written = wanted.group_id().zip(wanted.shown_group.as_deref());
        let of_cluster = || group_of(&view.input.live.kafka_clusters, &wanted.source.value);
        let (group, shown_group) = written
            .or_else(|| live?.group_id().zip(live?.shown_group()))
            .or_else(|| of_cluster().map(|group| (group, group)))?;
        Some(Member {
            source: sources.get(index)?,
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
            source: &live.source,
            group: live.group_id()?,
            shown_group: live.shown_group()?,
            sink: live.sink.to_string(),
            entry: None,
        })
    });
    entries.chain(unlisted).collect()
}
