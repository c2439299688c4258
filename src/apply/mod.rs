//! Carries out a plan: one write at a time, in order. What fails blocks only what depends on it.
//!
//! Every write of the server is one compare-and-set of one key, so more writers would be slower
//! and then fail [S:all].

mod deletion;
mod deployment;
mod report;
mod subscription;
mod visibility;

use crate::admin::{Client, Error, wire};
use crate::diff::change::{Action, Change};
use crate::plan::Plan;
use std::sync::atomic::{AtomicBool, Ordering};

pub use report::{ChangeError, ChangeResult, Outcome, Report, Status, schema};

/// What a change came to.
#[derive(Debug, Default)]
pub struct Landed {
    pub server_id: Option<String>,
    /// Something worth telling although the change is done.
    pub note: Option<String>,
}

/// Why a change did not land, and whether that is certain.
#[derive(Debug)]
pub struct Fault {
    error: ChangeError,
    is_unknown: bool,
    server_id: Option<String>,
}

impl Fault {
    fn of(error: Error) -> Self {
        Self {
            is_unknown: error.is_unknown_outcome(),
            ..Self::failed(error)
        }
    }

    fn failed(error: Error) -> Self {
        Self {
            error: ChangeError {
                restate_code: error.restate_code().map(str::to_owned),
                http_status: error.http_status(),
                message: error.message,
            },
            is_unknown: false,
            server_id: None,
        }
    }

    fn unknown(error: Error) -> Self {
        Self {
            is_unknown: true,
            ..Self::failed(error)
        }
    }

    fn about(mut self, server_id: &str) -> Self {
        self.server_id = Some(server_id.to_owned());
        self
    }
}

/// The server is not what the plan was computed from, or not what it should have become.
fn moved(message: impl Into<String>) -> Fault {
    let error = ChangeError {
        message: message.into(),
        restate_code: None,
        http_status: None,
    };
    Fault {
        error,
        is_unknown: false,
        server_id: None,
    }
}

/// An alert leads the report: a service that must be private can be called by everyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    IsPublic(String),
    MayBePublic(String),
}

impl std::fmt::Display for Alert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::IsPublic(service) => write!(f, "service {service} IS PUBLIC"),
            Self::MayBePublic(service) => write!(f, "service {service} MAY BE PUBLIC"),
        }
    }
}

/// A change starts, or ends with a result.
pub struct Event<'a> {
    pub change: &'a Change,
    /// How many there are.
    pub of: usize,
    pub result: Option<&'a ChangeResult>,
    /// The report if the run were to end here.
    pub so_far: &'a dyn Fn() -> Report,
}

/// A run over a plan. What it has done so far survives when the run itself is aborted.
pub struct Run<'a> {
    plan: &'a Plan,
    client: &'a Client,
    results: Vec<ChangeResult>,
    alerts: Vec<Alert>,
    in_flight: Option<usize>,
    was_interrupted: bool,
}

impl<'a> Run<'a> {
    pub fn new(plan: &'a Plan, client: &'a Client) -> Self {
        Self {
            plan,
            client,
            results: Vec::new(),
            alerts: Vec::new(),
            in_flight: None,
            was_interrupted: false,
        }
    }

    /// Stops before the next change once `stop` is set; the change in flight is finished, since a
    /// registration and the overrides that keep its services private are one unit.
    pub async fn execute(&mut self, stop: &AtomicBool, on_event: &mut dyn FnMut(Event<'_>)) {
        let of = self.plan.changes.len();
        for (index, change) in self.plan.changes.iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                self.was_interrupted = true;
            }
            let result = if self.was_interrupted || !self.alerts.is_empty() {
                ChangeResult::new(change, Status::NotAttempted)
            } else if self.is_blocked(change) {
                ChangeResult::new(change, Status::Blocked)
            } else {
                self.in_flight = Some(index);
                on_event(Event {
                    change,
                    of,
                    result: None,
                    so_far: &|| self.so_far(),
                });
                let result = self.carry_out(change).await;
                self.in_flight = None;
                result
            };
            self.results.push(result);
            on_event(Event {
                change,
                of,
                result: self.results.last(),
                so_far: &|| self.so_far(),
            });
        }
    }

    /// The report, whole also when the run was aborted: what was in flight is unknown then.
    pub fn into_report(self) -> Report {
        self.so_far()
    }

    fn so_far(&self) -> Report {
        let mut alerts = self.alerts.clone();
        let mut results = self.results.clone();
        let mut was_interrupted = self.was_interrupted;
        for (index, change) in self.plan.changes.iter().enumerate().skip(results.len()) {
            was_interrupted = true;
            let status = if self.in_flight == Some(index) {
                alerts.extend(may_be_public(change));
                Status::Unknown
            } else {
                Status::NotAttempted
            };
            results.push(ChangeResult::new(change, status));
        }
        Report::new(self.plan, results, &alerts, was_interrupted)
    }

    fn is_blocked(&self, change: &Change) -> bool {
        self.results
            .iter()
            .any(|result| change.depends_on.contains(&result.id) && result.status != Status::Done)
    }

    async fn carry_out(&mut self, change: &Change) -> ChangeResult {
        let (client, alerts) = (self.client, &mut self.alerts);
        let outcome = match &change.action {
            Some(Action::Register(register)) => deployment::register(client, register, alerts).await,
            Some(Action::Promote { is, request }) => deployment::promote(client, is, request, alerts).await,
            Some(Action::Update { is, request }) => deployment::update(client, is, request, alerts).await,
            Some(Action::Configure { service, overrides }) => {
                configure(client, service, overrides, alerts).await
            }
            Some(Action::Create { request, known }) => subscription::create(client, request, known).await,
            Some(Action::Replace {
                old,
                request,
                restore,
            }) => subscription::replace(client, old, request, restore.as_ref()).await,
            Some(Action::DeleteSubscription { id }) => deletion::subscription(client, id).await,
            Some(Action::DeleteDeployment(deletion)) => deletion::deployment(client, deletion).await,
            None => Err(moved("this version of restatectl cannot carry out this change")),
        };
        ChangeResult::of(change, outcome)
    }
}

/// What an abort in the middle of a unit may have left open.
fn may_be_public(change: &Change) -> Vec<Alert> {
    let outcome = match &change.action {
        Some(Action::Register(register)) => &register.outcome,
        Some(Action::Promote { is, .. } | Action::Update { is, .. }) => &is.outcome,
        Some(
            Action::Configure { .. }
            | Action::Create { .. }
            | Action::Replace { .. }
            | Action::DeleteSubscription { .. }
            | Action::DeleteDeployment(_),
        )
        | None => return Vec::new(),
    };
    outcome
        .keep_private
        .iter()
        .cloned()
        .map(Alert::MayBePublic)
        .collect()
}

/// The answer tells what is in effect: a value that was accepted and is not there has no effect.
async fn configure(
    client: &Client,
    service: &str,
    overrides: &wire::Overrides,
    alerts: &mut Vec<Alert>,
) -> Result<Landed, Fault> {
    let answer = match client.override_service(service, overrides, None).await {
        Ok(answer) => crate::live::Service::from(answer),
        Err(error) => return Err(Fault::of(error)),
    };
    if overrides.public == Some(false) && answer.options.public {
        alerts.push(Alert::IsPublic(service.to_owned()));
        return Err(moved(format!(
            "the server accepted `public: false`, but service {service} IS PUBLIC"
        )));
    }
    let options = &answer.options;
    let pairs = [
        (
            "idempotency_retention",
            &overrides.idempotency_retention,
            options.idempotency_retention,
        ),
        (
            "journal_retention",
            &overrides.journal_retention,
            options.journal_retention,
        ),
        (
            "inactivity_timeout",
            &overrides.inactivity_timeout,
            options.inactivity_timeout,
        ),
        ("abort_timeout", &overrides.abort_timeout, options.abort_timeout),
        (
            "workflow_completion_retention",
            &overrides.workflow_completion_retention,
            options.workflow_completion_retention,
        ),
    ];
    let ineffective: Vec<String> = pairs
        .into_iter()
        .filter_map(|(field, sent, now)| {
            let sent = sent.as_ref()?;
            let now = now.map(|now| now.to_string()).unwrap_or_default();
            (*sent != now).then(|| format!("{field} has no effect: {sent} was sent, {now} is in effect"))
        })
        .collect();
    Ok(Landed {
        server_id: None,
        note: (!ineffective.is_empty()).then(|| ineffective.join("; ")),
    })
}
