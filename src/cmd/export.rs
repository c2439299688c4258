//! `export`: a desired-state file of what is on a server.

use crate::ask::Answers;
use crate::cli;
use crate::code::Code;
use crate::duration::Duration;
use crate::error::{Exit, Failure};
use crate::export::entry::Export;
use crate::export::{self, about, export};
use crate::kind::deployment::live::Deployment;
use crate::live::Live;
use crate::plan::Target;
use crate::problem::{Problem, nearest};
use crate::session::answers::{self, Asking};
use crate::session::connect;
use crate::session::file::{self, unwritable};
use crate::session::printer::Printer;
use crate::session::signal::{block_on, or_interrupted};
use crate::session::wish::Look;
use crate::source::Format;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub fn run(args: &cli::Export, printer: &Printer) -> Result<Exit, Failure> {
    block_on(run_async(args, printer))
}

async fn run_async(args: &cli::Export, printer: &Printer) -> Result<Exit, Failure> {
    let format = format(args, printer)?;
    let mut client = connect::connect(&args.connection, printer)?;
    let look = Look::from(&args.looking);
    let read = async {
        let live = answers::live(&mut client, printer).await?;
        let asking = Asking::new(&client, &live, &look, Duration::default(), printer);
        let answers = asking.discovered(&live).await;
        Ok::<_, Failure>((live, answers))
    };
    let (live, answers): (Live, Answers) = or_interrupted(read).await?;
    is_there(&live, args.stack.as_deref())?;
    let target = Target::new(client.url(), &live.server);
    let mut export = export(&live, &answers, args.stack.as_deref());
    export.mask(|text| client.masker().mask(text));
    let files = texts(args, format, &export, &target)?;
    writes_over_nothing(args, &files)?;
    for (path, text) in &files {
        match path {
            Some(path) => {
                file::write(path, text, file::Readers::All).map_err(|error| unwritable(path, &error))?;
            }
            None => Printer::text(text),
        }
    }
    let written: Vec<String> = (files.iter())
        .filter_map(|(path, _)| path.as_ref())
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if !written.is_empty() {
        let variables: Vec<&str> = export.supply.keys().map(String::as_str).collect();
        let set = if variables.is_empty() {
            String::new()
        } else {
            format!("; set {} before you plan with it", variables.join(", "))
        };
        printer.progress(&format!("Wrote {}{set}.", written.join(", ")));
    }
    if format == Format::Json {
        // The other formats say it in comments.
        printer.aside(&about(&export, &target));
    } else if args.out.is_some() && !export.is_whole() {
        printer.warn("not all of it could be exported: the comments at the top of the file say what and why");
    }
    Ok(Exit::Done)
}

/// Texts with the files they go to; `None` is standard output.
type Texts = Vec<(Option<PathBuf>, String)>;

fn texts(args: &cli::Export, format: Format, export: &Export, target: &Target) -> Result<Texts, Problem> {
    let failed = |why: String| Problem::error(Code::Internal, format!("the export cannot be written: {why}"));
    if !args.split {
        let text = export::file(export, target, format).map_err(failed)?;
        return Ok(vec![(args.out.clone(), text)]);
    }
    let directory = args.out.as_deref().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(|error| unwritable(directory, &error))?;
    let files = export::files(export, target, format).map_err(failed)?;
    let named = |(name, text)| (Some(directory.join(name).with_extension(extension(format))), text);
    Ok(files.into_iter().map(named).collect())
}

/// Makes sure that no file is written over, and that none is left beside that would be read with the
/// new ones.
fn writes_over_nothing(args: &cli::Export, files: &Texts) -> Result<(), Problem> {
    // Those of another format would be read beside it.
    let others = |path: &Path| {
        if args.split {
            ["yaml", "yml", "toml", "json"]
                .map(|extension| path.with_extension(extension))
                .to_vec()
        } else {
            vec![path.to_owned()]
        }
    };
    let written = files.iter().filter_map(|(path, _)| path.as_deref());
    let mut there = written.flat_map(others).filter(|path| path.is_file());
    let is_ours = |path: &PathBuf| files.iter().any(|(ours, _)| ours.as_ref() == Some(path));
    let Some(path) = there.find(|path| !args.force || !is_ours(path)) else {
        return Ok(());
    };
    let problem = Problem::error(
        Code::FileExists,
        format!("there is a `{}` already", path.display()),
    );
    Err(problem.help(if is_ours(&path) {
        "name another, or write over it with `--force`"
    } else {
        "it would be read beside what is written: remove it, or name another directory"
    }))
}

/// Refuses a stack that owns nothing: its name may be misspelled.
fn is_there(live: &Live, stack: Option<&str>) -> Result<(), Problem> {
    let Some(stack) = stack else { return Ok(()) };
    if !live.server.keeps_metadata() {
        let message = format!(
            "Restate {} keeps no metadata, and so no stacks",
            live.server.version
        );
        return Err(Problem::error(Code::StackUnsupported, message));
    }
    let marks: BTreeSet<&str> = live.deployments.iter().filter_map(Deployment::stack).collect();
    if marks.contains(stack) {
        return Ok(());
    }
    let problem = Problem::error(
        Code::UnknownStack,
        format!("nothing carries the mark of a stack `{stack}`"),
    );
    Err(match nearest(stack, marks.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None if marks.is_empty() => problem.help("no deployment on this server carries the mark of a stack"),
        None => {
            let marks: Vec<&str> = marks.into_iter().collect();
            problem.help(format!("there are: `{}`", marks.join("`, `")))
        }
    })
}

fn format(options: &cli::Export, printer: &Printer) -> Result<Format, Failure> {
    let by_name = (options.out.as_deref())
        .filter(|_| !options.split)
        .map(|path| (path, Format::of(path)));
    match (options.file_format, by_name) {
        (None, Some((_, Some(format)))) => Ok(format),
        (Some(asked), Some((path, Some(format)))) if Format::from(asked) != format => {
            let message = format!("`{}` is not named as the format of `--as`", path.display());
            Err(Failure::usage(Problem::error(Code::UnknownFormat, message)))
        }
        (Some(format), _) => Ok(format.into()),
        (None, None) if printer.is_json() => Ok(Format::Json),
        (None, None) => Ok(Format::Yaml),
        (None, Some((path, None))) => {
            let message = format!("`{}` is not named as YAML, TOML or JSON", path.display());
            let problem = Problem::error(Code::UnknownFormat, message);
            Err(Failure::usage(problem.help(
                "end its name with `.yaml`, `.toml` or `.json`, or add `--as`",
            )))
        }
    }
}

fn extension(format: Format) -> &'static str {
    match format {
        Format::Yaml => "yaml",
        Format::Toml => "toml",
        Format::Json => "json",
    }
}
