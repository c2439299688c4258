//! Service overrides: compared with what the service will be after the last registration that
//! touches it, since a registration resets them all.

use super::change::{Action, Change, Field, FieldValue, Kind, Op, Precondition, Resource, Risk, Validated};
use super::{Work, needs, owner, refusal};
use crate::admin::wire::Overrides;
use crate::desired::{self, Consent, Duration};
use crate::live::{Options, Service};
use crate::problem::{Severity, nearest};
use crate::source::{Span, Spanned};

pub fn diff(work: &mut Work<'_>) {
    for service in work.input.desired.services.values() {
        configure(work, service);
    }
    resets(work);
}

fn configure(work: &mut Work<'_>, wanted: &desired::Service) {
    let name = &wanted.name.value;
    let resource = Resource::new(Kind::Service, name);
    let Some(predicted) = work.world.services.get(name) else {
        unknown_service(work, wanted, resource);
        return;
    };
    let (service, depends_on) = (predicted.service.clone(), predicted.registrations.clone());
    if let Some(retention) = &wanted.workflow_completion_retention
        && service.ty != "Workflow"
    {
        let message = format!(
            "`workflow_completion_retention` is for workflows; {name} is a {}",
            service.ty
        );
        // The server refuses the whole request then, and with it the other fields [S:all].
        work.find(
            Severity::Error,
            "not-a-workflow",
            message,
            resource,
            Some(retention.span),
        )
        .help = Some("remove the field".to_owned());
        return;
    }
    let compared = compare(
        wanted,
        &service,
        // Asked to send it all the same, nothing is taken for declared by a handler.
        baseline(work, name, &service)
            .filter(|_| !is_resent(work, name))
            .as_ref(),
    );
    for (field, span, why) in compared.ineffective {
        let message = format!("`{field}` has no effect: {why}");
        work.find(
            Severity::Warning,
            "ineffective",
            message,
            resource.clone(),
            Some(span),
        );
    }
    if compared.fields.is_empty() {
        return;
    }
    let live = work.input.live.services.get(name);
    let exposes = compared.overrides.public == Some(true) && live.is_some_and(|s| !s.options.public);
    let consented = !exposes || work.consents.allows(&Consent::Expose, &wanted.allow, &[name]);
    let mut refusals = Vec::new();
    if !consented {
        let message = format!("the private service {name} becomes public");
        refusals.push(needs(&Consent::Expose, message, "service"));
    }
    refusals.extend(owner::take_over_service(
        work,
        name,
        &wanted.allow,
        &[name],
        "service",
    ));
    let precondition = live.map_or_else(Precondition::absent, |live| Precondition {
        absent: None,
        revision: Some(live.revision),
        fields: compared
            .fields
            .iter()
            .map(|field| FieldValue {
                path: field.path.clone(),
                value: shown(&live.options, &field.path[0]),
            })
            .collect(),
    });
    let validated = if depends_on.is_empty() {
        Validated::Local
    } else {
        Validated::After
    };
    work.push(Change {
        risk: if exposes { Risk::Breaking } else { Risk::Safe },
        validated,
        depends_on,
        fields: compared.fields,
        refused: refusal(refusals),
        precondition,
        action: Some(Action::Configure {
            service: name.clone(),
            overrides: compared.overrides,
        }),
        ..Change::new(
            Op::Configure,
            resource,
            work.input.sources.origin(wanted.name.span),
        )
    });
}

fn is_resent(work: &Work<'_>, service: &str) -> bool {
    work.input.resend.contains(&format!("service/{service}"))
}

fn unknown_service(work: &mut Work<'_>, wanted: &desired::Service, resource: Resource) {
    // It may come with the deployment whose dry run failed, which is an error of its own.
    if work.world.is_incomplete {
        return;
    }
    let name = &wanted.name.value;
    let help = match nearest(name, work.world.services.keys().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a service exists only through a deployment that exposes it".to_owned(),
    };
    let message = format!("no deployment exposes the service `{name}`");
    work.find(
        Severity::Error,
        "unknown-service",
        message,
        resource,
        Some(wanted.name.span),
    )
    .help = Some(help);
}

/// The service without overrides, where a dry run told it.
fn baseline(work: &Work<'_>, name: &str, predicted: &Service) -> Option<Options> {
    if work
        .world
        .services
        .get(name)
        .is_some_and(|p| !p.registrations.is_empty())
    {
        return Some(predicted.options.clone());
    }
    match work.input.answers.discoveries.get(&predicted.deployment_id) {
        Some(Ok(fresh)) => fresh.get(name).map(|service| service.options.clone()),
        Some(Err(_)) | None => None,
    }
}

#[derive(Default)]
struct Compared {
    fields: Vec<Field>,
    overrides: Overrides,
    /// Field, place, why it has no effect.
    ineffective: Vec<(&'static str, Span, String)>,
}

fn compare(wanted: &desired::Service, predicted: &Service, baseline: Option<&Options>) -> Compared {
    let desired::Service {
        name: _,
        allow: _,
        is_protected: _,
        public,
        idempotency_retention,
        journal_retention,
        inactivity_timeout,
        abort_timeout,
        workflow_completion_retention,
    } = wanted;
    let Options {
        public: is_public,
        idempotency_retention: idempotency,
        journal_retention: journal,
        inactivity_timeout: inactivity,
        abort_timeout: abort,
        workflow_completion_retention: workflow,
    } = &predicted.options;
    let mut compared = Compared::default();
    let handler_declares = handler_declares(*workflow, baseline);
    compared.overrides = Overrides {
        public: None,
        idempotency_retention: compared.duration(
            "idempotency_retention",
            idempotency_retention.as_ref(),
            *idempotency,
            predicted,
        ),
        journal_retention: compared.duration(
            "journal_retention",
            journal_retention.as_ref(),
            *journal,
            predicted,
        ),
        inactivity_timeout: compared.duration(
            "inactivity_timeout",
            inactivity_timeout.as_ref(),
            *inactivity,
            predicted,
        ),
        abort_timeout: compared.duration("abort_timeout", abort_timeout.as_ref(), *abort, predicted),
        workflow_completion_retention: match workflow_completion_retention {
            Some(wanted) if handler_declares && Some(wanted.value) != *workflow => {
                let declared = workflow.map(|d| d.to_string()).unwrap_or_default();
                let why = format!(
                    "{declared} is what the workflow's handler declares, which wins over the service's (if it is the server's own default instead, send it with `--resend`)"
                );
                compared
                    .ineffective
                    .push(("workflow_completion_retention", wanted.span, why));
                None
            }
            wanted => compared.duration(
                "workflow_completion_retention",
                wanted.as_ref(),
                *workflow,
                predicted,
            ),
        },
    };
    if let Some(wanted) = public
        && wanted.value != *is_public
    {
        compared.overrides.public = Some(wanted.value);
        let field = Field::new(&["public"], Some((*is_public).into()), Some(wanted.value.into()));
        compared.fields.insert(0, field);
    }
    compared
}

/// A handler's own retention is reported in preference to the service's, and nothing says so. But
/// the SDK declares it on the handler only, so a baseline other than the server's default of one
/// day, still in effect, is a handler's [S:all, without `default-workflow-completion-retention`].
fn handler_declares(in_effect: Option<Duration>, baseline: Option<&Options>) -> bool {
    let declared = baseline.and_then(|options| options.workflow_completion_retention);
    declared.is_some() && declared == in_effect && declared != Duration::parse("1d").ok()
}

impl Compared {
    /// The value to send, if any.
    fn duration(
        &mut self,
        field: &'static str,
        wanted: Option<&Spanned<Duration>>,
        now: Option<Duration>,
        predicted: &Service,
    ) -> Option<String> {
        let wanted = wanted.filter(|wanted| Some(wanted.value) != now)?;
        // Only a longer value can be clamped or zeroed; a shorter one would take effect.
        if predicted.not_applied.contains(field) && now.is_none_or(|now| wanted.value > now) {
            let now = now.map(|d| d.to_string()).unwrap_or_default();
            let why = if field == "inactivity_timeout" {
                "the service is exposed in request/response mode".to_owned()
            } else {
                format!("the server's maximum is {now}")
            };
            self.ineffective.push((field, wanted.span, why));
            return None;
        }
        let before = now.map(|now| now.to_string().into());
        let after = wanted.value.to_string();
        self.fields
            .push(Field::new(&[field], before, Some(after.clone().into())));
        Some(after)
    }
}

/// The options in effect of a service that a registration is about to reset.
pub fn before(work: &Work<'_>, name: &str) -> Vec<FieldValue> {
    let live = work.input.live.services.get(name);
    let fields = live.into_iter().flat_map(|live| live.options.fields());
    let options = fields.map(|(option, value)| FieldValue {
        path: vec!["services".to_owned(), name.to_owned(), option.to_owned()],
        value,
    });
    options.collect()
}

fn shown(options: &Options, field: &str) -> Option<serde_json::Value> {
    let found = options.fields().into_iter().find(|(name, _)| *name == field);
    found.and_then(|(_, value)| value)
}

/// Live overrides that no file manages and that a registration of this plan resets.
fn resets(work: &mut Work<'_>) {
    let mut found = Vec::new();
    for (name, predicted) in &work.world.services {
        let (Some(live), Some(first)) = (
            work.input.live.services.get(name),
            predicted.registrations.first(),
        ) else {
            continue;
        };
        let without_overrides = match work.input.answers.discoveries.get(&live.deployment_id) {
            Some(Ok(fresh)) => fresh.get(name).map(|service| &service.options),
            Some(Err(_)) | None => None,
        };
        for field in unmanaged_fields(work.input.desired.services.get(name)) {
            let now = shown(&live.options, field);
            let then = shown(&predicted.service.options, field);
            let is_override = without_overrides.is_none_or(|options| shown(options, field) != now);
            if now != then && now.is_some() && is_override {
                found.push((*first, name.clone(), field, now, then));
            }
        }
    }
    for (change, name, field, now, then) in found {
        let text = |value: &Option<serde_json::Value>| match value {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "nothing".to_owned(),
        };
        let message = format!(
            "resets {field} of {name} ({} → {}), which no file manages",
            text(&now),
            text(&then)
        );
        let (origin, registered) = {
            let change = &work.outcome.changes[change as usize - 1];
            (change.origin.clone(), change.resource.key.clone())
        };
        let finding = work.find(
            Severity::Warning,
            "override-reset",
            message,
            Resource::new(Kind::Deployment, registered),
            None,
        );
        finding.origin = origin;
        finding.help = Some(format!(
            "to keep it, write `{field}: {}` under `services: {name}:`",
            text(&now)
        ));
    }
}

fn unmanaged_fields(wanted: Option<&desired::Service>) -> Vec<&'static str> {
    let managed = |field: fn(&desired::Service) -> bool| wanted.is_some_and(field);
    [
        ("public", managed(|s| s.public.is_some())),
        (
            "idempotency_retention",
            managed(|s| s.idempotency_retention.is_some()),
        ),
        ("journal_retention", managed(|s| s.journal_retention.is_some())),
        ("inactivity_timeout", managed(|s| s.inactivity_timeout.is_some())),
        ("abort_timeout", managed(|s| s.abort_timeout.is_some())),
        (
            "workflow_completion_retention",
            managed(|s| s.workflow_completion_retention.is_some()),
        ),
    ]
    .into_iter()
    .filter_map(|(field, is_managed)| (!is_managed).then_some(field))
    .collect()
}
