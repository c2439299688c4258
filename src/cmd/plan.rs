use super::gather::Gathered;
use super::read::{self, Setting};
use super::{connect, gather, or_interrupted};
use crate::admin::Client;
use crate::cli::{Connection, Files, Planning};
use crate::desired::Duration;
use crate::diff::{self, Input};
use crate::error::{Exit, Failure};
use crate::plan::{Plan, Target};
use crate::problem::Severity;
use crate::render::Printer;

pub async fn run(
    files: &Files,
    planning: &Planning,
    connection: &Connection,
    detailed_exitcode: bool,
    wait_endpoints: Duration,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let (plan, _) = or_interrupted(make(files, planning, connection, wait_endpoints, printer)).await?;
    printer.plan(&plan);
    Ok(match exit_of(&plan) {
        Exit::Done if detailed_exitcode && !plan.changes.is_empty() => Exit::Changes,
        exit => exit,
    })
}

/// Reads files and server, and plans. The client is kept for an apply.
pub async fn make(
    files: &Files,
    planning: &Planning,
    connection: &Connection,
    wait_endpoints: Duration,
    printer: &Printer,
) -> Result<(Plan, Client), Failure> {
    let setting = Setting {
        unset: Severity::Error,
        token_variable: connection.token_env.as_deref(),
        server: connect::server(connection),
    };
    let read = read::read(files, &setting)?;
    let mut client = connect::connect(connection, printer)?;
    for value in read.desired.sensitive_values() {
        client.masker().learn(value);
    }
    let Gathered { live, answers } =
        gather::gather(&mut client, &read.desired, planning, wait_endpoints, printer).await?;
    let now = jiff::Timestamp::now();
    let outcome = diff::diff(&Input {
        desired: &read.desired,
        live: &live,
        answers: &answers,
        sources: &read.sources,
        consents: &planning.allow,
        resend: &planning.resend,
        targets: &planning.target,
        now,
    });
    let target = Target::new(client.url(), &live.server);
    let files = (&read.sources, &read.desired, read.warnings.as_slice());
    let plan = Plan::new(outcome, target, files, &planning.target, text(now));
    Ok((plan, client))
}

/// Errors come before refusals: nobody can consent to them.
pub fn exit_of(plan: &Plan) -> Exit {
    if plan.has_errors() {
        Exit::Error
    } else if plan.is_refused() {
        Exit::Refused
    } else {
        Exit::Done
    }
}

fn text(time: jiff::Timestamp) -> String {
    time.round(jiff::Unit::Second).unwrap_or(time).to_string()
}
