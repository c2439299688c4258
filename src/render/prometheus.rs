//! Drift as a file for the textfile collector of the node exporter.

use crate::diff::change::Kind;
use crate::drift::{Direction, Drift};
use std::fmt::Write;
use std::time::Duration;

/// `drift`: none where it could not be found out. `now`: Unix time; `took`: of the run.
pub fn drift(drift: Option<&Drift>, now: jiff::Timestamp, took: Duration) -> String {
    let mut text = String::new();
    if let Some(drift) = drift {
        head(
            &mut text,
            "restatectl_drift_findings",
            "Differences between the desired-state files and the server.",
        );
        for kind in [Kind::Deployment, Kind::Service, Kind::Subscription] {
            for direction in Direction::ALL {
                let is_counted = |found: &&crate::drift::Drifted| {
                    found.direction == direction
                        && found.resource.as_ref().is_some_and(|about| about.kind == kind)
                };
                let n = drift.findings.iter().filter(is_counted).count();
                let (kind, direction) = (kind.name(), direction.name());
                let _ = writeln!(
                    text,
                    "restatectl_drift_findings{{kind=\"{kind}\",direction=\"{direction}\"}} {n}"
                );
            }
        }
        head(
            &mut text,
            "restatectl_drift_needs_person",
            "Differences that the next apply would not mend.",
        );
        let needs_person = |found: &&crate::drift::Drifted| found.mend == crate::drift::Mend::Person;
        let n = drift.findings.iter().filter(needs_person).count();
        let _ = writeln!(text, "restatectl_drift_needs_person {n}");
    }
    let numbers = [
        (
            "restatectl_drift_success",
            "Whether the last run found out if there is drift.",
            u8::from(drift.is_some()).to_string(),
        ),
        (
            "restatectl_drift_last_run_timestamp_seconds",
            "When the last run ended.",
            now.as_second().to_string(),
        ),
        (
            "restatectl_drift_duration_seconds",
            "How long the last run took.",
            format!("{:.3}", took.as_secs_f64()),
        ),
    ];
    for (name, help, value) in numbers {
        head(&mut text, name, help);
        let _ = writeln!(text, "{name} {value}");
    }
    text
}

fn head(text: &mut String, name: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
}
