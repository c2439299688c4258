use super::plan::{Asked, Made, Scope, exit_of, make};
use super::{or_interrupted, signal};
use crate::admin::Client;
use crate::apply::{Outcome, Report, Run};
use crate::cli::{DiscoverArg, Looking, Planning};
use crate::desired::Duration;
use crate::diff::change::{Change, Kind, Op, Waiting, WaitingFor};
use crate::error::{Exit, Failure};
use crate::plan::Plan;
use crate::plan::stale::{self, Standing};
use crate::problem::Problem;
use crate::render::Printer;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::{Instant, sleep};

/// Between two looks at what is draining.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

/// `saved`: the plan to carry out. `wait_drained`: how long to wait for invocations on what is to be
/// deleted.
pub async fn run(
    asked: &Asked<'_>,
    saved: Option<Plan>,
    yes: bool,
    wait_drained: Duration,
    printer: &Printer,
) -> Result<Exit, Failure> {
    if !yes && !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            Problem::error("not-confirmed", "there is no terminal to ask on")
                .help("to go on without being asked, add `--yes`"),
        ));
    }
    let unmanaged = asked.planning.looking.show_unmanaged;
    let (mut plan, mut client) = if let Some(mut plan) = saved {
        // It may be a week old.
        match renew(&mut plan, asked, printer).await? {
            Renewed::AsPlanned(client) => (plan, client),
            Renewed::Not(report, exit) => {
                printer.report(&report);
                return Ok(exit);
            }
        }
    } else {
        let Made { plan, client, .. } = or_interrupted(make(asked, printer)).await?;
        (plan, client)
    };
    printer.preview(&plan, unmanaged);
    if let Some(outcome) = stops(&plan, asked.scope) {
        printer.report(&Report::not_attempted(outcome, &plan));
        return Ok(match outcome {
            Outcome::Failed => Exit::Error,
            _ => Exit::Refused,
        });
    }
    if !yes && !plan.changes.is_empty() {
        if !or_interrupted(confirmed(&plan)).await? {
            printer.report(&Report::not_attempted(Outcome::Refused, &plan));
            return Ok(Exit::Refused);
        }
        // The question may have been open for an hour.
        match renew(&mut plan, asked, printer).await? {
            Renewed::AsPlanned(now) => client = now,
            Renewed::Not(report, exit) => {
                printer.report(&report);
                return Ok(exit);
            }
        }
    }
    let mut left = plan.waiting.clone();
    let mut report = carry_out(&plan, &client, printer).await;
    if wait_drained > Duration::default() && is_clean(&report) {
        // What may have become of the endpoints meanwhile is for another apply.
        let looking = Looking {
            discover: DiscoverArg::Changed,
            ..asked.planning.looking.clone()
        };
        let remake = async |deleted: u64| {
            let planning = Planning {
                looking: looking.clone(),
                deleted,
                ..asked.planning.clone()
            };
            let asked = Asked {
                planning: &planning,
                wait_endpoints: Duration::default(),
                ..*asked
            };
            make(&asked, printer).await
        };
        (report, left) = drain(plan, report, wait_drained, remake, printer).await?;
    }
    // What is left of a stack was to go.
    if asked.planning.destroy && is_clean(&report) && !left.is_empty() {
        report.outcome = Outcome::Incomplete;
    }
    printer.report(&report);
    Ok(match report.outcome {
        Outcome::Complete | Outcome::NothingToDo => Exit::Done,
        Outcome::Interrupted if report.alerts.is_empty() => Exit::Interrupted,
        _ => Exit::Incomplete,
    })
}

enum Renewed {
    AsPlanned(Client),
    Not(Box<Report>, Exit),
}

/// Computes the plan once more, and gives it the actions of now unless something has moved.
async fn renew(plan: &mut Plan, asked: &Asked<'_>, printer: &Printer) -> Result<Renewed, Failure> {
    let planned = plan.clone();
    let again = Asked {
        scope: match asked.scope {
            Scope::Delete { force } => Scope::Delete { force },
            Scope::Files | Scope::Again(_) => Scope::Again(&planned),
        },
        ..*asked
    };
    let Made {
        plan: now,
        client,
        live,
    } = match or_interrupted(make(&again, printer)).await {
        Ok(made) => made,
        Err(failure) if failure.exit == Exit::Stale => {
            let report = Report::stale(plan, Vec::new()).because(&failure.problems);
            return Ok(Renewed::Not(Box::new(report), Exit::Stale));
        }
        Err(failure) => return Err(failure),
    };
    let outcome = match stale::renew(plan, &now, &live) {
        Standing::AsPlanned => None,
        Standing::Done => Some((
            Report::not_attempted(Outcome::NothingToDo, &emptied(plan)),
            Exit::Done,
        )),
        Standing::Stale(moved) => Some((Report::stale(plan, moved), Exit::Stale)),
    };
    if let Some((report, exit)) = outcome {
        return Ok(Renewed::Not(Box::new(report), exit));
    }
    let (outcome, exit) = match exit_of(&now) {
        Exit::Error => (Outcome::Failed, Exit::Error),
        Exit::Refused => (Outcome::Refused, Exit::Refused),
        _ => return Ok(Renewed::AsPlanned(client)),
    };
    // What is in the way was not, when the plan was made.
    printer.preview(&now, false);
    Ok(Renewed::Not(Box::new(Report::not_attempted(outcome, &now)), exit))
}

/// Nothing of it is left to do.
fn emptied(plan: &Plan) -> Plan {
    Plan {
        changes: Vec::new(),
        waiting: Vec::new(),
        ..plan.clone()
    }
}

/// Why a plan is not carried out. Errors come before refusals: nobody can consent to them.
fn stops(plan: &Plan, scope: Scope<'_>) -> Option<Outcome> {
    let deletes_nothing = matches!(scope, Scope::Delete { .. }) && plan.changes.is_empty();
    match exit_of(plan) {
        Exit::Error => Some(Outcome::Failed),
        Exit::Refused => Some(Outcome::Refused),
        _ => deletes_nothing.then_some(Outcome::Refused),
    }
}

/// What deletes or replaces is asked for a second time, in a way that fingers do not do by habit.
async fn confirmed(plan: &Plan) -> Result<bool, Failure> {
    let deletions = plan
        .changes
        .iter()
        .filter(|change| change.op == Op::Delete)
        .count();
    let asked = tokio::task::spawn_blocking(move || {
        Printer::confirm("Apply these changes?")
            && (deletions == 0
                || Printer::confirm_typed(
                    &format!("This deletes {deletions}. To go on, type"),
                    &format!("delete {deletions}"),
                ))
    });
    // An answer that cannot be read is not a yes.
    Ok(asked.await.unwrap_or(false))
}

fn is_clean(report: &Report) -> bool {
    matches!(report.outcome, Outcome::Complete | Outcome::NothingToDo)
}

/// Plans again until nothing is left that only needs time, and deletes what has become free. Returns
/// also what is still waiting.
async fn drain(
    mut plan: Plan,
    mut report: Report,
    wait: Duration,
    remake: impl AsyncFn(u64) -> Result<Made, Failure>,
    printer: &Printer,
) -> Result<(Report, Vec<Waiting>), Failure> {
    let deadline = Instant::now() + wait.to_std();
    let awaited: Vec<Option<String>> = plan
        .waiting
        .iter()
        .map(|w| w.resource.server_id.clone())
        .collect();
    // As the guards count: drained deployments that serve nothing are no loss.
    let counts = |change: &&Change| {
        change.op == Op::Delete && (change.resource.kind == Kind::Subscription || !change.services.is_empty())
    };
    let counted = |plan: &Plan| plan.changes.iter().filter(counts).count() as u64;
    let mut deleted = counted(&plan);
    let mut told = Vec::new();
    loop {
        let left: Vec<_> = (plan.waiting.iter())
            .filter(|waiting| matches!(waiting.reason, WaitingFor::Draining | WaitingFor::Settling))
            .cloned()
            .collect();
        if left.is_empty() {
            return Ok((report, plan.waiting));
        }
        if Instant::now() >= deadline {
            report.outcome = Outcome::Incomplete;
            return Ok((report, plan.waiting));
        }
        if left != told {
            printer.waiting(&left);
            told = left;
        }
        let next = async {
            sleep(PAUSE.min(deadline - Instant::now())).await;
            remake(deleted).await
        };
        let Made {
            plan: now, client, ..
        } = tokio::select! {
            made = next => match made {
                Ok(made) => made,
                // What has landed is to be reported all the same.
                Err(failure) => {
                    printer.problems(&failure.problems, &failure.sources);
                    report.outcome = Outcome::Incomplete;
                    return Ok((report.because(&failure.problems), plan.waiting));
                }
            },
            () = signal() => {
                report.outcome = Outcome::Interrupted;
                return Ok((report, plan.waiting));
            }
        };
        plan = now;
        if plan.changes.is_empty() {
            continue;
        }
        // Only what was shown as waiting, and only within the guards of the whole run.
        let is_awaited =
            |change: &Change| change.op == Op::Delete && awaited.contains(&change.resource.server_id);
        if exit_of(&plan) != Exit::Done || !plan.changes.iter().all(is_awaited) {
            printer.preview(&plan, false);
            report.outcome = Outcome::Incomplete;
            return Ok((report, plan.waiting));
        }
        deleted += counted(&plan);
        report = report.and(carry_out(&plan, &client, printer).await);
        if !is_clean(&report) {
            return Ok((report, plan.waiting));
        }
    }
}

/// The first signal lets the change in flight finish, the second aborts.
async fn carry_out(plan: &Plan, client: &Client, printer: &Printer) -> Report {
    let stop = AtomicBool::new(false);
    let mut run = Run::new(plan, client);
    let mut on_event = |event: crate::apply::Event<'_>| printer.event(&event);
    tokio::select! {
        () = run.execute(&stop, &mut on_event) => {}
        () = signals(&stop, printer) => {}
    }
    run.into_report()
}

/// Returns at the second signal.
async fn signals(stop: &AtomicBool, printer: &Printer) {
    signal().await;
    stop.store(true, Ordering::Relaxed);
    printer.warn("interrupted: the change in flight is finished first; interrupt again to abort it");
    signal().await;
}
