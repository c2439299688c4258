//! What an apply did, for the pull request that brought it about.

use super::document::Document;
use super::escape::{code, prose};
use super::{ASIDE, IMPORTANT, MESSAGE, caution, count, finding, head, item, list, named, row, short, table};
use crate::apply::{ChangeResult, Outcome, Report, Status};
use crate::landing::ChangeError;
use crate::plan::stale::Moved;
use crate::problem::Severity;
use crate::render::report::{conclusion, counts, moved_field};
use crate::render::style::Style;
use std::fmt::Write;

pub fn report(report: &Report) -> String {
    let mut head = head(
        "apply",
        &headline(report),
        &report.target,
        report.stack.as_deref(),
    );
    let conclusion = prose(&conclusion(report));
    match report.outcome {
        Outcome::Complete | Outcome::NothingToDo => {
            let _ = writeln!(head, "\n{conclusion}.");
        }
        _ => head += &caution(&format!("{conclusion}.")),
    }
    let mut document = Document::new(head);
    let title = count(report.alerts.len(), "alert");
    let alerts = document.section(list("alerts", &title, &report.alerts, IMPORTANT), |alert| {
        item("**alert**", &prose(&short::start(alert, MESSAGE)), None)
    });
    let mut results: Vec<&ChangeResult> = report.changes.iter().collect();
    results.sort_by_key(|result| rank(result.status));
    let failed: Vec<&ChangeResult> = results
        .iter()
        .copied()
        .filter(|result| result.error.is_some())
        .collect();
    let title = format!("{} with errors", count(failed.len(), "change"));
    let failed = document.section(list("errors of changes", &title, &failed, IMPORTANT), |result| {
        failure(result)
    });
    let title = format!("{} moved", report.moved.len());
    let moved = document.section(list("what moved", &title, &report.moved, IMPORTANT), moved);
    let (errors, others): (Vec<_>, Vec<_>) =
        (report.findings.iter()).partition(|finding| finding.severity == Severity::Error);
    let title = count(errors.len(), "error");
    let errors = document.section(list("errors", &title, &errors, IMPORTANT), |found| finding(found));
    let title = count(others.len(), "note");
    let others = document.section(list("notes", &title, &others, ASIDE), |found| finding(found));
    let noted: Vec<&ChangeResult> = results
        .iter()
        .copied()
        .filter(|result| result.note.is_some())
        .collect();
    let noted = document.section(list("remarks", "To know", &noted, ASIDE), |result| note(result));
    let status = |result: &&ChangeResult| result.status.name();
    let rows = document.section(
        table(&["Status", "Change", "Resource", "Id"], &results, status),
        |result| result_row(result),
    );
    document.finish(&[alerts, errors, moved, failed, rows, noted, others])
}

fn moved(moved: &Moved) -> String {
    let mut message = prose(&short::start(&moved.message, MESSAGE));
    for field in &moved.fields {
        let _ = write!(
            message,
            "\\\n  {}",
            code(&short::start(&moved_field(field, Style::new(false)), MESSAGE))
        );
    }
    item(&named(&moved.resource), &message, None)
}

/// The headline of a report: `apply incomplete: 2 done, 1 failed`.
fn headline(report: &Report) -> String {
    let outcome = match report.outcome {
        Outcome::Complete => "complete",
        Outcome::NothingToDo => "had nothing to do",
        Outcome::Incomplete => "incomplete",
        Outcome::Refused => "refused",
        Outcome::Stale => "refused, the plan is stale",
        Outcome::Interrupted => "interrupted",
        Outcome::Failed => "not started, the plan has errors",
    };
    match counts(report) {
        counts if counts.is_empty() => format!("apply {outcome}"),
        counts => format!("apply {outcome}: {counts}"),
    }
}

/// Sorts changes so that those that need a look come first.
fn rank(status: Status) -> u8 {
    match status {
        Status::Failed => 0,
        Status::Unknown => 1,
        Status::Blocked => 2,
        Status::NotAttempted => 3,
        Status::Done => 4,
    }
}

fn failure(result: &ChangeResult) -> String {
    let Some(error) = &result.error else {
        return String::new();
    };
    let ChangeError {
        message,
        restate_code,
        http_status,
    } = error;
    let mut message = prose(&short::start(message, MESSAGE));
    let restate_code = restate_code
        .as_deref()
        .map(|code| prose(&short::start(code, MESSAGE)));
    let http_status = http_status.map(|status| format!("HTTP {status}"));
    let codes: Vec<String> = restate_code.into_iter().chain(http_status).collect();
    if !codes.is_empty() {
        let _ = write!(message, " ({})", codes.join(", "));
    }
    item(&subject(result), &message, None)
}

fn note(result: &ChangeResult) -> String {
    let note = result.note.as_deref().unwrap_or_default();
    item(&subject(result), &prose(&short::start(note, MESSAGE)), None)
}

fn subject(result: &ChangeResult) -> String {
    let status = match result.status {
        Status::Done => String::new(),
        status => format!("**{}** ", status.name()),
    };
    format!("{status}{} {}", result.op.name(), named(&result.resource))
}

fn result_row(result: &ChangeResult) -> String {
    let status = match result.status {
        Status::Done => Status::Done.name().to_owned(),
        status => format!("**{}**", status.name()),
    };
    let id = result
        .server_id
        .as_deref()
        .map(|id| code(&short::middle(id, super::NAME)));
    row(&[
        status,
        result.op.name().to_owned(),
        named(&result.resource),
        id.unwrap_or_default(),
    ])
}
