//! Plans and reports to render.

use restatectl::apply::Report;
use restatectl::code::Code;
use restatectl::plan::Plan;
use restatectl::problem::Problem;
use restatectl::render::markdown;
use restatectl::source::{Format, SourceFile, Span};
use serde_json::{Value, json};

/// What a name could try.
pub const NASTY: [&str; 34] = [
    "|",
    "||",
    "`",
    "``` ",
    "\\",
    "\\|",
    "\\`|",
    "<script>alert(1)</script>",
    "-->",
    "<!--",
    "</details>",
    "</summary><b>",
    "\n",
    "\n\n# h\n\n",
    "\r\n::error::x",
    "\n~~~\n",
    "@octocat",
    "me@example.com",
    "#123",
    "GH-12",
    "0123456789abcdef0123456789abcdef01234567",
    "[x](http://y)",
    "![](http://y)",
    "[x]: http://y",
    "http://example.com/?a=b",
    "www.example.com",
    "<http://example.com>",
    "\u{202e}evil",
    "&lt;&#124;&amp;",
    "**b** _i_ ~~s~~",
    "$`x`$ $y$",
    ":tada:",
    "1. a - b + c",
    "\u{1b}[31m\0\t  \u{85}\u{2028}",
];

pub fn plan(changes: &[Value], more: &Value) -> Plan {
    let mut summary = serde_json::Map::new();
    for change in changes {
        let count = summary.entry(change["op"].as_str().unwrap()).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap() + 1);
    }
    let mut plan = json!({
        "format_version": "1.0", "restatectl_version": "0.1.0", "created_at": "2026-11-23T20:00:00Z",
        "target": {
            "admin_url": "http://127.0.0.1:9070/", "cluster_name": "prod",
            "restate_version": "1.7.12", "admin_api_version": 4,
        },
        "desired": { "files": [], "digest": "", "stack": "checkout" },
        "changes": changes, "guards": [], "waiting": [], "findings": [], "unmanaged": {},
        "summary": summary,
        "inputs": {
            "paths": [], "var_files": [], "values": {}, "sensitive": {}, "variables": [], "allow": [], "resend": [],
            "destroy": false, "discover": "all",
        },
        "digest": "",
    });
    merge(&mut plan, more);
    serde_json::from_value(plan).unwrap()
}

fn merge(into: &mut Value, more: &Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key.as_str()).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}

pub fn change(id: usize, op: &str, kind: &str, key: &str, more: &Value) -> Value {
    let mut change = json!({
        "id": id, "op": op, "risk": "safe", "resource": { "kind": kind, "key": key },
        "origin": { "file": "restate.yaml", "line": id, "column": 5 }, "reason": null,
        "validated": "local", "depends_on": [], "fields": [], "refused": null, "precondition": {},
    });
    merge(&mut change, more);
    change
}

pub fn field(path: &[&str], before: &Value, after: &Value) -> Value {
    let change = match (before, after) {
        (Value::Null, _) => "set",
        (_, Value::Null) => "removed",
        _ => "changed",
    };
    json!({ "path": path, "before": before, "after": after, "sensitive": false, "change": change })
}

/// What the contract shows, and what is refused.
pub fn small() -> Plan {
    let changes = [
        change(
            9,
            "register",
            "deployment",
            "https://checkout-v2.internal:9080/",
            &json!({
                "validated": "server",
                "fields": [
                    { "path": ["additional_headers", "authorization"], "before": null, "after": null, "sensitive": true, "change": "set" },
                    field(&["services", "Checkout", "deployment"], &json!("https://checkout-v1.internal:9080/"), &json!("https://checkout-v2.internal:9080/")),
                ],
                "services": [
                    { "name": "Checkout", "type": "VirtualObject", "revision_before": 3, "revision_after": 4, "handlers_added": ["onOrder"], "handlers_removed": ["legacy"] },
                    { "name": "Mail", "type": "Service", "revision_before": null, "revision_after": 1, "handlers_added": ["send"], "handlers_removed": [] },
                ],
                "risk": "breaking", "consents": ["breaking"],
            }),
        ),
        change(
            21,
            "configure",
            "service",
            "Checkout",
            &json!({
                "validated": "after",
                "fields": [
                    field(&["public"], &json!(true), &json!(false)),
                    field(&["idempotency_retention"], &Value::Null, &json!("7d")),
                    field(&["abort_timeout"], &json!("1m"), &Value::Null),
                ],
            }),
        ),
        change(
            36,
            "replace",
            "subscription",
            "kafka://main/orders -> service://Checkout/onOrder @ checkout-orders",
            &json!({
                "fields": [field(&["options", "auto.offset.reset"], &json!("latest"), &json!("earliest"))],
            }),
        ),
        change(
            40,
            "delete",
            "deployment",
            "https://checkout-v1.internal:9080/",
            &json!({
                "risk": "destructive", "origin": null, "reason": "not listed, and drained",
                "resource": { "server_id": "dp_1" }, "invocations": 2,
                "refused": { "code": "protected", "message": "`https://checkout-v1.internal:9080` is protected", "help": "remove `protected: true` in a change of its own" },
            }),
        ),
    ];
    plan(
        &changes,
        &json!({
            "guards": [
                { "code": "max-deletes", "status": "pass", "message": "1 of 10" },
                { "code": "delete-share", "status": "fail", "message": "1 of 2 deployments would go", "help": "this is more than 30 %: if it is meant, run with `--allow deletes=1`" },
            ],
            "findings": [{
                "code": "override-reset", "severity": "warning",
                "message": "resets inactivity_timeout of Cart (2m → 1m), which no file manages", "help": null,
                "resource": { "kind": "deployment", "key": "https://checkout-v2.internal:9080/" },
                "origin": { "file": "restate.yaml", "line": 9, "column": 5 },
            }],
            "waiting": [{
                "resource": { "kind": "deployment", "key": "https://mail-v1.internal:9080/", "server_id": "dp_7" },
                "reason": "draining", "invocations": 17, "message": "17 invocations run on it",
            }],
            "unmanaged": { "deployment": ["http://a/", "http://b/"] },
        }),
    )
}

/// A plan of one change of each sort, with the text wherever there can be one.
pub fn full_of(text: &str) -> Plan {
    let more = |op: &str| {
        json!({
            "origin": if op == "delete" { Value::Null } else { json!({ "file": text, "line": 1, "column": 1 }) },
            "reason": text,
            "resource": { "server_id": text },
            "fields": [
                field(&["options", text], &json!(text), &json!(format!("{text}.{}", "long".repeat(20)))),
                field(&[text], &Value::Null, &json!({ text: [text] })),
                field(&["public"], &json!(true), &json!(false)),
            ],
            "services": [{
                "name": text, "type": text, "revision_before": 1, "revision_after": 2,
                "handlers_added": [text], "handlers_removed": [text],
            }],
            "consents": [text],
            "refused": { "code": text, "message": text, "help": text },
        })
    };
    let changes = [
        change(1, "configure", "service", text, &more("configure")),
        change(2, "delete", "deployment", text, &more("delete")),
        change(
            3,
            "replace",
            "subscription",
            &format!("kafka://{text}/{text} -> service://{text}/{text} @ {text}"),
            &more("replace"),
        ),
    ];
    let finding = |severity: &str| {
        json!({
            "code": text, "severity": severity, "message": text, "help": text,
            "resource": { "kind": "service", "key": text },
            "origin": { "file": text, "line": 1, "column": 1 },
        })
    };
    plan(
        &changes,
        &json!({
            "target": { "admin_url": text, "cluster_name": text, "restate_version": text },
            "desired": { "stack": text },
            "guards": [
                { "code": text, "status": "fail", "message": text, "help": text },
                { "code": text, "status": "pass", "message": text },
            ],
            "findings": [finding("error"), finding("warning"), finding("info")],
            "waiting": [{
                "resource": { "kind": "service", "key": text }, "reason": "draining", "invocations": 1, "message": text,
            }],
            "targets": [text],
        }),
    )
}

pub fn report_full_of(text: &str) -> Report {
    let change = |status: &str| {
        json!({
            "id": 1, "op": "configure", "resource": { "kind": "service", "key": text }, "status": status,
            "server_id": text, "note": text,
            "error": { "message": text, "restate_code": text, "http_status": 500 },
        })
    };
    serde_json::from_value(json!({
        "format_version": "1.0", "outcome": "incomplete", "alerts": [text],
        "findings": [{
            "code": text, "severity": "error", "message": text, "help": text, "resource": null, "origin": null,
        }],
        "target": {
            "admin_url": text, "cluster_name": text, "restate_version": text, "admin_api_version": 4,
        },
        "changes": [change("failed"), change("done")],
        "summary": { "done": 1, "failed": 1 },
    }))
    .unwrap()
}

pub fn problems_full_of(text: &str) -> String {
    let mut sources = restatectl::config::sources();
    let file = sources.add(SourceFile::new(
        text.to_owned(),
        "version: 1".to_owned(),
        Format::Yaml,
    ));
    let span = |start| Span {
        file,
        start,
        end: start + 1,
    };
    let error = Problem::error(Code::InvalidUri, text)
        .at(span(0))
        .help(text)
        .related(span(3), text);
    let warning = Problem::warning(Code::UriQuery, text).help(text);
    markdown::problems(&[error, warning], &sources)
}

pub fn incomplete() -> Report {
    serde_json::from_value(json!({
        "format_version": "1.0", "outcome": "incomplete", "alerts": ["service Cart IS PUBLIC"],
        "target": { "admin_url": "http://127.0.0.1:9070/", "cluster_name": "prod", "restate_version": "1.7.12", "admin_api_version": 4 },
        "changes": [
            { "id": 1, "op": "register", "resource": { "kind": "deployment", "key": "https://checkout-v2.internal:9080/" }, "status": "done", "server_id": "dp_2", "error": null, "note": "the answer was lost; it was found by its address" },
            { "id": 2, "op": "configure", "resource": { "kind": "service", "key": "Cart" }, "status": "failed", "server_id": null, "error": { "message": "the server cannot be reached", "restate_code": "META0009", "http_status": 503 } },
            { "id": 3, "op": "create", "resource": { "kind": "subscription", "key": "kafka://main/orders -> service://Cart/add" }, "status": "blocked", "server_id": null, "error": null },
        ],
        "summary": { "done": 1, "failed": 1, "blocked": 1, "not-attempted": 0, "unknown": 0 },
    }))
    .unwrap()
}

/// Changes of all operations and risks in no order of importance, with details.
pub fn many(n: usize) -> Plan {
    let changes: Vec<Value> = (1..=n)
        .map(|id| {
            let (op, risk) = match id % 50 {
                7 => ("delete", "destructive"),
                11 => ("register", "breaking"),
                i if i % 2 == 0 => ("configure", "safe"),
                _ => ("register", "safe"),
            };
            let refused = (id % 100 == 31)
                .then(|| json!({ "code": "protected", "message": "it is protected", "help": "leave it" }));
            let (kind, key) = match op {
                "configure" => ("service", format!("Service{id}")),
                _ => ("deployment", format!("https://service-{id}.internal:9080/v/{id}")),
            };
            let fields = [
                field(&["public"], &json!(true), &json!(false)),
                field(&["idempotency_retention"], &json!("1d"), &json!("7d")),
            ];
            change(
                id,
                op,
                kind,
                &key,
                &json!({ "risk": risk, "refused": refused, "fields": fields }),
            )
        })
        .collect();
    plan(&changes, &json!({}))
}
