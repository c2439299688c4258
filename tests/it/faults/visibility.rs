//! No fault makes a service public that the file wants private, or it is said first.

use super::{applying, first_error, shop, times, writes};
use crate::endpoint::Endpoint;
use crate::fake::{Fault, Match};
use crate::harness::{Ran, wait_until};
use crate::suite::{checkout, service};
use crate::world::World;
use serde_json::json;
use std::time::Duration;

#[test]
fn a_service_that_stays_public_leads_the_report() {
    let world = World::fake("1.7.12");
    let _endpoint = shop(&world);
    world.as_fake().on(
        times("PATCH", "/services/Checkout", 0, 1000),
        Fault::Status(500, vec![], "broken".to_owned()),
    );
    let ran = world.run(&["apply", "--yes", "--timeout", "2s"]).expect(3);
    assert!(
        ran.stdout.contains("\nservice Checkout IS PUBLIC\n"),
        "{}",
        ran.stdout
    );
    let report = ran.stdout.split("Plan: ").nth(1).unwrap();
    assert!(
        report
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("service Checkout IS PUBLIC"),
        "{report}"
    );
    assert_eq!(
        writes(&world).last().unwrap(),
        "PATCH /services/Checkout",
        "nothing else is started"
    );
    assert_eq!(world.subscriptions().len(), 0);
}

#[test]
fn the_unit_keeps_trying_for_its_whole_time_budget() {
    let world = World::fake("1.7.12");
    let _endpoint = shop(&world);
    world.as_fake().on(
        times("PATCH", "/services/Checkout", 0, 6),
        Fault::Status(503, vec![], String::new()),
    );
    world.apply();
    assert_eq!(world.service("Checkout")["public"], false);
}

/// A write that hangs once must not use up the time for all tries.
#[test]
fn a_unit_survives_a_write_that_hangs() {
    let world = World::fake("1.7.12");
    let _endpoint = shop(&world);
    world.as_fake().on(
        Match::first("PATCH", "/services/Checkout"),
        Fault::Delay(Duration::from_secs(60)),
    );
    world.apply_with(&["--timeout", "6s"]);
    assert_eq!(world.service("Checkout")["public"], false);
}

/// An overwrite makes a private service public, and then nothing can be read any more.
#[test]
fn a_service_is_hidden_also_when_it_cannot_be_looked_at() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    world.apply();
    endpoint.set(checkout(&["onOrder", "onRefund"]));
    // The plan reads them, and so does the change before it writes.
    world.as_fake().on(
        times("GET", "/services", 2, 99),
        Fault::Status(500, vec![], "broken".to_owned()),
    );
    let report = world.apply_fails(&["--allow", "overwrite"], 3);
    assert_eq!(report["changes"][0]["status"], "unknown", "{report}");
    let is_public = |state: &mut crate::fake::state::State| state.active("Checkout").unwrap().1.is_public();
    assert!(!world.as_fake().state(is_public));
}

/// What can be hidden by then is the revision before it, which is private anyway.
#[test]
fn a_new_revision_that_may_land_later_is_an_alert() {
    let world = World::fake("1.7.12");
    let old = shop(&world);
    world.apply();
    let new = Endpoint::start(checkout(&["onOrder"]));
    world.edit(&old.url(), &new.url());
    // Both are discovered before anything is written.
    world.as_fake().on(
        times("POST", "/deployments", 2, 99),
        Fault::Status(504, vec![], String::new()),
    );
    let report = world.apply_fails(&["--discovery-timeout", "2s", "--timeout", "2s"], 3);
    assert_eq!(report["alerts"], json!(["service Checkout MAY BE PUBLIC"]));
    assert_eq!(report["changes"][0]["status"], "unknown");
    assert_eq!(report["changes"][1]["status"], "not-attempted");
}

#[test]
fn what_is_made_private_while_the_plan_runs_stays_private() {
    let world = World::fake("1.7.12");
    let _old = world.has([service("Mail"), service("Audit")]);
    let _new = world.serves(service("Mail"), "");
    world.as_fake().on(
        Match::first("POST", "/deployments"),
        Fault::Delay(Duration::from_secs(3)),
    );
    let child = applying(&world);
    wait_until(|| {
        world
            .as_fake()
            .requests()
            .iter()
            .any(|r| r.method == "POST" && r.body.contains("dry_run"))
    });
    world.override_service("Mail", &json!({ "public": false }));
    let report = Ran::of(child).expect(3).json();
    assert!(first_error(&report).contains("stays private"), "{report}");
    assert_eq!(world.service("Mail")["public"], false);
}

/// A server that accepts `public: false` and does not do it has never been seen; it would be told.
#[test]
fn an_answer_that_is_still_public_is_not_believed() {
    let world = World::fake("1.7.12");
    let _endpoint = shop(&world);
    let still_public = json!({
        "name": "Checkout", "ty": "VirtualObject", "handlers": [], "deployment_id": "dp_1", "revision": 1, "public": true,
    });
    let answer = Fault::Status(200, vec![], still_public.to_string());
    world
        .as_fake()
        .on(times("PATCH", "/services/Checkout", 0, 99), answer);
    let report = world.apply_fails(&[], 3);
    assert_eq!(report["alerts"], json!(["service Checkout IS PUBLIC"]));
}
