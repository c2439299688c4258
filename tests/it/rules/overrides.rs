//! Which options of a service are set, and which are left alone.

use super::{Scene, service};
use serde_json::{Value, json};

fn scene(now: &Value) -> Scene {
    let declared = json!({ "public": true, "idempotency_retention": "1d", "journal_retention": "1d" });
    let mut now = now.clone();
    for (name, value) in declared.as_object().unwrap() {
        if now.get(name).is_none() {
            now[name] = value.clone();
        }
    }
    Scene::new()
        .deployment("v1", 9, &[("Mail", 1)])
        .service("Mail", "v1", 1, &now)
        .serves("v1", &[service("Mail", "v1", 2, &declared)])
}

#[test]
fn only_what_differs_is_set() {
    for (now, wanted, fields) in [
        (json!({}), "public: true", vec![]),
        (
            json!({}),
            "idempotency_retention: 7d",
            vec![r#"idempotency_retention: "1d" -> "7d""#],
        ),
        // The same length in other words.
        (
            json!({ "idempotency_retention": "7d" }),
            "idempotency_retention: 168h",
            vec![],
        ),
        (json!({}), "public: false", vec!["public: true -> false"]),
        (
            json!({ "journal_retention": "2d" }),
            "public: false, journal_retention: 2d",
            vec!["public: true -> false"],
        ),
    ] {
        let plan = scene(&now).plan(&format!("services: {{ Mail: {{ {wanted} }} }}\n"));
        let changed = if fields.is_empty() {
            Vec::new()
        } else {
            plan.fields()
        };
        assert_eq!(changed, fields, "{now} {wanted}");
        assert_eq!(plan.changes().is_empty(), fields.is_empty(), "{now} {wanted}");
    }
}

/// Nothing can be unset, so an override that the file does not write stays; a registration resets it.
#[test]
fn an_override_that_no_file_writes() {
    let file = "services: { Mail: { public: true } }\n";
    let overridden = || scene(&json!({ "idempotency_retention": "7d" }));
    let plan = overridden().plan(&format!("deployments: [{{ uri: http://v1:9080 }}]\n{file}"));
    assert_eq!((plan.changes(), plan.findings()), (vec![], vec![]));

    let declared = json!({ "public": true, "idempotency_retention": "1d", "journal_retention": "1d" });
    let v2 = [service("Mail", "v2", 2, &declared)];
    let registers = format!("deployments: [{{ uri: http://v2:9080 }}]\n{file}");
    let plan = overridden().registers("v2", &v2, false).plan(&registers);
    assert_eq!(plan.changes(), ["register http://v2:9080/"]);
    assert_eq!(plan.findings(), ["override-reset"]);
    let plan = scene(&json!({})).registers("v2", &v2, false).plan(&registers);
    assert_eq!(plan.findings(), [""; 0]);
}

#[test]
fn a_service_that_nothing_serves() {
    let plan = Scene::new().plan("services: { Mail: { public: false } }\n");
    assert_eq!(plan.changes(), [""; 0]);
    assert_eq!(plan.findings(), ["unknown-service"]);
}
