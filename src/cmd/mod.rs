//! One file per verb: read, call the core, hand to `render`. Only here are runtimes and clients
//! built, files read and the environment looked at.

mod about;
mod apply;
mod connect;
mod destruction;
mod drift;
mod export;
mod gather;
mod graph;
mod outside;
mod plan;
mod read;
mod save;
mod show;
mod snapshot;
mod validate;

use crate::cli::{Cli, Command, Connection, Files, Format, Planning, ReportForm, ReportTo};
use crate::desired::Duration;
use crate::error::{Exit, Failure};
use crate::problem::Problem;
use crate::render::Printer;
use crate::render::file::{absolute, is_replaceable};
use crate::source;
use clap::Parser;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Parses the arguments and runs the verb.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && wants_json(&args) => {
            let text = error.render().to_string();
            let message = text.trim_start_matches("error: ").trim().to_owned();
            Printer::bare(Format::Json).failure(&Failure::usage(Problem::error("usage", message)));
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
    let format = cli.output.format;
    let printer = match printer(&cli) {
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

fn printer(cli: &Cli) -> Result<Printer, Failure> {
    let is_prometheus = |report: &ReportTo| report.form == ReportForm::Prometheus;
    let is_drift = matches!(cli.command, Command::Drift { .. });
    if cli.output.report.iter().any(is_prometheus) && !is_drift {
        let problem = Problem::error("usage", "`--report prometheus=PATH` is for `drift`");
        return Err(Failure::usage(problem));
    }
    let has_document = matches!(
        cli.command,
        Command::Validate { .. }
            | Command::Plan { .. }
            | Command::Apply { .. }
            | Command::Delete { .. }
            | Command::Drift { .. }
            | Command::Show { .. }
    );
    let reports: Vec<&Path> = cli.output.report.iter().map(|report| &*report.path).collect();
    if let (Some(report), false) = (reports.first(), has_document) {
        let message = format!(
            "`--report …={}` has nothing to report in this verb",
            report.display()
        );
        return Err(Failure::usage(Problem::error("usage", message)));
    }
    written_over(cli, reports)?;
    Printer::new(cli.output.clone())
}

/// No output is to be written over another or over what is read, nor to where it would be read as one
/// of the files of a directory. What values refer to with `${file:…}` is not looked at.
fn written_over(cli: &Cli, reports: Vec<&Path>) -> Result<(), Failure> {
    let (mut inputs, more): (Vec<PathBuf>, Option<&PathBuf>) = match &cli.command {
        Command::Plan { files, out, live, .. } => {
            (files.paths().chain(live).cloned().collect(), out.as_ref())
        }
        Command::Apply { files, plan, .. } => {
            let of_plan = plan.as_ref().and_then(|plan| save::read_any(plan).ok());
            let of_plan = of_plan
                .into_iter()
                .flat_map(|plan| [plan.inputs.paths, plan.inputs.var_files].concat());
            (
                files
                    .paths()
                    .chain(plan)
                    .cloned()
                    .chain(of_plan.map(Into::into))
                    .collect(),
                None,
            )
        }
        Command::Show { file, .. } => (vec![file.clone()], None),
        Command::Validate { files, .. } | Command::Drift { files, .. } | Command::Delete { files, .. } => {
            (files.paths().cloned().collect(), None)
        }
        _ => return Ok(()),
    };
    inputs.extend(read::DEFAULT_NAMES.map(PathBuf::from));
    let mut taken: BTreeSet<PathBuf> = inputs.iter().map(|path| absolute(path)).collect();
    for path in reports
        .into_iter()
        .chain(more.map(PathBuf::as_path))
        .filter(|path| is_replaceable(path))
    {
        let place = absolute(path);
        let is_read =
            source::Format::of(path).is_some() && place.parent().is_some_and(|parent| taken.contains(parent));
        let why = match taken.insert(place) {
            true if is_read => "would be read as one of the files of its directory",
            true => continue,
            false => "would be written over",
        };
        let problem = Problem::error("usage", format!("`{}` {why}", path.display()));
        return Err(Failure::usage(
            problem.help("give each output a file of its own, elsewhere"),
        ));
    }
    Ok(())
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
            out,
            live,
            detailed_exitcode,
            wait_endpoints,
        } => {
            let asked = asked(&files, &planning, &connection, wait_endpoints);
            let options = plan::Options {
                out: out.as_deref(),
                live: live.as_deref(),
                detailed_exitcode,
            };
            block_on(plan::run(&asked, &options, printer))
        }
        Command::Apply {
            plan,
            files,
            planning,
            connection,
            yes,
            wait_endpoints,
            wait_drained,
        } => {
            let Some(path) = plan else {
                let asked = asked(&files, &planning, &connection, wait_endpoints);
                return block_on(apply::run(&asked, None, yes, wait_drained, printer));
            };
            save::is_alone(&files, &planning, wait_drained)?;
            let plan = save::read(&path)?;
            let (files, planning) = save::as_planned(&plan, files, planning.looking)?;
            let asked = asked(&files, &planning, &connection, wait_endpoints);
            block_on(apply::run(&asked, Some(plan), yes, Duration::default(), printer))
        }
        Command::Drift {
            files,
            fail_on,
            looking,
            connection,
        } => {
            let planning = Planning::only(looking);
            let asked = asked(&files, &planning, &connection, Duration::default());
            block_on(drift::run(&asked, &fail_on, printer))
        }
        Command::Show { file, show_unmanaged } => show::run(&file, show_unmanaged, printer),
        Command::Export {
            out,
            file_format,
            split,
            stack,
            force,
            looking,
            connection,
        } => {
            let options = export::Options {
                out: out.as_deref(),
                format: file_format,
                split,
                stack: stack.as_deref(),
                force,
            };
            block_on(export::run(&options, looking, &connection, printer))
        }
        Command::Snapshot { out, connection } => {
            block_on(snapshot::run(out.as_deref(), &connection, printer))
        }
        Command::Graph {
            plan,
            language,
            files,
        } => graph::run(plan.as_deref(), language, &files, printer),
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
            let asked = plan::Asked {
                scope: plan::Scope::Delete { force },
                ..asked(&files, &planning, &connection, Duration::default())
            };
            block_on(apply::run(&asked, None, yes, Duration::default(), printer))
        }
        Command::Explain { code } => about::explain(code.as_deref(), printer),
        Command::Init { file } => about::init(&file),
        Command::Schema { name } => Ok(about::schema(name)),
        Command::Completions { shell } => Ok(about::completions(shell)),
        Command::Man { verb } => about::man(verb.as_deref()),
    }
}

fn asked<'a>(
    files: &'a Files,
    planning: &'a Planning,
    connection: &'a Connection,
    wait_endpoints: Duration,
) -> plan::Asked<'a> {
    plan::Asked {
        files,
        planning,
        connection,
        scope: plan::Scope::Files,
        wait_endpoints,
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
