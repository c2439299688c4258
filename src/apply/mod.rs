//! Carries out a plan: one write at a time, in order. What fails blocks only what depends on it.
//!
//! Every write of the server is one compare-and-set of one key, so more writers would be slower
//! and then fail [S:all].

mod report;

use crate::action::Action;
use crate::admin::Client;
use crate::change::Change;
use crate::kind::{deployment, service, subscription};
use crate::landing::{Alert, ChangeError};
use crate::plan::computed::Ready;
use std::sync::atomic::{AtomicBool, Ordering};

pub use report::{ChangeResult, Outcome, Report, Status};

/// A change starts, or ends with a result.
pub struct Event<'a> {
    pub change: &'a Change,
    /// The place of the change in the run, from 1.
    pub at: usize,
    /// How many changes the run makes.
    pub of: usize,
    pub result: Option<&'a ChangeResult>,
    /// Makes the report that would be the last if the run ended here.
    pub so_far: &'a dyn Fn() -> Report,
}

/// A run over a plan. What it has done so far survives when the run itself is aborted.
pub struct Run<'a> {
    plan: &'a Ready,
    client: &'a Client,
    results: Vec<ChangeResult>,
    alerts: Vec<Alert>,
    in_flight: Option<usize>,
    was_interrupted: bool,
}

impl<'a> Run<'a> {
    pub fn new(plan: &'a Ready, client: &'a Client) -> Self {
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
        let of = self.plan.plan().changes.len();
        for (index, (change, action)) in self.plan.steps().enumerate() {
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
                    at: index + 1,
                    of,
                    result: None,
                    so_far: &|| self.so_far(),
                });
                let result = self.carry_out(change, action).await;
                self.in_flight = None;
                result
            };
            self.results.push(result);
            on_event(Event {
                change,
                at: index + 1,
                of,
                result: self.results.last(),
                so_far: &|| self.so_far(),
            });
        }
        self.settle().await;
    }

    /// Looks once more at what may have been created twice: others may have been slower.
    async fn settle(&mut self) {
        let steps = self.plan.steps().zip(&mut self.results);
        let (mut results, mut made) = (Vec::new(), Vec::new());
        for ((_, action), result) in steps.filter(|(_, result)| result.status == Status::Done) {
            if let Action::Subscription(action) = action
                && let Some(wanted) = action.wanted()
                && let Some(id) = result.server_id.clone()
            {
                made.push((wanted, id));
                results.push(result);
            }
        }
        let made: Vec<_> = made.iter().map(|(wanted, id)| (*wanted, id.as_str())).collect();
        match subscription::settle::settle_all(self.client, &made).await {
            Ok(landed) => {
                for (result, landed) in results.into_iter().zip(landed) {
                    result.server_id = landed.server_id;
                    result.note = landed.note.or(result.note.take());
                }
            }
            Err(error) => {
                for result in results {
                    let message = format!(
                        "it landed; whether somebody created the same one could not be read: {error}"
                    );
                    result.status = Status::Unknown;
                    result.error = Some(ChangeError::of(message));
                }
            }
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
        for (index, (change, action)) in self.plan.steps().enumerate().skip(results.len()) {
            was_interrupted = true;
            let status = if self.in_flight == Some(index) {
                let private = action.keeps_private().iter().cloned();
                alerts.extend(private.map(Alert::MayBePublic));
                Status::Unknown
            } else {
                Status::NotAttempted
            };
            results.push(ChangeResult::new(change, status));
        }
        Report::new(self.plan.plan(), results, &alerts, was_interrupted)
    }

    fn is_blocked(&self, change: &Change) -> bool {
        self.results
            .iter()
            .any(|result| change.depends_on.contains(&result.id) && result.status != Status::Done)
    }

    async fn carry_out(&mut self, change: &Change, action: &Action) -> ChangeResult {
        let (client, alerts) = (self.client, &mut self.alerts);
        let outcome = match action {
            Action::Deployment(action) => deployment::apply::carry_out(client, action, alerts).await,
            Action::Service(action) => service::apply::carry_out(client, action, alerts).await,
            Action::Subscription(action) => subscription::apply::carry_out(client, action).await,
        };
        ChangeResult::of(change, outcome)
    }
}
