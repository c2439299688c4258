use super::connect;
use super::read::{self, Setting};
use crate::cli::Files;
use crate::error::{Exit, Failure};
use crate::problem::Severity;
use crate::render::{Document, Printer};

pub fn run(files: &Files, strict_env: bool, printer: &Printer) -> Result<Exit, Failure> {
    let unset = if strict_env {
        Severity::Error
    } else {
        Severity::Warning
    };
    let setting = Setting {
        unset,
        token_variable: None,
        // Looked at, not connected to.
        server: connect::variable("RESTATE_ADMIN_URL"),
        may_be_missing: false,
        is_planned: false,
        again: None,
    };
    let read = read::read(files, &setting)?;
    let desired = &read.desired;
    let count = |n: usize, what: &str| {
        if n == 1 {
            format!("1 {what}")
        } else {
            format!("{n} {what}s")
        }
    };
    let paths: Vec<&str> = read
        .sources
        .files()
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    let what = format!(
        "{} {} valid: {}, overrides of {}, {}",
        paths.join(", "),
        if paths.len() == 1 { "is" } else { "are" },
        count(desired.deployments.len(), "deployment"),
        count(desired.services.len(), "service"),
        count(desired.subscriptions.len(), "subscription"),
    );
    printer.show(Document::Valid {
        what: &what,
        problems: &read.warnings,
        sources: &read.sources,
    });
    Ok(Exit::Done)
}
