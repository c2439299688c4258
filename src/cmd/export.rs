use super::{connect, gather, or_interrupted};
use crate::cli::{Connection, DiscoverArg, FileFormat, Looking};
use crate::diff::probe::Answers;
use crate::error::{Exit, Failure};
use crate::export::{self, about, export};
use crate::live::{Deployment, Live};
use crate::plan::Target;
use crate::problem::{Problem, nearest};
use crate::render::Printer;
use crate::render::file::{self, unwritable};
use crate::source::Format;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub struct Options<'a> {
    pub out: Option<&'a Path>,
    pub format: Option<FileFormat>,
    /// `out` is a directory.
    pub split: bool,
    pub stack: Option<&'a str>,
    pub force: bool,
}

pub async fn run(
    options: &Options<'_>,
    looking: Looking,
    connection: &Connection,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let format = format(options, printer)?;
    let mut client = connect::connect(connection, printer)?;
    let read = async {
        let live = gather::live(&mut client, printer).await?;
        let answers = if looking.discover == DiscoverArg::None {
            Answers::default()
        } else {
            gather::discovered(&client, &live, &looking).await
        };
        Ok::<_, Failure>((live, answers))
    };
    let (live, answers) = or_interrupted(read).await?;
    if options.stack.is_some() && !live.server.has_patch() {
        let message = format!(
            "Restate {} keeps no metadata, and so no stacks",
            live.server.version
        );
        return Err(Problem::error("stack-unsupported", message).into());
    }
    if let Some(stack) = options.stack {
        is_there(&live, stack)?;
    }
    let target = Target::new(client.url(), &live.server);
    let mut export = export(&live, &answers, options.stack);
    export.mask(|text| client.masker().mask(text));
    let failed = |why: String| Problem::error("internal", format!("the export cannot be written: {why}"));
    let files: Vec<(Option<PathBuf>, String)> = if options.split {
        let directory = options.out.unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory).map_err(|error| unwritable(directory, &error))?;
        let files = export::files(&export, &target, format).map_err(failed)?;
        let named = |(name, text)| (Some(directory.join(name).with_extension(extension(format))), text);
        files.into_iter().map(named).collect()
    } else {
        let text = export::file(&export, &target, format).map_err(failed)?;
        vec![(options.out.map(Path::to_owned), text)]
    };
    // Those of another format would be read beside it.
    let others = |path: &Path| {
        if options.split {
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
    if let Some(path) = there.find(|path| !options.force || !is_ours(path)) {
        let problem = Problem::error("file-exists", format!("there is a `{}` already", path.display()));
        let help = if is_ours(&path) {
            "name another, or write over it with `--force`"
        } else {
            "it would be read beside what is written: remove it, or name another directory"
        };
        return Err(problem.help(help).into());
    }
    for (path, text) in &files {
        match path {
            Some(path) => {
                file::write(path, text, file::Readers::All).map_err(|error| unwritable(path, &error))?;
            }
            None => Printer::text(text),
        }
    }
    if format == Format::Json {
        // The other formats say it in comments.
        printer.aside(&about(&export, &target));
    } else if options.out.is_some() && !export.is_whole() {
        printer.warn("not all of it could be exported: the comments at the top of the file say what and why");
    }
    Ok(Exit::Done)
}

/// A misspelled stack has nothing.
fn is_there(live: &Live, stack: &str) -> Result<(), Problem> {
    let marks: BTreeSet<&str> = live.deployments.iter().filter_map(Deployment::stack).collect();
    if marks.contains(stack) {
        return Ok(());
    }
    let problem = Problem::error(
        "unknown-stack",
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

fn format(options: &Options<'_>, printer: &Printer) -> Result<Format, Failure> {
    let by_name = options
        .out
        .filter(|_| !options.split)
        .map(|path| (path, Format::of(path)));
    match (options.format, by_name) {
        (None, Some((_, Some(format)))) => Ok(format),
        (Some(asked), Some((path, Some(format)))) if Format::from(asked) != format => {
            let message = format!("`{}` is not named as the format of `--as`", path.display());
            Err(Failure::usage(Problem::error("unknown-format", message)))
        }
        (Some(format), _) => Ok(format.into()),
        (None, None) if printer.is_json() => Ok(Format::Json),
        (None, None) => Ok(Format::Yaml),
        (None, Some((path, None))) => {
            let message = format!("`{}` is not named as YAML, TOML or JSON", path.display());
            let problem = Problem::error("unknown-format", message);
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
