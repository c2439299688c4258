//! Markdown for comments on pull requests and for GitHub's step summary.

pub mod document;
mod drift;
pub mod escape;
mod plan;
mod report;

use super::short;
use crate::change::Resource;
use crate::finding::Finding;
use crate::plan::Target;
use crate::problem::{Problem, Severity};
use crate::source::{Origin, Sources};
use crate::words::counted;
use document::{Document, Elements, LIMIT};
use escape::{code, prose};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write;

pub use drift::drift;
pub use plan::plan;
pub use report::report;

/// What every document starts with, hidden: a script finds by its first line the comment to update.
pub const MARKER: &str = "<!-- restatectl";

/// The characters that a marker has beside `%`.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The most that a list of what must be read may take, of which there are up to three.
const IMPORTANT: usize = 10_000;
/// The most that a list of what is worth knowing may take, of which there are up to five.
const ASIDE: usize = 3_000;

/// The longest texts, in characters.
const NAME: usize = 200;
const MESSAGE: usize = 1_000;

/// Files that are valid, and what was found on the way.
pub fn valid(what: &str, problems: &[Problem], sources: &Sources) -> String {
    let mut document = Document::new(format!(
        "{MARKER} validate -->\n### restatectl: {}\n",
        prose(what)
    ));
    let problems: Vec<&Problem> = problems.iter().collect();
    let found = document.section(list("warnings", "", &problems, LIMIT), |found| {
        problem(found, sources)
    });
    document.finish(&[found])
}

/// A run that ended with problems before there was anything else to show.
pub fn problems(problems: &[Problem], sources: &Sources) -> String {
    let errors = with_severity(problems, Severity::Error);
    let others: Vec<&Problem> = (problems.iter())
        .filter(|problem| problem.severity != Severity::Error)
        .collect();
    let mut counts = Vec::new();
    for (list, noun) in [
        (errors.len(), "error"),
        (with_severity(problems, Severity::Warning).len(), "warning"),
        (with_severity(problems, Severity::Info).len(), "note"),
    ] {
        if list > 0 {
            counts.push(count(list, noun));
        }
    }
    let head = format!("{MARKER} problems -->\n### restatectl: {}\n", counts.join(", "));
    let mut document = Document::new(head);
    let element = |problem: &&Problem| self::problem(problem, sources);
    let errors = document.section(list("errors", "", &errors, LIMIT), element);
    let title = if errors.is_empty() { "" } else { "Not errors" };
    let others = document.section(list("warnings", title, &others, LIMIT), element);
    document.finish(&[errors, others])
}

fn with_severity(problems: &[Problem], severity: Severity) -> Vec<&Problem> {
    (problems.iter())
        .filter(|problem| problem.severity == severity)
        .collect()
}

fn problem(problem: &Problem, sources: &Sources) -> String {
    let origin = problem.span.and_then(|span| sources.origin(span));
    let mut message = prose(&short::start(&problem.message, MESSAGE));
    for related in problem.related.iter().take(5) {
        let label = prose(&short::start(&related.label, NAME));
        let _ = write!(message, "; {label}");
        match sources.origin(related.span) {
            Some(at) if Some(&at) != origin.as_ref() => {
                let _ = write!(message, ": {}", place(&at));
            }
            _ => {}
        }
    }
    let subject = format!("{}{}", code(problem.code.name()), at(origin.as_ref()));
    item(&subject, &message, problem.help.as_deref())
}

/// A list of what is told in sentences.
fn list<'a, T>(what: &'static str, title: &str, items: &'a [T], share: usize) -> Elements<'a, T> {
    Elements {
        what,
        items,
        group: |_| "",
        opening: if title.is_empty() {
            String::new()
        } else {
            format!("**{title}**\n\n")
        },
        share,
    }
}

/// `subject` and `message` are Markdown.
fn item(subject: &str, message: &str, help: Option<&str>) -> String {
    let help = help.map(|help| prose(&short::start(help, MESSAGE)));
    match help.filter(|help| !help.is_empty()) {
        Some(help) => format!("- {subject}: {message}\\\n  help: {help}\n"),
        None => format!("- {subject}: {message}\n"),
    }
}

fn finding(finding: &Finding) -> String {
    let about = match &finding.resource {
        Some(resource) => format!(" {}", named(resource)),
        None => String::new(),
    };
    let subject = format!(
        "{}{about}{}",
        code(&short::start(finding.code.as_str(), NAME)),
        at(finding.origin.as_ref())
    );
    let message = prose(&short::start(&finding.message, MESSAGE));
    item(&subject, &message, finding.help.as_deref())
}

/// A resource in words: ``deployment `https://checkout-v2.internal:9080` ``.
fn named(resource: &Resource) -> String {
    let key = super::plan::key(resource);
    format!("{} {}", resource.kind().name(), code(&short::middle(&key, NAME)))
}

fn at(origin: Option<&Origin>) -> String {
    origin.map_or_else(String::new, |origin| format!(" at {}", place(origin)))
}

fn place(origin: &Origin) -> String {
    code(&format!("{}:{}", short::middle(&origin.file, NAME), origin.line))
}

fn count(n: usize, noun: &str) -> String {
    counted(n as u64, noun)
}

/// Marker, headline and target. `id`: of the kind of document.
fn head(id: &str, headline: &str, target: &Target, stack: Option<&str>) -> String {
    let url = target.admin_url.trim_end_matches('/');
    let encoded = |text: &str| utf8_percent_encode(&short::middle(text, NAME), PLAIN).to_string();
    let mut names: Vec<String> = stack.map(encoded).into_iter().collect();
    names.push(encoded(target.cluster_name.as_deref().unwrap_or(url)));
    let shown = |text: &str| code(&short::middle(text, NAME));
    let mut line = vec![shown(url), format!("Restate {}", shown(&target.restate_version))];
    line.extend(
        target
            .cluster_name
            .as_deref()
            .map(|name| format!("cluster {}", shown(name))),
    );
    line.extend(stack.map(|name| format!("stack {}", shown(name))));
    format!(
        "{MARKER} {id} {} -->\n### restatectl {headline}\n\n{}\n",
        names.join("/"),
        line.join(" · ")
    )
}

/// Something that must not be overlooked, as GitHub shows it. `text` is Markdown.
fn caution(text: &str) -> String {
    format!("\n> [!CAUTION]\n> {text}\n")
}

/// A row of a table, from the Markdown of its cells.
fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn table<'a, T>(columns: &[&str], items: &'a [T], group: fn(&T) -> &'static str) -> Elements<'a, T> {
    let names: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
    let lines = vec!["---".to_owned(); columns.len()];
    Elements {
        what: "table rows",
        items,
        group,
        opening: row(&names) + &row(&lines),
        share: LIMIT,
    }
}
