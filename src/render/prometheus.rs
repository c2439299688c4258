//! Drift as a file for the textfile collector of the node exporter.

use crate::change::Resource;
use crate::drift::{Direction, Drift, Drifted, Mend};
use crate::kind::Kind;
use std::fmt::{Display, Write};
use std::time::Duration;

/// `drift`: none where it could not be found out. `file`: tells apart the runs of one machine.
/// `now`: Unix time; `took`: of the run.
pub fn drift(drift: Option<&Drift>, file: &str, now: jiff::Timestamp, took: Duration) -> String {
    let mut text = String::new();
    let file = label(file);
    if let Some(drift) = drift {
        head(
            &mut text,
            "restatectl_drift_findings",
            "Differences between the desired-state files and the server.",
        );
        let kinds = Kind::ALL.iter().copied().map(Some);
        // One that is about no resource is counted too.
        for kind in kinds.chain([None]) {
            for direction in Direction::ALL {
                let is_counted = |found: &&Drifted| {
                    found.direction == direction && found.resource.as_ref().map(Resource::kind) == kind
                };
                let n = drift.findings.iter().filter(is_counted).count();
                let (kind, direction) = (kind.map_or("none", Kind::name), direction.name());
                let _ = writeln!(
                    text,
                    "restatectl_drift_findings{{file=\"{file}\",kind=\"{kind}\",direction=\"{direction}\"}} {n}"
                );
            }
        }
        let needs_person = |found: &&Drifted| found.mend == Mend::Person;
        let n = drift.findings.iter().filter(needs_person).count();
        let what = "Differences that need a person.";
        number(&mut text, "restatectl_drift_needs_person", &file, what, n);
        let what = "Whether an apply would refuse to mend the rest as well.";
        let is_refused = u8::from(drift.apply_is_refused);
        number(
            &mut text,
            "restatectl_drift_apply_is_refused",
            &file,
            what,
            is_refused,
        );
    }
    let what = "Whether the last run found out if there is drift.";
    number(
        &mut text,
        "restatectl_drift_success",
        &file,
        what,
        u8::from(drift.is_some()),
    );
    let what = "When the last run ended.";
    number(
        &mut text,
        "restatectl_drift_last_run_timestamp_seconds",
        &file,
        what,
        now.as_second(),
    );
    let what = "How long the last run took.";
    let seconds = format!("{:.3}", took.as_secs_f64());
    number(
        &mut text,
        "restatectl_drift_duration_seconds",
        &file,
        what,
        seconds,
    );
    text
}

fn number(text: &mut String, name: &str, file: &str, help: &str, value: impl Display) {
    head(text, name, help);
    let _ = writeln!(text, "{name}{{file=\"{file}\"}} {value}");
}

fn head(text: &mut String, name: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
}

/// Escapes the value of a label for the text format of Prometheus.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
