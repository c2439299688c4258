//! Files that nobody would write, through everything that reads files and shows what is wrong with
//! them. Thousands of them in each `cargo test`; as many as one likes with
//! `PROPTEST_CASES=100000 cargo test --test fuzz`.
//!
//! What fails is made small and printed: fix it, and keep it in `corpus`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its scene has failed"
)]

mod growth;
mod mutate;
mod references;

use allocation_counter::AllocationInfo;
use proptest::prelude::{TestCaseError, prop_assert};
use proptest::test_runner::{Config, TestRunner};
use restatectl::desired::Desired;
use restatectl::load::{Given, load};
use restatectl::problem::{Problem, Problems, Severity};
use restatectl::render::style::Style;
use restatectl::render::{json, problems};
use restatectl::source::interpolate::{Outside, Rules};
use restatectl::source::{Format, SourceFile, Sources};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Write;
use std::panic::{catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// What reading a file may allocate at once: so many times the file itself, and what a file of any
/// size may have its aliases and references stand for.
const MULTIPLE: u64 = 400;
const ALLOWANCE: u64 = 4 << 20;

/// In every value from outside, and in no file: it may not be shown.
const MARK: &str = "0utside";

/// Problems that say which of the things it is by its name or address. Plans do so too, wherever that
/// is from.
const OF_NAMES: [&str; 7] = [
    "duplicate-deployment",
    "duplicate-name",
    "duplicate-service",
    "duplicate-subscription",
    "group-shared",
    "no-group-id",
    "trailing-slash",
];

struct Environment;

impl Outside for Environment {
    fn env(&mut self, name: &str) -> Result<Option<Rc<str>>, Problem> {
        Ok((name != "NONE").then(|| Rc::from("env-0utside")))
    }

    fn file(&mut self, _from: u32, path: &str) -> Result<Option<Rc<str>>, Problem> {
        Ok((path != "none").then(|| Rc::from("file-0utside\n0utside")))
    }
}

/// What came of reading a text.
struct Outcome {
    sources: Sources,
    desired: Option<Desired>,
    problems: Vec<Problem>,
}

fn read(format: Format, text: &str) -> Outcome {
    let mut sources = restatectl::config::sources();
    let file = sources.add(SourceFile::new("fuzz".to_owned(), text.to_owned(), format));
    let mut problems = Problems::default();
    let rules = Rules {
        unset: Severity::Error,
        valueless: Severity::Error,
        token_variables: &["TOKEN"],
    };
    let given = Given::default();
    let desired = load(
        &mut sources,
        &[file],
        &given,
        &mut Environment,
        rules,
        &mut problems,
    );
    Outcome {
        sources,
        desired,
        problems: problems.into_sorted(),
    }
}

/// Reads, and counts what that takes. What has not ended after a minute never would: the process
/// ends with the text that it cannot read.
fn measured(format: Format, text: &str) -> (Outcome, AllocationInfo) {
    let (ended, waits) = std::sync::mpsc::channel::<()>();
    let watched = text.to_owned();
    std::thread::spawn(move || {
        if waits.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            let _ = writeln!(std::io::stderr(), "{format:?} does not end: {watched:?}");
            std::process::abort();
        }
    });
    let mut outcome = None;
    // A panic would leave the counting as it is.
    let counts = allocation_counter::measure(|| outcome = Some(catch_unwind(|| read(format, text))));
    drop(ended);
    match outcome.unwrap() {
        Ok(outcome) => (outcome, counts),
        Err(panic) => resume_unwind(panic),
    }
}

/// What must hold for any text. Returns the codes of its problems.
fn check(format: Format, text: &str) -> Result<BTreeSet<&'static str>, TestCaseError> {
    let (outcome, counts) = measured(format, text);
    let limit = MULTIPLE * text.len() as u64 + ALLOWANCE;
    prop_assert!(
        counts.bytes_max <= limit,
        "{} bytes at once for a file of {}",
        counts.bytes_max,
        text.len()
    );
    let Outcome {
        sources,
        desired,
        mut problems,
    } = outcome;
    let is_error = problems.iter().any(|problem| problem.severity == Severity::Error);
    prop_assert!(desired.is_some() || is_error, "it is refused without a word");
    let codes = problems.iter().map(|problem| problem.code.name()).collect();
    problems.retain(|problem| !OF_NAMES.contains(&problem.code.name()));
    let shown = json::problems(&problems, &sources);
    prop_assert!(!shown.contains(MARK), "a value from outside is shown: {}", shown);
    // Slow, and much the same for all of them.
    for problem in problems.iter().take(10) {
        let shown = problems::text(problem, &sources, Style::new(false));
        prop_assert!(!shown.contains(MARK), "a value from outside is shown: {}", shown);
    }
    Ok(codes)
}

/// The files of the examples, of `tests/bad` and of the corpus.
fn texts(format: Format) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["examples", "tests/bad", "tests/fuzz/corpus"] {
        files_in(&root.join(folder), &mut files);
    }
    let files = files.into_iter().filter(|file| Format::of(file) == Some(format));
    // Those that are no text do not get this far.
    files
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .collect()
}

fn files_in(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_in(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

/// `PROPTEST_CASES`, or a few hundred.
fn cases() -> u32 {
    Config::default().cases
}

/// Mutates the files of one format. Those that show a combination of problems not seen before are
/// mutated on in the next round: that leads deeper than what any one file shows.
fn fuzz(format: Format) {
    const ROUNDS: u32 = 4;
    let mut texts = texts(format);
    let mut seen = BTreeSet::new();
    for text in &texts {
        seen.insert(check(format, text).unwrap_or_else(|error| panic!("{error}\n{text}")));
    }
    let seeds = texts.len();
    for _ in 0..ROUNDS {
        let found = RefCell::new(Vec::new());
        let seen = RefCell::new(&mut seen);
        let outcome = runner(cases()).run(&mutate::mutant(&texts), |text| {
            if seen.borrow_mut().insert(check(format, &text)?) {
                found.borrow_mut().push(text);
            }
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{error}"));
        texts.append(&mut found.into_inner());
    }
    assert!(
        texts.len() > seeds,
        "the mutants all have the problems of the files they are made of"
    );
}

#[test]
fn yaml() {
    fuzz(Format::Yaml);
}

#[test]
fn toml() {
    fuzz(Format::Toml);
}

#[test]
fn json() {
    fuzz(Format::Json);
}
