//! Workflow commands, which GitHub shows as annotations at the lines they are about.

use crate::apply::Report;
use crate::code::Code;
use crate::drift::{Drift, Mend};
use crate::plan::Plan;
use crate::problem::{Problem, Severity};
use crate::secret::printable;
use crate::source::{Origin, Sources};
use std::fmt::Write;

pub fn problems(problems: &[Problem], sources: &Sources) -> String {
    problems.iter().map(|problem| one(problem, sources)).collect()
}

fn one(problem: &Problem, sources: &Sources) -> String {
    let origin = problem.span.and_then(|span| sources.origin(span));
    let end = problem
        .span
        .and_then(|span| sources.position(span.file, span.end));
    let mut message = problem.message.clone();
    for related in &problem.related {
        match sources.origin(related.span) {
            Some(at) if Some(&at) != origin.as_ref() => {
                let _ = write!(
                    message,
                    "\n{}: {}:{}:{}",
                    related.label, at.file, at.line, at.column
                );
            }
            _ => {
                let _ = write!(message, "\n{}", related.label);
            }
        }
    }
    if let Some(help) = &problem.help {
        let _ = write!(message, "\nhelp: {help}");
    }
    command(
        problem.severity,
        problem.code.name(),
        origin.as_ref(),
        end,
        &message,
    )
}

/// Annotations of what a plan found and what it refuses.
pub fn plan(plan: &Plan) -> String {
    let findings = plan.findings.iter().map(|finding| {
        let message = with_help(&finding.message, finding.help.as_deref());
        command(
            finding.severity,
            finding.code.as_str(),
            finding.origin.as_ref(),
            None,
            &message,
        )
    });
    let refused = plan.changes.iter().filter_map(|change| {
        let refused = change.refused.as_ref()?;
        let message = format!(
            "{}: {}",
            change.resource.key,
            with_help(&refused.message, Some(&refused.help))
        );
        Some(command(
            Severity::Error,
            refused.code.as_str(),
            change.origin.as_ref(),
            None,
            &message,
        ))
    });
    let guards = plan.guards.iter().filter(|guard| guard.fails());
    let guards = guards.map(|guard| {
        let message = with_help(&guard.message, guard.help.as_deref());
        command(Severity::Error, guard.code.as_str(), None, None, &message)
    });
    findings.chain(refused).chain(guards).collect()
}

/// What is not as the files say: what needs a person is an error.
pub fn drift(drift: &Drift) -> String {
    let findings = drift.findings.iter().map(|finding| {
        let severity = match finding.mend {
            Mend::Prune => Severity::Info,
            Mend::Apply => Severity::Warning,
            Mend::Person => Severity::Error,
        };
        let key = finding
            .resource
            .as_ref()
            .map(|resource| format!("{}: ", resource.key));
        let message = format!(
            "{}{}",
            key.unwrap_or_default(),
            with_help(&finding.message, finding.help.as_deref())
        );
        command(
            severity,
            finding.direction.name(),
            finding.origin.as_ref(),
            None,
            &message,
        )
    });
    findings.collect()
}

/// Annotations of what an apply could not do.
pub fn report(report: &Report) -> String {
    let moved = report.moved.iter().map(|moved| {
        let message = format!("{}: {}", moved.resource.key, moved.message);
        command(Severity::Error, Code::PlanStale.name(), None, None, &message)
    });
    let failed = report.changes.iter().filter_map(|change| {
        let error = change.error.as_ref()?;
        let message = format!("{}: {}", change.resource.key, error.message);
        Some(command(Severity::Error, "apply", None, None, &message))
    });
    moved.chain(failed).collect()
}

fn with_help(message: &str, help: Option<&str>) -> String {
    match help {
        Some(help) => format!("{message}\nhelp: {help}"),
        None => message.to_owned(),
    }
}

fn command(
    severity: Severity,
    title: &str,
    origin: Option<&Origin>,
    end: Option<(usize, usize)>,
    message: &str,
) -> String {
    let level = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut properties = String::new();
    if let Some(Origin { file, line, column }) = origin {
        let _ = write!(properties, "file={},line={line},col={column},", property(file));
        // GitHub takes an end column only where the end is on the same line.
        if let Some((end_line, end_column)) = end {
            let _ = write!(properties, "endLine={end_line},");
            if end_line == *line {
                let _ = write!(properties, "endColumn={end_column},");
            }
        }
    }
    let lines: Vec<String> = message.lines().map(printable).collect();
    format!(
        "::{level} {properties}title={}::{}\n",
        property(title),
        data(&lines.join("\n"))
    )
}

/// The toolkit's own escaping: nothing in a value can start another command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&printable(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_start_another_command() {
        let origin = Origin {
            file: "a,b:c.yaml".to_owned(),
            line: 3,
            column: 5,
        };
        let text = command(
            Severity::Error,
            "code",
            Some(&origin),
            Some((3, 9)),
            "100%\n::set-output name=x::y\u{1b}",
        );
        assert_eq!(
            text,
            "::error file=a%2Cb%3Ac.yaml,line=3,col=5,endLine=3,endColumn=9,title=code::100%25%0A::set-output name=x::y\u{fffd}\n"
        );
    }
}
