//! From the command line to a valid desired state.

use super::outside::Surroundings;
use super::printer::aside;
use crate::cli::{FileFormat, Files};
use crate::code::Code;
use crate::config;
use crate::desired::Desired;
use crate::digest;
use crate::error::{Exit, Failure};
use crate::kind::deployment::check::against_server;
use crate::load::{Given, load};
use crate::plan::{DesiredFile, Plan};
use crate::problem::{Problem, Problems, Severity};
use crate::source::interpolate::Rules;
use crate::source::{Format, SourceFile, Sources, meaning};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{IsTerminal, Read, stdin};
use std::path::{Path, PathBuf};

pub const DEFAULT_NAMES: [&str; 4] = ["restate.yaml", "restate.yml", "restate.toml", "restate.json"];
/// A desired state of this size would be two hundred thousand deployments.
const MAX_BYTES: u64 = 64 << 20;
/// What standard input is called, among files and in messages.
const STDIN: &str = "-";

/// What the files say, with the warnings found on the way.
pub struct ReadFiles {
    /// The files as they were named, relative to the working directory.
    pub paths: Vec<String>,
    pub sources: Sources,
    pub desired: Desired,
    pub warnings: Vec<Problem>,
}

/// What is known of the run beside its files.
pub struct Setting<'a> {
    /// How bad an environment variable is that is not set.
    pub unset: Severity,
    /// The variable that holds the admin token, if the command line names it.
    pub token_variable: Option<&'a str>,
    /// The server's admin address, where there is one.
    pub server: Option<String>,
    /// Whether a run without a file wants nothing, instead of being an error.
    pub may_be_missing: bool,
    /// What the plan is made from is kept with it.
    pub is_planned: bool,
    /// The files are to be put together as one.
    pub merges: bool,
    /// The files must be those that this plan was made from.
    pub again: Option<&'a Plan>,
}

impl Setting<'_> {
    /// The setting of a run without a server, where the secrets of deployments are not to be had.
    pub fn offline() -> Self {
        Self {
            unset: Severity::Warning,
            token_variable: None,
            server: None,
            may_be_missing: false,
            is_planned: false,
            merges: false,
            again: None,
        }
    }
}

/// # Errors
/// Every problem of the files, if one of them is an error.
pub fn read(files: &Files, setting: &Setting<'_>) -> Result<ReadFiles, Failure> {
    let Some(paths) = named(files, setting)? else {
        return Ok(ReadFiles {
            paths: Vec::new(),
            sources: Sources::default(),
            desired: Desired::default(),
            warnings: Vec::new(),
        });
    };
    let mut problems = Problems::default();
    let (input, numbers, given) = texts(files, &paths, setting, &mut problems);
    let Input {
        mut sources,
        mut surroundings,
        ..
    } = input;
    if let Some(plan) = setting.again {
        is_as_planned(plan, &sources)?;
    }
    let mut token_variables = vec!["RESTATE_AUTH_TOKEN"];
    token_variables.extend(setting.token_variable);
    let rules = Rules {
        unset: setting.unset,
        // A picture needs no secrets, which are all that a plan does not have.
        valueless: if setting.again.is_some() {
            setting.unset
        } else {
            Severity::Error
        },
        token_variables: &token_variables,
    };
    let desired = if problems.has_errors() {
        None
    } else {
        load(
            &mut sources,
            &numbers,
            &given,
            &mut surroundings,
            rules,
            &mut problems,
        )
    };
    if let (Some(desired), Some(server)) = (&desired, &setting.server) {
        against_server(&desired.entries.deployments, server, &mut problems);
    }
    if setting.again.is_some() {
        problems.explain(
            &[Code::VariableWithoutValue, Code::UnsetEnvironmentVariable],
            |problem| {
                let help = problem.help.take().unwrap_or_default();
                problem.help = Some(format!("{help}; a saved plan does not keep what may be a secret"));
            },
        );
    }
    if !problems.has_errors() && files.deny_warnings && problems.has_warnings() {
        let message = "there are warnings, and `--deny-warnings` does not let them pass";
        problems.push(Problem::error(Code::WarningsDenied, message));
    }
    match desired {
        Some(desired) if !problems.has_errors() => Ok(ReadFiles {
            paths: paths.iter().map(|path| shown(path)).collect(),
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

/// The paths to read; `None` when there is no file and need not be one.
fn named(files: &Files, setting: &Setting<'_>) -> Result<Option<Vec<PathBuf>>, Failure> {
    if !files.file.is_empty() {
        return Ok(Some(files.file.clone()));
    }
    match default_file() {
        Ok(path) => Ok(Some(vec![path])),
        Err(problem) if setting.may_be_missing && problem.code == Code::NoFile => Ok(None),
        Err(problem) => Err(problem.into()),
    }
}

/// Reads all texts: those of the files, whose numbers among the sources are returned, and those of
/// values for variables.
fn texts(
    files: &Files,
    paths: &[PathBuf],
    setting: &Setting<'_>,
    problems: &mut Problems,
) -> (Input, Vec<u32>, Given) {
    let mut input = Input::default();
    let mut numbers = Vec::new();
    let values: BTreeSet<PathBuf> = files.var_file.iter().map(|path| identity(path)).collect();
    for path in paths {
        match input.add(path, files.stdin_format, &values) {
            Ok(found) => numbers.extend(found),
            // It is told as a file that is not there.
            Err(problem) if setting.again.is_some() && problem.code == Code::NoFile => {}
            Err(problem) => problems.push(problem),
        }
    }
    let mut given = Given {
        variables: files.var.clone(),
        files: Vec::new(),
        frozen: setting.again.map(|plan| plan.inputs.values.clone()),
        freezes: setting.is_planned || setting.merges,
        merges: setting.merges,
    };
    for path in &files.var_file {
        match input.add_file(path) {
            Ok(number) => given.files.extend(number),
            Err(problem) => problems.push(problem),
        }
    }
    (input, numbers, given)
}

/// The plan says what it was made from; a file more or less counts as well.
fn is_as_planned(plan: &Plan, sources: &Sources) -> Result<(), Failure> {
    let planned = &plan.desired.files;
    let now: Vec<&str> = sources.files().iter().map(|file| file.path.as_str()).collect();
    let is_planned = |path: &str| planned.iter().any(|file| file.path == path);
    let gone = planned.iter().filter(|file| !now.contains(&file.path.as_str()));
    let other = (0..).zip(sources.files()).filter(|(number, file)| {
        let before = planned.iter().find(|before| before.path == file.path);
        before.is_some_and(|before| !says_the_same(before, *number, sources))
    });
    let new = now.iter().filter(|path| !is_planned(path));
    let is_compared_whole = |path: &str| {
        let mut planned = planned.iter();
        planned.any(|file| file.path == path && file.meaning.is_none())
    };
    let differs = |path: &str| {
        let why = if is_compared_whole(path) {
            " (a secret is written in it, so even a comment counts)"
        } else {
            ""
        };
        format!("`{path}` is not what the plan was made from{why}")
    };
    let mut told: Vec<Problem> = gone
        .map(|file| format!("the plan was made from `{}`, which is not there", file.path))
        .chain(other.map(|(_, file)| differs(&file.path)))
        .chain(new.map(|path| format!("`{path}` was not there when the plan was made")))
        .map(|message| {
            Problem::error(Code::PlanOtherFiles, message)
                .help("apply it in the same working directory with the same files, or plan again")
        })
        .collect();
    if told.is_empty() && planned.iter().map(|file| &file.path).ne(&now) {
        let message = "the files are not in the order that the plan was made with";
        told.push(Problem::error(Code::PlanOtherFiles, message));
    }
    if told.is_empty() {
        return Ok(());
    }
    Err(Failure {
        exit: Exit::Stale,
        problems: told,
        sources: Sources::default(),
    })
}

/// Comments, line ends and the order of keys may be others, unless a secret is written in the file.
fn says_the_same(planned: &DesiredFile, number: u32, sources: &Sources) -> bool {
    let is_same_text = (sources.files().get(number as usize))
        .is_some_and(|file| digest::sha256(&file.text) == planned.sha256);
    let meaning = || Some(meaning::digest(&sources.parse(number, &mut Problems::default())?));
    is_same_text || (planned.meaning.is_some() && meaning() == planned.meaning)
}

/// The files of a run, each read once.
struct Input {
    sources: Sources,
    surroundings: Surroundings,
    seen: BTreeSet<PathBuf>,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            sources: config::sources(),
            surroundings: Surroundings::default(),
            seen: BTreeSet::new(),
        }
    }
}

impl Input {
    /// The numbers of the files that a `-f` names: a file, the files of a directory, or standard
    /// input. `values`: the files with the values of variables, which are not part of a directory.
    fn add(
        &mut self,
        path: &Path,
        stdin_format: FileFormat,
        values: &BTreeSet<PathBuf>,
    ) -> Result<Vec<u32>, Problem> {
        if path == Path::new(STDIN) {
            if !self.seen.insert(path.to_owned()) {
                return Ok(Vec::new());
            }
            if stdin().is_terminal() {
                aside("Waiting for the desired state: type or paste it, and end it with Ctrl-D.\n");
            }
            let text = text(stdin(), "standard input")?;
            self.surroundings.directories.push(PathBuf::new());
            let file = SourceFile::new(STDIN.to_owned(), text, stdin_format.into());
            return Ok(vec![self.sources.add(file)]);
        }
        if !path.is_dir() {
            return Ok(self.add_file(path)?.into_iter().collect());
        }
        let mut numbers = Vec::new();
        let files = files_in(path)?;
        for path in files.into_iter().filter(|path| !values.contains(&identity(path))) {
            numbers.extend(self.add_file(&path)?);
        }
        Ok(numbers)
    }

    /// `None` for a file that was read already, maybe by another name.
    fn add_file(&mut self, path: &Path) -> Result<Option<u32>, Problem> {
        let file = read_file(path)?;
        if !self.seen.insert(identity(path)) {
            return Ok(None);
        }
        let directory = path.parent().unwrap_or(Path::new(""));
        self.surroundings.directories.push(directory.to_owned());
        Ok(Some(self.sources.add(file)))
    }
}

/// What two names of one file have in common.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn default_file() -> Result<PathBuf, Problem> {
    let found: Vec<&str> = DEFAULT_NAMES
        .into_iter()
        .filter(|name| Path::new(name).exists())
        .collect();
    match found[..] {
        [only] => Ok(PathBuf::from(only)),
        [] => Err(Problem::error(
            Code::NoFile,
            "there is no desired-state file in the working directory",
        )
        .help(format!(
            "name it with `-f FILE`, or call it `{}`; `restatectl init` writes one to start from",
            DEFAULT_NAMES.join("`, `")
        ))),
        _ => Err(Problem::error(
            Code::SeveralFiles,
            format!("which one: `{}`?", found.join("`, `")),
        )
        .help("name the file with `-f FILE`; several are one desired state")),
    }
}

/// The files of a desired state in a directory, by name; not those of its subdirectories, none that a
/// shell's `*` would not match, and no JSON Schema, which `init` says to put there.
fn files_in(directory: &Path) -> Result<Vec<PathBuf>, Problem> {
    let shown = shown(directory);
    let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| unreadable(&shown, &error))?;
    let mut files: Vec<PathBuf> = entries
        .into_iter()
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .filter(|entry| !entry.file_name().as_encoded_bytes().ends_with(b".schema.json"))
        .map(|entry| entry.path())
        .filter(|path| Format::of(path).is_some() && !path.is_dir())
        .collect();
    files.sort();
    if files.is_empty() {
        let message = format!("the directory `{shown}` has no desired-state file");
        let help = "it takes `*.yaml`, `*.yml`, `*.toml` and `*.json`, not in subdirectories";
        return Err(Problem::error(Code::NoFile, message).help(help));
    }
    Ok(files)
}

fn unreadable(shown: &str, error: &std::io::Error) -> Problem {
    match error.kind() {
        std::io::ErrorKind::NotFound => Problem::error(Code::NoFile, format!("there is no file `{shown}`")),
        _ => Problem::error(Code::UnreadableFile, format!("cannot read `{shown}`: {error}")),
    }
}

fn read_file(path: &Path) -> Result<SourceFile, Problem> {
    let shown = shown(path);
    let file = File::open(path).map_err(|error| unreadable(&shown, &error))?;
    if path.is_dir() {
        return Err(Problem::error(
            Code::IsADirectory,
            format!("`{shown}` is a directory, where a file is needed"),
        ));
    }
    let Some(format) = Format::of(path) else {
        return Err(Problem::error(
            Code::UnknownFormat,
            format!("`{shown}` is not named as YAML, TOML or JSON"),
        )
        .help("end its name with `.yaml`, `.yml`, `.toml` or `.json`, or pass it to `-f -`"));
    };
    let text = text(file, &format!("`{shown}`"))?;
    Ok(SourceFile::new(shown, text, format))
}

fn text(from: impl Read, shown: &str) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    let read = from.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Problem::error(Code::UnreadableFile, format!("cannot read {shown}: {error}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("{shown} has more than {} MiB", MAX_BYTES >> 20);
        return Err(Problem::error(Code::TooLarge, message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Problem::error(
            Code::NotText,
            format!("{shown} is not UTF-8 text: byte {at} is not part of a character"),
        )
        .help("save the file as UTF-8")
    })
}

/// Relative to the working directory, with `/`, so that origins are the same on every machine.
pub fn shown(path: &Path) -> String {
    let working = std::env::current_dir().ok();
    let relative = working.and_then(|dir| path.strip_prefix(dir).ok());
    let relative = relative.unwrap_or(path);
    let parts: Vec<_> = relative
        .components()
        .filter(|part| !matches!(part, std::path::Component::CurDir))
        .collect();
    if parts.is_empty() {
        return ".".to_owned();
    }
    let text = parts.iter().collect::<PathBuf>().to_string_lossy().into_owned();
    if std::path::MAIN_SEPARATOR == '/' {
        text
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}
