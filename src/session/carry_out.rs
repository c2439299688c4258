//! Making the changes of a plan, and waiting for what can be deleted once no invocation needs it.

use super::make::{Asked, Made, make};
use super::printer::Printer;
use super::signal::signal;
use super::wish::Look;
use crate::admin::Client;
use crate::apply::{Event, Outcome, Report, Run};
use crate::ask::Discover;
use crate::change::{Change, Op};
use crate::duration::Duration;
use crate::error::Exit;
use crate::finding::{Waiting, WaitingFor};
use crate::plan::computed::Ready;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::{Instant, sleep};

/// The time between two looks at what is draining.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

pub fn is_clean(report: &Report) -> bool {
    matches!(report.outcome, Outcome::Complete | Outcome::NothingToDo)
}

/// The first signal lets the change in flight finish, the second aborts.
pub async fn carry_out(ready: &Ready, client: &Client, printer: &Printer) -> Report {
    let stop = AtomicBool::new(false);
    let mut run = Run::new(ready, client);
    let mut on_event = |event: Event<'_>| printer.event(&event);
    tokio::select! {
        () = run.execute(&stop, &mut on_event) => {}
        () = signals(&stop, printer) => {}
    }
    run.into_report()
}

/// Asks the run to stop at the first signal. Returns at the second.
async fn signals(stop: &AtomicBool, printer: &Printer) {
    signal().await;
    stop.store(true, Ordering::Relaxed);
    printer.warn("interrupted: the change in flight is finished first; interrupt again to abort it");
    signal().await;
}

/// What a run has done so far, and what it waits for.
pub struct Wave<'a> {
    report: Report,
    waiting: Vec<Waiting>,
    /// What was shown as waiting before anything was changed, by the server's id.
    awaited: Vec<Option<String>>,
    /// How much was deleted, of what counts towards the budget.
    deleted: u64,
    printer: &'a Printer,
}

impl<'a> Wave<'a> {
    /// `deleted`: how much the run has deleted, of what counts towards the budget.
    pub fn after(report: Report, waiting: Vec<Waiting>, deleted: u64, printer: &'a Printer) -> Self {
        Self {
            report,
            awaited: waiting.iter().map(|w| w.resource.server_id.clone()).collect(),
            waiting,
            deleted,
            printer,
        }
    }

    pub fn report(&self) -> &Report {
        &self.report
    }

    /// What was done, and what is still waiting.
    pub fn end(self) -> (Report, Vec<Waiting>) {
        (self.report, self.waiting)
    }

    /// Plans again until nothing is left that only needs time, and deletes what has become free.
    pub async fn wait(mut self, wait: Duration, asked: &Asked<'_>) -> (Report, Vec<Waiting>) {
        let deadline = Instant::now() + wait.to_std();
        // What may have become of the endpoints meanwhile is for another apply.
        let look = Look {
            discover: Discover::Changed,
            ..asked.look.clone()
        };
        let asked = Asked {
            look: &look,
            wait_endpoints: Duration::default(),
            ..*asked
        };
        let mut told = Vec::new();
        loop {
            let left = self.needs_time();
            if left.is_empty() {
                break;
            }
            if Instant::now() >= deadline {
                self.report.outcome = Outcome::Incomplete;
                break;
            }
            if left != told {
                self.printer.waiting(&left);
                told = left;
            }
            let Some(made) = self.plan_again(asked, deadline).await else {
                break;
            };
            if !self.delete(made).await {
                break;
            }
        }
        self.end()
    }

    fn needs_time(&self) -> Vec<Waiting> {
        let needs_time =
            |waiting: &&Waiting| matches!(waiting.reason, WaitingFor::Draining | WaitingFor::Settling);
        self.waiting.iter().filter(needs_time).cloned().collect()
    }

    /// The plan after a pause; `None` when the wait ends here.
    async fn plan_again(&mut self, asked: Asked<'_>, deadline: Instant) -> Option<Made> {
        let again = Asked {
            deleted: self.deleted,
            ..asked
        };
        let pause = PAUSE.min(deadline - Instant::now());
        let made = tokio::select! {
            made = async {
                sleep(pause).await;
                make(&again, self.printer).await
            } => made,
            () = signal() => {
                self.report.outcome = Outcome::Interrupted;
                return None;
            }
        };
        match made {
            Ok(made) => Some(made),
            Err(failure) if failure.exit == Exit::Interrupted => {
                self.report.outcome = Outcome::Interrupted;
                None
            }
            // What has landed is to be reported all the same.
            Err(failure) => {
                self.printer.problems(&failure.problems, &failure.sources);
                self.report.outcome = Outcome::Incomplete;
                self.report.blame(&failure.problems);
                None
            }
        }
    }

    /// Deletes what has become free: only what was shown as waiting, and only within the guards of the
    /// whole run. False when the wait ends here.
    async fn delete(&mut self, made: Made) -> bool {
        let Made { computed, client, .. } = made;
        self.waiting.clone_from(&computed.plan.waiting);
        if computed.plan.changes.is_empty() {
            return true;
        }
        let is_awaited =
            |change: &Change| change.op == Op::Delete && self.awaited.contains(&change.resource.server_id);
        let is_more = !computed.plan.changes.iter().all(is_awaited);
        let plan = computed.plan.clone();
        let Some(ready) = computed.ready().filter(|_| !is_more) else {
            self.printer.preview(&plan, false);
            self.report.outcome = Outcome::Incomplete;
            return false;
        };
        self.deleted += ready.counted();
        let landed = carry_out(&ready, &client, self.printer).await;
        self.report.extend(landed);
        is_clean(&self.report)
    }
}
