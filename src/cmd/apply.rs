//! `apply`: makes the changes of a plan, one that was saved or one that is made and confirmed now.

use crate::admin::Client;
use crate::apply::{Event, Outcome, Report, Run};
use crate::ask::Discover;
use crate::change::{Change, Op, Waiting, WaitingFor};
use crate::cli::Apply;
use crate::code::Code;
use crate::duration::Duration;
use crate::error::{Exit, Failure};
use crate::plan::Plan;
use crate::plan::computed::{Computed, Ready};
use crate::plan::stale::{self, Standing};
use crate::problem::Problem;
use crate::session::make::{Asked, Made, Scope, make};
use crate::session::printer::Printer;
use crate::session::saved;
use crate::session::signal::{block_on, or_interrupted, signal};
use crate::session::wish::{Look, Wish};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::{Instant, sleep};

/// Between two looks at what is draining.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

pub fn run(args: Apply, printer: &Printer) -> Result<Exit, Failure> {
    let (saved, files, wish, look) = match &args.plan {
        None => {
            let (wish, look) = (Wish::from(&args.planning), Look::from(&args.planning.looking));
            (None, args.files, wish, look)
        }
        Some(path) => {
            saved::is_alone(&args.files, &args.planning, args.wait_drained)?;
            let plan = saved::read(path)?;
            let (files, wish, look) = saved::as_planned(&plan, args.files, &args.planning.looking)?;
            (Some(plan), files, wish, look)
        }
    };
    let asked = Asked {
        wait_endpoints: args.wait_endpoints,
        ..Asked::of(&files, &wish, &look, &args.connection)
    };
    let confirm = Confirm {
        show_unmanaged: args.planning.looking.show_unmanaged,
        wait_drained: args.wait_drained,
        ..Confirm::unless(args.yes)?
    };
    block_on(apply(&asked, saved, confirm, printer))
}

/// How a plan comes to be carried out.
#[derive(Clone, Copy)]
pub struct Confirm {
    asks: bool,
    show_unmanaged: bool,
    /// How long to wait for invocations on what is to be deleted.
    wait_drained: Duration,
}

impl Confirm {
    /// # Errors
    /// When there would be nobody to ask.
    pub fn unless(yes: bool) -> Result<Self, Failure> {
        if !yes && !std::io::stdin().is_terminal() {
            let problem = Problem::error(Code::NotConfirmed, "there is no terminal to ask on");
            return Err(Failure::usage(
                problem.help("to go on without being asked, add `--yes`"),
            ));
        }
        Ok(Self {
            asks: !yes,
            show_unmanaged: false,
            wait_drained: Duration::default(),
        })
    }
}

/// The end of an apply that changed nothing.
type NotCarriedOut = (Box<Report>, Exit);

/// Carries out the plan. `saved`: the one to carry out, if it is not to be made now.
pub async fn apply(
    asked: &Asked<'_>,
    saved: Option<Plan>,
    confirm: Confirm,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let prepared = match saved {
        Some(plan) => renewed(&plan, asked, confirm, printer).await?,
        None => planned(asked, confirm, printer).await?,
    };
    let (ready, client) = match prepared {
        Ok(prepared) => prepared,
        Err((report, exit)) => {
            printer.report(&report);
            return Ok(exit);
        }
    };
    let report = carry_out(&ready, &client, printer).await;
    let (mut report, left) = if confirm.wait_drained > Duration::default() && is_clean(&report) {
        drain(&ready, report, confirm.wait_drained, asked, printer).await
    } else {
        (report, ready.plan().waiting.clone())
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

/// A saved plan, which may be a week old.
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
    printer.preview(ready.plan(), confirm.show_unmanaged);
    confirmed(ready, client, asked, confirm, printer).await
}

/// A plan that is made now.
async fn planned(
    asked: &Asked<'_>,
    confirm: Confirm,
    printer: &Printer,
) -> Result<Result<(Ready, Client), NotCarriedOut>, Failure> {
    let Made { computed, client, .. } = make(asked, printer).await?;
    printer.preview(&computed.plan, confirm.show_unmanaged);
    let deletes_nothing = matches!(asked.scope, Scope::Delete { .. }) && computed.plan.changes.is_empty();
    let outcome = match Exit::of(&computed.plan) {
        Exit::Error => Outcome::Failed,
        Exit::Refused => Outcome::Refused,
        _ if deletes_nothing => Outcome::Refused,
        _ => Outcome::NothingToDo,
    };
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
    renew(ready.plan(), asked, printer).await
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
            Scope::Delete { force } => Scope::Delete { force },
            Scope::Files | Scope::Again(_) => Scope::Again(plan),
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
            let report = Report::stale(plan, Vec::new()).because(&failure.problems);
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

/// Nothing of it is left to do.
fn emptied(plan: &Plan) -> Plan {
    Plan {
        changes: Vec::new(),
        waiting: Vec::new(),
        ..plan.clone()
    }
}

fn is_clean(report: &Report) -> bool {
    matches!(report.outcome, Outcome::Complete | Outcome::NothingToDo)
}

/// Plans again until nothing is left that only needs time, and deletes what has become free. Returns
/// also what is still waiting.
async fn drain(
    first: &Ready,
    mut report: Report,
    wait: Duration,
    asked: &Asked<'_>,
    printer: &Printer,
) -> (Report, Vec<Waiting>) {
    let deadline = Instant::now() + wait.to_std();
    // What may have become of the endpoints meanwhile is for another apply.
    let look = Look {
        discover: Discover::Changed,
        ..asked.look.clone()
    };
    let mut deleted = first.counted();
    let mut waiting = first.plan().waiting.clone();
    let awaited: Vec<Option<String>> = waiting.iter().map(|w| w.resource.server_id.clone()).collect();
    let mut told = Vec::new();
    loop {
        let needs_time =
            |waiting: &&Waiting| matches!(waiting.reason, WaitingFor::Draining | WaitingFor::Settling);
        let left: Vec<Waiting> = waiting.iter().filter(needs_time).cloned().collect();
        if left.is_empty() {
            return (report, waiting);
        }
        if Instant::now() >= deadline {
            report.outcome = Outcome::Incomplete;
            return (report, waiting);
        }
        if left != told {
            printer.waiting(&left);
            told = left;
        }
        let again = Asked {
            look: &look,
            wait_endpoints: Duration::default(),
            deleted,
            ..*asked
        };
        let made = tokio::select! {
            made = async {
                sleep(PAUSE.min(deadline - Instant::now())).await;
                make(&again, printer).await
            } => made,
            () = signal() => {
                report.outcome = Outcome::Interrupted;
                return (report, waiting);
            }
        };
        let Made { computed, client, .. } = match made {
            Ok(made) => made,
            Err(failure) if failure.exit == Exit::Interrupted => {
                report.outcome = Outcome::Interrupted;
                return (report, waiting);
            }
            // What has landed is to be reported all the same.
            Err(failure) => {
                printer.problems(&failure.problems, &failure.sources);
                report.outcome = Outcome::Incomplete;
                return (report.because(&failure.problems), waiting);
            }
        };
        waiting.clone_from(&computed.plan.waiting);
        if computed.plan.changes.is_empty() {
            continue;
        }
        // Only what was shown as waiting, and only within the guards of the whole run.
        let is_awaited =
            |change: &Change| change.op == Op::Delete && awaited.contains(&change.resource.server_id);
        let is_more = !computed.plan.changes.iter().all(is_awaited);
        let plan = computed.plan.clone();
        let Some(ready) = computed.ready().filter(|_| !is_more) else {
            printer.preview(&plan, false);
            report.outcome = Outcome::Incomplete;
            return (report, waiting);
        };
        deleted += ready.counted();
        report = report.and(carry_out(&ready, &client, printer).await);
        if !is_clean(&report) {
            return (report, waiting);
        }
    }
}

/// The first signal lets the change in flight finish, the second aborts.
async fn carry_out(ready: &Ready, client: &Client, printer: &Printer) -> Report {
    let stop = AtomicBool::new(false);
    let mut run = Run::new(ready, client);
    let mut on_event = |event: Event<'_>| printer.event(&event);
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
