//! Rules across listed subscriptions, for which a file alone is enough.

use super::desired::Subscription;
use super::ends::{Sink, Source};
use crate::code::Code;
use crate::problem::{Problem, Problems};
use crate::source::Span;
use std::collections::BTreeMap;

pub fn check(subscriptions: &[Subscription], problems: &mut Problems) {
    let mut keys: BTreeMap<(&Source, &Sink, Option<&str>), Span> = BTreeMap::new();
    let mut groups: BTreeMap<(&Source, &str), &Subscription> = BTreeMap::new();
    for subscription in subscriptions {
        let key = subscription.key();
        let group = subscription.group_id();
        if group == Some("") {
            // It is not known here: its variable has no value.
            continue;
        }
        let (source, sink) = (&subscription.source.value, &subscription.sink.value);
        if let Some(first) = keys.insert((source, sink, group), subscription.span) {
            problems.push(
                Problem::error(
                    Code::DuplicateSubscription,
                    format!("the subscription `{key}` is listed twice"),
                )
                .at(subscription.span)
                .related(first, "first listed here")
                .help(
                    "the server would deliver every record twice; remove one, or give it another `group.id`",
                ),
            );
            continue;
        }
        let Some(group) = group else {
            problems.push(
                Problem::warning(Code::NoGroupId, format!("the subscription `{key}` has no `group.id`"))
                    .at(subscription.span)
                    .help("without one the server takes that of the Kafka cluster, or else the subscription's own id, and then a replacement would lose or repeat records; write `options: { group.id: NAME }`, a different name for each environment that shares the Kafka cluster"),
            );
            continue;
        };
        let shared = groups.insert((source, group), subscription);
        if let Some(first) = shared {
            problems.push(
                Problem::error(
                    Code::GroupShared,
                    format!(
                        "two subscriptions of `{}` share the consumer group `{}`",
                        subscription.source.value,
                        subscription.shown_group.as_deref().unwrap_or_default(),
                    ),
                )
                .at(subscription.span)
                .related(first.span, "the other one")
                .help("each record would reach only one of the two sinks; give each its own `group.id`"),
            );
        }
    }
}
