//! Subscriptions: the server never dedupes them and cannot change one, and a consumer group is
//! what offsets are kept under. So entries are paired with live ones first, then compared.

use super::change::{
    Action, Change, Field, FieldChange, Finding, Kind, Op, Precondition, Refused, Resource, Risk, Validated,
};
use super::pairing::{Pair, Pairing, pair};
use super::{Work, needs, owner, prune, refusal, refused};
use crate::admin::wire::NewSubscription;
use crate::desired::{self, Consent, Sink, SubscriptionPolicy};
use crate::live::{self, REDACTED};
use crate::problem::{Severity, nearest};
use crate::secret::Value;
use std::collections::BTreeSet;

const GROUP_ID: &str = "group.id";

pub fn diff(work: &mut Work<'_>) {
    let pairing = pair(work);
    let mut order: Vec<usize> = (0..work.input.desired.subscriptions.len()).collect();
    order.sort_by_key(|&index| work.input.desired.subscriptions[index].key());
    for index in order {
        let wanted = &work.input.desired.subscriptions[index];
        check_sink(work, wanted);
        match pairing.of_entry.get(&index) {
            Some(Pair::With(live)) => compare(work, wanted, live),
            Some(Pair::Ambiguous) => ambiguous(work, wanted),
            None => create(work, wanted),
        }
    }
    for wanted in &work.input.desired.subscriptions {
        work.feeds.insert(wanted.sink.value.service.clone(), wanted.key());
    }
    leftovers(work, &pairing);
    shared_groups(work, &pairing);
    unknown_resends(work);
}

fn is_resent(work: &Work<'_>, wanted: &desired::Subscription) -> bool {
    work.input
        .resend
        .contains(&format!("subscription/{}", wanted.key()))
}

fn unknown_resends(work: &mut Work<'_>) {
    let desired = work.input.desired;
    let subscriptions = desired
        .subscriptions
        .iter()
        .map(|s| format!("subscription/{}", s.key()));
    let services = desired.services.keys().map(|name| format!("service/{name}"));
    let keys: Vec<String> = subscriptions.chain(services).collect();
    for resend in work.input.resend.iter().filter(|resend| !keys.contains(resend)) {
        let help = match nearest(resend, keys.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "write `subscription/KEY`, with the key of an entry of the file as plans show it".to_owned()
            }
        };
        work.outcome.findings.push(Finding {
            code: "unknown-resend".to_owned(),
            severity: Severity::Error,
            message: format!("`--resend {resend}` names nothing in the file that can be written again"),
            help: Some(help),
            resource: None,
            origin: None,
        });
    }
}

/// The options that the file writes and that differ. One the server redacts cannot be compared.
pub fn option_fields(wanted: &desired::Subscription, live: &live::Subscription) -> Vec<Field> {
    let mut fields = Vec::new();
    for (name, option) in &wanted.options {
        let now = live.options.get(name);
        if now == Some(&option.value) || is_redacted(live, name) {
            continue;
        }
        if option.value.is_sensitive() {
            let change = if now.is_some() {
                FieldChange::Changed
            } else {
                FieldChange::Set
            };
            fields.push(Field::sensitive(&["options", name], change));
        } else {
            let json = |value: &Value| value.shown().map(|text| text.to_owned().into());
            fields.push(Field::new(
                &["options", name],
                now.and_then(json),
                json(&option.value),
            ));
        }
    }
    fields
}

fn is_redacted(live: &live::Subscription, option: &str) -> bool {
    live.options
        .get(option)
        .is_some_and(|value| value.expose() == REDACTED)
}

fn check_sink(work: &mut Work<'_>, wanted: &desired::Subscription) {
    let sink = &wanted.sink.value;
    let Err(problem) = exists_after(work, sink) else {
        return;
    };
    if work.world.is_incomplete {
        return;
    }
    let resource = Resource::new(Kind::Subscription, wanted.key());
    let removed_by = work.outcome.changes.iter().find(|change| {
        change
            .services
            .iter()
            .any(|s| s.name == sink.service && s.handlers_removed.contains(&sink.handler))
    });
    let (code, message) = match removed_by {
        Some(change) => (
            "handler-in-use",
            format!(
                "{} removes the handler {}/{}, which this subscription feeds",
                change.resource.key, sink.service, sink.handler
            ),
        ),
        None => ("unknown-sink", problem.message),
    };
    work.find(Severity::Error, code, message, resource, Some(wanted.sink.span))
        .help = Some(problem.help);
}

struct MissingSink {
    message: String,
    help: String,
}

/// Private services, and shared and workflow handlers, are valid sinks [S:all].
fn exists_after(work: &Work<'_>, sink: &Sink) -> Result<(), MissingSink> {
    let Some(predicted) = work.world.services.get(&sink.service) else {
        let near = nearest(&sink.service, work.world.services.keys().map(String::as_str));
        return Err(MissingSink {
            message: format!("no deployment exposes the service `{}`", sink.service),
            help: near.map_or_else(
                || "register a deployment that exposes it first".to_owned(),
                |near| format!("did you mean `{near}`?"),
            ),
        });
    };
    let handlers = &predicted.service.handlers;
    if handlers.contains_key(&sink.handler) {
        return Ok(());
    }
    let near = nearest(&sink.handler, handlers.keys().map(String::as_str));
    let all = handlers
        .keys()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    Err(MissingSink {
        message: format!("the service `{}` has no handler `{}`", sink.service, sink.handler),
        help: near.map_or_else(
            || format!("its handlers: {all}"),
            |near| format!("did you mean `{near}`?"),
        ),
    })
}

fn compare(work: &mut Work<'_>, wanted: &desired::Subscription, live: &live::Subscription) {
    let mut fields = option_fields(wanted, live);
    let sink = wanted.sink.value.to_string();
    if sink != live.sink {
        fields.insert(
            0,
            Field::new(&["sink"], Some(live.sink.clone().into()), Some(sink.into())),
        );
    }
    if is_resent(work, wanted) {
        let hidden = wanted.options.iter().filter(|(name, _)| is_redacted(live, name));
        fields.extend(hidden.map(|(name, _)| Field::sensitive(&["options", name], FieldChange::Changed)));
    } else if fields.is_empty() {
        return;
    }
    let mut refusals: Vec<Refused> = take_over(work, wanted).into_iter().collect();
    if wanted.is_protected {
        let help = "to replace it, remove `protected: true` first, in a commit of its own";
        refusals.push(refused("protected", "the subscription is protected", help));
    }
    let regroups = wanted
        .group_id()
        .is_some_and(|group| live.group_id() != Some(group));
    match wanted.group_id() {
        None => refusals.push(without_group(live)),
        Some(_)
            if regroups
                && !work
                    .consents
                    .allows(&Consent::Regroup, &wanted.allow, &[&wanted.key()]) =>
        {
            let from = live.group_id().unwrap_or("that of its Kafka cluster");
            let message = format!(
                "the consumer group changes from {from} to {}: offsets start anew, so records are lost or come again",
                wanted.shown_group.as_deref().unwrap_or_default(),
            );
            let mut refusal = needs(&Consent::Regroup, message, "subscription");
            if let Some(now) = live.group_id() {
                refusal.help = format!("to keep its offsets, write `{GROUP_ID}: {now}`; {}", refusal.help);
            }
            refusals.push(refusal);
        }
        Some(_) => {}
    }
    let mut options = live.options.clone();
    options.extend(
        wanted
            .options
            .iter()
            .map(|(name, option)| (name.clone(), option.value.clone())),
    );
    let redacted: Vec<&str> = options
        .iter()
        .filter(|(_, value)| value.expose() == REDACTED)
        .map(|(name, _)| name.as_str())
        .collect();
    if !redacted.is_empty() {
        refusals.push(refused(
            "redacted-option",
            format!(
                "the server hides the value of {}, which the new subscription would lose",
                redacted.join(", ")
            ),
            "write it under `options`",
        ));
    }
    let depends_on = depends_on(work, &wanted.sink.value);
    let resource = Resource::new(Kind::Subscription, wanted.key()).with_id(&live.id);
    work.push(Change {
        risk: Risk::Destructive,
        validated: validated(&depends_on),
        depends_on,
        precondition: Precondition::of(&fields),
        fields,
        refused: refusal(refusals),
        action: Some(Action::Replace {
            restore: restorable(live),
            old: live.id.clone(),
            request: NewSubscription {
                source: wanted.source.value.to_string(),
                sink: wanted.sink.value.to_string(),
                options,
            },
        }),
        ..Change::new(Op::Replace, resource, work.input.sources.origin(wanted.span))
    });
}

/// The live one as it could be created again.
fn restorable(live: &live::Subscription) -> Option<NewSubscription> {
    let is_whole = live.options.values().all(|value| value.expose() != REDACTED);
    is_whole.then(|| NewSubscription {
        source: live.source.clone(),
        sink: live.sink.clone(),
        options: live.options.clone(),
    })
}

fn without_group(live: &live::Subscription) -> Refused {
    let help = match live.group_id() {
        Some(now) => format!("write `{GROUP_ID}: {now}` under `options`: that keeps its offsets"),
        None => {
            format!("write the `{GROUP_ID}` of the Kafka cluster under `options`: that keeps its offsets")
        }
    };
    refused(
        "replace-needs-group-id",
        "a subscription cannot be changed, and replacing it without a `group.id` in the file would lose or repeat records",
        help,
    )
}

fn create(work: &mut Work<'_>, wanted: &desired::Subscription) {
    let fields = wanted
        .options
        .iter()
        .map(|(name, option)| match option.value.shown() {
            Some(text) => Field::new(&["options", name], None, Some(text.into())),
            None => Field::sensitive(&["options", name], FieldChange::Set),
        })
        .collect();
    let depends_on = depends_on(work, &wanted.sink.value);
    let (source, sink) = (wanted.source.value.to_string(), wanted.sink.value.to_string());
    let known = (work.input.live.subscriptions.iter())
        .filter(|live| live.source == source && live.sink == sink)
        .map(|live| live.id.clone())
        .collect();
    let resource = Resource::new(Kind::Subscription, wanted.key());
    work.push(Change {
        validated: validated(&depends_on),
        depends_on,
        fields,
        refused: take_over(work, wanted),
        precondition: Precondition::absent(),
        action: Some(Action::Create {
            request: NewSubscription {
                source,
                sink,
                options: wanted
                    .options
                    .iter()
                    .map(|(name, option)| (name.clone(), option.value.clone()))
                    .collect(),
            },
            known,
        }),
        ..Change::new(Op::Create, resource, work.input.sources.origin(wanted.span))
    });
}

fn take_over(work: &Work<'_>, wanted: &desired::Subscription) -> Option<Refused> {
    let (service, key) = (&wanted.sink.value.service, wanted.key());
    owner::take_over_service(work, service, &wanted.allow, &[&key], "subscription")
}

fn validated(depends_on: &[u32]) -> Validated {
    if depends_on.is_empty() {
        Validated::Local
    } else {
        Validated::After
    }
}

/// A sink must exist when its subscription is posted [S:all].
fn depends_on(work: &Work<'_>, sink: &Sink) -> Vec<u32> {
    work.world
        .services
        .get(&sink.service)
        .map(|p| p.registrations.clone())
        .unwrap_or_default()
}

fn ambiguous(work: &mut Work<'_>, wanted: &desired::Subscription) {
    let resource = Resource::new(Kind::Subscription, wanted.key());
    let groups: BTreeSet<&str> = work
        .input
        .live
        .subscriptions
        .iter()
        .filter(|live| {
            live.source == wanted.source.value.to_string() && live.sink == wanted.sink.value.to_string()
        })
        .filter_map(live::Subscription::group_id)
        .collect();
    let groups = groups.into_iter().collect::<Vec<_>>().join(", ");
    let message = "several live subscriptions have this source and sink, and without a `group.id` it is not clear which is meant".to_owned();
    work.find(
        Severity::Error,
        "ambiguous-subscription",
        message,
        resource,
        Some(wanted.span),
    )
    .help = Some(format!(
        "write the `{GROUP_ID}` of the one that is meant: {groups}"
    ));
}

/// Live subscriptions that no entry lists.
fn leftovers(work: &mut Work<'_>, pairing: &Pairing<'_>) {
    let live = work.input.live;
    let unclaimed = (live.subscriptions.iter()).filter(|s| !pairing.claimed.contains(s.id.as_str()));
    let mut unclaimed: Vec<_> = unclaimed.collect();
    unclaimed.sort_by_key(|live| (live.key(), &live.id));
    for live in unclaimed {
        let resource = Resource::new(Kind::Subscription, live.key()).with_id(&live.id);
        feeds_removed_handler(work, live, &resource);
        let kept = pairing.duplicates.get(live.id.as_str()).copied();
        if let Some(kept) = kept {
            duplicate(work, live, kept, resource);
        }
        prune::subscription(work, live, kept);
    }
}

/// Members of one group share its records; each of two groups gets them all [S:1.6.2, 1.7.12].
fn duplicate(work: &mut Work<'_>, live: &live::Subscription, kept: &str, resource: Resource) {
    let effect = if live.has_own_group() {
        "every record is delivered to both"
    } else {
        "the two share their group's records, and one would do"
    };
    let message = format!("{} duplicates {kept}: {effect}", live.id);
    let help = match work.input.desired.prune.subscriptions {
        SubscriptionPolicy::Keep => Some("`prune: { subscriptions: delete }` deletes it".to_owned()),
        SubscriptionPolicy::Delete => None,
    };
    work.find(
        Severity::Warning,
        "duplicate-subscription",
        message,
        resource,
        None,
    )
    .help = help;
}

/// A registration that removes what a live subscription feeds would break it silently [S:all].
fn feeds_removed_handler(work: &mut Work<'_>, live: &live::Subscription, resource: &Resource) {
    let Some(sink) = live.feeds() else { return };
    let exists_now = (work.input.live.services.get(&sink.service))
        .is_some_and(|service| service.handlers.contains_key(&sink.handler));
    if !exists_now || exists_after(work, &sink).is_ok() {
        return;
    }
    let message = format!(
        "a live subscription of {} feeds the handler {}/{}, which this plan removes",
        live.source, sink.service, sink.handler
    );
    work.find(Severity::Error, "handler-in-use", message, resource.clone(), None)
        .help =
        Some("keep the handler, list the subscription with its new sink, or delete it first".to_owned());
}

/// Each record of a topic reaches only one of the subscriptions that share a group [S:1.6.2, 1.7.12].
/// Groups are those in effect after the plan, also where the file leaves them to the server.
fn shared_groups(work: &mut Work<'_>, pairing: &Pairing<'_>) {
    let desired = work.input.desired;
    let entries = desired
        .subscriptions
        .iter()
        .enumerate()
        .filter_map(|(index, wanted)| {
            let live = match pairing.of_entry.get(&index) {
                Some(Pair::With(live)) => Some(*live),
                _ => None,
            };
            let group = wanted.group_id().or_else(|| live?.group_id())?;
            Some((
                wanted.source.value.to_string(),
                group.to_owned(),
                wanted.sink.value.to_string(),
                Some(wanted),
            ))
        });
    let deleted: BTreeSet<&str> = (work.outcome.changes.iter())
        .filter(|change| change.op == Op::Delete)
        .filter_map(|change| change.resource.server_id.as_deref())
        .collect();
    let unlisted = (work.input.live.subscriptions.iter())
        .filter(|live| !pairing.claimed.contains(live.id.as_str()) && !deleted.contains(live.id.as_str()));
    let unlisted = unlisted.filter_map(|live| {
        Some((
            live.source.clone(),
            live.group_id()?.to_owned(),
            live.sink.clone(),
            None,
        ))
    });
    let mut members: Vec<_> = entries.chain(unlisted).collect();
    members.sort_by(|a, b| (&a.0, &a.1, &a.2).cmp(&(&b.0, &b.1, &b.2)));
    let pairs = members.iter().enumerate().flat_map(|(at, one)| {
        let rest = members[at + 1..].iter();
        let same = rest.take_while(move |other| (&one.0, &one.1) == (&other.0, &other.1));
        same.map(move |other| (one, other))
    });
    for ((source, group, sink, wanted), (_, _, other_sink, other)) in pairs {
        // Two that are there and that no entry lists are not this file's to judge, and two that both
        // write it have been told with their lines.
        let (Some(entry), written) = (
            wanted.or(*other),
            [wanted, other].map(|w| w.is_some_and(|w| w.group_id().is_some())),
        ) else {
            continue;
        };
        if sink == other_sink || written == [true, true] {
            continue;
        }
        let message = format!(
            "{sink} and {other_sink} share the consumer group {group} of {source}: each record reaches only one of them"
        );
        let resource = Resource::new(Kind::Subscription, entry.key());
        work.find(
            Severity::Error,
            "group-shared",
            message,
            resource,
            Some(entry.span),
        )
        .help = Some("give each a `group.id` of its own".to_owned());
    }
}
