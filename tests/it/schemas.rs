//! The generated schemas are fresh, and everything the tests produce is valid against them.

use serde_json::Value;
use std::collections::HashMap;
use std::sync::OnceLock;

const NAMES: [&str; 5] = ["desired-state", "plan", "report", "drift", "snapshot"];

fn generated(name: &str) -> String {
    let schema = match name {
        "desired-state" => restatectl::config::schema(),
        "plan" => restatectl::schema::of::<restatectl::plan::Plan>(),
        "report" => restatectl::schema::of::<restatectl::apply::Report>(),
        "drift" => restatectl::schema::of::<restatectl::drift::Drift>(),
        "snapshot" => restatectl::schema::of::<restatectl::snapshot::Snapshot>(),
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

/// Codes of problems that a schema can see as well: it knows no other files, no environment, and
/// nothing of what belongs together.
const JUDGED: [&str; 17] = [
    "empty-value",
    "invalid-arn",
    "invalid-duration",
    "invalid-service-name",
    "invalid-sink",
    "invalid-source",
    "invalid-uri",
    "invalid-variable-name",
    "misplaced-field",
    "missing-field",
    "unknown-field",
    "unknown-kafka-option",
    "unknown-value",
    "uri-and-arn",
    "uri-userinfo",
    "wrong-type",
    "wrong-version",
];

/// As an editor sees it, which does not resolve references. `None` for what is not even a document.
fn document(path: &std::path::Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).ok()?;
    match path.extension()?.to_str()? {
        "json" => serde_json::from_str(&text).ok(),
        "toml" => toml::from_str(&text).ok(),
        _ => serde_yaml::from_str(&text).ok(),
    }
}

#[test]
fn the_schema_judges_bad_files_as_the_program_does() {
    let schema: Value = serde_json::from_str(&generated("desired-state")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let (mut refused, mut accepted) = (0, 0);
    for case in crate::bad::cases() {
        // References are resolved by the program alone.
        let is_judged = JUDGED.iter().any(|code| case.is_about(code)) && !case.name.contains("-filled");
        for file in case.files() {
            let Some(document) = document(&file) else { continue };
            let is_valid = validator.is_valid(&document);
            if is_judged {
                assert!(!is_valid, "{} is fine to the schema", case.name);
                refused += 1;
            } else if is_valid {
                accepted += 1;
            }
        }
    }
    assert!(
        refused > 20 && accepted > 20,
        "{refused} refused, {accepted} accepted"
    );
}

#[test]
fn the_schema_accepts_every_example() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in [
        "minimal.yaml",
        "minimal.toml",
        "starter.yaml",
        "shop/restate.yaml",
    ] {
        assert_valid("desired-state", &document(&root.join(name)).unwrap());
    }
}

/// An editor explains what it completes: every field and every word has a description.
#[test]
fn the_schema_explains_every_field() {
    fn walk(value: &Value, path: &str, missing: &mut Vec<String>) {
        let Some(object) = value.as_object() else { return };
        if let Some(fields) = object.get("properties").and_then(Value::as_object) {
            for (name, field) in fields {
                // Lists by kind are explained by the field that they are in.
                let is_of_kinds = path.ends_with("/unmanaged");
                if field["description"].is_null() && field["$ref"].is_null() && !is_of_kinds {
                    missing.push(format!("{path}/{name}"));
                }
            }
        }
        for (key, value) in object {
            match value {
                Value::Array(items) => items.iter().for_each(|item| walk(item, path, missing)),
                value if !["examples", "default"].contains(&key.as_str()) => {
                    walk(value, &format!("{path}/{key}"), missing);
                }
                _ => {}
            }
        }
    }
    let mut missing = Vec::new();
    for name in ["desired-state", "plan", "report", "drift", "snapshot"] {
        let schema: Value = serde_json::from_str(&generated(name)).unwrap();
        walk(&schema, name, &mut missing);
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
