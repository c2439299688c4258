//! What a plan keeps, guards and leaves alone, for people.

use super::style::Style;
use crate::change::{Op, Resource};
use crate::finding::{Guard, Waiting};
use crate::plan::Plan;
use crate::secret::printable;
use std::fmt::Write;

pub fn waiting(waiting: &[Waiting], style: Style) -> String {
    let mut text = String::new();
    for Waiting {
        resource, message, ..
    } in waiting
    {
        let _ = writeln!(
            text,
            "  {} {}  {}",
            style.dim("…"),
            named(resource),
            style.dim(&printable(message))
        );
    }
    text
}

fn named(resource: &Resource) -> String {
    let key = printable(&resource.key.to_string());
    match &resource.server_id {
        Some(id) => format!("{} {key} ({})", resource.kind().name(), printable(id)),
        None => format!("{} {key}", resource.kind().name()),
    }
}

/// The guards, if something is deleted or a guard fails; otherwise they go without saying.
pub fn guards(plan: &Plan, style: Style) -> String {
    let fails = plan.guards.iter().any(Guard::fails);
    let mut text = String::new();
    if !fails && !plan.changes.iter().any(|change| change.op == Op::Delete) {
        return text;
    }
    for guard in &plan.guards {
        let mark = if guard.fails() {
            style.error("fail")
        } else {
            style.added("pass")
        };
        let _ = writeln!(
            text,
            "  {mark} {}: {}",
            printable(guard.code.as_str()),
            printable(&guard.message)
        );
        if let Some(help) = &guard.help {
            let _ = writeln!(text, "       {}", style.dim(&printable(help)));
        }
    }
    text
}

pub fn unmanaged(plan: &Plan, style: Style) -> String {
    let mut text = String::new();
    for key in plan.unmanaged.keys() {
        let (kind, key) = (key.kind().name(), printable(&key.to_string()));
        let _ = writeln!(text, "  {} {kind} {key}", style.dim("·"));
    }
    text
}
