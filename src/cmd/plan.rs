use super::read::{self, ReadFiles, Setting};
use super::{connect, destruction, gather, or_interrupted};
use crate::admin::Client;
use crate::cli::{Connection, Files, Planning};
use crate::desired::Duration;
use crate::diff::{self, Input};
use crate::error::{Exit, Failure};
use crate::live::Live;
use crate::plan::{Plan, Target};
use crate::problem::{Problem, Severity};
use crate::render::Printer;

pub async fn run(
    files: &Files,
    planning: &Planning,
    connection: &Connection,
    detailed_exitcode: bool,
    wait_endpoints: Duration,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let scope = Scope::of(planning);
    let made = make(files, planning, connection, &scope, wait_endpoints, printer);
    let (plan, _) = or_interrupted(made).await?;
    printer.plan(&plan, planning.show_unmanaged);
    Ok(match exit_of(&plan) {
        Exit::Done if detailed_exitcode && !plan.changes.is_empty() => Exit::Changes,
        exit => exit,
    })
}

/// What a plan is for.
pub enum Scope {
    /// What the files say.
    Files,
    /// Everything of the files' stack is to go.
    Destroy,
    /// One resource is to go, which the planning has as its target.
    Delete { force: bool },
}

impl Scope {
    pub fn of(planning: &Planning) -> Self {
        if planning.destroy {
            Self::Destroy
        } else {
            Self::Files
        }
    }
}

/// Reads files and server, and plans. The client is kept for an apply.
pub async fn make(
    files: &Files,
    planning: &Planning,
    connection: &Connection,
    scope: &Scope,
    wait_endpoints: Duration,
    printer: &Printer,
) -> Result<(Plan, Client), Failure> {
    let setting = Setting {
        unset: Severity::Error,
        token_variable: connection.token_env.as_deref(),
        server: connect::server(connection),
        may_be_missing: matches!(scope, Scope::Delete { .. }),
    };
    let mut read = read::read(files, &setting)?;
    let mut client = connect::connect(connection, printer)?;
    for value in read.desired.sensitive_values() {
        client.masker().learn(value);
    }
    if matches!(scope, Scope::Destroy) {
        read = destruction::of_stack(read)?;
    }
    let live = gather::live(&mut client, printer).await?;
    let read = is_target(read, &live)?;
    let (read, targets) = match scope {
        Scope::Delete { force } => destruction::of_one(read, &live, planning, *force)?,
        Scope::Files | Scope::Destroy => (read, planning.target.clone()),
    };
    let answers = gather::answers(&client, &read.desired, &live, planning, wait_endpoints, printer).await;
    let now = jiff::Timestamp::now();
    // Whether a deletion takes over has been decided.
    let mut consents = planning.allow.clone();
    if matches!(scope, Scope::Delete { .. }) {
        consents.retain(|consent| !destruction::is_take_over(consent));
    }
    let outcome = diff::diff(&Input {
        desired: &read.desired,
        live: &live,
        answers: &answers,
        sources: &read.sources,
        consents: &consents,
        resend: &planning.resend,
        targets: &targets,
        deleted: planning.deleted,
        now,
    })
    .masked(|text| client.masker().mask(text));
    let target = Target::new(client.url(), &live.server);
    let files = (&read.sources, &read.desired, read.warnings.as_slice());
    let plan = Plan::new(outcome, target, files, &targets, text(now));
    Ok((plan, client))
}

/// The right file on the wrong cluster would be sent to its endpoints, with its secrets: nothing is
/// asked of them before this.
fn is_target(read: ReadFiles, live: &Live) -> Result<ReadFiles, Failure> {
    let Some(wanted) = &read.desired.cluster_name else {
        return Ok(read);
    };
    let found = live.server.cluster_name.as_deref();
    if found == Some(wanted.value.as_str()) {
        return Ok(read);
    }
    let name = &wanted.value;
    let (exit, message) = if let Some(found) = found {
        let message = format!("the file is for the cluster `{name}`, and this is `{found}`");
        (Exit::Refused, message)
    } else {
        // A guard that cannot be evaluated does not let pass.
        let message = format!("the file is for the cluster `{name}`, and the server does not tell its name");
        (Exit::Error, message)
    };
    let problem = Problem::error("other-target", message)
        .at(wanted.span)
        .help("nothing was asked of any endpoint; is this the right `--admin-url` or `RESTATE_ADMIN_URL`?");
    Err(Failure {
        exit,
        problems: vec![problem],
        sources: read.sources,
    })
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
