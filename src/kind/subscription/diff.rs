//! Listed subscriptions: what is created, what is replaced, and what is in the way.

use super::action::{Action, Wanted};
use super::clusters;
use super::desired::Subscription;
use super::ends::Sink;
use super::pairing::{Pair, option_fields, pair};
use super::kafka_options::GROUP_ID;
use super::live;
use crate::admin::wire::NewSubscription;
use crate::change::{Change, Field, FieldChange, Op, Precondition, Resource, Risk, Validated};
use crate::code::Code;
use crate::consent::Consent;
use crate::draft::consent::{Given, needs};
use crate::draft::owner::Allowing;
use crate::draft::{Asked, Draft, Part, Step, View};
use crate::kind::redacted::REDACTED;
use crate::problem::{Problem, nearest};
use crate::secret::Value;
use std::collections::{BTreeMap, BTreeSet};

pub fn diff(draft: &mut Draft<'_>) {
    let input = draft.input();
    let entries = &input.desired.entries.subscriptions;
    let pairing = pair(entries, input.live);
    let _ = draft.take(clusters::check(&draft.view()));
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_cached_key(|&index| entries[index].key());
    for index in order {
        let wanted = &entries[index];
        let view = draft.view();
        let mut part = match pairing.of_entry.get(&index) {
            Some(Pair::With(live)) => compare(&view, wanted, live),
            Some(Pair::Ambiguous) => ambiguous(&view, wanted),
            None => create(&view, wanted),
        };
        if let Some(problem) = check_sink(&view, wanted) {
            part.find(problem, &wanted.key().into());
        }
        let _ = draft.take(part);
    }
    for wanted in entries {
        draft.feed(&wanted.sink.value.service, wanted.key());
    }
}

/// The resource of a live subscription.
pub fn on_server(live: &live::Subscription) -> Resource {
    Resource::live(live.key(), &live.id)
}

fn check_sink(view: &View<'_>, wanted: &Subscription) -> Option<Problem> {
    let sink = &wanted.sink.value;
    let missing = exists_after(view, sink).err()?;
    if view.world.is_incomplete() {
        return None;
    }
    let removes = |change: &&Change| {
        (change.services.iter())
            .any(|service| service.name == sink.service && service.handlers_removed.contains(&sink.handler))
    };
    let removed_by = view.steps.iter().map(|step| &step.change).find(removes);
    let problem = match removed_by {
        Some(change) => {
            let (key, Sink { service, handler }) = (&change.resource.key, sink);
            let message = format!("{key} removes the handler {service}/{handler}, which this subscription feeds");
            Problem::error(Code::HandlerInUse, message)
        }
        None => Problem::error(Code::UnknownSink, missing.message),
    };
    Some(problem.at(wanted.sink.span).help(missing.help))
}

/// Why a sink is not there.
pub struct MissingSink {
    message: String,
    help: String,
}

/// Private services, and shared and workflow handlers, are valid sinks [S:all].
pub fn exists_after(view: &View<'_>, sink: &Sink) -> Result<(), MissingSink> {
    let Some(predicted) = view.world.get(&sink.service) else {
        let near = nearest(&sink.service, view.world.names());
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
    let all: Vec<String> = handlers.keys().map(|name| format!("`{name}`")).collect();
    Err(MissingSink {
        message: format!("the service `{}` has no handler `{}`", sink.service, sink.handler),
        help: near.map_or_else(
            || format!("its handlers: {}", all.join(", ")),
            |near| format!("did you mean `{near}`?"),
        ),
    })
}

fn compare(view: &View<'_>, wanted: &Subscription, live: &live::Subscription) -> Part {
    let mut part = Part::default();
    let mut fields = option_fields(wanted, live);
    if live.sink != wanted.sink.value {
        let (before, after) = (live.sink.to_string(), wanted.sink.value.to_string());
        fields.insert(0, Field::new(&["sink"], Some(before.into()), Some(after.into())));
    }
    if view.input.is_resent(&wanted.key()) {
        let hidden = wanted.options.iter().filter(|(name, _)| live.hides(name));
        fields.extend(hidden.map(|(name, _)| Field::sensitive(&["options", name], FieldChange::Changed)));
    } else if fields.is_empty() {
        if let Some(problem) = not_compared(wanted, live) {
            part.find(problem, &Resource::live(wanted.key(), &live.id));
        }
        return part;
    }
    let mut options = live.options.clone();
    options.extend(options_of(wanted));
    let (given, refused) = ask(view, wanted, live, &options).refused();
    let depends_on = view.world.registrations_of(&wanted.sink.value.service);
    let change = Change {
        risk: Risk::Destructive,
        validated: validated(&depends_on),
        depends_on,
        precondition: Precondition::of(&fields),
        fields,
        refused,
        ..Change::new(
            Op::Replace,
            Resource::live(wanted.key(), &live.id),
            view.input.origin(wanted.span),
        )
    };
    let action = Action::Replace {
        restore: restorable(live),
        old: live.id.clone(),
        wanted: to_be(view, wanted, options),
    };
    part.step = Some(Step::new(change, Some(action.into())));
    part.given = given;
    part
}

/// Servers since 1.7 hide passwords, so a changed one looks like the one before.
fn not_compared(wanted: &Subscription, live: &live::Subscription) -> Option<Problem> {
    let hidden: Vec<&str> = (wanted.options.keys())
        .filter(|name| live.hides(name))
        .map(String::as_str)
        .collect();
    let (names, key) = (hidden.join(", "), wanted.key());
    let message = format!("the server hides the value of {names}, so it was not compared");
    let help = format!("if it has changed, write it again: `--resend 'subscription/{key}'`");
    (!hidden.is_empty()).then(|| Problem::info(Code::NotCompared, message).at(wanted.span).help(help))
}

/// What a replacement needs consent to, and what is in its way. `options`: those of the new one.
fn ask(
    view: &View<'_>,
    wanted: &Subscription,
    live: &live::Subscription,
    options: &BTreeMap<String, Value>,
) -> Asked {
    let mut asked = Asked::default();
    if let Some(answer) = take_over(view, wanted) {
        asked.take(answer);
    }
    if wanted.is_protected {
        let help = "to replace it, remove `protected: true` first, in a commit of its own";
        let problem = Problem::error(Code::Protected, "the subscription is protected");
        asked.refusals.push(problem.help(help));
    }
    match wanted.group_id() {
        None => asked.refusals.push(without_group(live)),
        Some(group) if live.group_id() != Some(group) => {
            let keys = [wanted.key().to_string()];
            let given = view.consents.allows(&Consent::Regroup, &wanted.allow, &keys);
            asked.take(given.ok_or_else(|| regroup(wanted, live)));
        }
        Some(_) => {}
    }
    let redacted = options.iter().filter(|(_, value)| value.expose() == REDACTED);
    let redacted: Vec<&str> = redacted.map(|(name, _)| name.as_str()).collect();
    if !redacted.is_empty() {
        let names = redacted.join(", ");
        let message =
            format!("the server hides the value of {names}, which the new subscription would lose");
        let problem = Problem::error(Code::RedactedOption, message);
        asked.refusals.push(problem.help("write it under `options`"));
    }
    asked
}

fn regroup(wanted: &Subscription, live: &live::Subscription) -> Problem {
    let from = live.shown_group().unwrap_or("that of its Kafka cluster");
    let message = format!(
        "the consumer group changes from {from} to {}: offsets start anew, so records are lost or come again",
        wanted.shown_group.as_deref().unwrap_or_default(),
    );
    let refusal = needs(&Consent::Regroup, message, "subscription");
    match (live.shown_group(), refusal.help.clone()) {
        (Some(now), Some(help)) => refusal.help(format!(
            "to keep its offsets, write `{GROUP_ID}: {now}`; {help}"
        )),
        _ => refusal,
    }
}

/// The live one as it could be created again.
fn restorable(live: &live::Subscription) -> Option<NewSubscription> {
    let is_whole = !live.options.keys().any(|name| live.hides(name));
    is_whole.then(|| NewSubscription {
        source: live.source.to_string(),
        sink: live.sink.to_string(),
        options: live.options.clone(),
    })
}

fn without_group(live: &live::Subscription) -> Problem {
    let help = match live.shown_group() {
        Some(now) => format!("write `{GROUP_ID}: {now}` under `options`: that keeps its offsets"),
        None => {
            format!("write the `{GROUP_ID}` of the Kafka cluster under `options`: that keeps its offsets")
        }
    };
    let message = "a subscription cannot be changed, and replacing it without a `group.id` in the file would lose or repeat records";
    Problem::error(Code::ReplaceNeedsGroupId, message).help(help)
}

fn create(view: &View<'_>, wanted: &Subscription) -> Part {
    let mut part = Part::default();
    let mut asked = Asked::default();
    if let Some(answer) = take_over(view, wanted) {
        asked.take(answer);
    }
    let (given, refused) = asked.refused();
    let depends_on = view.world.registrations_of(&wanted.sink.value.service);
    let action = Action::Create(to_be(view, wanted, options_of(wanted).collect()));
    let options = wanted.options.iter();
    let change = Change {
        validated: validated(&depends_on),
        depends_on,
        fields: options
            .map(|(name, option)| Field::of_values(&["options", name], None, &option.value))
            .collect(),
        refused,
        precondition: Precondition::absent(),
        ..Change::new(
            Op::Create,
            wanted.key().into(),
            view.input.origin(wanted.span),
        )
    };
    part.step = Some(Step::new(change, Some(action.into())));
    part.given = given;
    part
}

/// What an entry asks to be created, with these options.
fn to_be(view: &View<'_>, wanted: &Subscription, options: BTreeMap<String, Value>) -> Wanted {
    Wanted {
        known: alike(view, wanted).map(|live| live.id.clone()).collect(),
        cluster_group: clusters::group_of(&view.input.live.kafka_clusters, &wanted.source.value)
            .map(str::to_owned),
        request: NewSubscription {
            source: wanted.source.value.to_string(),
            sink: wanted.sink.value.to_string(),
            options,
        },
    }
}

/// The live ones with the source and sink of an entry.
fn alike<'a>(
    view: &View<'a>,
    wanted: &Subscription,
) -> impl Iterator<Item = &'a live::Subscription> + use<'a> {
    let (source, sink) = (wanted.source.value.clone(), wanted.sink.value.clone());
    let live = view.input.live.subscriptions.iter();
    live.filter(move |live| live.source == source && live.sink == sink)
}

fn options_of(wanted: &Subscription) -> impl Iterator<Item = (String, Value)> {
    let options = wanted.options.iter();
    options.map(|(name, option)| (name.clone(), option.value.clone()))
}

fn take_over(view: &View<'_>, wanted: &Subscription) -> Option<Result<Given, Problem>> {
    let allowing = Allowing {
        allow: &wanted.allow,
        keys: &[wanted.key().to_string()],
        entry: "subscription",
    };
    view.take_over_service(&wanted.sink.value.service, allowing)
}

/// A sink must exist when its subscription is posted [S:all].
fn validated(depends_on: &[u32]) -> Validated {
    if depends_on.is_empty() {
        Validated::Local
    } else {
        Validated::After
    }
}

fn ambiguous(view: &View<'_>, wanted: &Subscription) -> Part {
    let mut part = Part::default();
    let groups: BTreeSet<&str> = alike(view, wanted)
        .filter_map(live::Subscription::shown_group)
        .collect();
    let groups = groups.into_iter().collect::<Vec<_>>().join(", ");
    let message = "several live subscriptions have this source and sink, and without a `group.id` it is not clear which is meant";
    let problem = Problem::error(Code::AmbiguousSubscription, message)
        .at(wanted.span)
        .help(format!(
            "write the `{GROUP_ID}` of the one that is meant: {groups}"
        ));
    part.find(problem, &wanted.key().into());
    part
}
