//! Service overrides: compared with what the service will be after the last registration that
//! touches it, since a registration resets them all.

use super::action::Action;
use super::desired::Service;
use super::live;
use super::options::{Options, Overrides, ServiceOption, Setting};
use crate::change::{Basis, Change, Field, FieldValue, Op, Precondition, Resource, Risk, Validated};
use crate::code::Code;
use crate::consent::Consent;
use crate::draft::consent::needs;
use crate::draft::owner::Allowing;
use crate::draft::{Asked, Draft, Part, Step, View};
use crate::duration::Duration;
use crate::kind::Key;
use crate::problem::{Problem, nearest};
use crate::source::Span;

pub fn diff(draft: &mut Draft<'_>) {
    for service in draft.input().desired.entries.services.values() {
        let part = configure(&draft.view(), service);
        let _ = draft.take(part);
    }
    resets(draft);
}

/// The resource of a service.
pub fn named(name: &str) -> Resource {
    Key::Service(name.to_owned()).into()
}

fn configure(view: &View<'_>, wanted: &Service) -> Part {
    let mut part = Part::default();
    let name = &wanted.name.value;
    let resource = named(name);
    let Some(predicted) = view.world.get(name) else {
        if let Some(problem) = unknown_service(view, wanted) {
            part.find(problem, &resource);
        }
        return part;
    };
    if let Some(problem) = not_a_workflow(wanted, &predicted.service) {
        part.find(problem, &resource);
        return part;
    }
    // Asked to send it all the same, nothing is taken for declared by a handler.
    let is_resent = view.input.is_resent(&resource.key);
    let baseline = baseline(view, &predicted.service).filter(|_| !is_resent);
    let compared = compare(wanted, &predicted.service, baseline);
    for (option, span, why) in &compared.ineffective {
        let message = format!("`{}` has no effect: {why}", option.name());
        part.find(Problem::warning(Code::Ineffective, message).at(*span), &resource);
    }
    if compared.overrides.is_empty() {
        return part;
    }
    let live = view.input.live.services.get(name);
    let becomes_public = compared.overrides.get(&ServiceOption::Public) == Some(&Setting::Public(true));
    let exposes = becomes_public && live.is_some_and(|live| !live.options.public);
    let (given, refused) = ask(view, wanted, exposes).refused();
    let depends_on = predicted.registrations.clone();
    let change = Change {
        risk: if exposes { Risk::Breaking } else { Risk::Safe },
        validated: if depends_on.is_empty() {
            Validated::Local
        } else {
            Validated::After
        },
        depends_on,
        refused,
        precondition: precondition(live, &compared.overrides),
        fields: net_effect(live, &compared.overrides),
        ..Change::new(Op::Configure, resource, view.input.origin(wanted.name.span))
    };
    let action = Action {
        service: name.clone(),
        overrides: compared.overrides,
    };
    let set = action.overrides.keys();
    let basis = Basis {
        reset: set.map(|option| reset_to(*option, &predicted.service)).collect(),
        ..Basis::default()
    };
    part.step = Some(Step {
        basis,
        ..Step::new(change, Some(action.into()))
    });
    part.given = given;
    part
}

/// What a registration before it makes of an option.
fn reset_to(option: ServiceOption, predicted: &live::Service) -> FieldValue {
    FieldValue {
        path: vec![option.name().to_owned()],
        value: predicted.options.get(option).map(Into::into),
    }
}

/// The consents that the change needs.
fn ask(view: &View<'_>, wanted: &Service, exposes: bool) -> Asked {
    let mut asked = Asked::default();
    let name = &wanted.name.value;
    let keys = [name.clone()];
    if exposes {
        let given = view.consents.allows(&Consent::Expose, &wanted.allow, &keys);
        asked.take(given.ok_or_else(|| {
            let message = format!("the private service {name} becomes public");
            needs(&Consent::Expose, message, "service")
        }));
    }
    let allowing = Allowing {
        allow: &wanted.allow,
        keys: &keys,
        entry: "service",
    };
    if let Some(answer) = view.take_over_service(name, allowing) {
        asked.take(answer);
    }
    asked
}

fn precondition(live: Option<&live::Service>, overrides: &Overrides) -> Precondition {
    let Some(live) = live else {
        return Precondition::absent();
    };
    let fields = overrides.keys().map(|option| FieldValue {
        path: vec![option.name().to_owned()],
        value: live.options.get(*option).map(Into::into),
    });
    Precondition {
        absent: None,
        revision: Some(live.revision),
        fields: fields.collect(),
    }
}

/// What becomes of what is live now. What a registration makes of it in between is the executor's business.
fn net_effect(live: Option<&live::Service>, overrides: &Overrides) -> Vec<Field> {
    let fields = overrides.iter().map(|(option, setting)| {
        let before = live.and_then(|live| live.options.get(*option));
        Field::new(&[option.name()], before.map(Into::into), Some((*setting).into()))
    });
    fields.collect()
}

fn unknown_service(view: &View<'_>, wanted: &Service) -> Option<Problem> {
    // It may come with the deployment whose dry run failed, which is an error of its own.
    if view.world.is_incomplete() {
        return None;
    }
    let name = &wanted.name.value;
    let help = match nearest(name, view.world.names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a service exists only through a deployment that exposes it".to_owned(),
    };
    let message = format!("no deployment exposes the service `{name}`");
    let problem = Problem::error(Code::UnknownService, message);
    Some(problem.at(wanted.name.span).help(help))
}

/// The server refuses the whole request then, and with it the other fields [S:all].
fn not_a_workflow(wanted: &Service, predicted: &live::Service) -> Option<Problem> {
    let retention = wanted
        .overrides
        .get(&ServiceOption::WorkflowCompletionRetention)?;
    let (name, ty) = (&predicted.name, &predicted.ty);
    let message = format!("`workflow_completion_retention` is for workflows; {name} is a {ty}");
    (ty != "Workflow").then(|| {
        Problem::error(Code::NotAWorkflow, message)
            .at(retention.span)
            .help("remove the field")
    })
}

/// The service without overrides, where a dry run told it.
fn baseline<'a>(view: &View<'a>, predicted: &'a live::Service) -> Option<&'a Options> {
    let name = &predicted.name;
    if !view.world.registrations_of(name).is_empty() {
        return Some(&predicted.options);
    }
    discovered(view, &predicted.deployment_id, name)
}

/// What the endpoint of a deployment was found to declare.
fn discovered<'a>(view: &View<'a>, deployment: &str, service: &str) -> Option<&'a Options> {
    match view.input.answers.discoveries.get(deployment) {
        Some(Ok(fresh)) => fresh.get(service).map(|service| &service.options),
        Some(Err(_)) | None => None,
    }
}

#[derive(Default)]
struct Compared {
    overrides: Overrides,
    /// The options without an effect: option, place, and why.
    ineffective: Vec<(ServiceOption, Span, String)>,
}

fn compare(wanted: &Service, predicted: &live::Service, baseline: Option<&Options>) -> Compared {
    let mut compared = Compared::default();
    for option in ServiceOption::ALL {
        let now = predicted.options.get(option);
        let Some(setting) = wanted.overrides.get(&option) else {
            continue;
        };
        if Some(setting.value) == now {
            continue;
        }
        if let Some(why) = why_ineffective(option, setting.value, predicted, baseline) {
            compared.ineffective.push((option, setting.span, why));
            continue;
        }
        compared.overrides.insert(option, setting.value);
    }
    compared
}

/// Why a value would not come into effect although the server would take it.
fn why_ineffective(
    option: ServiceOption,
    wanted: Setting,
    predicted: &live::Service,
    baseline: Option<&Options>,
) -> Option<String> {
    let now = predicted.options.get(option);
    let shown = now.map(|now| now.to_string()).unwrap_or_default();
    if option == ServiceOption::WorkflowCompletionRetention && handler_declares(now, baseline) {
        return Some(format!(
            "{shown} is what the workflow's handler declares, which wins over the service's (if it is the server's own default instead, send it with `--resend`)"
        ));
    }
    // Only a longer value can be clamped or zeroed; a shorter one would take effect.
    if predicted.does_not_apply(option) && now.is_none_or(|now| wanted > now) {
        return Some(if option == ServiceOption::InactivityTimeout {
            "the service is exposed in request/response mode".to_owned()
        } else {
            format!("the server's maximum is {shown}")
        });
    }
    None
}

/// A handler's own retention is reported in preference to the service's, and nothing says so. But
/// the SDK declares it on the handler only, so a baseline other than the server's default of one
/// day, still in effect, is a handler's [S:all, without `default-workflow-completion-retention`].
fn handler_declares(in_effect: Option<Setting>, baseline: Option<&Options>) -> bool {
    let default = Duration::parse("1d").ok().map(Setting::Duration);
    let declared = baseline.and_then(|options| options.get(ServiceOption::WorkflowCompletionRetention));
    declared.is_some() && declared == in_effect && declared != default
}

/// Live overrides that no file manages and that a registration of this plan resets.
fn resets(draft: &mut Draft<'_>) {
    let view = draft.view();
    let mut found = Vec::new();
    for (name, predicted) in view.world.services() {
        let (Some(live), Some(first)) = (
            view.input.live.services.get(name),
            predicted.registrations.first(),
        ) else {
            continue;
        };
        let without_overrides = discovered(&view, &live.deployment_id, name);
        let wanted = view.input.desired.entries.services.get(name);
        for option in live.options.differing(&predicted.service.options) {
            let is_managed = wanted.is_some_and(|wanted| wanted.wants(option).is_some());
            let now = live.options.get(option);
            let is_override = without_overrides.is_none_or(|options| options.get(option) != now);
            if let Some(now) = now.filter(|_| !is_managed && is_override) {
                let registration = &view.steps[*first as usize - 1].change;
                let resource = registration.resource.key.clone().into();
                let problem = reset(name, option, now, predicted.service.options.get(option));
                found.push((problem, resource, registration.origin.clone()));
            }
        }
    }
    for (problem, resource, origin) in found {
        draft.find_at(problem, resource, origin);
    }
}

fn reset(service: &str, option: ServiceOption, now: Setting, then: Option<Setting>) -> Problem {
    let then = then.map_or_else(|| "nothing".to_owned(), |then| then.to_string());
    let option = option.name();
    let message = format!("resets {option} of {service} ({now} → {then}), which no file manages");
    Problem::warning(Code::OverrideReset, message).help(format!(
        "to keep it, write `{option}: {now}` under `services: {service}:`"
    ))
}
