//! JSON: complete whatever the exit code.

use crate::plan::FORMAT_VERSION;
use crate::problem::{Problem, Severity};
use crate::source::Sources;
use serde::Serialize;
use serde_json::{Value as Json, json};

pub fn document(value: &impl Serialize) -> String {
    // Only maps with keys that are not strings can fail, and there are none.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text + "\n"
}

pub fn problems(problems: &[Problem], sources: &Sources) -> String {
    outcome("error", problems, sources)
}

pub fn valid(problems: &[Problem], sources: &Sources) -> String {
    outcome("valid", problems, sources)
}

fn outcome(outcome: &str, problems: &[Problem], sources: &Sources) -> String {
    let problems: Vec<Json> = problems.iter().map(|problem| one(problem, sources)).collect();
    document(&json!({ "format_version": FORMAT_VERSION, "outcome": outcome, "problems": problems }))
}

fn one(problem: &Problem, sources: &Sources) -> Json {
    let origin = problem.span.and_then(|span| {
        let start = sources.origin(span)?;
        let (end_line, end_column) = sources.position(span.file, span.end)?;
        Some(json!({
            "file": start.file, "line": start.line, "column": start.column,
            "end_line": end_line, "end_column": end_column,
        }))
    });
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    json!({
        "code": problem.code,
        "severity": severity,
        "message": problem.message,
        "help": problem.help,
        "origin": origin,
    })
}
