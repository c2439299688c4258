//! Carrying out a plan: it is shown, confirmed, looked at once more, and applied.

use super::carry_out::{Wave, carry_out, is_clean};
use super::make::{Asked, Made, Scope, make};
use super::printer::Printer;
use super::signal::or_interrupted;
use crate::admin::Client;
use crate::apply::{Outcome, Report};
use crate::change::Op;
use crate::code::Code;
use crate::duration::Duration;
use crate::error::{Exit, Failure};
use crate::finding::{Waiting, WaitingFor};
use crate::plan::Plan;
use crate::plan::computed::{Computed, Ready};
use crate::plan::stale::{self, Standing};
use crate::problem::Problem;
use std::io::IsTerminal;

/// How a plan comes to be carried out.
#[derive(Clone, Copy)]
pub struct Confirm {
    asks: bool,
    pub show_unmanaged: bool,
    /// How long to wait for invocations on what is to be deleted.
    pub wait_drained: Duration,
}

impl Confirm {
    pub fn unless(yes: bool) -> Self {
        Self {
            asks: !yes,
            show_unmanaged: false,
            wait_drained: Duration::default(),
        }
    }
}

/// # Errors
/// When the plan has something to ask about, and there is nobody to ask.
fn can_be_asked(plan: &Plan, confirm: Confirm) -> Result<(), Failure> {
    let is_asked = confirm.asks && !plan.changes.is_empty() && Exit::of(plan) == Exit::Done;
    if !is_asked || std::io::stdin().is_terminal() {
        return Ok(());
    }
    let problem = Problem::error(
        Code::NotConfirmed,
        "there is no terminal to ask on, so nothing was changed",
    );
    Err(Failure::usage(
        problem.help("to go on without being asked, add `--yes`"),
    ))
}

/// How an apply ends that changed nothing.
type NotCarriedOut = (Box<Report>, Exit);

/// Carries out the plan. `saved`: the one to carry out, if it is not to be made now.
pub async fn execute(
    asked: &Asked<'_>,
    saved: Option<Plan>,
    confirm: Confirm,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let prepared = match &saved {
        Some(plan) => renewed(plan, asked, confirm, printer).await?,
        None => planned(asked, confirm, printer).await?,
    };
    let waits = confirm.wait_drained > Duration::default();
    let wave = match (prepared, &saved) {
        (Ok((ready, client)), _) => {
            let report = carry_out(&ready, &client, printer).await;
            Wave::after(report, ready.plan().waiting.clone(), ready.counted(), printer)
        }
        // Somebody may have gone on waiting elsewhere.
        (Err((report, Exit::Done)), Some(plan)) if waits => {
            Wave::after(*report, plan.waiting.clone(), 0, printer)
        }
        (Err((report, exit)), _) => {
            printer.report(&report);
            return Ok(exit);
        }
    };
    let scope = saved.as_ref().map_or(asked.scope, Scope::Waiting);
    let (mut report, left) = if waits && is_clean(wave.report()) {
        let asked = Asked { scope, ..*asked };
        wave.wait(confirm.wait_drained, &asked).await
    } else {
        wave.end()
    };
    // What is left of a stack was to go.
    if asked.wish.destroy && is_clean(&report) && !left.is_empty() {
        report.outcome = Outcome::Incomplete;
    }
    printer.report(&report);
    Ok(match report.outcome {
        Outcome::Complete | Outcome::NothingToDo => Exit::Done,
        Outcome::Interrupted if report.alerts.is_empty() => Exit::Interrupted,
        _ => Exit::Incomplete,
    })
}

/// Makes sure that a saved plan, which may be a week old, still holds.
async fn renewed(
    plan: &Plan,
    asked: &Asked<'_>,
    confirm: Confirm,
    printer: &Printer,
) -> Result<Result<(Ready, Client), NotCarriedOut>, Failure> {
    let (ready, client) = match renew(plan, asked, printer).await? {
        Ok(renewed) => renewed,
        Err(ended) => return Ok(Err(ended)),
    };
    can_be_asked(ready.plan(), confirm)?;
    printer.preview(ready.plan(), confirm.show_unmanaged);
    confirmed(ready, client, asked, confirm, printer).await
}

/// Makes a plan now, and has it confirmed.
async fn planned(
    asked: &Asked<'_>,
    confirm: Confirm,
    printer: &Printer,
) -> Result<Result<(Ready, Client), NotCarriedOut>, Failure> {
    let Made { computed, client, .. } = make(asked, printer).await?;
    can_be_asked(&computed.plan, confirm)?;
    printer.preview(&computed.plan, confirm.show_unmanaged);
    let deletes_nothing = matches!(asked.scope, Scope::Delete { .. }) && computed.plan.changes.is_empty();
    let outcome = match Exit::of(&computed.plan) {
        Exit::Error => Outcome::Failed,
        Exit::Refused => Outcome::Refused,
        _ if deletes_nothing => Outcome::Refused,
        _ => Outcome::NothingToDo,
    };
    let is_settling = |waiting: &Waiting| waiting.reason == WaitingFor::Settling;
    if deletes_nothing && computed.plan.waiting.iter().any(is_settling) {
        printer.progress("To delete it now all the same, add `--after 0s`.");
    }
    if outcome != Outcome::NothingToDo {
        return Ok(Err(not_started(outcome, &computed.plan)));
    }
    match ready(computed) {
        Ok(ready) => confirmed(ready, client, asked, confirm, printer).await,
        Err(ended) => Ok(Err(ended)),
    }
}

/// What neither has errors nor is refused can be done.
fn ready(computed: Computed) -> Result<Ready, NotCarriedOut> {
    let failed = not_started(Outcome::Failed, &computed.plan);
    computed.ready().ok_or(failed)
}

fn not_started(outcome: Outcome, plan: &Plan) -> NotCarriedOut {
    let exit = match outcome {
        Outcome::Failed => Exit::Error,
        _ => Exit::Refused,
    };
    (Box::new(Report::not_attempted(outcome, plan)), exit)
}

/// Asks, if it is to, and looks again: the question may have been open for an hour.
async fn confirmed(
    ready: Ready,
    client: Client,
    asked: &Asked<'_>,
    confirm: Confirm,
    printer: &Printer,
) -> Result<Result<(Ready, Client), NotCarriedOut>, Failure> {
    if !confirm.asks || ready.plan().changes.is_empty() {
        return Ok(Ok((ready, client)));
    }
    if !or_interrupted(ask(ready.plan())).await? {
        return Ok(Err(not_started(Outcome::Refused, ready.plan())));
    }
    let renewed = renew(ready.plan(), asked, printer).await?;
    // Somebody else made a part of it meanwhile.
    if let Ok((left, _)) = &renewed
        && left.plan().changes.len() < ready.plan().changes.len()
    {
        printer.preview(left.plan(), confirm.show_unmanaged);
    }
    Ok(renewed)
}

/// What deletes or replaces is asked for a second time, in a way that fingers do not do by habit.
async fn ask(plan: &Plan) -> Result<bool, Failure> {
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

/// Computes the plan once more, and gives it the actions of now unless something has moved.
async fn renew(
    plan: &Plan,
    asked: &Asked<'_>,
    printer: &Printer,
) -> Result<Result<(Ready, Client), NotCarriedOut>, Failure> {
    let again = Asked {
        scope: match asked.scope {
            Scope::Delete { force, after } => Scope::Delete { force, after },
            Scope::Files | Scope::Prune | Scope::Again(_) | Scope::Waiting(_) => Scope::Again(plan),
        },
        ..*asked
    };
    let Made {
        computed: now,
        client,
        live,
    } = match make(&again, printer).await {
        Ok(made) => made,
        Err(failure) if failure.exit == Exit::Stale => {
            let mut report = Report::stale(plan, Vec::new());
            report.blame(&failure.problems);
            return Ok(Err((Box::new(report), Exit::Stale)));
        }
        Err(failure) => return Err(failure),
    };
    Ok(Err(match stale::renew(plan, &now, &live) {
        Standing::AsPlanned(ready) => return Ok(Ok((*ready, client))),
        Standing::Done => {
            let report = Report::not_attempted(Outcome::NothingToDo, &emptied(plan));
            (Box::new(report), Exit::Done)
        }
        Standing::Stale(moved) => (Box::new(Report::stale(plan, moved)), Exit::Stale),
        Standing::InTheWay => {
            // It was not, when the plan was made.
            printer.preview(&now.plan, false);
            let outcome = match Exit::of(&now.plan) {
                Exit::Refused => Outcome::Refused,
                _ => Outcome::Failed,
            };
            not_started(outcome, &now.plan)
        }
    }))
}

/// The plan without what it was to do.
fn emptied(plan: &Plan) -> Plan {
    Plan {
        changes: Vec::new(),
        waiting: Vec::new(),
        ..plan.clone()
    }
}
