//! One file per verb: read, call the core, hand to `render`.

mod apply;
mod completions;
mod delete;
mod drift;
mod explain;
mod export;
mod graph;
mod init;
mod man;
mod plan;
mod prune;
mod render;
mod schema;
mod show;
mod snapshot;
mod validate;

use crate::cli::{Cli, Command, Format, guess};
use crate::code::Code;
use crate::error::{Exit, Failure};
use crate::problem::Problem;
use crate::session::outputs;
use crate::session::printer::{Printer, unless_lost};
use clap::Parser;
use std::ffi::OsString;

/// Parses the arguments and runs the verb.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    unless_lost(parsed(&args))
}

fn parsed(args: &[OsString]) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && wants_json(args) => {
            let text = error.render().to_string();
            let message = text.trim_start_matches("error: ").trim().to_owned();
            let mut problem = Problem::error(Code::Usage, message);
            problem.help = guess(args, &error);
            Printer::bare(Format::Json).failure(&Failure::usage(problem));
            return Exit::Usage;
        }
        Err(error) => {
            let tip = guess(args, &error).filter(|_| error.use_stderr());
            let tip = tip.map_or_else(String::new, |tip| format!("\n  here: {tip}\n"));
            Printer::raw(&format!("{}{tip}", error.render()), error.use_stderr());
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
        }
    };
    let format = cli.output.format;
    let printer = outputs::check(&cli).and_then(|()| Printer::new(cli.output));
    let printer = match printer {
        Ok(printer) => printer,
        Err(failure) => {
            Printer::bare(format).failure(&failure);
            return failure.exit;
        }
    };
    run(cli.command, &printer).unwrap_or_else(|failure| {
        printer.failure(&failure);
        failure.exit
    })
}

/// Whether arguments that do not parse ask for JSON.
fn wants_json(args: &[OsString]) -> bool {
    let pairs = args
        .windows(2)
        .any(|pair| pair[0] == "--format" && pair[1] == "json");
    pairs || args.iter().any(|arg| arg == "--format=json")
}

fn run(command: Command, printer: &Printer) -> Result<Exit, Failure> {
    match command {
        Command::Validate(args) => validate::run(&args, printer),
        Command::Plan(args) => plan::run(&args, printer),
        Command::Apply(args) => apply::run(args, printer),
        Command::Drift(args) => drift::run(&args, printer),
        Command::Show(args) => show::run(&args, printer),
        Command::Export(args) => export::run(&args, printer),
        Command::Snapshot(args) => snapshot::run(&args, printer),
        Command::Render(args) => render::run(&args, printer),
        Command::Graph(args) => graph::run(&args, printer),
        Command::Delete(args) => delete::run(args, printer),
        Command::Prune(args) => prune::run(args, printer),
        Command::Explain(args) => explain::run(&args, printer),
        Command::Init(args) => init::run(&args),
        Command::Schema(args) => Ok(schema::run(&args)),
        Command::Completions(args) => Ok(completions::run(&args)),
        Command::Man(args) => man::run(&args),
    }
}
