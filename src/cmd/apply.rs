use super::plan::{exit_of, make};
use super::{or_interrupted, signal};
use crate::admin::Client;
use crate::apply::{Outcome, Report, Run};
use crate::cli::{Connection, Files, Planning};
use crate::desired::Duration;
use crate::error::{Exit, Failure};
use crate::plan::Plan;
use crate::problem::Problem;
use crate::render::Printer;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

pub async fn run(
    files: &Files,
    planning: &Planning,
    connection: &Connection,
    yes: bool,
    wait_endpoints: Duration,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let asks = !yes;
    if asks && !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            Problem::error("not-confirmed", "there is no terminal to ask on")
                .help("to apply without being asked, add `--yes`"),
        ));
    }
    let (plan, client) = or_interrupted(make(files, planning, connection, wait_endpoints, printer)).await?;
    printer.preview(&plan);
    let exit = exit_of(&plan);
    if exit != Exit::Done {
        let outcome = if exit == Exit::Refused {
            Outcome::Refused
        } else {
            Outcome::Failed
        };
        printer.report(&Report::not_attempted(outcome, &plan));
        return Ok(exit);
    }
    if plan.changes.is_empty() {
        printer.report(&Report::not_attempted(Outcome::NothingToDo, &plan));
        return Ok(Exit::Done);
    }
    if !asks {
        return Ok(carry_out(&plan, &client, printer).await);
    }
    let answer = tokio::task::spawn_blocking(|| Printer::confirm("Apply these changes?"));
    // An answer that cannot be read is not a yes.
    if !or_interrupted(async { Ok(answer.await.unwrap_or(false)) }).await? {
        printer.report(&Report::not_attempted(Outcome::Refused, &plan));
        return Ok(Exit::Refused);
    }
    // The question may have been open for an hour.
    let (now, client) =
        or_interrupted(make(files, planning, connection, Duration::default(), printer)).await?;
    if !now.is_same(&plan) {
        printer.preview(&now);
        printer.report(&Report::not_attempted(Outcome::Stale, &plan));
        return Ok(Exit::Stale);
    }
    Ok(carry_out(&now, &client, printer).await)
}

/// The first signal lets the change in flight finish, the second aborts.
async fn carry_out(plan: &Plan, client: &Client, printer: &Printer) -> Exit {
    let stop = AtomicBool::new(false);
    let mut run = Run::new(plan, client);
    let mut on_event = |event: crate::apply::Event<'_>| printer.event(&event);
    tokio::select! {
        () = run.execute(&stop, &mut on_event) => {}
        () = signals(&stop, printer) => {}
    }
    let report = run.into_report();
    printer.report(&report);
    match report.outcome {
        Outcome::Complete | Outcome::NothingToDo => Exit::Done,
        Outcome::Interrupted if report.alerts.is_empty() => Exit::Interrupted,
        _ => Exit::Incomplete,
    }
}

/// Returns at the second signal.
async fn signals(stop: &AtomicBool, printer: &Printer) {
    signal().await;
    stop.store(true, Ordering::Relaxed);
    printer.warn("interrupted: the change in flight is finished first; interrupt again to abort it");
    signal().await;
}
