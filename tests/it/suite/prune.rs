//! Deleting what no file lists.

use super::{checkout, on_every_server, service};
use crate::endpoint::{Endpoint, Manifest};
use crate::world::{World, findings, ops};
use serde_json::{Value, json};

on_every_server! {
    a_kind_is_pruned_only_if_its_section_is_written,
    subscriptions_and_their_duplicates,
    a_service_is_decommissioned_the_oldest_revision_first,
    what_an_overwrite_brings_back_goes_with_its_deployment,
    what_still_serves_stays,
    without_workers_nothing_is_known_to_be_drained,
    budgets,
    a_stack_is_destroyed_and_nothing_else,
    stacks_leave_each_other_alone,
    a_target_does_not_bring_deletions_along,
    delete_takes_one,
    what_a_rollout_leaves_behind,
}

const FORCE: &str = "prune: { deployments: { policy: force, keep: 0, after: 0s }, subscriptions: delete }\n";

fn waiting(plan: &Value) -> Vec<&str> {
    let waiting = plan["waiting"].as_array().unwrap();
    waiting
        .iter()
        .map(|waiting| waiting["reason"].as_str().unwrap())
        .collect()
}

fn a_kind_is_pruned_only_if_its_section_is_written(world: &World) {
    let endpoint = world.has(service("Mail"));
    world.subscribe(
        "kafka://main/t",
        "service://Mail/run",
        &json!({ "group.id": "g" }),
    );
    world.wants(FORCE);
    let plan = world.plan();
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(plan["unmanaged"]["deployment"], json!([endpoint.url()]));
    let shown = world.run(&["plan", "--show-unmanaged"]).expect(0).stdout;
    assert!(
        shown.contains("· deployment ") && shown.contains("· subscription "),
        "{shown}"
    );
    world.wants("deployments: []\n");
    assert_eq!(findings(&world.plan()), ["empty-without-prune"]);
    world.wants(&format!("deployments: []\nsubscriptions: []\n{FORCE}"));
    let plan = world.plan();
    assert_eq!(
        ops(&plan),
        [
            "delete kafka://main/t -> service://Mail/run @ g".to_owned(),
            format!("delete {}", endpoint.url())
        ]
    );
    assert_eq!(
        plan["changes"][1]["depends_on"],
        json!([1]),
        "what feeds it goes first"
    );
    for change in plan["changes"].as_array().unwrap() {
        assert_eq!(
            (&change["origin"], &change["risk"]),
            (&Value::Null, &json!("destructive"))
        );
        assert_eq!(change["reason"], "not in the file");
    }
    assert_eq!(plan["unmanaged"], json!({}));
    world.apply();
    assert_eq!((world.deployments().len(), world.subscriptions().len()), (0, 0));
}

fn subscriptions_and_their_duplicates(world: &World) {
    let _endpoint = world.has(service("Mail"));
    let options = json!({ "group.id": "g" });
    for _ in 0..3 {
        world.subscribe("kafka://main/t", "service://Mail/run", &options);
    }
    world.subscribe(
        "kafka://main/t",
        "service://Mail/run",
        &json!({ "group.id": "another" }),
    );
    let file = |policy: &str| {
        world.wants(&format!(
            "subscriptions: [{{ source: kafka://main/t, sink: service://Mail/run, options: {{ group.id: g }} }}]\nprune: {{ subscriptions: {policy} }}\n"
        ));
    };
    file("keep");
    let plan = world.plan();
    assert_eq!((&plan["changes"], findings(&plan).len()), (&json!([]), 2));
    file("delete");
    let plan = world.plan();
    let reasons: Vec<&str> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons.len(), 3);
    assert_eq!(
        reasons
            .iter()
            .filter(|reason| reason.starts_with("duplicates sub_"))
            .count(),
        2
    );
    world.apply();
    assert_eq!(world.subscriptions().len(), 1);
}

fn a_service_is_decommissioned_the_oldest_revision_first(world: &World) {
    let old = world.has(service("Mail"));
    let new = world.has(service("Mail"));
    world.wants(&format!("deployments: []\n{FORCE}"));
    let plan = world.plan();
    assert_eq!(
        ops(&plan),
        [format!("delete {}", old.url()), format!("delete {}", new.url())]
    );
    assert_eq!(plan["changes"][1]["depends_on"], json!([1]));
    assert_eq!(plan["changes"][1]["services"][0]["revision_after"], Value::Null);
    world.apply();
    assert_eq!(world.deployments().len(), 0);
    // Nothing is deleted that is no target, and without that the target cannot go.
    world.register(&old.url());
    world.register(&new.url());
    let target = format!("deployment/{}", new.url());
    let plan = world.plan_with(&["--target", &target], 0);
    assert_eq!((&plan["changes"], waiting(&plan)), (&json!([]), vec!["serving"]));
    let both = format!("deployment/{}", old.url());
    world.apply_with(&["--target", &target, "--target", &both]);
    // On a plain server: the latest alone goes, and the older revision is back.
    world.register(&old.url());
    let id = world.register(&new.url())["id"].as_str().unwrap().to_owned();
    world.admin("DELETE", &format!("/deployments/{id}?force=true"), None);
    assert_eq!(world.service("Mail")["revision"], 1);
}

/// The older revision serves again for as long as it takes to delete it, and the plan tells both.
fn what_an_overwrite_brings_back_goes_with_its_deployment(world: &World) {
    let old = world.has(service("Mail"));
    let new = world.has(service("Mail"));
    new.set(service("Audit"));
    world.lists([new.with("allow: [overwrite, breaking]")], FORCE);
    let plan = world.plan();
    assert_eq!(
        ops(&plan),
        [
            format!("overwrite {}", new.url()),
            format!("delete {}", old.url())
        ]
    );
    let gone = &plan["changes"][1]["services"][0];
    assert_eq!(
        (&gone["name"], &gone["revision_before"], &gone["revision_after"]),
        (&json!("Mail"), &json!(1), &Value::Null)
    );
    assert_eq!(plan["changes"][1]["depends_on"], json!([1]));
    world.apply();
    assert_eq!(world.admin("GET", "/services/Mail", None).0, 404);
}

fn what_still_serves_stays(world: &World) {
    let old = world.has([service("Mail"), service("Audit")]);
    let new = world.serves(
        service("Mail"),
        &format!("services: {{ Audit: {{ public: false }} }}\n{FORCE}"),
    );
    world.apply();
    let plan = world.plan();
    assert_eq!(waiting(&plan), ["serving"]);
    let message = plan["waiting"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("still serves Audit") && message.contains("configures"),
        "{message}"
    );
    assert_eq!(plan["unmanaged"], json!({}));
    // Nobody needs it any more, and somebody feeds it.
    world.lists([&new], FORCE);
    let id = world.subscribe(
        "kafka://main/t",
        "service://Audit/run",
        &json!({ "group.id": "g" }),
    );
    assert_eq!(waiting(&world.plan()), ["serving"]);
    world.admin("DELETE", &format!("/subscriptions/{id}"), None);
    assert_eq!(ops(&world.plan()), [format!("delete {}", old.url())]);
    // One that listed deployments need is kept for a rollback, and waits before that.
    let newest = Endpoint::start([service("Mail"), service("Audit")]);
    let keep = |keep: u8, after: &str| {
        world.lists(
            [&newest],
            &format!("prune: {{ deployments: {{ policy: force, keep: {keep}, after: {after} }} }}"),
        );
    };
    keep(0, "1h");
    world.apply_with(&["--allow", "expose"]);
    assert_eq!(waiting(&world.plan()), ["settling", "settling"]);
    keep(1, "0s");
    // The new one is newest for Mail, the old one for Audit.
    assert_eq!(waiting(&world.plan()), ["kept", "kept"]);
    keep(0, "0s");
    assert_eq!(world.plan()["changes"].as_array().unwrap().len(), 2);
    world.apply_with(&["--allow", "deletes=2"]);
    assert_eq!(world.deployments().len(), 1);
}

fn without_workers_nothing_is_known_to_be_drained(world: &World) {
    if let crate::world::Target::Fake(fake) = &world.target {
        fake.state(|state| state.invocations = None);
    }
    let _endpoint = world.has(service("Mail"));
    world.wants("deployments: []\nprune: { deployments: { policy: drained, keep: 0, after: 0s } }\n");
    let plan = world.plan();
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(waiting(&plan), ["unknown"]);
}

fn budgets(world: &World) {
    let _endpoint = world.has(service("Mail"));
    for n in 0..11 {
        world.subscribe(
            &format!("kafka://main/t{n}"),
            "service://Mail/run",
            &json!({ "group.id": "g" }),
        );
    }
    let file = |listed: usize, safety: &str| {
        let entries: Vec<String> = (0..listed)
            .map(|n| format!("  - {{ source: kafka://main/t{n}, sink: service://Mail/run, options: {{ group.id: g }} }}\n"))
            .collect();
        world.wants(&format!(
            "subscriptions:\n{}prune: {{ subscriptions: delete }}\n{safety}",
            entries.concat()
        ));
    };
    let failed = |args: &[&str], code: i32| -> Vec<String> {
        let plan = world.plan_with(args, code);
        let guards = plan["guards"].as_array().unwrap();
        let failed = guards.iter().filter(|guard| guard["status"] == "fail");
        failed
            .map(|guard| guard["code"].as_str().unwrap().to_owned())
            .collect()
    };
    file(8, "");
    assert_eq!(failed(&[], 0), [""; 0]);
    file(8, "safety: { max_deletes: 2 }\n");
    assert_eq!(failed(&[], 5), ["max-deletes"]);
    let shown = world.run(&["plan"]).expect(5).stdout;
    assert!(
        shown.contains("fail max-deletes: 3 of 2") && shown.contains("--allow deletes=3"),
        "{shown}"
    );
    let annotations = world.run(&["plan", "--format", "github"]).expect(5).stdout;
    assert!(
        annotations.contains("::error title=max-deletes::"),
        "{annotations}"
    );
    let report = world.apply_fails(&[], 5);
    assert_eq!(report["findings"][0]["code"], "max-deletes");
    file(7, "");
    assert_eq!(failed(&[], 5), ["delete-share"]);
    assert_eq!(failed(&["--allow", "deletes=3"], 5), ["delete-share"]);
    assert_eq!(failed(&["--allow", "deletes=4"], 0), [""; 0]);
    assert_eq!(world.subscriptions().len(), 11, "nothing was changed so far");
    // All of them, while the file lists another.
    world.wants("subscriptions: [{ source: kafka://main/new, sink: service://Mail/run, options: { group.id: g } }]\nprune: { subscriptions: delete }\nsafety: { max_deletes: 50 }\n");
    assert_eq!(failed(&[], 5), ["delete-share", "last-of-kind"]);
    let plan = world.plan_with(&["--allow", "deletes=11"], 0);
    assert!(
        plan["guards"]
            .to_string()
            .contains("allowed by `--allow deletes=11`"),
        "{}",
        plan["guards"]
    );
    world.apply_with(&["--allow", "deletes=11"]);
    assert_eq!(world.subscriptions().len(), 1);
}

fn stack_file(world: &World, stack: &str, uri: &str, topic: &str) -> String {
    let name = format!("{stack}.yaml");
    world.desk.write(
        &name,
        format!(
            "version: 1\nstack: {stack}\ndeployments: [{{ uri: '{uri}' }}]\n\
             subscriptions: [{{ source: kafka://main/{topic}, sink: service://{stack}/run, options: {{ group.id: {stack} }} }}]\n{FORCE}"
        ),
    );
    name
}

fn a_stack_is_destroyed_and_nothing_else(world: &World) {
    world.wants("deployments: []\n");
    let ran = world
        .run(&["plan", "--destroy", "--format", "json"])
        .expect(5)
        .json();
    assert_eq!(ran["problems"][0]["code"], "destroy-without-stack");
    if world.is_1_5() {
        return;
    }
    let endpoint = Endpoint::start(Manifest::new());
    for stack in ["one", "two"] {
        endpoint.mount(&format!("/{stack}"), service(stack));
        let file = stack_file(world, stack, &endpoint.url_at(&format!("/{stack}")), "t");
        world.run(&["apply", "--yes", "-f", &file]).expect(0);
    }
    let plan = world.plan_with(&["-f", "one.yaml", "--destroy"], 0);
    let reason = plan["changes"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, "not in the file; owned by stack one");
    world
        .run(&["apply", "--yes", "-f", "one.yaml", "--destroy"])
        .expect(0);
    assert_eq!(
        world.plan_with(&["-f", "one.yaml", "--destroy"], 0)["changes"],
        json!([])
    );
    assert_eq!((world.deployments().len(), world.subscriptions().len()), (1, 1));
    assert_eq!(world.service("two")["revision"], 1);
    // What is protected stays, also then.
    let file = world.read("two.yaml");
    world
        .desk
        .write("two.yaml", file.replace(" }]\nsub", ", protected: true }]\nsub"));
    let plan = world.plan_with(&["-f", "two.yaml", "--destroy"], 5);
    assert!(plan["changes"].to_string().contains("\"protected\""), "{plan}");
}

/// Plans and applies of three stacks in turn, each with prune on: none sees the others' resources.
fn stacks_leave_each_other_alone(world: &World) {
    if world.is_1_5() {
        return;
    }
    let endpoint = Endpoint::start(Manifest::new());
    let stacks = ["one", "two", "three"];
    for round in 0..4 {
        for (at, stack) in stacks.iter().enumerate() {
            let path = format!("/{stack}-{round}");
            endpoint.mount(&path, service(stack));
            let file = stack_file(world, stack, &endpoint.url_at(&path), &format!("t{round}"));
            for other in &stacks[..at] {
                let plan = world.plan_with(&["-f", &format!("{other}.yaml")], 0);
                assert_eq!(plan["changes"], json!([]), "{other} after {stack}");
            }
            world
                .run(&["apply", "--yes", "-f", &file, "--allow", "deletes=9"])
                .expect(0);
        }
    }
    assert_eq!((world.deployments().len(), world.subscriptions().len()), (3, 3));
    for stack in stacks {
        assert_eq!(world.service(stack)["revision"], 4);
        assert_eq!(
            world.plan_with(&["-f", &format!("{stack}.yaml")], 0)["changes"],
            json!([])
        );
    }
}

/// Nothing is deleted that is no target: a target that needs it is refused.
fn a_target_does_not_bring_deletions_along(world: &World) {
    let endpoint = world.has(service("Mail"));
    world.subscribe(
        "kafka://main/t",
        "service://Mail/run",
        &json!({ "group.id": "g" }),
    );
    world.wants(&format!("deployments: []\nsubscriptions: []\n{FORCE}"));
    let target = format!("deployment/{}", endpoint.url());
    let plan = world.plan_with(&["--target", &target], 5);
    assert_eq!(plan["changes"][0]["refused"]["code"], "target-incomplete");
    let feed = "subscription/kafka://main/t -> service://Mail/run @ g";
    world.apply_with(&["--target", &target, "--target", feed]);
    assert_eq!(world.deployments().len(), 0);
}

fn delete_takes_one(world: &World) {
    let old = world.has(checkout(&["onOrder"]));
    let new = world.has(checkout(&["onOrder"]));
    let sub = world.subscribe(
        "kafka://main/t",
        "service://Checkout/onOrder",
        &json!({ "group.id": "g" }),
    );
    let delete = |args: &[&str], code: i32| {
        let ran = world
            .run(&[&["delete"], args, &["--yes", "--format", "json"]].concat())
            .expect(code)
            .json();
        if ran["outcome"] != "error" {
            crate::schemas::assert_valid("report", &ran);
        }
        ran
    };
    // The latest serves, and something feeds it.
    let ran = delete(&["deployment", &new.url(), "--force"], 5);
    assert!(
        ran["findings"][0]["message"]
            .as_str()
            .unwrap()
            .contains("still serves Checkout"),
        "{ran}"
    );
    assert_eq!(world.deployments().len(), 2);
    delete(&["deployment", "http://nowhere:1"], 1);
    // It has been superseded just now.
    let ran = delete(&["deployment", &old.url(), "--force"], 5);
    assert!(
        ran["findings"][0]["message"]
            .as_str()
            .unwrap()
            .contains("`after`"),
        "{ran}"
    );
    let args = ["delete", "deployment", &old.url(), "--force", "--yes"];
    assert!(world.run(&args).expect(5).stderr.contains("`--after 0s`"));
    delete(&["deployment", &old.url(), "--force", "--after", "0s"], 0);
    assert_eq!(world.deployments().len(), 1);
    // Two of one name: which one?
    for _ in 0..2 {
        world.subscribe("kafka://main/u", "service://Checkout/onOrder", &json!({}));
    }
    let ran = delete(
        &["subscription", "kafka://main/u -> service://Checkout/onOrder"],
        5,
    );
    assert_eq!(ran["problems"][0]["code"], "ambiguous-name");
    for id in world
        .subscriptions()
        .iter()
        .filter(|s| s["source"] == "kafka://main/u")
    {
        delete(&["subscription", id["id"].as_str().unwrap()], 0);
    }
    assert_eq!(world.subscriptions().len(), 1);
    world.wants("subscriptions: [{ source: kafka://main/t, sink: service://Checkout/onOrder, options: { group.id: g } }]\n");
    let ran = delete(&["subscription", &sub], 5);
    assert_eq!(ran["problems"][0]["code"], "still-listed");
    world.wants("");
    world.run(&["delete", "subscription", &sub]).expect(64);
    delete(
        &["subscription", "kafka://main/t -> service://Checkout/onOrder @ g"],
        0,
    );
    assert_eq!(world.subscriptions().len(), 0);
}

/// It is no drift, and goes by itself, whatever else the file asks for.
fn what_a_rollout_leaves_behind(world: &World) {
    let [old, new, next] = [(); 3].map(|()| Endpoint::start(service("Mail")));
    world.register(&old.url());
    world.register(&new.url());
    world.lists([&new], FORCE);
    let drift = world.run(&["drift", "--format", "json"]).expect(0).json();
    assert_eq!(drift["outcome"], "in-sync");
    let found = &drift["findings"][0];
    assert_eq!(
        (&found["direction"], &found["mend"]),
        (&json!("superseded"), &json!("prune"))
    );
    let shown = world.run(&["drift"]).expect(0).stdout;
    assert!(
        shown.starts_with("In sync: ") && shown.contains("superseded deployment"),
        "{shown}"
    );
    world.run(&["drift", "--fail-on", "superseded"]).expect(2);
    world.run(&["drift", "--fail-on", "extra,changed"]).expect(0);

    world.lists(
        [&next],
        &format!("{FORCE}services: {{ Mail: {{ public: false }} }}\n"),
    );
    let report = world
        .run(&["prune", "--yes", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(report["changes"].as_array().unwrap().len(), 1, "{report:#}");
    assert_eq!(report["changes"][0]["resource"]["key"], old.url());
    assert_eq!(world.deployments().len(), 1);
    assert_eq!(world.service("Mail")["public"], true);
    let again = world
        .run(&["prune", "--yes", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(again["outcome"], "nothing-to-do");
    world.run(&["prune"]).expect(0);
}
