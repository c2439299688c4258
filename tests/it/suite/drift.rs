//! Drift: what differs, which way, and who can mend it.

use super::{checkout, on_every_server, private_checkout, service};
use crate::endpoint::{Behaviour, Endpoint};
use crate::schemas;
use crate::world::{World, finding, findings};
use serde_json::{Value, json};

on_every_server! {
    what_is_in_sync_is_no_drift,
    each_direction_is_told_with_who_mends_it,
    one_edit_in_the_web_ui_is_one_difference,
    an_endpoint_that_is_down_is_unreachable,
    what_counts_can_be_chosen,
    deletions_that_wait_are_no_drift,
    what_depends_on_a_person_needs_one_too,
    what_belongs_to_another_stack_needs_a_person,
    a_duplicate_of_what_is_listed_is_extra,
}

#[track_caller]
fn drift(world: &World, args: &[&str], code: i32) -> Value {
    let args = [&["drift", "--format", "json"], args].concat();
    let drift = world.run(&args).expect(code).json();
    schemas::assert_valid("drift", &drift);
    let findings = drift["findings"].as_array().unwrap().len() as u64;
    let counted: u64 = drift["summary"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(findings, counted);
    assert_eq!(drift["outcome"] == "in-sync", findings == 0);
    drift
}

/// `direction kind mend` of each finding.
fn told(drift: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let findings = drift["findings"].as_array().unwrap().iter();
    findings
        .map(|found| {
            format!(
                "{} {} {}",
                text(&found["direction"]),
                text(&found["resource"]["kind"]),
                text(&found["mend"])
            )
        })
        .collect()
}

fn what_is_in_sync_is_no_drift(world: &World) {
    let _endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    assert_eq!(drift(world, &[], 0)["findings"], json!([]));
    let text = world.run(&["drift"]).expect(0).stdout;
    assert!(text.starts_with("In sync"), "{text}");
}

fn each_direction_is_told_with_who_mends_it(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    world.wants_also(
        "prune: { subscriptions: delete }\n\
                subscriptions:\n\
                - { source: kafka://main/t, sink: service://Checkout/onOrder, options: { group.id: g } }\n\
                - { source: kafka://main/v, sink: service://Checkout/onOrder, options: { group.id: g } }\n",
    );
    world.apply();
    let live = world.subscriptions();
    let id = live.iter().find(|s| s["source"] == "kafka://main/t").unwrap()["id"].clone();
    world.admin(
        "DELETE",
        &format!("/subscriptions/{}", id.as_str().unwrap()),
        None,
    );
    world.subscribe("kafka://main/u", "service://Checkout/onOrder", &json!({}));
    world.override_service("Checkout", &json!({ "public": true }));
    let found = drift(world, &[], 2);
    assert_eq!(
        told(&found),
        [
            "changed service apply",
            "missing subscription apply",
            "extra subscription apply"
        ]
    );
    let public = &found["findings"][0];
    assert_eq!(public["fields"][0]["before"], true);
    assert_eq!(public["fields"][0]["after"], false);
    assert_eq!(public["origin"]["line"], 3);
    // Somebody registers a newer revision: to roll it back is for people to decide.
    let _newer = world.has(checkout(&["onOrder"]));
    let found = drift(world, &[], 2);
    assert!(
        told(&found).contains(&"changed deployment person".to_owned()),
        "{found:#}"
    );
    let unlisted = drift(world, &["--show-unmanaged"], 2);
    assert!(
        told(&unlisted).contains(&"extra deployment person".to_owned()),
        "{unlisted:#}"
    );
    let text = world.run(&["drift"]).expect(2).stdout;
    assert!(
        text.contains("`restatectl apply` mends, once the rest is settled")
            && text.contains("Needs a person:"),
        "{text}"
    );
    // Nothing was changed by all of this.
    assert_eq!(world.service("Checkout")["revision"], 2);
    drop(endpoint);
}

/// It sends all six options with the values in effect.
fn one_edit_in_the_web_ui_is_one_difference(world: &World) {
    let _endpoint = world.serves(
        service("Mail"),
        "services: { Mail: { abort_timeout: 10m, journal_retention: 1d, public: true } }",
    );
    world.apply();
    let live = world.service("Mail");
    let mut all = json!({ "abort_timeout": "2h" });
    for name in [
        "public",
        "idempotency_retention",
        "journal_retention",
        "inactivity_timeout",
    ] {
        all[name] = live[name].clone();
    }
    world.override_service("Mail", &all);
    let found = drift(world, &[], 2);
    assert_eq!(told(&found), ["changed service apply"]);
    let fields = found["findings"][0]["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 1, "{found:#}");
    assert_eq!(fields[0]["path"], json!(["abort_timeout"]));
    // One that no file manages is nobody's business.
    world.override_service(
        "Mail",
        &json!({ "abort_timeout": "10m", "inactivity_timeout": "7m" }),
    );
    drift(world, &[], 0);
}

fn an_endpoint_that_is_down_is_unreachable(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    endpoint.behave(Behaviour::Fail(503, "down".to_owned()));
    let found = drift(world, &[], 2);
    assert_eq!(told(&found), ["unreachable deployment person"]);
    drift(world, &["--fail-on", "missing,extra,changed"], 0);
    drift(world, &["--discover", "none"], 0);
    // One that was never registered, too.
    let other = Endpoint::start(service("Mail"));
    other.behave(Behaviour::Fail(503, "down".to_owned()));
    world.lists([&other], "");
    assert_eq!(told(&drift(world, &[], 2)), ["unreachable deployment person"]);
}

fn what_counts_can_be_chosen(world: &World) {
    let _endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    world.override_service("Checkout", &json!({ "public": true }));
    drift(world, &["--fail-on", "changed,missing"], 2);
    let found = drift(world, &["--fail-on", "missing"], 0);
    assert_eq!(found["outcome"], "drift", "it is told all the same");
    world.run(&["drift", "--fail-on", "anything"]).expect(64);
    world
        .run(&["drift", "--admin-url", "http://127.0.0.1:1"])
        .expect(1);
}

fn deletions_that_wait_are_no_drift(world: &World) {
    let _v1 = world.has(service("Mail"));
    let v2 = world.has(service("Mail"));
    world.lists(
        [&v2],
        "prune: { deployments: { policy: drained, keep: 0, after: 1d } }",
    );
    assert_eq!(world.plan()["waiting"].as_array().unwrap().len(), 1);
    drift(world, &[], 0);
}

fn what_depends_on_a_person_needs_one_too(world: &World) {
    let v1 = world.has(checkout(&["onOrder"]));
    let _v2 = world.has(checkout(&["onOrder"]));
    let audit = world.has(service("Audit"));
    world.lists([&v1, &audit], "services: { Checkout: { public: false }, Audit: { public: false } }\n\
         subscriptions: [{ source: kafka://main/t, sink: service://Checkout/onOrder, options: { group.id: g } }]");
    let found = drift(world, &[], 2);
    assert_eq!(
        told(&found),
        [
            "changed service apply",
            "changed deployment person",
            "changed service person",
            "missing subscription person"
        ]
    );
    assert_eq!(found["apply_is_refused"], true);
    assert_eq!(found["unmanaged"], 1);
}

fn what_belongs_to_another_stack_needs_a_person(world: &World) {
    if world.is_1_5() {
        return;
    }
    let endpoint = Endpoint::start(service("Mail"));
    for stack in ["others", "ours"] {
        world.lists([&endpoint], &format!("stack: {stack}"));
        if stack == "others" {
            world.apply();
        }
    }
    let found = drift(world, &[], 2);
    assert_eq!(told(&found), ["changed deployment person"]);
    assert_eq!(found["findings"][0]["resource"]["key"], endpoint.url());
    // With something to change about it as well it still is one difference.
    world.lists([endpoint.with("additional_headers: { a: b }")], "stack: ours");
    assert_eq!(told(&drift(world, &[], 2)), ["changed deployment person"]);
}

/// What a plan warns of is no news to drift; what no file lists is nobody's.
fn a_duplicate_of_what_is_listed_is_extra(world: &World) {
    let _endpoint = private_checkout(world, &["onOrder"]);
    let sink = "service://Checkout/onOrder";
    world.wants_also(&format!(
        "subscriptions:\n- {{ source: kafka://main/t, sink: {sink}, options: {{ group.id: g }} }}\n"
    ));
    world.apply();
    let unlisted = || world.subscribe("kafka://main/v", sink, &json!({ "group.id": "h" }));
    let (one, other) = (unlisted(), unlisted());
    assert_eq!(drift(world, &[], 0)["outcome"], "in-sync");
    let plan = world.plan();
    let help = finding(&plan, "duplicate-subscription")["help"].as_str().unwrap();
    assert!([&one, &other].iter().any(|id| help.contains(*id)), "{help}");
    assert!(!help.contains("prune"), "that would delete both: {help}");

    world.subscribe("kafka://main/t", sink, &json!({ "group.id": "g" }));
    let found = drift(world, &[], 2);
    assert_eq!(told(&found), ["extra subscription person"]);
    let finding = &found["findings"][0];
    let help = finding["help"].as_str().unwrap();
    assert!(help.starts_with("`restatectl delete subscription sub_"), "{help}");
    assert!(finding["origin"]["line"].is_number());
    let id = help.trim_end_matches("` deletes it").rsplit(' ').next().unwrap();
    world.run(&["delete", "subscription", id, "--yes"]).expect(0);
    assert_eq!(drift(world, &[], 0)["outcome"], "in-sync");
    // Where all that is unlisted goes, none of it is told as if it stayed.
    world.wants_also("prune: { subscriptions: delete }\n");
    assert_eq!(findings(&world.plan()), [""; 0]);
}
