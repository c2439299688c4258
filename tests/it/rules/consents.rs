//! What is refused without a consent, and which consent lets it pass.

use super::{Scene, service};
use serde_json::json;

const LISTED: &str = "deployments: [{ uri: http://v2:9080 }]\n";

/// `Mail` at v1, with the handlers `run` and `stop`, and v2, which serves it otherwise.
fn with(v2: &serde_json::Value, is_breaking: bool) -> Scene {
    let handlers = json!({ "handlers": [{ "name": "run" }, { "name": "stop" }] });
    Scene::new()
        .deployment("v1", 9, &[("Mail", 1)])
        .service("Mail", "v1", 1, &handlers)
        .registers("v2", &[service("Mail", "v2", 2, v2)], is_breaking)
}

#[test]
fn breaking_changes() {
    let same = json!({ "handlers": [{ "name": "run" }, { "name": "stop" }] });
    let fewer = json!({});
    let other_type = json!({ "ty": "Workflow", "handlers": [{ "name": "run" }, { "name": "stop" }] });
    for (v2, is_breaking, allow, change) in [
        (&same, false, "", "register http://v2:9080/"),
        (&fewer, true, "", "!breaking register http://v2:9080/"),
        (&fewer, true, "breaking", "register http://v2:9080/"),
        (
            &fewer,
            true,
            "breaking=http://v2:9080",
            "register http://v2:9080/",
        ),
        (
            &fewer,
            true,
            "breaking=http://other:9080",
            "!breaking register http://v2:9080/",
        ),
        (&fewer, true, "expose", "!breaking register http://v2:9080/"),
        (&other_type, true, "", "!breaking register http://v2:9080/"),
        (&other_type, true, "breaking", "register http://v2:9080/"),
    ] {
        let allow: Vec<&str> = Some(allow).into_iter().filter(|text| !text.is_empty()).collect();
        let plan = with(v2, is_breaking).allowing(&allow).plan(LISTED);
        assert_eq!(plan.changes(), [change], "{v2} {allow:?}");
    }
}

/// Only force would help there, and registrations are never forced.
#[test]
fn a_server_that_does_not_know_breaking() {
    let mut scene = with(&json!({}), true).allowing(&["breaking"]);
    scene.version = "1.5.3";
    let plan = scene.plan(LISTED);
    assert_eq!(plan.changes(), ["!breaking-unsupported register http://v2:9080/"]);
}

/// A registration resets the override that keeps a service private.
#[test]
fn exposing_a_private_service() {
    let public = [service("Mail", "v2", 2, &json!({ "public": true }))];
    let scene = || {
        Scene::new()
            .deployment("v1", 9, &[("Mail", 1)])
            .service("Mail", "v1", 1, &json!({ "public": false }))
            .registers("v2", &public, false)
    };
    let kept = format!("{LISTED}services: {{ Mail: {{ public: false }} }}\n");
    let wanted = format!("{LISTED}services: {{ Mail: {{ public: true }} }}\n");
    for (file, allow, changes) in [
        (LISTED, &[][..], vec!["!expose register http://v2:9080/"]),
        (LISTED, &["expose"], vec!["register http://v2:9080/"]),
        (LISTED, &["expose=Mail"], vec!["register http://v2:9080/"]),
        (
            LISTED,
            &["expose=Other"],
            vec!["!expose register http://v2:9080/"],
        ),
        (&kept, &[], vec!["register http://v2:9080/", "configure Mail"]),
        (&wanted, &["expose"], vec!["register http://v2:9080/"]),
    ] {
        let plan = scene().allowing(allow).plan(file);
        assert_eq!(plan.changes(), changes, "{file} {allow:?}");
    }
}

/// A consent that nothing needs is told, as the next change would have it unasked.
#[test]
fn a_consent_that_nothing_needs() {
    let same = json!({ "handlers": [{ "name": "run" }, { "name": "stop" }] });
    let plan = with(&same, false).plan("deployments: [{ uri: http://v2:9080, allow: [breaking] }]\n");
    assert_eq!(plan.changes(), ["register http://v2:9080/"]);
    assert_eq!(plan.findings(), ["unused-allow"]);
}

#[test]
fn what_is_protected_stays_whatever_is_allowed() {
    let scene = |allow: &[&str]| {
        let scene = Scene::new().subscription("sub_1", "Mail/run", &json!({ "group.id": "g" }));
        let scene = scene.deployment("v1", 9, &[("Mail", 1)]);
        let scene = scene.service("Mail", "v1", 1, &json!({}));
        scene
            .serves("v1", &[service("Mail", "v1", 2, &json!({}))])
            .allowing(allow)
    };
    let file = "deployments: [{ uri: http://v1:9080 }]\n\
        subscriptions: [{ source: kafka://main/orders, sink: service://Mail/run, protected: true, \
        options: { group.id: g, auto.offset.reset: earliest } }]\n";
    for allow in [&[][..], &["regroup"], &["deletes=10"]] {
        let plan = scene(allow).plan(file);
        assert_eq!(
            plan.changes(),
            ["!protected replace kafka://main/orders -> service://Mail/run @ g"],
            "{allow:?}"
        );
    }
}

/// What only this plan adds and takes away again, callers never had.
#[test]
fn what_this_plan_adds_and_removes() {
    let more = json!({ "handlers": [{ "name": "run" }, { "name": "extra" }] });
    let mut scene = {
        Scene::new()
            .deployment("v1", 9, &[("Mail", 1)])
            .deployment("v2", 1, &[("Mail", 2)])
            .service("Mail", "v2", 2, &json!({}))
            .serves("v1", &[service("Mail", "v1", 1, &more)])
            .serves("v2", &[service("Mail", "v2", 2, &json!({}))])
            .allowing(&["overwrite"])
    };
    let listed = "deployments:\n- uri: http://v1:9080\n- { uri: http://v2:9080, allow: [promote] }\n";
    // On 1.5 it takes a forced registration, which takes the service from v2 in between.
    scene.version = "1.5.3";
    let changes = scene.plan(listed).changes();
    assert_eq!(changes, ["overwrite http://v1:9080/", "promote http://v2:9080/"]);
}
