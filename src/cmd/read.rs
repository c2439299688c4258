//! From the command line to a valid desired state.

use crate::check;
use crate::cli::Files;
use crate::config;
use crate::desired::Desired;
use crate::error::{Exit, Failure};
use crate::problem::{Problem, Problems};
use crate::source::{Format, SourceFile, Sources, de};
use std::path::{Path, PathBuf};

const DEFAULT_NAMES: [&str; 4] = ["restate.yaml", "restate.yml", "restate.toml", "restate.json"];
/// A desired state of this size would be two hundred thousand deployments.
const MAX_BYTES: u64 = 64 << 20;

/// What the files say, with the warnings found on the way.
pub struct ReadFiles {
    pub sources: Sources,
    pub desired: Desired,
    pub warnings: Vec<Problem>,
}

/// # Errors
/// Every problem of the file, if one of them is an error.
pub fn read(files: &Files) -> Result<ReadFiles, Failure> {
    let path = match &files.file {
        Some(path) => path.clone(),
        None => default_file()?,
    };
    let mut sources = Sources::default();
    let file = sources.add(read_file(&path)?);
    let mut problems = Problems::default();
    let desired = sources.parse(file, &mut problems).and_then(|root| {
        let shape: config::File = de::read(&root, &mut problems)?;
        let desired = Desired::build(shape, root.span, &mut problems);
        check::check(&desired, &mut problems);
        Some(desired)
    });
    let failed = problems.has_errors();
    match desired {
        Some(desired) if !failed => Ok(ReadFiles {
            sources,
            desired,
            warnings: problems.into_sorted(),
        }),
        _ => Err(Failure {
            exit: Exit::Error,
            problems: problems.into_sorted(),
            sources,
        }),
    }
}

fn default_file() -> Result<PathBuf, Problem> {
    let found: Vec<&str> = DEFAULT_NAMES
        .into_iter()
        .filter(|name| Path::new(name).exists())
        .collect();
    match found[..] {
        [only] => Ok(PathBuf::from(only)),
        [] => Err(Problem::error(
            "no-file",
            "there is no desired-state file in the working directory",
        )
        .help(format!(
            "name it with `-f FILE`, or call it `{}`",
            DEFAULT_NAMES.join("`, `")
        ))),
        _ => Err(
            Problem::error("several-files", format!("which one: `{}`?", found.join("`, `")))
                .help("name the file with `-f FILE`"),
        ),
    }
}

fn read_file(path: &Path) -> Result<SourceFile, Problem> {
    let shown = shown(path);
    let unreadable = |error: std::io::Error| {
        let (code, message) = match error.kind() {
            std::io::ErrorKind::NotFound => ("no-file", format!("there is no file `{shown}`")),
            _ => ("unreadable-file", format!("cannot read `{shown}`: {error}")),
        };
        Problem::error(code, message)
    };
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    if meta.is_dir() {
        return Err(
            Problem::error("is-a-directory", format!("`{shown}` is a directory"))
                .help("name a file in it with `-f FILE`"),
        );
    }
    if meta.len() > MAX_BYTES {
        return Err(Problem::error(
            "too-large",
            format!("`{shown}` has more than {} MiB", MAX_BYTES >> 20),
        ));
    }
    let Some(format) = Format::of(path) else {
        return Err(Problem::error(
            "unknown-format",
            format!("`{shown}` is not named as YAML, TOML or JSON"),
        )
        .help("end its name with `.yaml`, `.yml`, `.toml` or `.json`"));
    };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Problem::error(
            "not-text",
            format!("`{shown}` is not UTF-8 text: byte {at} is not part of a character"),
        )
        .help("save the file as UTF-8")
    })?;
    Ok(SourceFile::new(shown, text, format))
}

/// Relative to the working directory, with `/`, so that origins are the same on every machine.
fn shown(path: &Path) -> String {
    let working = std::env::current_dir().ok();
    let relative = working.and_then(|dir| path.strip_prefix(dir).ok());
    let relative = relative.unwrap_or(path);
    let parts: Vec<_> = relative
        .components()
        .filter(|part| !matches!(part, std::path::Component::CurDir))
        .collect();
    let text = parts.iter().collect::<PathBuf>().to_string_lossy().into_owned();
    if std::path::MAIN_SEPARATOR == '/' {
        text
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}
