//! What an apply did, for people.

use super::fields;
use super::plan::{name, name_of};
use super::style::Style;
use crate::apply::{ChangeResult, Event, Outcome, Report, Status};
use crate::plan::stale::{Moved, MovedField};
use crate::secret::printable;
use std::fmt::Write;

pub fn progress(event: &Event<'_>, style: Style) -> String {
    let Event {
        change,
        at,
        of,
        result,
        ..
    } = event;
    let end = match result {
        None => " …".to_owned(),
        Some(result) => format!(": {}", status(result.status, style)),
    };
    format!("[{at}/{of}] {} {}{end}\n", change.op.name(), name(change))
}

pub fn text(report: &Report, style: Style) -> String {
    let mut text = String::new();
    for alert in &report.alerts {
        let _ = writeln!(text, "{}", style.error(&printable(alert)));
    }
    let was_not_started = matches!(
        report.outcome,
        Outcome::Refused | Outcome::Stale | Outcome::Failed
    );
    for result in &report.changes {
        // Before a plan that is not carried out, its own text has said why.
        if result.status != Status::Done && !was_not_started {
            write_result(&mut text, result, style);
        }
        if let Some(note) = &result.note {
            let key = printable(&result.resource.key.to_string());
            let _ = writeln!(text, "{} {key}: {}", style.warning("!"), printable(note));
        }
    }
    for finding in report
        .findings
        .iter()
        .filter(|_| report.outcome == Outcome::Stale)
    {
        let _ = writeln!(
            text,
            "{}: {}",
            style.error(&printable(finding.code.as_str())),
            printable(&finding.message)
        );
        if let Some(help) = &finding.help {
            let _ = writeln!(text, "    {}", style.dim(&printable(help)));
        }
    }
    for moved in &report.moved {
        write_moved(&mut text, moved, style);
    }
    let (headline, counts) = (conclusion(report), counts(report));
    let counts = if counts.is_empty() || was_not_started {
        String::new()
    } else {
        format!(": {counts}")
    };
    let _ = writeln!(text, "{headline}{counts}.");
    text
}

pub fn conclusion(report: &Report) -> String {
    let url = report.target.admin_url.trim_end_matches('/');
    match report.outcome {
        Outcome::Complete => format!("Applied to {url}"),
        Outcome::NothingToDo => "Nothing to do".to_owned(),
        Outcome::Incomplete if report.changes.iter().all(|result| result.status == Status::Done) => {
            format!("Not everything is deleted yet on {url}; run it again, or with `--wait-drained`")
        }
        Outcome::Incomplete if report.is_untouched() => format!("Nothing was applied to {url}"),
        Outcome::Incomplete => format!("Applied in part to {url}; the next plan has what is left"),
        Outcome::Interrupted => format!("Interrupted on {url}; the next plan has what is left"),
        Outcome::Refused => "Refused: nothing was changed".to_owned(),
        Outcome::Stale => {
            "The plan is stale (`restatectl explain plan-stale`): nothing was changed, plan again".to_owned()
        }
        Outcome::Failed => "The plan has errors: nothing was changed".to_owned(),
    }
}

/// The changes by status: `2 done, 1 failed`.
pub fn counts(report: &Report) -> String {
    let counts: Vec<String> = Status::ALL
        .into_iter()
        .filter_map(|status| match report.summary.get(&status) {
            None | Some(0) => None,
            Some(n) => Some(format!("{n} {}", status.name())),
        })
        .collect();
    counts.join(", ")
}

fn write_result(text: &mut String, result: &ChangeResult, style: Style) {
    let key = printable(&result.resource.key.to_string());
    let _ = write!(
        text,
        "{} {} {key}",
        status(result.status, style),
        result.op.name()
    );
    if let Some(error) = &result.error {
        let _ = write!(text, ": {}", printable(&error.message));
    }
    text.push('\n');
}

fn write_moved(text: &mut String, moved: &Moved, style: Style) {
    let name = style.strong(&name_of(&moved.resource));
    let _ = writeln!(
        text,
        "{} {name}: {}",
        style.error("moved"),
        printable(&moved.message)
    );
    for field in &moved.fields {
        let _ = writeln!(text, "    {}", moved_field(field, style));
    }
}

/// A field that moved, in words: `public: true when planned, false now, false wanted`.
pub fn moved_field(field: &MovedField, style: Style) -> String {
    let path = printable(&field.path.join("."));
    if field.sensitive {
        return format!("{path}: not what it was (sensitive)");
    }
    let [planned, now, wanted] =
        [&field.planned_before, &field.live_now, &field.wanted].map(|value| fields::value(value.as_ref()));
    let now = style.removed(&now);
    match field.wanted {
        Some(_) => format!(
            "{path}: {planned} when planned, {now} now, {} wanted",
            style.added(&wanted)
        ),
        None => format!("{path}: {planned} when planned, {now} now"),
    }
}

fn status(status: Status, style: Style) -> String {
    match status {
        Status::Done => style.added(status.name()),
        Status::Failed | Status::Unknown => style.error(status.name()),
        Status::Blocked | Status::NotAttempted => style.warning(status.name()),
    }
}
