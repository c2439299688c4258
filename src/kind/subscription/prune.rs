//! Live subscriptions that no entry lists, and what they do to those that are listed.

use super::action::Action;
use super::diff::{exists_after, on_server};
use super::groups::shared_groups;
use super::desired::Subscription as Entry;
use super::live::Subscription;
use super::pairing::{entry_for, pair};
use super::ends::Sink;
use super::kafka_options::GROUP_ID;
use crate::change::{Change, FieldValue, Op, Precondition, Resource, Risk};
use crate::code::Code;
use crate::draft::consent::still_protected;
use crate::draft::{Draft, Part, Step, View};
use crate::kind::Kind;
use crate::problem::Problem;

pub fn prune(draft: &mut Draft<'_>) {
    let input = draft.input();
    let pairing = pair(&input.desired.entries.subscriptions, input.live);
    let unclaimed = (input.live.subscriptions.iter()).filter(|s| !pairing.claimed.contains(s.id.as_str()));
    let mut unclaimed: Vec<_> = unclaimed.collect();
    unclaimed.sort_by_cached_key(|live| (live.key(), live.id.clone()));
    for live in unclaimed {
        let kept = pairing.duplicates.get(live.id.as_str()).copied();
        let listed = kept.and_then(|kept| pairing.entry_of(kept));
        let is_going = goes(&draft.view(), live);
        let mut part = if is_going {
            delete(&draft.view(), live, kept.filter(|_| listed.is_some()))
        } else {
            if let Some(Sink { service, .. }) = live.feeds() {
                draft.feed(service, live.key());
            }
            draft.leave(live.key());
            Part::default()
        };
        let view = draft.view();
        if let Some(problem) = feeds_removed_handler(&view, live) {
            part.find(problem, &on_server(live));
        }
        // Where no file lists them, all of them go.
        if let Some(kept) = kept.filter(|_| listed.is_some() || !is_going) {
            let entry = listed.map(|index| &input.desired.entries.subscriptions[index]);
            part.find(duplicate(live, kept, entry, is_going), &on_server(live));
        }
        let _ = draft.take(part);
    }
    let part = shared_groups(&draft.view(), &pairing);
    let _ = draft.take(part);
}

/// Whether the files say that it is deleted, and it is ours.
fn goes(view: &View<'_>, live: &Subscription) -> bool {
    let desired = view.input.desired;
    let is_ours = (live.feeds()).is_some_and(|sink| view.is_sink_ours(&sink.service));
    let kind = Kind::Subscription;
    is_ours && desired.sections[kind].is_some() && !desired.prune.keeps(kind)
}

/// `duplicate_of`: the id of the one that stays in its place.
fn delete(view: &View<'_>, live: &Subscription, duplicate_of: Option<&str>) -> Part {
    let mut part = Part::default();
    let resource: Resource = on_server(live);
    let group = live.options.get(GROUP_ID).and_then(|group| group.shown());
    let entries = &view.input.desired.written().subscriptions;
    let is_protected = entries.iter().any(|entry| entry.is_protected)
        && entry_for(entries, view.input.live, &live.id).is_some_and(|entry| entry.is_protected);
    let change = Change {
        risk: Risk::Destructive,
        reason: Some(match duplicate_of {
            Some(kept) => format!("duplicates {kept}"),
            None => view.reason_to_delete(),
        }),
        refused: is_protected.then(|| still_protected(&resource.key.to_string()).into()),
        precondition: Precondition {
            fields: vec![FieldValue {
                path: vec!["options".to_owned(), GROUP_ID.to_owned()],
                value: group.map(Into::into),
            }],
            ..Precondition::default()
        },
        ..Change::new(Op::Delete, resource, None)
    };
    let action = Action::Delete { id: live.id.clone() };
    part.step = Some(Step {
        counts: true,
        ..Step::new(change, Some(action.into()))
    });
    part
}

/// Members of one group share its records; each of two groups gets them all [S:1.6.2, 1.7.12].
///
/// `entry`: what lists the one that is kept.
fn duplicate(live: &Subscription, kept: &str, entry: Option<&Entry>, is_going: bool) -> Problem {
    let effect = if live.has_own_group() {
        "every record is delivered to both"
    } else {
        "the two share their group's records, and one would do"
    };
    let message = format!("{} duplicates {kept}: {effect}", live.id);
    let problem = Problem::warning(Code::DuplicateSubscription, message);
    let problem = match entry {
        Some(entry) => problem.at(entry.span),
        None => problem,
    };
    if is_going {
        problem
    } else {
        problem.help(format!("`restatectl delete subscription {}` deletes it", live.id))
    }
}

/// A registration that removes what a live subscription feeds would break it silently [S:all].
fn feeds_removed_handler(view: &View<'_>, live: &Subscription) -> Option<Problem> {
    let sink = live.feeds()?;
    let exists_now = (view.input.live.services.get(&sink.service))
        .is_some_and(|service| service.handlers.contains_key(&sink.handler));
    if !exists_now || exists_after(view, sink).is_ok() {
        return None;
    }
    let message = format!(
        "a live subscription of {} feeds the handler {}/{}, which this plan removes",
        live.source, sink.service, sink.handler
    );
    Some(
        Problem::error(Code::HandlerInUse, message)
            .help(match live.shown_group() {
                Some(group) => format!(
                    "keep the handler, or list the subscription with its new sink and `options: {{ group.id: {group} }}`"
                ),
                None => "keep the handler, or delete the subscription first".to_owned(),
            }),
    )
}
