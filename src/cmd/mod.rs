//! One file per verb: read, call the core, hand to `render`. Only here are runtimes and clients
//! built, files read and the environment looked at.

mod apply;
mod connect;
mod gather;
mod plan;
mod read;
mod validate;

use crate::cli::{Cli, Command};
use crate::error::{Exit, Failure};
use crate::render::Printer;
use clap::Parser;
use std::ffi::OsString;

/// Parses the arguments and runs the verb.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
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

fn run(command: Command, printer: &Printer) -> Result<Exit, Failure> {
    match command {
        Command::Validate { files } => validate::run(&files, printer),
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
        } => block_on(apply::run(
            &files,
            &planning,
            &connection,
            yes,
            wait_endpoints,
            printer,
        )),
    }
}

/// Requests dominate: one thread is enough.
fn block_on(future: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        crate::problem::Problem::error("internal", format!("the runtime does not start: {error}"))
    })?;
    runtime.block_on(future)
}
