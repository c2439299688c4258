//! A plan for people.

use super::style::Style;
use super::{fields, lifecycle};
use crate::change::{Change, Field, Op, Resource, ServiceChange, Validated};
use crate::code::Code;
use crate::finding::Finding;
use crate::kind::subscription::kafka_options::GROUP_ID;
use crate::plan::Plan;
use crate::problem::Severity;
use crate::secret::{MASK, printable};
use crate::source::Origin;
use crate::words::counted;
use std::fmt::Write;

pub fn text(plan: &Plan, show_unmanaged: bool, style: Style) -> String {
    let mut text = String::new();
    let server = server(plan);
    if plan.changes.is_empty() && plan.has_errors() {
        let _ = writeln!(text, "There is no plan for {server}.");
    } else if plan.changes.is_empty() && plan.is_refused() {
        let _ = writeln!(text, "Refused: nothing is planned for {server}.");
    } else if plan.changes.is_empty() && !plan.waiting.is_empty() {
        let _ = writeln!(text, "No changes now: {server}.");
    } else if plan.changes.is_empty() {
        let _ = match &plan.desired.stack {
            Some(stack) if plan.inputs.destroy => {
                writeln!(
                    text,
                    "No changes: nothing of stack {} is on {server}.",
                    printable(stack)
                )
            }
            _ => {
                let has = |code: Code| plan.findings.iter().any(|finding| finding.code == code);
                let but = match () {
                    () if has(Code::LeftOut) => ", but for what is left out",
                    () if !plan.targets.is_empty() => ", in what `--target` names",
                    () if has(Code::NotCompared) => ", as far as it can be compared",
                    () => "",
                };
                writeln!(text, "No changes: {server} is what the file says{but}.")
            }
        };
    } else {
        let _ = writeln!(text, "restatectl will change {server}:\n");
        let widths = Widths::of(&plan.changes);
        let findings = plan.findings_by_key();
        for change in &plan.changes {
            let findings = findings.get(&change.resource.key);
            one(
                &mut text,
                change,
                findings.map_or(&[], Vec::as_slice),
                &widths,
                style,
            );
        }
    }
    let changes = plan.changed_keys();
    let is_nested =
        |finding: &&Finding| (finding.resource.as_ref()).is_some_and(|about| changes.contains(&about.key));
    let mut loose = plan
        .findings
        .iter()
        .filter(|finding| !is_nested(finding))
        .peekable();
    if loose.peek().is_some() {
        text.push('\n');
    }
    for finding in loose {
        write_finding(&mut text, finding, style);
    }
    let mut section = |title: &str, lines: String| {
        if !lines.is_empty() {
            let _ = write!(text, "\n{title}:\n{lines}");
        }
    };
    section("Waiting", lifecycle::waiting(&plan.waiting, style));
    section("Guards", lifecycle::guards(plan, style));
    if show_unmanaged {
        section("Not managed by this file", lifecycle::unmanaged(plan, style));
    }
    let summary = summary(plan);
    if !summary.is_empty() {
        let _ = writeln!(text, "\n{summary}");
    }
    if plan.has_errors() || plan.is_refused() {
        let _ = writeln!(text, "{}", style.error(verdict(plan)));
    }
    if let Some(consents) = missing_consents(plan) {
        let _ = writeln!(text, "If all of it is meant: {consents}");
    }
    text
}

/// All consents that are missing, to paste at the end of the command line. `None` where they would not be
/// enough.
pub fn missing_consents(plan: &Plan) -> Option<String> {
    let mut missing: Vec<String> = Vec::new();
    for change in &plan.changes {
        let Some(refused) = &change.refused else { continue };
        if refused.lacks.is_empty() {
            return None;
        }
        missing.extend(refused.lacks.iter().map(|consent| {
            if consent.contains('=') {
                consent.clone()
            } else {
                format!("{consent}={}", change.resource.key)
            }
        }));
    }
    for guard in plan.guards.iter().filter(|guard| guard.fails()) {
        missing.push(guard.lacks.clone()?);
    }
    missing.sort();
    missing.dedup();
    let flags = missing
        .iter()
        .map(|consent| format!("--allow {}", quoted(&printable(consent))));
    // What is masked cannot be pasted.
    let can_paste = !missing.is_empty() && !missing.iter().any(|consent| consent.contains(MASK));
    (can_paste && !plan.has_errors()).then(|| flags.collect::<Vec<_>>().join(" "))
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_=:/.,+@%".contains(c);
    if text.chars().all(is_safe) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

pub fn verdict(plan: &Plan) -> &'static str {
    if plan.has_errors() {
        "This plan has errors and cannot be applied."
    } else if plan
        .changes
        .iter()
        .any(|c| c.refused.as_ref().is_some_and(|r| r.code == Code::Protected))
    {
        "This plan is refused: no consent lifts `protected`."
    } else {
        "This plan is refused: something in it needs consent that is not given."
    }
}

/// The server in words: `http://127.0.0.1:9070 (Restate 1.7.12)`.
fn server(plan: &Plan) -> String {
    let target = &plan.target;
    let url = target.admin_url.trim_end_matches('/');
    format!(
        "{} (Restate {})",
        printable(url),
        printable(&target.restate_version)
    )
}

struct Widths {
    name: usize,
    origin: usize,
}

impl Widths {
    /// A single very long name should not push all others out of sight.
    const LONGEST_NAME: usize = 72;

    fn of(changes: &[Change]) -> Self {
        let widest =
            |part: fn(&Change) -> String| changes.iter().map(|change| part(change).chars().count()).max();
        Self {
            name: widest(name).unwrap_or(0).min(Self::LONGEST_NAME),
            origin: widest(origin).unwrap_or(0),
        }
    }
}

/// The resource of a change in words: `deployment https://checkout-v2.internal:9080`.
pub fn name(change: &Change) -> String {
    let resource = &change.resource;
    match change.op {
        // Of several subscriptions with the same ends the group tells which one goes.
        Op::Delete => name_of(resource),
        _ => format!(
            "{} {}",
            resource.kind().name(),
            printable(&resource.key.shown_ends())
        ),
    }
}

pub fn name_of(resource: &Resource) -> String {
    format!("{} {}", resource.kind().name(), key(resource))
}

/// The key as people read it.
pub fn key(resource: &Resource) -> String {
    printable(&resource.key.shown())
}

/// The file and line of a place: `restate.yaml:9`.
pub fn place(origin: &Origin) -> String {
    format!("{}:{}", printable(&origin.file), origin.line)
}

fn origin(change: &Change) -> String {
    match (&change.origin, &change.reason) {
        (Some(origin), _) => place(origin),
        (None, Some(reason)) => printable(reason),
        (None, None) => String::new(),
    }
}

pub fn symbol(op: Op) -> &'static str {
    match op {
        Op::Register | Op::Create => "+",
        Op::Update | Op::Overwrite | Op::Promote | Op::Configure => "~",
        Op::Replace => "±",
        Op::Delete => "-",
    }
}

fn paint_symbol(op: Op, style: Style) -> String {
    match op {
        Op::Register | Op::Create => style.added(symbol(op)),
        Op::Update | Op::Overwrite | Op::Promote | Op::Configure => style.changed(symbol(op)),
        Op::Replace | Op::Delete => style.removed(symbol(op)),
    }
}

fn one(text: &mut String, change: &Change, findings: &[&Finding], widths: &Widths, style: Style) {
    let (name, origin) = (name(change), origin(change));
    let pad = widths.name.saturating_sub(name.chars().count());
    let origin_pad = widths.origin.saturating_sub(origin.chars().count());
    let _ = writeln!(
        text,
        "  {} {}{:pad$}  {}{:origin_pad$}  {}",
        paint_symbol(change.op, style),
        style.strong(&name),
        "",
        style.dim(&origin),
        "",
        how(change),
    );
    for service in &change.services {
        let _ = writeln!(text, "      {}", service_line(service, &change.fields, style));
    }
    if let Some(invocations) = change.invocations.filter(|n| *n > 0) {
        let what = counted(invocations, "unfinished invocation");
        let _ = writeln!(text, "      {} {what} on it", style.warning("!"));
    }
    for field in change
        .fields
        .iter()
        .filter(|field| field.path.first().is_some_and(|first| first != "services"))
    {
        for line in fields::lines(field, style) {
            let _ = writeln!(text, "      {line}");
        }
    }
    for finding in findings {
        let mark = if finding.severity == Severity::Error {
            style.error("✗")
        } else {
            style.warning("!")
        };
        let _ = writeln!(text, "      {mark} {}", printable(&finding.message));
        if let Some(help) = &finding.help {
            let _ = writeln!(text, "        {}", style.dim(&printable(help)));
        }
    }
    if !change.consents.is_empty() {
        let consents = printable(&change.consents.join(", "));
        let _ = writeln!(text, "      {} allowed: {consents}", style.dim("·"));
    }
    if let Some(refused) = &change.refused {
        let refusal = format!("refused ({})", printable(refused.code.as_str()));
        let _ = writeln!(
            text,
            "      {} {}: {}",
            style.error("✗"),
            style.error(&refusal),
            printable(&refused.message)
        );
        let _ = writeln!(text, "        {}", style.dim(&printable(&refused.help)));
    }
}

/// The operation, and what is worth knowing about how it is done.
pub fn how(change: &Change) -> String {
    let op = change.what();
    match change.op {
        Op::Replace => match change.resource.key.group() {
            Some(group) if !regroups(change) => {
                format!("{op}, keeps group.id {}; at least once", printable(group))
            }
            Some(group) => format!("{op}, moves to group.id {}", printable(group)),
            None => op.to_owned(),
        },
        // Before it, the service is what the registration makes of it, not what it is now.
        Op::Configure if change.validated == Validated::After => format!("{op}, after the registration"),
        _ if change.validated == Validated::Server && change.refused.is_none() => {
            format!("{op}   dry run ok")
        }
        _ => op.to_owned(),
    }
}

fn regroups(change: &Change) -> bool {
    let is_group = |field: &Field| field.path.last().is_some_and(|last| last == GROUP_ID);
    change.fields.iter().any(is_group)
}

/// `~ service Checkout   revision 3 → 4   + handler onOrder   - handler legacy`
pub fn service_line(service: &ServiceChange, fields: &[Field], style: Style) -> String {
    let (sign, revision) = match (service.revision_before, service.revision_after) {
        (None, Some(after)) => (style.added("+"), format!("revision {after}")),
        (Some(before), Some(after)) if before == after => (style.changed("~"), format!("revision {before}")),
        (Some(before), Some(after)) => (style.changed("~"), format!("revision {before} → {after}")),
        (Some(before), None) => (style.removed("-"), format!("revision {before}, no longer served")),
        (None, None) => (" ".to_owned(), String::new()),
    };
    let mut parts = vec![format!("{sign} service {}", printable(&service.name)), revision];
    let of_service = |what: &str| {
        let path = ["services", &service.name, what];
        fields.iter().find(move |field| field.path == path)
    };
    if let Some(ty) = of_service("type") {
        let types = (
            fields::value(ty.before.as_ref()),
            fields::value(ty.after.as_ref()),
        );
        parts.push(format!(
            "type {} → {}",
            style.removed(&types.0),
            style.added(&types.1)
        ));
    }
    if let Some(moved) = of_service("deployment") {
        let from = fields::value(moved.before.as_ref());
        parts.push(format!("from {}", from.trim_end_matches('/')));
    }
    // The handlers of a new service go without saying.
    if service.revision_before.is_some() {
        let added = service.handlers_added.iter();
        parts.extend(added.map(|handler| format!("{} handler {}", style.added("+"), printable(handler))));
    }
    let removed = service.handlers_removed.iter();
    parts.extend(removed.map(|handler| format!("{} handler {}", style.removed("-"), printable(handler))));
    parts.join("   ")
}

fn write_finding(text: &mut String, finding: &Finding, style: Style) {
    let code = printable(finding.code.as_str());
    let label = match finding.severity {
        Severity::Error => style.error(&format!("error[{code}]")),
        Severity::Warning => style.warning(&format!("warning[{code}]")),
        Severity::Info => style.dim(&format!("info[{code}]")),
    };
    let place = match &finding.origin {
        Some(origin) => format!(" {}", style.dim(&place(origin))),
        None => String::new(),
    };
    let about = match &finding.resource {
        Some(resource) => format!(" {}", printable(&resource.key.to_string())),
        None => String::new(),
    };
    let _ = writeln!(text, "  {label}{place}{about}: {}", printable(&finding.message));
    if let Some(help) = &finding.help {
        let _ = writeln!(text, "      {}", style.dim(&printable(help)));
    }
}

/// `Plan: 1 to register, 1 to configure. 2 live resources are not managed by this file.`
fn summary(plan: &Plan) -> String {
    let counts = counts(plan);
    let changes = (!counts.is_empty()).then(|| format!("Plan: {counts}."));
    [changes, unmanaged(plan)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The changes by operation: `1 to register, 1 to configure`.
pub fn counts(plan: &Plan) -> String {
    let put_back = plan.changes.iter().filter(|change| change.is_put_back()).count();
    let mut parts: Vec<String> = Vec::new();
    for op in Op::ALL {
        let of_op = plan.summary.get(op.name()).map_or(0, |n| *n as usize);
        let others = if op == Op::Configure {
            of_op.saturating_sub(put_back)
        } else {
            of_op
        };
        if others > 0 {
            parts.push(format!("{others} to {}", op.name()));
        }
        if op == Op::Configure && put_back > 0 {
            parts.push(format!("{put_back} to put back"));
        }
    }
    parts.join(", ")
}

pub fn unmanaged(plan: &Plan) -> Option<String> {
    match plan.unmanaged.keys().count() {
        0 => None,
        1 => Some("1 live resource is not managed by this file.".to_owned()),
        n => Some(format!("{n} live resources are not managed by this file.")),
    }
}
