//! Markdown is read as GitHub would: by a parser, whatever the names are.

mod read;
pub mod scenes;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use read::{Read, assert_sound, read};
use restatectl::code::Code;
use restatectl::plan::Plan;
use restatectl::problem::{Problem, Severity};
use restatectl::render::markdown;
use restatectl::render::markdown::document::LIMIT;
use restatectl::secret::printable;
use restatectl::source::{Format, SourceFile, Span};
use scenes::{
    NASTY, change, field, full_of, incomplete, many, plan, problems_full_of, report_full_of, small,
};
use serde_json::{Value, json};

fn assert_text_is_text(text: &str) {
    let shown = printable(text);
    let document = in_markdown(&full_of(text));
    let read = assert_sound(&document);
    let ordinary = assert_sound(&in_markdown(&full_of("x")));
    assert_eq!(read.tags, ordinary.tags, "{document}");
    let resources: Vec<&str> = read.rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(resources[0], format!("service {shown}"), "{document}");
    assert!(read.rows.iter().all(|row| row.len() == 4), "{document}");
    let marker = document.lines().next().unwrap();
    let id = marker
        .strip_prefix("<!-- restatectl plan ")
        .unwrap()
        .strip_suffix(" -->")
        .unwrap();
    assert!(
        id.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.%/".contains(&b)),
        "{marker}"
    );

    let document = markdown::report(&report_full_of(text));
    let read = assert_sound(&document);
    assert_eq!(
        read.tags,
        assert_sound(&markdown::report(&report_full_of("x"))).tags,
        "{document}"
    );
    assert_eq!(
        read.rows[0][2..],
        [format!("service {shown}"), shown],
        "{document}"
    );

    let document = problems_full_of(text);
    assert_eq!(
        assert_sound(&document).tags,
        assert_sound(&problems_full_of("x")).tags,
        "{document}"
    );
}

fn in_markdown(plan: &Plan) -> String {
    markdown::plan(plan, false)
}

#[test]
fn no_text_is_more_than_text() {
    for text in NASTY {
        assert_text_is_text(text);
        assert_text_is_text(&format!("a {text} b"));
        assert_text_is_text(&format!("a{text}"));
    }
    let config = Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    };
    let glued = proptest::collection::vec(select(NASTY.to_vec()), 1..5).prop_map(|parts| parts.concat());
    let any = proptest::collection::vec(any::<char>(), 1..60).prop_map(|chars| chars.into_iter().collect());
    let text = prop_oneof![glued, any, "[ -~]{1,60}"];
    let run = TestRunner::new(config).run(&text, |text: String| {
        assert_text_is_text(&text);
        Ok(())
    });
    run.unwrap();
}

/// What a sentence says is still there: only the backticks around code go.
#[test]
fn messages_are_whole() {
    let message =
        "cannot reach http://a.internal:9080/x, asked by @octocat (#12): `a|b` is not `c`; 5 * 3 < 20";
    let findings = json!([{
        "code": "c", "severity": "error", "message": message, "help": "see `x`",
        "resource": null, "origin": null,
    }]);
    let read = assert_sound(&in_markdown(&plan(&[], &json!({ "findings": findings }))));
    assert_eq!(
        read.items,
        [format!("c: {}\nhelp: see x", message.replace('`', ""))]
    );
}

#[test]
fn a_block_ends_where_its_lines_do() {
    let lines = "+ a\n```\n~~~\n  `````\n</details>\n";
    let read = read(&markdown::escape::details(
        "x",
        &markdown::escape::fenced("diff", lines),
    ));
    assert_eq!(read.code_blocks, [lines]);
}

#[test]
fn problems_with_their_places() {
    let mut sources = restatectl::config::sources();
    let text = "version: 1\ndeployments:\n  - uri: checkout:9080\n  - uri: checkout:9080\n";
    let file = sources.add(SourceFile::new(
        "restate.yaml".to_owned(),
        text.to_owned(),
        Format::Yaml,
    ));
    let span = |start| Span {
        file,
        start,
        end: start + 13,
    };
    let invalid = Problem::error(Code::InvalidUri, "the URI has no scheme")
        .at(span(33))
        .help("write the whole address, such as `http://checkout.internal:9080`");
    let twice = Problem::error(Code::DuplicateDeployment, "`checkout:9080` is listed twice")
        .at(span(56))
        .related(span(33), "the first one");
    let down = Problem::warning(Code::ServerUnreachable, "http://127.0.0.1:9070 does not answer");
    insta::assert_snapshot!(markdown::problems(&[invalid, twice, down], &sources));
}

#[test]
fn a_small_plan() {
    let document = in_markdown(&small());
    assert_sound(&document);
    insta::assert_snapshot!(document);
}

#[test]
fn an_incomplete_apply() {
    insta::assert_snapshot!(markdown::report(&incomplete()));
}

/// A script finds its comment by the first line, whatever the plan says.
#[test]
fn the_marker_names_stack_and_cluster() {
    let first = |document: String| document.lines().next().unwrap().to_owned();
    let none = plan(&[], &json!({}));
    assert_eq!(
        first(in_markdown(&small())),
        "<!-- restatectl plan checkout/prod -->"
    );
    assert_eq!(
        first(in_markdown(&none)),
        "<!-- restatectl plan checkout/prod -->"
    );
    let nameless = json!({ "target": { "cluster_name": null }, "desired": { "stack": null } });
    assert_eq!(
        first(in_markdown(&plan(&[], &nameless))),
        "<!-- restatectl plan http%3A%2F%2F127.0.0.1%3A9070 -->"
    );
    assert_eq!(
        first(markdown::report(&incomplete())),
        "<!-- restatectl apply prod -->"
    );
    assert!(first(problems_full_of("x")).starts_with(markdown::MARKER));
}

/// The note's `COUNT of TOTAL WHAT (N GROUP, …)`: count, total, and the sum of the groups.
fn left_out(document: &str, what: &str) -> Option<(usize, usize, usize)> {
    let note = document.lines().find(|line| line.contains("Left out"))?;
    let (_, parts) = note.split_once(": ")?;
    let part = parts.split("; ").find(|part| part.contains(what))?;
    let (count, rest) = part.split_once(" of ").unwrap();
    let (_, groups) = part.split_once('(').unwrap_or_default();
    let number = |text: &str| text.split(' ').next().unwrap().parse().unwrap();
    let groups = groups
        .split(')')
        .next()
        .unwrap()
        .split(", ")
        .filter(|group| !group.is_empty());
    Some((number(count), number(rest), groups.map(number).sum()))
}

#[track_caller]
fn assert_accounted(document: &str, changes: usize, with_details: usize) -> Read {
    let read = assert_sound(document);
    assert!(read.rows.iter().all(|row| row.len() == 4), "{document}");
    let shown = document.matches("<details>").count() - document.matches("```mermaid").count();
    for (what, shown, total) in [
        ("table rows", read.rows.len(), changes),
        ("details of changes", shown, with_details),
    ] {
        match left_out(document, what) {
            None => assert_eq!(shown, total, "{what}"),
            Some((count, of, by_group)) => {
                assert_eq!((shown + count, of, by_group), (total, total, count), "{what}");
            }
        }
    }
    read
}

/// Of more changes it would be a tangle.
#[test]
fn a_small_plan_has_a_graph() {
    for (n, has_graph) in [(1, false), (2, true), (20, true), (21, false)] {
        let document = in_markdown(&many(n));
        assert_eq!(document.contains("```mermaid\nflowchart LR\n"), has_graph, "{n}");
    }
}

#[test]
fn a_large_plan_is_one_document_that_says_what_it_leaves_out() {
    for n in [300, 5000] {
        let plan = many(n);
        let document = in_markdown(&plan);
        let read = assert_accounted(&document, n, n);
        let rank = |row: &Vec<String>| {
            ["refused", "destructive", "breaking"]
                .iter()
                .position(|word| row[3].contains(word))
                .unwrap_or(3)
        };
        let ranks: Vec<usize> = read.rows.iter().map(rank).collect();
        assert!(ranks.is_sorted());
        for (rank, per_hundred) in [(0, 1), (1, 2), (2, 2)] {
            let expected = n / 100 * per_hundred;
            assert_eq!(
                ranks.iter().filter(|&&r| r == rank).count(),
                expected,
                "{n}, rank {rank}"
            );
        }
        // The room is used: what is left out would not have fit.
        assert!(document.len() > LIMIT - 4000, "{}", document.len());
        if n == 300 {
            assert_eq!(read.rows.len(), 300);
            assert!(document.matches("<details>").count() > 50);
        }
    }
}

#[test]
fn a_large_report_starts_with_what_is_not_done() {
    let template = incomplete();
    let mut report = template.clone();
    // Done, failed and blocked in turns.
    report.changes = template.changes.iter().cycle().take(5001).cloned().collect();
    let document = markdown::report(&report);
    let read = assert_sound(&document);
    assert!(
        read.rows.iter().all(|row| row.len() == 4 && row[0] == "failed"),
        "{document}"
    );
    let (count, of, by_group) = left_out(&document, "table rows").unwrap();
    assert_eq!((read.rows.len() + count, of, by_group), (5001, 5001, count));
    let (errors, of, _) = left_out(&document, "errors of changes").unwrap();
    assert_eq!(of, 1667);
    assert_eq!(document.matches("META0009").count(), of - errors);
}

#[test]
fn one_huge_value_is_cut_and_the_rest_is_there() {
    let huge = |c: char| json!(c.to_string().repeat(1 << 20));
    let differing = json!(format!("{}end", "a".repeat(1 << 20)));
    let long = json!({
        "fields": [
            field(&["metadata", "a"], &huge('a'), &differing),
            field(&["metadata", "b"], &huge('`'), &huge('|')),
            field(&["metadata", "c"], &Value::Null, &json!({ "x": huge('@') })),
        ],
    });
    let mut changes = vec![change(1, "configure", "service", &"n".repeat(1 << 20), &long)];
    changes.extend((2..=10).map(|id| {
        change(
            id,
            "promote",
            "service",
            &format!("S{id}"),
            &json!({
                "fields": [field(&["public"], &json!(true), &json!(false))],
            }),
        )
    }));
    let finding = |message: &Value| json!({ "code": "c", "severity": "warning", "message": message, "help": message, "resource": null, "origin": null });
    let findings = json!([finding(&huge('*')), finding(&json!("short"))]);
    let document = in_markdown(&plan(&changes, &json!({ "findings": findings })));
    let read = assert_accounted(&document, 10, 10);
    assert_eq!(read.rows.len(), 10);
    assert!(document.contains("(1048576 characters)"));
    assert!(
        read.code_blocks[0].contains("aaaend\n"),
        "{}",
        read.code_blocks[0]
    );
    assert!(
        read.items.iter().any(|item| item == "c: short\nhelp: short"),
        "{:?}",
        read.items
    );
}

/// A list of errors that is too long by itself does not keep out the changes, nor the reverse.
#[test]
fn every_section_has_its_share() {
    let finding = |severity: &str, id: usize| {
        let message = format!("number {id}: {}", "what is wrong with it ".repeat(20));
        json!({ "code": "c", "severity": severity, "message": message, "help": "mend it", "resource": null, "origin": null })
    };
    let findings: Vec<Value> = (0..500)
        .flat_map(|id| [finding("error", id), finding("warning", id), finding("info", id)])
        .collect();
    let mut plan = many(1000);
    plan.findings = serde_json::from_value(json!(findings)).unwrap();
    let document = in_markdown(&plan);
    let read = assert_accounted(&document, 1000, 1000);
    let shown: usize = ["errors", "warnings", "notes", "refusals"]
        .iter()
        .map(|what| {
            let (count, of, _) = left_out(&document, what).unwrap_or_default();
            assert!(
                *what == "refusals" || (count > 0 && count < of && of == 500),
                "{what}"
            );
            if of == 0 { 10 } else { of - count }
        })
        .sum();
    assert_eq!(read.items.len(), shown + plan.guards.len());
    assert!(read.rows.len() > 100);
}

#[test]
fn every_outcome_has_its_words() {
    let empty = plan(&[], &json!({}));
    let headline = |plan: &Plan| in_markdown(plan).lines().nth(1).unwrap().to_owned();
    assert_eq!(headline(&empty), "### restatectl plan: no changes");
    let waiting = json!([{
        "resource": { "kind": "deployment", "key": "http://a/" }, "reason": "draining", "invocations": 1, "message": "m",
    }]);
    let waiting = plan(&[], &json!({ "waiting": waiting }));
    assert_eq!(
        headline(&waiting),
        "### restatectl plan: no changes now, 1 waiting"
    );
    let error = json!([{ "code": "c", "severity": "error", "message": "m", "help": null, "resource": null, "origin": null }]);
    let wrong = plan(
        &[change(1, "create", "service", "S", &json!({}))],
        &json!({ "findings": error }),
    );
    assert_eq!(headline(&wrong), "### restatectl plan with 1 error: 1 to create");
    let mut problems = vec![Problem::error(Code::InvalidUri, "m")];
    problems.push(Problem::new(Code::UriQuery, Severity::Info, "m"));
    let problems = markdown::problems(&problems, &restatectl::config::sources());
    assert_eq!(problems.lines().nth(1), Some("### restatectl: 1 error, 1 note"));
}
