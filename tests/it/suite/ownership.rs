//! Stacks, their marks, and the server that a file is for.

use super::{checkout, on_every_server, service};
use crate::endpoint::{Endpoint, unreachable_url};
use crate::scene::Entry;
use crate::world::{World, finding, findings, ops};
use serde_json::json;

on_every_server! {
    registrations_carry_the_mark_of_their_stack,
    resources_of_another_stack_are_refused,
    what_is_there_already_is_adopted_as_it_is,
    a_file_for_another_cluster_asks_no_endpoint,
    targets_bring_along_what_they_need,
    errors_of_what_a_target_touches_are_in_its_way,
    protected_resources_are_not_touched,
}

/// 1.5 has no metadata: a stack is an error there, at its line.
fn has_stacks(world: &World) -> bool {
    if !world.is_1_5() {
        return true;
    }
    world.wants("stack: shop");
    let plan = world.plan_with(&[], 1);
    let origin = &finding(&plan, "stack-unsupported")["origin"];
    assert_eq!(origin, &json!({ "file": "restate.yaml", "line": 2, "column": 8 }));
    false
}

fn registrations_carry_the_mark_of_their_stack(world: &World) {
    if !has_stacks(world) {
        return;
    }
    let endpoint = Endpoint::start(service("Mail"));
    world.lists([endpoint.with("metadata: { team: shop }")], "stack: shop");
    let plan = world.plan();
    assert_eq!(plan["desired"]["stack"], "shop");
    world.apply();
    let live = &world.deployments()[0];
    assert_eq!(
        live["metadata"],
        json!({ "team": "shop", "restatectl.stack": "shop" })
    );
}

fn resources_of_another_stack_are_refused(world: &World) {
    if !has_stacks(world) {
        return;
    }
    let endpoint = Endpoint::start(checkout(&["onOrder"]));
    let file = |stack: &str, rest: &str| {
        world.lists([&endpoint], &format!("{stack}{rest}"));
    };
    file("stack: shop\n", "");
    world.apply();
    // Nothing is to change, and still it is somebody else's; without a stack too.
    for stack in ["stack: other\n", ""] {
        file(stack, "");
        let plan = world.plan_with(&[], 5);
        assert_eq!(plan["changes"], json!([]));
        let failed = plan["guards"]
            .as_array()
            .unwrap()
            .iter()
            .find(|g| g["status"] == "fail")
            .unwrap();
        assert_eq!(failed["code"], "foreign-stack");
        let plan = world.plan_with(&["--allow", "take-over=shop"], 0);
        assert!(!plan["guards"].to_string().contains("fail"));
    }
    // Its services and what feeds them go with it.
    let of_others = "services: { Checkout: { public: false } }\nsubscriptions: [{ source: kafka://main/t, sink: service://Checkout/onOrder, options: { group.id: g } }]\n";
    world.wants(&format!("stack: other\n{of_others}"));
    let plan = world.plan_with(&[], 5);
    for change in plan["changes"].as_array().unwrap() {
        assert_eq!(change["refused"]["code"], "foreign-stack", "{change}");
    }
    // So does taking a service over with a deployment of one's own.
    let _thief = world.serves(checkout(&["onOrder"]), "stack: other");
    let plan = world.plan_with(&[], 5);
    assert_eq!(plan["changes"][0]["refused"]["code"], "foreign-stack");
    world.apply_with(&["--allow", "take-over=shop"]);
    assert_eq!(world.service("Checkout")["revision"], 2);
}

fn what_is_there_already_is_adopted_as_it_is(world: &World) {
    if !has_stacks(world) {
        return;
    }
    let endpoint = world.has(service("Mail"));
    world.lists([&endpoint], "stack: shop");
    let plan = world.plan();
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(findings(&plan), ["unmarked"]);
    assert_eq!(plan["unmanaged"], json!({}));
}

fn a_file_for_another_cluster_asks_no_endpoint(world: &World) {
    let endpoint = Endpoint::start(service("Mail"));
    world.wants(&format!(
        "target: {{ cluster_name: some-other }}\ndeployments: [{{ uri: '{}' }}]\n",
        endpoint.url()
    ));
    let ran = world.run(&["plan", "--format", "json"]).expect(5).json();
    assert_eq!(ran["problems"][0]["code"], "other-target");
    assert_eq!(ran["problems"][0]["origin"]["line"], 2);
    world.run(&["apply", "--yes"]).expect(5);
    assert!(endpoint.requests().is_empty(), "no endpoint was asked");
    if let crate::world::Target::Fake(fake) = &world.target {
        // A guard that cannot be evaluated lets nothing pass.
        let broken = crate::fake::Fault::Status(400, vec![], "no".to_owned());
        let health = crate::fake::Match {
            times: 3,
            ..crate::fake::Match::first("GET", "/cluster-health")
        };
        fake.on(health, broken);
        let ran = world.run(&["plan", "--format", "json"]).expect(1).json();
        assert_eq!(ran["problems"][0]["code"], "other-target");
        assert!(endpoint.requests().is_empty());
    }
    let name = world.get("/cluster-health")["cluster_name"]
        .as_str()
        .unwrap()
        .to_owned();
    world.lists([&endpoint], &format!("target: {{ cluster_name: {name} }}"));
    let plan = world.plan();
    assert_eq!(
        (&plan["guards"][0]["code"], &plan["guards"][0]["status"]),
        (&json!("target"), &json!("pass"))
    );
    world.apply();
}

fn targets_bring_along_what_they_need(world: &World) {
    let shop = Endpoint::start(checkout(&["onOrder"]));
    let mail = Endpoint::start(service("Mail"));
    world.lists(
        [
            shop.with("name: shop"),
            mail.with("name: mail"),
            Entry::from(&unreachable_url()),
        ],
        "services: { Checkout: { public: false }, Mail: { public: false } }\n\
         subscriptions: [{ source: kafka://main/t, sink: service://Checkout/onOrder, options: { group.id: g } }]",
    );
    // What is wrong elsewhere is not in the way.
    world.plan_with(&[], 1);
    let plan = world.plan_with(&["--target", "deployment/shop"], 0);
    assert_eq!(
        ops(&plan),
        [
            format!("register {}", shop.url()),
            "configure Checkout".to_owned()
        ]
    );
    assert_eq!(plan["targets"], json!(["deployment/shop"]));
    let key = "subscription/kafka://main/t -> service://Checkout/onOrder @ g";
    let plan = world.plan_with(&["--target", key], 0);
    assert_eq!(plan["changes"].as_array().unwrap().len(), 3);
    assert_eq!(plan["changes"][2]["op"], "create");
    let plan = world.plan_with(&["--target", "deployment/shpo"], 1);
    assert!(
        finding(&plan, "unknown-target")["help"]
            .as_str()
            .unwrap()
            .contains("deployment/shop")
    );

    let report = world
        .run(&[
            "apply",
            "--yes",
            "--format",
            "json",
            "--target",
            "service/Mail",
            "--wait-endpoints",
            "0",
        ])
        .expect(0)
        .json();
    assert_eq!(report["summary"]["done"], 2);
    assert_eq!(world.service("Mail")["public"], false);
    assert_eq!(world.admin("GET", "/services/Checkout", None).0, 404);
}

fn errors_of_what_a_target_touches_are_in_its_way(world: &World) {
    let _old = world.has(checkout(&["onOrder", "onRefund"]));
    world.subscribe(
        "kafka://main/t",
        "service://Checkout/onRefund",
        &json!({ "group.id": "g" }),
    );
    let new = Endpoint::start(checkout(&["onOrder"]));
    world.lists([new.with("allow: [breaking]")], "");
    let target = format!("deployment/{}", new.url());
    let plan = world.plan_with(&["--target", &target], 1);
    assert_eq!(finding(&plan, "handler-in-use")["severity"], "error");
}

fn protected_resources_are_not_touched(world: &World) {
    let first = world.has(service("Mail"));
    let second = world.has(service("Mail"));
    let file = |first_is_protected: bool, rest: &str| {
        let second_is_protected = !first_is_protected;
        world.lists(
            [
                second.with(&format!("protected: {second_is_protected}")),
                first.with(&format!("protected: {first_is_protected}")),
            ],
            rest,
        );
    };
    // The first would have to be promoted over the protected second.
    file(false, "");
    let plan = world.plan_with(&["--allow", "promote"], 5);
    assert_eq!(plan["changes"][0]["refused"]["code"], "protected");
    let guard = plan["guards"]
        .as_array()
        .unwrap()
        .iter()
        .find(|g| g["code"] == "protected")
        .unwrap();
    assert_eq!(guard["status"], "fail");
    // A protected service is as good; that the promoted one is protected itself does not matter.
    file(true, "services: { Mail: { protected: true } }\n");
    assert_eq!(
        world.plan_with(&["--allow", "promote"], 5)["changes"][0]["refused"]["code"],
        "protected"
    );
    file(true, "");
    world.apply_with(&["--allow", "promote"]);
    // Overwriting it does.
    first.set(service("Mail").handler("other"));
    let plan = world.plan_with(&["--allow", "overwrite"], 5);
    assert_eq!(plan["changes"][0]["refused"]["code"], "protected");
    first.set(service("Mail"));

    let subscription = |protected: bool, reset: &str| {
        world.wants(&format!(
            "subscriptions: [{{ source: kafka://main/t, sink: service://Mail/run, protected: {protected}, options: {{ group.id: g, auto.offset.reset: {reset} }} }}]\n",
        ));
    };
    subscription(true, "earliest");
    world.apply();
    subscription(true, "latest");
    assert_eq!(
        world.plan_with(&[], 5)["changes"][0]["refused"]["code"],
        "protected"
    );
    subscription(false, "latest");
    world.apply();
}
