//! JSON: complete whatever the exit code.

use crate::plan::FORMAT_VERSION;
use crate::problem::{Problem, Severity};
use crate::source::{Sources, Span};
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

pub fn codes(codes: &[&str]) -> String {
    document(&json!({ "format_version": FORMAT_VERSION, "codes": codes }))
}

pub fn explanation(code: &str, text: &str) -> String {
    document(&json!({ "format_version": FORMAT_VERSION, "code": code, "explanation": text }))
}

fn outcome(outcome: &str, problems: &[Problem], sources: &Sources) -> String {
    let problems: Vec<Json> = problems.iter().map(|problem| one(problem, sources)).collect();
    document(&json!({ "format_version": FORMAT_VERSION, "outcome": outcome, "problems": problems }))
}

fn origin(span: Span, sources: &Sources) -> Option<Json> {
    let start = sources.origin(span)?;
    let (end_line, end_column) = sources.position(span.file, span.end)?;
    Some(json!({
        "file": start.file, "line": start.line, "column": start.column,
        "end_line": end_line, "end_column": end_column,
    }))
}

fn one(problem: &Problem, sources: &Sources) -> Json {
    let related = problem
        .related
        .iter()
        .map(|related| json!({ "label": related.label, "origin": origin(related.span, sources) }));
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    json!({
        "code": problem.code.name(),
        "severity": severity,
        "message": problem.message,
        "help": problem.help,
        "origin": problem.span.and_then(|span| origin(span, sources)),
        "related": related.collect::<Vec<_>>(),
    })
}
