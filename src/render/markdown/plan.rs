//! A plan for the pull request that brings it about.

use super::document::{Document, Elements, LIMIT};
use super::escape::{code, details, fenced, html, prose};
use super::{
    ASIDE, IMPORTANT, MESSAGE, NAME, caution, count, finding, head, item, list, named, place, row, table,
};
use crate::change::{Change, FieldChange, Op, Resource, Risk};
use crate::code::Code;
use crate::finding::{Finding, Guard, Waiting};
use crate::graph::Graph;
use crate::plan::Plan;
use crate::problem::Severity;
use crate::render::plan::{counts, how, key, service_line, unmanaged, verdict};
use crate::render::style::Style;
use crate::render::{fields, graph, short};
use crate::words::counted;
use std::fmt::Write;

/// The longest details of one change, in bytes.
const DETAILS: usize = 6_000;
/// The longest value in the details, in characters.
const VALUE: usize = 300;
/// The most changes of which a graph is drawn. More are a tangle.
const GRAPH: usize = 20;

pub fn plan(plan: &Plan, show_unmanaged: bool) -> String {
    let stack = plan.desired.stack.as_deref();
    let mut head = head("plan", &headline(plan), &plan.target, stack);
    if !plan.targets.is_empty() {
        let shown: Vec<String> = plan
            .targets
            .iter()
            .take(5)
            .map(|target| code(&short::middle(target, NAME)))
            .collect();
        let more = match plan.targets.len() - shown.len() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let _ = writeln!(
            head,
            "\nRestricted to {}{more}, with what that needs.",
            shown.join(", ")
        );
    }
    if plan.has_errors() || plan.is_refused() {
        head += &caution(&prose(verdict(plan)));
    }
    let mut changes: Vec<&Change> = plan.changes.iter().collect();
    changes.sort_by_key(|change| (change.refused.is_none(), std::cmp::Reverse(change.risk)));
    let mut document = Document::new(head);
    let important = important(plan, &changes, &mut document);
    let aside = aside(plan, show_unmanaged, &mut document);
    let op = |change: &&Change| change.what();
    let columns = ["Change", "Resource", "Where", "Notes"];
    let rows = document.section(table(&columns, &changes, op), |change| change_row(change));
    changes.retain(|change| !lines(change).is_empty());
    let folded = Elements {
        what: "details of changes",
        items: &changes,
        group: op,
        opening: String::new(),
        share: LIMIT,
    };
    let folded = document.section(folded, |change| change_details(change));
    let graph = graph_of(plan, &mut document);
    document.finish(&[important, vec![rows], aside, vec![folded, graph]].concat())
}

/// The headline of a plan: `plan: 2 to register, 1 to delete`.
fn headline(plan: &Plan) -> String {
    let errors = of_severity(plan, Severity::Error).len();
    let verdict = match (errors, plan.is_refused()) {
        (0, false) => String::new(),
        (0, true) => " refused".to_owned(),
        (n, _) => format!(" with {}", count(n, "error")),
    };
    let changes = match counts(plan) {
        counts if !counts.is_empty() => format!(": {counts}"),
        _ if !verdict.is_empty() => String::new(),
        _ if plan.findings.iter().any(|finding| finding.code == Code::LeftOut) => {
            ": no changes, but for what is left out".to_owned()
        }
        _ if plan.waiting.is_empty() => ": no changes".to_owned(),
        _ => format!(": no changes now, {} waiting", plan.waiting.len()),
    };
    format!("plan{verdict}{changes}")
}

fn of_severity(plan: &Plan, severity: Severity) -> Vec<&Finding> {
    (plan.findings.iter())
        .filter(|finding| finding.severity == severity)
        .collect()
}

/// Why the plan cannot be applied.
fn important(plan: &Plan, changes: &[&Change], document: &mut Document) -> Vec<String> {
    let guards: Vec<&Guard> = plan.guards.iter().filter(|guard| guard.fails()).collect();
    let title = format!("{} failed", count(guards.len(), "guard"));
    let guards = document.section(list("failed guards", &title, &guards, IMPORTANT), |guard| {
        self::guard(guard)
    });
    let errors = of_severity(plan, Severity::Error);
    let title = count(errors.len(), "error");
    let errors = document.section(list("errors", &title, &errors, IMPORTANT), |found| finding(found));
    let refused: Vec<&&Change> = changes.iter().filter(|change| change.refused.is_some()).collect();
    let title = format!("{} refused", count(refused.len(), "change"));
    let refused = document.section(list("refusals", &title, &refused, IMPORTANT), |change| {
        refusal(change)
    });
    vec![guards, errors, refused]
}

/// What is worth knowing beside the changes.
fn aside(plan: &Plan, show_unmanaged: bool, document: &mut Document) -> Vec<String> {
    let warnings = of_severity(plan, Severity::Warning);
    let title = count(warnings.len(), "warning");
    let warnings = document.section(list("warnings", &title, &warnings, ASIDE), |found| finding(found));
    let notes = of_severity(plan, Severity::Info);
    let title = count(notes.len(), "note");
    let notes = document.section(list("notes", &title, &notes, ASIDE), |found| finding(found));
    let title = format!("{} waiting to be deleted", plan.waiting.len());
    let waiting = document.section(list("waiting", &title, &plan.waiting, ASIDE), self::waiting);
    let is_worth_it =
        (plan.guards.iter()).any(Guard::fails) || plan.changes.iter().any(|change| change.op == Op::Delete);
    let passing: Vec<&Guard> = (plan.guards.iter())
        .filter(|guard| is_worth_it && !guard.fails())
        .collect();
    let title = format!("{} passed", count(passing.len(), "guard"));
    let passing = document.section(list("passed guards", &title, &passing, ASIDE), |guard| {
        self::guard(guard)
    });
    let unmanaged: Vec<String> = unmanaged(plan).into_iter().collect();
    let unmanaged = document.section(list("remarks", "", &unmanaged, ASIDE), |line| format!("{line}\n"));
    let live = plan.unmanaged.keys().filter(|_| show_unmanaged);
    let live: Vec<Resource> = live.cloned().map(Resource::from).collect();
    let listed = document.section(
        list("unmanaged resources", "Not managed by this file", &live, ASIDE),
        |resource| format!("- {}\n", named(resource)),
    );
    vec![warnings, notes, waiting, passing, unmanaged, listed]
}

fn guard(guard: &Guard) -> String {
    let message = prose(&short::start(&guard.message, MESSAGE));
    item(
        &code(&short::middle(guard.code.as_str(), NAME)),
        &message,
        guard.help.as_deref(),
    )
}

fn refusal(change: &Change) -> String {
    let Some(refused) = &change.refused else {
        return String::new();
    };
    let subject = format!(
        "{} {} ({})",
        change.what(),
        named(&change.resource),
        code(&short::middle(refused.code.as_str(), NAME))
    );
    let message = prose(&short::start(&refused.message, MESSAGE));
    item(&subject, &message, Some(&refused.help))
}

fn waiting(waiting: &Waiting) -> String {
    let message = prose(&short::start(&waiting.message, MESSAGE));
    item(&named(&waiting.resource), &message, None)
}

fn change_row(change: &Change) -> String {
    let place = match (&change.origin, &change.reason) {
        (Some(origin), _) => place(origin),
        (None, Some(reason)) => prose(&short::start(reason, NAME)),
        (None, None) => String::new(),
    };
    row(&[
        change.what().to_owned(),
        named(&change.resource),
        place,
        notes(change),
    ])
}

fn notes(change: &Change) -> String {
    let mut notes = Vec::new();
    if change.refused.is_some() {
        notes.push("**refused**".to_owned());
    }
    match change.risk {
        Risk::Safe => {}
        Risk::Breaking => notes.push("**breaking**".to_owned()),
        Risk::Destructive => notes.push("**destructive**".to_owned()),
    }
    let how = how(change);
    let beyond_op = how[change.what().len()..].trim_start_matches([',', ' ']);
    if !beyond_op.is_empty() {
        notes.push(prose(&short::start(beyond_op, NAME)));
    }
    notes.join(", ")
}

fn change_details(change: &Change) -> String {
    let key = html(&short::middle(&key(&change.resource), NAME));
    let summary = format!(
        "{} {} <code>{key}</code>",
        change.what(),
        change.resource.kind().name()
    );
    let lines = lines(change);
    let mut shown = String::new();
    let mut rest = lines.iter();
    while let Some(line) = rest.as_slice().first() {
        if shown.len() + line.len() > DETAILS {
            let _ = writeln!(shown, "  … {} more are not shown here", count(rest.len(), "line"));
            break;
        }
        let _ = writeln!(shown, "{line}");
        rest.next();
    }
    details(&summary, &fenced("diff", &shown))
}

/// The change as in the text, with `+`, `-` and `!` at the start of lines, where they have colours in a
/// diff.
fn lines(change: &Change) -> Vec<String> {
    let plain = Style::new(false);
    let mut lines = Vec::new();
    for service in &change.services {
        let line = service_line(service, &change.fields, plain);
        lines.push(match line.strip_prefix('~') {
            Some(rest) => format!("!{rest}"),
            None => line,
        });
    }
    if let Some(n) = change.invocations.filter(|n| *n > 0) {
        lines.push(format!("! {} on it", counted(n, "unfinished invocation")));
    }
    for field in &change.fields {
        if field.path.first().is_some_and(|first| first == "services") {
            continue;
        }
        let sign = match field.change {
            FieldChange::Set => "+",
            FieldChange::Changed => "!",
            FieldChange::Removed => "-",
            FieldChange::Restored => " ",
        };
        for line in fields::lines(&short::field(field, VALUE), plain) {
            let is_side = line.starts_with("  - ") || line.starts_with("  + ");
            lines.push(if is_side {
                line.trim_start().to_owned()
            } else {
                format!("{sign} {line}")
            });
        }
    }
    if !change.consents.is_empty() {
        lines.push(format!("  allowed: {}", change.consents.join(", ")));
    }
    (lines.iter())
        .map(|line| crate::secret::printable(&short::start(line, 3 * VALUE)))
        .collect()
}

fn graph_of(plan: &Plan, document: &mut Document) -> String {
    let is_small = (2..=GRAPH).contains(&plan.changes.len());
    let graphs: Vec<Graph> = is_small.then(|| Graph::of_plan(plan)).into_iter().collect();
    document.section(list("graphs", "", &graphs, LIMIT), |graph| {
        details("graph", &fenced("mermaid", &graph::mermaid(graph)))
    })
}
