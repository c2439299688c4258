//! Overrides across registrations, which reset them all.

use super::{checkout, on_every_server, private_checkout, service};
use crate::endpoint::{Endpoint, Options};
use crate::world::{World, fields, finding, findings, ops};
use serde_json::{Value, json};

on_every_server! {
    a_header_that_says_a_name_hides_no_operand,
    overrides_survive_a_new_revision,
    a_private_service_stays_private,
    resets_of_overrides_that_no_file_manages,
    what_the_sdk_declares_is_no_override,
    exposing_by_registration_needs_consent,
    exposing_by_override_needs_consent,
    exposing_by_registration_that_the_file_wants,
    a_header_and_an_override_change_together,
}

fn overrides_survive_a_new_revision(world: &World) {
    let old = private_checkout(world, &["onOrder"]);
    world.apply();
    let new = private_checkout(world, &["onOrder", "onRefund"]);
    let plan = world.plan();
    assert_eq!(
        ops(&plan),
        [format!("register {}", new.url()), "configure Checkout".to_owned()]
    );
    let configure = &plan["changes"][1];
    assert_eq!(
        fields(configure),
        ["public: false (put back)", "idempotency_retention: 7d (put back)"]
    );
    let shown = world.run(&["plan"]).expect(0).stdout;
    for part in [
        "put back, after the registration",
        "public: false (put back)",
        "1 to put back",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    // Nothing about the service differs from the file.
    let drift = world.run(&["drift", "--format", "json"]).expect(2).json();
    let missing = drift["findings"].as_array().unwrap();
    assert_eq!((missing.len(), &missing[0]["direction"]), (1, &json!("missing")));
    let graph = world.run(&["plan", "--format", "markdown"]).expect(0).stdout;
    assert!(graph.contains("(put back)"), "{graph}");
    assert_eq!(
        configure["precondition"],
        json!({ "revision": 1, "fields": [
            { "path": ["public"], "value": false }, { "path": ["idempotency_retention"], "value": "7d" }] })
    );
    assert_eq!(
        findings(&plan),
        [""; 0],
        "managed overrides are put back, which is nothing to warn of"
    );
    world.apply();
    let live = world.service("Checkout");
    assert_eq!((&live["revision"], &live["public"]), (&json!(2), &json!(false)));
    assert_eq!(live["idempotency_retention"], "7d");
    drop(old);
}

/// On the real servers a request in between could get through; the fake's log proves the order.
fn a_private_service_stays_private(world: &World) {
    let _old = private_checkout(world, &["onOrder"]);
    world.apply();
    let _new = world.serves(
        [checkout(&["onOrder"]), service("Mail")],
        "services: { Checkout: { public: false }, Mail: { public: false } }",
    );
    if let crate::world::Target::Fake(fake) = &world.target {
        fake.clear_requests();
    }
    world.apply();
    for name in ["Checkout", "Mail"] {
        assert_eq!(world.service(name)["public"], false);
    }
    let crate::world::Target::Fake(fake) = &world.target else {
        return;
    };
    let writes: Vec<String> = fake
        .requests()
        .iter()
        .filter(|r| r.method != "GET" && !r.body.contains("\"dry_run\":true"))
        .map(|r| {
            format!(
                "{} {} {}",
                r.method,
                &r.path[3..],
                if r.method == "PATCH" { &r.body } else { "" }
            )
        })
        .collect();
    assert_eq!(
        writes[..3],
        [
            "POST /deployments ",
            "PATCH /services/Checkout {\"public\":false}",
            "PATCH /services/Mail {\"public\":false}"
        ]
    );
}

fn resets_of_overrides_that_no_file_manages(world: &World) {
    let _old = private_checkout(world, &["onOrder"]);
    world.apply();
    world.override_service("Checkout", &json!({ "inactivity_timeout": "2m" }));
    let new = private_checkout(world, &["onOrder"]);
    let plan = world.plan();
    let reset = finding(&plan, "override-reset");
    assert_eq!(
        reset["message"],
        "resets inactivity_timeout of Checkout (2m → 1m), which no file manages"
    );
    assert_eq!(
        reset["resource"],
        json!({ "kind": "deployment", "key": new.url() })
    );
    assert_eq!(findings(&plan), ["override-reset"]);
    let text = world.run(&["plan"]).expect(0).stdout;
    assert!(
        text.contains("      ! resets inactivity_timeout of Checkout (2m → 1m)"),
        "{text}"
    );
    world.apply();
    assert_eq!(world.service("Checkout")["inactivity_timeout"], "1m");
}

fn what_the_sdk_declares_is_no_override(world: &World) {
    let _old = world.has(checkout(&["onOrder"]).inactivity_timeout_ms(120_000));
    let _new = world.serves(checkout(&["onOrder"]), "");
    assert_eq!(findings(&world.plan()), [""; 0]);
    // What cannot be told apart is taken for an override.
    assert_eq!(
        findings(&world.plan_with(&["--discover", "none"], 0)),
        ["override-reset"]
    );
    world.apply();
}

fn exposing_by_registration_needs_consent(world: &World) {
    let _old = world.has(checkout(&["onOrder"]));
    world.override_service("Checkout", &json!({ "public": false }));
    let new = Endpoint::start(checkout(&["onOrder"]));
    world.lists([new.with("name: shop")], "");
    let plan = world.plan_with(&[], 5);
    assert_eq!(plan["changes"][0]["refused"]["code"], "expose");
    assert_eq!(findings(&plan), ["override-reset"]);
    world.plan_with(&["--allow", "expose=other"], 5);
    world.run(&["plan", "--allow", "expose="]).expect(64);
    let allowed = world.plan_with(&["--allow", "expose=shop"], 0);
    assert_eq!(allowed["changes"][0]["refused"], Value::Null);
    assert_eq!(world.service("Checkout")["public"], false);
    let report = world.apply_fails(&["--allow", "expose"], 0);
    assert_eq!(report["outcome"], "complete");
    assert_eq!(world.service("Checkout")["public"], true);
}

fn exposing_by_override_needs_consent(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    let wants = |allow: &str| {
        world.lists(
            [&endpoint],
            &format!("services: {{ Checkout: {{ public: true{allow} }} }}"),
        );
    };
    wants("");
    assert_eq!(world.plan_with(&[], 5)["changes"][0]["refused"]["code"], "expose");
    wants(", allow: [expose]");
    let plan = world.plan();
    assert_eq!(
        (&plan["changes"][0]["refused"], &plan["changes"][0]["risk"]),
        (&Value::Null, &json!("breaking"))
    );
    world.apply();
    assert_eq!(world.service("Checkout")["public"], true);
}

fn exposing_by_registration_that_the_file_wants(world: &World) {
    let _old = private_checkout(world, &["onOrder"]);
    world.apply();
    let new = Endpoint::start(checkout(&["onOrder"]));
    let wants = |allow: &str| {
        world.lists(
            [&new],
            &format!("services: {{ Checkout: {{ public: true{allow} }} }}"),
        );
    };
    wants("");
    assert_eq!(world.plan_with(&[], 5)["changes"][0]["refused"]["code"], "expose");
    wants(", allow: [expose]");
    let plan = world.plan();
    assert_eq!(ops(&plan), [format!("register {}", new.url())]);
    assert_eq!(finding(&plan, "override-reset")["severity"], "warning");
    world.apply();
}

/// On 1.5 the update may reset the override or keep it: either way the file's value is there after.
fn a_header_and_an_override_change_together(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    world.lists(
        [endpoint.with("additional_headers: { x-new: v }")],
        "services: { Checkout: { public: true, idempotency_retention: 1d, allow: [expose] } }",
    );
    let allow = if world.is_1_5() {
        &["--allow", "expose"][..]
    } else {
        &[]
    };
    world.apply_with(allow);
    let live = world.service("Checkout");
    assert_eq!(
        (&live["public"], &live["idempotency_retention"]),
        (&json!(true), &json!("1d"))
    );
}

/// What is masked in outputs is not what is sent.
fn a_header_that_says_a_name_hides_no_operand(world: &World) {
    let endpoint = Endpoint::start(checkout(&["onOrder"]));
    let file = |timeout: &str| {
        world.lists(
            [endpoint.with("additional_headers: { x-service: Checkout }")],
            &format!("services: {{ Checkout: {{ abort_timeout: {timeout} }} }}"),
        );
    };
    file("5m");
    world.apply();
    file("6m");
    world.apply();
    assert_eq!(world.service("Checkout")["abort_timeout"], "6m");
}
