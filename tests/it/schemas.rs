//! The generated schemas are fresh, and everything the tests produce is valid against them.

use serde_json::Value;
use std::collections::HashMap;
use std::sync::OnceLock;

const NAMES: [&str; 3] = ["desired-state", "plan", "report"];

fn generated(name: &str) -> String {
    let schema = match name {
        "desired-state" => restatectl::config::schema(),
        "plan" => restatectl::plan::schema(),
        "report" => restatectl::apply::schema(),
        other => panic!("no schema {other}"),
    };
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

fn path(name: &str) -> String {
    format!("{}/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
pub fn assert_valid(name: &str, value: &Value) {
    static VALIDATORS: OnceLock<HashMap<&str, jsonschema::Validator>> = OnceLock::new();
    let validators = VALIDATORS.get_or_init(|| {
        NAMES
            .into_iter()
            .map(|name| {
                let schema: Value = serde_json::from_str(&generated(name)).unwrap();
                (name, jsonschema::validator_for(&schema).unwrap())
            })
            .collect()
    });
    let problems: Vec<String> = validators[name]
        .iter_errors(value)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(
        problems.is_empty(),
        "not a valid {name}: {problems:#?}\n{value:#}"
    );
}

/// `UPDATE_SCHEMAS=1 cargo test schemas_are_fresh` writes them.
#[test]
fn schemas_are_fresh() {
    for name in NAMES {
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(path(name), generated(name)).unwrap();
        }
        let committed = std::fs::read_to_string(path(name)).unwrap_or_default();
        assert!(
            committed == generated(name),
            "schemas/{name}.schema.json is stale: run `UPDATE_SCHEMAS=1 cargo test schemas_are_fresh`"
        );
    }
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let schema: Value = serde_json::from_str(&generated("desired-state")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let cases = [
        (r#"{ "version": 1 }"#, true),
        ("{}", false),
        (r#"{ "version": 2 }"#, false),
        (r#"{ "version": 1, "deployment": [] }"#, false),
        (
            r#"{ "version": 1, "deployments": [{ "uri": "http://a:1" }] }"#,
            true,
        ),
        (r#"{ "version": 1, "deployments": [{ "uri": "a:1" }] }"#, false),
        (r#"{ "version": 1, "deployments": [{ "name": "x" }] }"#, false),
        (
            r#"{ "version": 1, "deployments": [{ "uri": "http://a:1", "arn": "arn:aws:lambda:r:1:function:f:1" }] }"#,
            false,
        ),
        (
            r#"{ "version": 1, "subscriptions": [{ "source": "kafka://c/t", "sink": "service://S/h" }] }"#,
            true,
        ),
        (
            r#"{ "version": 1, "subscriptions": [{ "source": "kafka://c/", "sink": "service://S/h" }] }"#,
            false,
        ),
        (
            r#"{ "version": 1, "subscriptions": [{ "source": "kafka://c/t" }] }"#,
            false,
        ),
        (
            r#"{ "version": 1, "services": { "S": { "public": "no" } } }"#,
            false,
        ),
        (
            r#"{ "version": 1, "deployments": [{ "uri": "http://a:1", "allow": ["everything"] }] }"#,
            false,
        ),
    ];
    for (text, valid) in cases {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(validator.is_valid(&value), valid, "{text}");
    }
}
