//! Whether what is asked for can be written where it is to go, before anything is done.

use crate::cli::{Cli, Command, ReportForm, ReportTo};
use crate::code::Code;
use crate::error::Failure;
use crate::problem::Problem;
use crate::session::file::{absolute, is_replaceable};
use crate::session::{files, saved};
use crate::source;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// # Errors
/// When the verb has no such result, or when one would be written over another or over what is read.
pub fn check(cli: &Cli) -> Result<(), Failure> {
    let is_prometheus = |report: &ReportTo| report.form == ReportForm::Prometheus;
    let is_drift = matches!(cli.command, Command::Drift(_));
    if cli.output.report.iter().any(is_prometheus) && !is_drift {
        let problem = Problem::error(Code::Usage, "`--report prometheus=PATH` is for `drift`");
        return Err(Failure::usage(problem));
    }
    let has_document = matches!(
        cli.command,
        Command::Validate(_)
            | Command::Plan(_)
            | Command::Apply(_)
            | Command::Delete(_)
            | Command::Prune(_)
            | Command::Drift(_)
            | Command::Show(_)
    );
    let reports: Vec<&Path> = cli.output.report.iter().map(|report| &*report.path).collect();
    if let (Some(report), false) = (reports.first(), has_document) {
        let message = format!(
            "`--report …={}` has nothing to report in this verb",
            report.display()
        );
        return Err(Failure::usage(Problem::error(Code::Usage, message)));
    }
    written_over(&cli.command, reports)
}

/// No output is to be written over another or over what is read, nor to where it would be read as one
/// of the files of a directory. What values refer to with `${file:…}` is not looked at.
fn written_over(command: &Command, reports: Vec<&Path>) -> Result<(), Failure> {
    let Some((mut inputs, more)) = inputs_and_output(command) else {
        return Ok(());
    };
    inputs.extend(files::DEFAULT_NAMES.map(PathBuf::from));
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
        let problem = Problem::error(Code::Usage, format!("`{}` {why}", path.display()));
        return Err(Failure::usage(
            problem.help("give each output a file of its own, elsewhere"),
        ));
    }
    Ok(())
}

/// The files that a verb reads, and the one that it writes beside reports.
fn inputs_and_output(command: &Command) -> Option<(Vec<PathBuf>, Option<&PathBuf>)> {
    Some(match command {
        Command::Plan(args) => {
            let read = args.files.paths().chain(&args.live);
            (read.cloned().collect(), args.out.as_ref())
        }
        Command::Apply(args) => {
            let plan = args.plan.as_ref().and_then(|plan| saved::read_any(plan).ok());
            let of_plan = plan
                .into_iter()
                .flat_map(|plan| [plan.inputs.paths, plan.inputs.var_files].concat());
            let read = args.files.paths().chain(&args.plan).cloned();
            (read.chain(of_plan.map(Into::into)).collect(), None)
        }
        Command::Show(args) => (vec![args.file.clone()], None),
        Command::Validate(args) => (args.files.paths().cloned().collect(), None),
        Command::Drift(args) => (args.files.paths().cloned().collect(), None),
        Command::Prune(args) => (args.files.paths().cloned().collect(), None),
        Command::Delete(args) => (args.files.paths().cloned().collect(), None),
        _ => return None,
    })
}
