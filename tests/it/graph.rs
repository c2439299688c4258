//! Graphs as data, and as text in which no name is more than a name.

use crate::markdown::scenes::{NASTY, change, full_of, plan, small};
use crate::roundtrip::parsed;
use restatectl::desired::Desired;
use restatectl::graph::{Effect, Graph, Relation};
use restatectl::plan::Plan;
use restatectl::render::graph::{dot, mermaid};
use restatectl::source::Format;
use serde_json::{Value, json};

fn desired(text: &str) -> Desired {
    parsed(Format::Yaml, text).unwrap()
}

/// A line for each node and edge.
fn lines(graph: &Graph) -> Vec<String> {
    let nodes = graph.nodes.iter().map(|node| {
        let mark = node.mark.map_or_else(String::new, |mark| {
            let effect = match mark.effect {
                Effect::Added => "+",
                Effect::Changed => "~",
                Effect::Removed => "-",
            };
            let refused = if mark.is_refused { " refused" } else { "" };
            format!(" [{effect} {}{refused}]", mark.what)
        });
        let key = node.is.to_string();
        format!("{} {key}{mark}", node.is.what())
    });
    let key = |index: usize| graph.nodes[index].is.to_string();
    let edges = graph.edges.iter().map(|edge| {
        let how = match &edge.relation {
            Relation::Exposes => "exposes".to_owned(),
            Relation::Topic(topic) => format!("topic {topic}"),
            Relation::Handler(handler) => format!("handler {handler}"),
        };
        format!("{} - {how} - {}", key(edge.from), key(edge.to))
    });
    nodes.chain(edges).collect()
}

fn service(name: &str, before: Option<u32>, after: Option<u32>) -> Value {
    json!({
        "name": name, "type": "Service", "revision_before": before, "revision_after": after,
        "handlers_added": [], "handlers_removed": [],
    })
}

/// A new version of what serves `Cart`, which drops `Old`, and three subscriptions.
fn release() -> Plan {
    let reads = |topic: &str, group: &str| format!("kafka://main/{topic} -> service://Cart/add{group}");
    let refused = json!({ "code": "protected", "message": "m", "help": "h" });
    plan(
        &[
            change(
                1,
                "register",
                "deployment",
                "http://v2/",
                &json!({
                    "services": [service("Cart", Some(1), Some(2)), service("Mail", None, Some(1))],
                }),
            ),
            change(2, "configure", "service", "Cart", &json!({ "refused": refused })),
            change(3, "configure", "service", "Mail", &json!({})),
            change(
                4,
                "replace",
                "subscription",
                &reads("orders", " @ g"),
                &json!({ "resource": { "server_id": "sub_1" } }),
            ),
            change(5, "create", "subscription", &reads("refunds", ""), &json!({})),
            change(
                6,
                "delete",
                "subscription",
                &reads("orders", " @ g"),
                &json!({ "resource": { "server_id": "sub_2" } }),
            ),
            change(
                7,
                "delete",
                "deployment",
                "http://v1/",
                &json!({
                    "resource": { "server_id": "dp_1" }, "services": [service("Old", Some(1), None)],
                }),
            ),
        ],
        &json!({}),
    )
}

#[test]
fn of_a_plan_it_has_the_changes_and_their_neighbours() {
    let orders = "kafka://main/orders -> service://Cart/add @ g";
    let refunds = "kafka://main/refunds -> service://Cart/add";
    let expected = [
        "deployment http://v2/ [+ register]".to_owned(),
        // That it is configured says more than that it has a new revision.
        "service Cart [~ configure refused]".to_owned(),
        // That it is new says more than that it is configured.
        "service Mail [+ register]".to_owned(),
        format!("subscription {orders} [~ replace]"),
        "Kafka cluster main".to_owned(),
        format!("subscription {refunds} [+ create]"),
        // Another one with the same key.
        format!("subscription {orders} [- delete]"),
        "deployment http://v1/ [- delete]".to_owned(),
        "service Old [- delete]".to_owned(),
        "http://v2/ - exposes - Cart".to_owned(),
        "http://v2/ - exposes - Mail".to_owned(),
        format!("main - topic orders - {orders}"),
        format!("{orders} - handler add - Cart"),
        format!("main - topic refunds - {refunds}"),
        format!("{refunds} - handler add - Cart"),
        format!("main - topic orders - {orders}"),
        format!("{orders} - handler add - Cart"),
        "http://v1/ - exposes - Old".to_owned(),
    ];
    assert_eq!(lines(&Graph::of_plan(&release())), expected);
}

#[test]
fn of_the_files_it_has_all_they_list_and_what_the_plan_adds() {
    let desired = desired(
        r"
version: 1
deployments:
  - uri: http://v2
  - uri: http://other
    services: [Audit]
services:
  Cart: { public: true }
subscriptions:
  - source: kafka://main/orders
    sink: service://Cart/add
    options: { group.id: g }
",
    );
    let orders = "kafka://main/orders -> service://Cart/add @ g";
    let nodes = |marks: [&str; 3]| {
        [
            format!("deployment http://v2/{}", marks[0]),
            "deployment http://other/".to_owned(),
            "service Audit".to_owned(),
            format!("service Cart{}", marks[1]),
            format!("subscription {orders}{}", marks[2]),
            "Kafka cluster main".to_owned(),
        ]
    };
    let edges = [
        "http://other/ - exposes - Audit".to_owned(),
        format!("main - topic orders - {orders}"),
        format!("{orders} - handler add - Cart"),
    ];
    assert_eq!(
        lines(&Graph::of_desired(&desired, None)),
        [nodes(["", "", ""]).as_slice(), &edges].concat()
    );
    // What the files do not list, such as `Old`, is not there; what is deleted is another one.
    let added = ["service Mail [+ register]".to_owned()];
    let exposed = [
        "http://v2/ - exposes - Cart".to_owned(),
        "http://v2/ - exposes - Mail".to_owned(),
    ];
    let marks = [" [+ register]", " [~ configure refused]", " [~ replace]"];
    assert_eq!(
        lines(&Graph::of_desired(&desired, Some(&release()))),
        [nodes(marks).as_slice(), &added, &edges, &exposed].concat()
    );
}

/// What is between the quotes, and the line with `…` for it.
fn unquoted(line: &str) -> (String, Vec<&str>) {
    let parts: Vec<&str> = line.split('"').collect();
    assert_eq!(parts.len() % 2, 1, "{line}");
    let texts = parts.iter().skip(1).step_by(2).copied().collect();
    let rest: Vec<&str> = parts.iter().step_by(2).copied().collect();
    (rest.join("…"), texts)
}

/// A node, an edge or a class on each line, and in the texts nothing that Mermaid makes more of.
fn assert_mermaid(text: &str) {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    for line in lines.filter(|line| !line.starts_with("  classDef ")) {
        let (shape, texts) = unquoted(line);
        let shape = shape.replace(|c: char| c.is_ascii_digit(), "");
        let (shape, class) = shape.split_once(":::").unwrap_or((&shape, "added"));
        let shapes = [
            "  n[…]",
            "  n([…])",
            "  n{{…}}",
            "  n[(…)]",
            "  n --> n",
            "  n -->|…| n",
        ];
        assert!(shapes.contains(&shape), "{line}");
        assert!(
            ["added", "changed", "removed", "refused"].contains(&class),
            "{line}"
        );
        for text in texts {
            assert!(!text.trim().is_empty(), "{line}");
            let text = text.replacen("<br/>", "", 1);
            let is_plain = |c: char| c.is_alphanumeric() || " ./:-_@,()→…#;".contains(c);
            assert!(text.chars().all(is_plain), "{line}");
            assert!(!text.contains("style") || !text.contains(':'), "{line}");
            // Every `#` starts a number, and every `;` ends one.
            let mut entities = text.split('#');
            assert!(
                entities.next().is_some_and(|before| !before.contains(';')),
                "{line}"
            );
            for entity in entities {
                let (number, after) = entity.split_once(';').unwrap();
                assert!(number.parse::<u32>().is_ok() && !after.contains(';'), "{line}");
            }
        }
    }
}

/// Quoted strings in which a backslash is followed by what it escapes.
fn assert_dot(text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[lines.len() - 1]), ("digraph restatectl {", "}"));
    for line in &lines[1..lines.len() - 1] {
        let mut chars = line.chars();
        let mut is_quoted = false;
        let mut outside = String::new();
        while let Some(c) = chars.next() {
            match c {
                '"' => is_quoted = !is_quoted,
                '\\' => assert!(
                    is_quoted && chars.next().is_some_and(|c| "\\\"n".contains(c)),
                    "{line}"
                ),
                _ if !is_quoted => outside.push(c),
                _ => {}
            }
        }
        assert!(!is_quoted, "{line}");
        let is_known = |c: char| c.is_ascii_alphanumeric() || " []=,->".contains(c);
        assert!(outside.chars().all(is_known), "{line}");
    }
}

#[test]
fn no_name_is_more_than_a_name() {
    for text in NASTY.into_iter().chain([""]) {
        for text in [
            text.to_owned(),
            format!("a{text}b"),
            format!("\"{text}\\"),
            format!("%%{{{text}}}%%"),
        ] {
            let graph = Graph::of_plan(&full_of(&text));
            assert!(graph.nodes.len() > 3);
            let (mermaid, dot) = (mermaid(&graph), dot(&graph));
            assert_mermaid(&mermaid);
            assert_dot(&dot);
            let is_edge =
                |line: &&str| line.split(['[', '|']).next().unwrap().contains("->") || line.contains("-->|");
            for text in [mermaid, dot] {
                assert_eq!(text.lines().filter(is_edge).count(), graph.edges.len(), "{text}");
                let nodes = text
                    .lines()
                    .filter(|line| line.starts_with("  n") && !line.starts_with("  node") && !is_edge(line));
                assert_eq!(nodes.count(), graph.nodes.len(), "{text}");
            }
        }
    }
}

#[test]
fn a_small_graph() {
    let graph = Graph::of_plan(&small());
    insta::assert_snapshot!(format!("{}\n{}", mermaid(&graph), dot(&graph)));
}
