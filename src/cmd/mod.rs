//! One file per verb: read, call the core, hand to `render`. Only here are runtimes and clients
//! built, files read and the environment looked at.

mod about;
mod apply;
mod connect;
mod destruction;
mod gather;
mod outside;
mod plan;
mod read;
mod validate;

use crate::cli::{Cli, Command, Planning};
use crate::error::{Exit, Failure};
use crate::problem::Problem;
use crate::render::Printer;
use clap::Parser;
use std::ffi::OsString;

/// Parses the arguments and runs the verb.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && wants_json(&args) => {
            let text = error.render().to_string();
            let message = text.trim_start_matches("error: ").trim().to_owned();
            Printer::json_only().failure(&Failure::usage(Problem::error("usage", message)));
            return Exit::Usage;
        }
        Err(error) => {
            Printer::raw(&error.render().to_string(), error.use_stderr());
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
        }
    };
    let printer = Printer::new(cli.output);
    run(cli.command, &printer).unwrap_or_else(|failure| {
        printer.failure(&failure);
        failure.exit
    })
}

/// Of arguments that do not parse.
fn wants_json(args: &[OsString]) -> bool {
    let pairs = args
        .windows(2)
        .any(|pair| pair[0] == "--format" && pair[1] == "json");
    pairs || args.iter().any(|arg| arg == "--format=json")
}

fn run(command: Command, printer: &Printer) -> Result<Exit, Failure> {
    match command {
        Command::Validate { files, strict_env } => validate::run(&files, strict_env, printer),
        Command::Plan {
            files,
            planning,
            connection,
            detailed_exitcode,
            wait_endpoints,
        } => block_on(plan::run(
            &files,
            &planning,
            &connection,
            detailed_exitcode,
            wait_endpoints,
            printer,
        )),
        Command::Apply {
            files,
            planning,
            connection,
            yes,
            wait_endpoints,
            wait_drained,
        } => {
            let scope = plan::Scope::of(&planning);
            let waits = apply::Waits {
                endpoints: wait_endpoints,
                drained: wait_drained,
            };
            block_on(apply::run(
                &files,
                &planning,
                &connection,
                &scope,
                yes,
                &waits,
                printer,
            ))
        }
        Command::Delete {
            kind,
            name,
            force,
            yes,
            allow,
            files,
            connection,
        } => {
            let planning = Planning::deleting(kind, &name, allow);
            let scope = plan::Scope::Delete { force };
            let waits = apply::Waits::default();
            block_on(apply::run(
                &files,
                &planning,
                &connection,
                &scope,
                yes,
                &waits,
                printer,
            ))
        }
        Command::Explain { code } => about::explain(code.as_deref(), printer),
        Command::Init { file } => about::init(&file),
        Command::Schema { name } => Ok(about::schema(name)),
        Command::Completions { shell } => Ok(about::completions(shell)),
        Command::Man { verb } => about::man(verb.as_deref()),
    }
}

/// Requests dominate: one thread is enough.
fn block_on(future: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| Problem::error("internal", format!("the runtime does not start: {error}")))?;
    let outcome = runtime.block_on(future);
    // A question that was interrupted is still being waited for.
    runtime.shutdown_background();
    outcome
}

/// Ends a run that has changed nothing yet when it is interrupted.
async fn or_interrupted<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        outcome = work => outcome,
        () = signal() => Err(Failure {
            exit: Exit::Interrupted,
            ..Problem::error("interrupted", "interrupted: nothing was changed").into()
        }),
    }
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
