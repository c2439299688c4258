//! Drift, for people.

use super::fields;
use super::plan::{name_of, place};
use super::style::Style;
use crate::drift::{Direction, Drift, Drifted, Mend, Outcome};
use crate::secret::printable;
use std::fmt::Write;

pub fn text(drift: &Drift, style: Style) -> String {
    let target = &drift.target;
    let url = printable(target.admin_url.trim_end_matches('/'));
    let server = format!("{url} (Restate {})", printable(&target.restate_version));
    let mut text = String::new();
    let unmanaged = unmanaged(drift)
        .map(|line| format!("\n{line}\n"))
        .unwrap_or_default();
    let _ = match drift.outcome {
        Outcome::InSync => writeln!(text, "In sync: {server} is what the file says."),
        Outcome::Drift => writeln!(text, "Drift: {server} is not what the file says."),
    };
    for (mend, title) in [
        (Mend::Apply, apply(drift)),
        (Mend::Prune, PRUNE),
        (Mend::Person, "Needs a person"),
    ] {
        let findings: Vec<&Drifted> = drift
            .findings
            .iter()
            .filter(|finding| finding.mend == mend)
            .collect();
        if !findings.is_empty() {
            let _ = writeln!(text, "\n{title}:");
        }
        for finding in findings {
            one(&mut text, finding, style);
        }
    }
    if drift.outcome == Outcome::Drift {
        let _ = writeln!(text, "\nDrift: {}.", counts(drift));
    }
    text + &unmanaged
}

/// A line for what is no drift but may surprise.
pub fn unmanaged(drift: &Drift) -> Option<String> {
    match drift.unmanaged {
        0 => None,
        1 => {
            Some("1 live resource is not managed by the file (`--show-unmanaged` makes it drift).".to_owned())
        }
        n => Some(format!(
            "{n} live resources are not managed by the file (`--show-unmanaged` makes them drift)."
        )),
    }
}

/// The title of what is superseded.
pub const PRUNE: &str = "`restatectl prune` deletes, and the next apply does";

/// The title of what an apply mends.
pub fn apply(drift: &Drift) -> &'static str {
    if drift.apply_is_refused {
        "`restatectl apply` mends, once the rest is settled, or with `--target`"
    } else {
        "`restatectl apply` mends"
    }
}

/// The findings by direction: `2 missing, 1 changed`.
pub fn counts(drift: &Drift) -> String {
    let counts = drift.summary.iter().filter(|(_, n)| **n > 0);
    let counts = counts.map(|(direction, n)| format!("{n} {}", direction.name()));
    counts.collect::<Vec<_>>().join(", ")
}

fn one(text: &mut String, finding: &Drifted, style: Style) {
    let about = match &finding.resource {
        Some(resource) => format!(" {} ", style.strong(&name_of(resource))),
        None => String::new(),
    };
    let place = match &finding.origin {
        Some(origin) => format!(" {} ", style.dim(&place(origin))),
        None => String::new(),
    };
    let direction = match finding.direction {
        Direction::Missing => style.removed("missing"),
        Direction::Extra => style.added("extra"),
        Direction::Changed => style.changed("changed"),
        Direction::Unreachable => style.error("unreachable"),
        Direction::Superseded => style.dim("superseded"),
    };
    let message = printable(&finding.message);
    let _ = writeln!(text, "  {direction}{about}{place} {message}");
    for field in finding
        .fields
        .iter()
        .filter(|field| field.path.first().is_some_and(|first| first != "services"))
    {
        for line in fields::lines(field, style) {
            let _ = writeln!(text, "      {line}");
        }
    }
    if let Some(help) = &finding.help {
        let _ = writeln!(text, "      {}", style.dim(&printable(help)));
    }
}
