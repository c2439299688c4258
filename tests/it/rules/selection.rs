//! Targets and what is left out.

use super::{Scene, service};
use serde_json::json;

const LISTED: &str = "deployments: [{ uri: http://v1:9080 }, { uri: http://v2:9080 }]\n\
    services: { Mail: { idempotency_retention: 7d }, Post: { journal_retention: 7d } }\n\
    subscriptions: [{ source: kafka://main/a, sink: service://Mail/run, options: { group.id: g } }]\n";

/// Two new deployments, an override for a service of each, and what feeds the first.
fn scene() -> Scene {
    Scene::new()
        .registers("v1", &[service("Mail", "v1", 1, &json!({}))], false)
        .registers("v2", &[service("Post", "v2", 1, &json!({}))], false)
}

#[test]
fn what_is_excluded_takes_along_what_needs_it() {
    let v2 = ["register http://v2:9080/", "configure Post"];
    for (exclude, changes) in [
        ("deployment/http://v1:9080", &v2[..]),
        ("deployment/http://v1*", &v2),
        ("*v1*", &v2),
        // The registration would reset what would not be put back.
        ("service/Mail", &v2),
        ("service/*", &[]),
        ("*", &[]),
        (
            "subscription/*",
            &[
                "register http://v1:9080/",
                "register http://v2:9080/",
                "configure Mail",
                "configure Post",
            ],
        ),
    ] {
        let mut scene = scene();
        scene.exclude = vec![exclude.to_owned()];
        let plan = scene.plan(LISTED);
        assert_eq!(plan.changes(), changes, "{exclude}");
        let left_out = plan
            .findings()
            .into_iter()
            .filter(|code| *code == "left-out")
            .count();
        assert_eq!(left_out + changes.len(), 5, "{exclude}");
    }
}

/// Of two that share a service, the promotion of the one puts right what the other takes.
#[test]
fn a_promotion_that_is_excluded() {
    let mail = |at: &str, revision| service("Mail", at, revision, &json!({}));
    let mut scene = Scene::new()
        .deployment("v2", 9, &[("Mail", 1)])
        .service("Mail", "v2", 1, &json!({}))
        .serves("v2", &[mail("v2", 1)])
        .registers("v1", &[mail("v1", 2)], false)
        .allowing(&["promote"]);
    let listed = "deployments: [{ uri: http://v1:9080 }, { uri: http://v2:9080 }]\n";
    let all = ["register http://v1:9080/", "promote http://v2:9080/"];
    assert_eq!(scene.plan(listed).changes(), all);
    scene.exclude = vec!["deployment/http://v2:9080".to_owned()];
    assert_eq!(scene.plan(listed).changes(), [""; 0]);
}

#[test]
fn targets_may_be_patterns() {
    use restatectl::draft::Targets;
    let targets = ["deployment/http://v1*".to_owned()];
    let changes = scene().plan_of(LISTED, Targets::Only(&targets)).changes();
    assert_eq!(changes, ["register http://v1:9080/", "configure Mail"]);
    let targets = ["deployment/http://v3*".to_owned()];
    assert_eq!(
        scene().plan_of(LISTED, Targets::Only(&targets)).findings(),
        ["unknown-target"]
    );
}

/// A topic may have a star in it: its key means itself.
#[test]
fn a_key_with_a_star_is_no_pattern() {
    use restatectl::draft::Targets;
    let scene = || {
        let scene = Scene::new().deployment("v1", 9, &[("Mail", 1)]);
        scene.service("Mail", "v1", 1, &json!({}))
    };
    let entry = |topic: &str, group: &str| {
        format!(
            "{{ source: 'kafka://main/{topic}', sink: service://Mail/run, options: {{ group.id: {group} }} }}"
        )
    };
    let listed = format!(
        "subscriptions: [{}, {}]\n",
        entry("^a.*", "g"),
        entry("^a.b.*", "h")
    );
    let targets = ["subscription/kafka://main/^a.* -> service://Mail/run @ g".to_owned()];
    let changes = scene().plan_of(&listed, Targets::Only(&targets)).changes();
    assert_eq!(changes, ["create kafka://main/^a.* -> service://Mail/run @ g"]);
    let mut scene = scene();
    scene.exclude = targets.into();
    assert_eq!(
        scene.plan(&listed).changes(),
        ["create kafka://main/^a.b.* -> service://Mail/run @ h"]
    );
}

/// What is wrong with what is done stays in the way.
#[test]
fn an_error_that_concerns_what_is_done_is_not_left_out() {
    let mut scene = Scene::new()
        .deployment("v1", 9, &[("Mail", 1)])
        .service(
            "Mail",
            "v1",
            1,
            &json!({ "handlers": [{ "name": "run" }, { "name": "send" }] }),
        )
        .subscription("sub_1", "Mail/run", &json!({ "group.id": "g" }));
    let listed = "subscriptions:\n\
        - { source: kafka://main/orders, sink: service://Mail/run }\n\
        - { source: kafka://main/orders, sink: service://Mail/send, options: { group.id: g } }\n";
    assert_eq!(scene.plan(listed).findings(), ["group-shared"]);
    scene.exclude = vec!["subscription/kafka://main/orders -> service://Mail/run".to_owned()];
    let findings = scene.plan(listed).findings().join(" ");
    assert!(findings.contains("group-shared"), "{findings}");
}
