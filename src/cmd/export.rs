use super::save::unwritable;
use super::{connect, gather, or_interrupted};
use crate::cli::{Connection, DiscoverArg, FileFormat, Looking};
use crate::diff::probe::Answers;
use crate::error::{Exit, Failure};
use crate::export::{self, about, export};
use crate::plan::Target;
use crate::problem::Problem;
use crate::render::{Printer, file};
use crate::source::Format;
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
    let format = format(options)?;
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
    let mut there = files
        .iter()
        .filter_map(|(path, _)| path.as_deref().filter(|path| path.is_file()));
    if let Some(path) = there.find(|_| !options.force) {
        let problem = Problem::error("file-exists", format!("there is a `{}` already", path.display()));
        return Err(problem
            .help("name another, or write over it with `--force`")
            .into());
    }
    for (path, text) in &files {
        match path {
            Some(path) => {
                file::write(path, text, file::Readers::All).map_err(|error| unwritable(path, &error))?;
            }
            None => Printer::text(text),
        }
    }
    // A file tells it in its comments; JSON has none.
    if format == Format::Json {
        printer.aside(&about(&export, &target));
    }
    Ok(Exit::Done)
}

fn format(options: &Options<'_>) -> Result<Format, Failure> {
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
