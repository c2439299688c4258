//! Which deployments pruning deletes, which of them wait, and for what.

use super::Scene;
use restatectl::draft::Targets;
use serde_json::json;

/// Three versions of one service. The third has served it for two hours.
fn superseded() -> Scene {
    Scene::new()
        .deployment("v1", 9, &[("Mail", 1)])
        .deployment("v2", 4, &[("Mail", 2)])
        .deployment("v3", 2, &[("Mail", 3)])
        .service("Mail", "v3", 3, &json!({}))
        .in_flight(&[])
}

fn prune(policy: &str) -> String {
    format!("deployments: [{{ uri: http://v3:9080 }}]\nprune: {{ deployments: {{ {policy} }} }}\n")
}

#[test]
fn what_is_drained_goes_the_oldest_first() {
    let (v1, v2) = ("delete http://v1:9080/", "delete http://v2:9080/");
    let (settling1, settling2) = ("http://v1:9080/: settling", "http://v2:9080/: settling");
    for (policy, changes, waiting) in [
        ("policy: drained, keep: 0, after: 1h", vec![v1, v2], vec![]),
        ("policy: force, keep: 0, after: 1h", vec![v1, v2], vec![]),
        ("policy: drained, keep: 0, after: 3h", vec![v1], vec![settling2]),
        (
            "policy: drained, keep: 0, after: 5h",
            vec![],
            vec![settling1, settling2],
        ),
        ("policy: keep", vec![], vec![]),
    ] {
        let plan = superseded().plan(&prune(policy));
        assert_eq!(
            (plan.changes(), plan.waiting()),
            (
                changes.into_iter().map(str::to_owned).collect(),
                waiting.into_iter().map(str::to_owned).collect()
            ),
            "{policy}"
        );
    }
}

/// The newest of those that could go stay, for a rollback.
#[test]
fn some_are_kept() {
    let plan = superseded().plan(&prune("policy: drained, keep: 1, after: 1h"));
    assert_eq!(plan.changes(), ["delete http://v1:9080/"]);
    let plan = superseded().plan(&prune("policy: drained, keep: 2, after: 1h"));
    assert_eq!(plan.changes(), [""; 0]);
}

#[test]
fn an_invocation_keeps_the_deployment_that_it_runs_on() {
    let busy = || superseded().in_flight(&[("Mail", "v2", 3)]);
    let plan = busy().plan(&prune("policy: drained, keep: 0, after: 1h"));
    assert_eq!(plan.changes(), ["delete http://v1:9080/"]);
    assert_eq!(plan.waiting(), ["http://v2:9080/: draining"]);
    assert_eq!(plan.0.waiting[0].invocations, 3);

    let plan = busy().plan(&prune("policy: force, keep: 0, after: 1h"));
    assert_eq!(
        plan.changes(),
        ["delete http://v1:9080/", "delete http://v2:9080/"]
    );
    assert_eq!(plan.0.steps[1].change.invocations, Some(3));
}

/// What a plan rolls out does not start the time anew for those that were superseded before.
#[test]
fn a_rollout_deletes_what_was_superseded_before() {
    let scene = superseded().registers("v4", &[super::service("Mail", "v4", 4, &json!({}))], false);
    for (policy, changes) in [
        (
            "policy: drained, keep: 0, after: 1h",
            &[
                "register http://v4:9080/",
                "delete http://v1:9080/",
                "delete http://v2:9080/",
            ][..],
        ),
        (
            "policy: drained, keep: 1, after: 1h",
            &["register http://v4:9080/", "delete http://v1:9080/"],
        ),
        // v2 came four hours ago, and v3 two.
        (
            "policy: drained, keep: 0, after: 3h",
            &["register http://v4:9080/", "delete http://v1:9080/"],
        ),
        (
            "policy: drained, keep: 0, after: 5h",
            &["register http://v4:9080/"],
        ),
    ] {
        let plan = scene.plan(&prune(policy).replace("v3", "v4"));
        assert_eq!(plan.changes(), changes, "{policy}");
    }
}

/// `prune`: what the registration of v4 would supersede still serves, and waits for nothing here.
#[test]
fn deletions_alone() {
    let scene = superseded().registers("v4", &[super::service("Mail", "v4", 4, &json!({}))], false);
    let file = prune("policy: drained, keep: 0, after: 1h").replace("v3", "v4");
    assert_eq!(scene.plan(&file).waiting(), ["http://v3:9080/: settling"]);
    let alone = scene.plan_of(&file, Targets::Deletions);
    assert_eq!(
        alone.changes(),
        ["delete http://v1:9080/", "delete http://v2:9080/"]
    );
    assert_eq!(alone.waiting(), [""; 0]);
}

/// What cannot be told to be drained is not.
#[test]
fn without_an_answer_nothing_is_drained() {
    let mut scene = superseded();
    scene.answers.in_flight = Some(Err(super::error("no workers")));
    let plan = scene.plan(&prune("policy: drained, keep: 0, after: 1h"));
    assert_eq!(plan.changes(), [""; 0]);
}

/// Not listed, but nobody else serves what it serves.
#[test]
fn what_serves_something_counts_towards_the_budget() {
    let scene = Scene::new()
        .deployment("mail", 9, &[("Mail", 1)])
        .service("Mail", "mail", 1, &json!({}))
        .in_flight(&[]);
    for (policy, counts) in [("drained", vec![true]), ("force", vec![true])] {
        let plan = scene.plan(&format!(
            "deployments: []\nprune: {{ deployments: {{ policy: {policy}, keep: 0, after: 0s }} }}\n"
        ));
        assert_eq!(plan.changes(), ["delete http://mail:9080/"], "{policy}");
        let counted: Vec<bool> = plan.0.steps.iter().map(|step| step.counts).collect();
        assert_eq!(counted, counts, "{policy}");
    }
    for (policy, counts) in [("drained", [false, false]), ("force", [true, true])] {
        let plan = superseded().plan(&prune(&format!("policy: {policy}, keep: 0, after: 1h")));
        let counted: Vec<bool> = plan.0.steps.iter().map(|step| step.counts).collect();
        assert_eq!(counted, counts, "{policy}");
    }
}
