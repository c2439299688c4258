//! Runs that die without a word, and the same plan again.

use super::{FROM_THE_START, SOURCE, start, times, writes};
use crate::endpoint::Endpoint;
use crate::fake::Fault;
use crate::suite::{checkout, service};
use crate::world::World;
use serde_json::json;
use std::time::Duration;

/// A saved plan that registers, hides, configures, creates, replaces and deletes.
fn scene(world: &World) -> Vec<Endpoint> {
    let old = world.has(service("Mail"));
    let latest = world.has(service("Mail"));
    let before = world.has(checkout(&["onOrder"]));
    world.subscribe(SOURCE, "service://Checkout/onOrder", &json!({ "group.id": "g1" }));
    // One that is put back, and one that changes.
    let overrides = json!({ "idempotency_retention": "7d", "journal_retention": "2d" });
    world.override_service("Checkout", &overrides);
    let next = Endpoint::start(checkout(&["onOrder", "onRefund"]));
    world.lists(
        [&latest, &before, &next],
        &format!(
            "services: {{ Checkout: {{ public: false, idempotency_retention: 7d, journal_retention: 3d }}, Mail: {{ abort_timeout: 1h }} }}\n\
             prune: {{ deployments: {{ policy: force, keep: 0, after: 0s }} }}\n\
             {FROM_THE_START}\n\
             - {{ source: kafka://main/refunds, sink: service://Checkout/onRefund, options: {{ group.id: g2 }} }}\n"
        ),
    );
    world.run(&["plan", "--out", "plan.json"]).expect(0);
    vec![old, latest, before, next]
}

/// The same plan again converges, with nothing there twice.
fn is_resumed(world: &World, killed_at: &str) {
    let ran = world.run(&APPLY);
    assert_eq!(ran.code, 0, "{killed_at}\n{}{}", ran.stdout, ran.stderr);
    assert_eq!(world.plan()["changes"], json!([]), "{killed_at}");
    assert_eq!(world.subscriptions().len(), 2, "{killed_at}");
    let checkout = world.service("Checkout");
    assert_eq!(checkout["public"], false, "{killed_at}");
}

const APPLY: [&str; 5] = ["apply", "plan.json", "--yes", "--format", "json"];

#[test]
fn a_killed_run_is_resumed_by_the_same_plan() {
    let fake = || {
        let world = World::fake("1.7.12");
        let endpoints = scene(&world);
        world.as_fake().clear_requests();
        (world, endpoints)
    };
    let (world, _endpoints) = fake();
    world.run(&APPLY).expect(0);
    let all = writes(&world).len();
    assert!(all > 6, "{:?}", writes(&world));
    for so_many in 1..=all {
        let (world, _endpoints) = fake();
        for (method, path) in [
            ("POST", "/deployments"),
            ("PATCH", "/services"),
            ("POST", "/subscriptions"),
            ("DELETE", "/"),
        ] {
            let slow = Fault::Delay(Duration::from_millis(100));
            world.as_fake().on(times(method, path, 0, 99), slow);
        }
        let mut child = start(&world, &APPLY);
        while writes(&world).len() < so_many && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What was in flight lands all the same.
        std::thread::sleep(Duration::from_millis(300));
        is_resumed(&world, &format!("{:?}", writes(&world)));
    }
}

/// On real servers there is no telling at which request it dies: as soon as the report, which is written
/// as it goes, has begun so many of its changes.
#[test]
fn a_killed_run_is_resumed_on_real_servers() {
    for version in ["1.7.12", "1.6.2", "1.5.3"] {
        for so_many in 0..6 {
            let world = World::real(version);
            let _endpoints = scene(&world);
            let args = [&APPLY[..], &["--report", "json=report.json"]].concat();
            let mut child = start(&world, &args);
            let done = || {
                let text = std::fs::read_to_string(world.desk.path().join("report.json"));
                text.unwrap_or_default().matches("\"status\": \"done\"").count()
            };
            while done() < so_many && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_micros(200));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            let killed_at = format!("{version}, after {}", done());
            // What was in flight lands all the same.
            std::thread::sleep(Duration::from_millis(200));
            is_resumed(&world, &killed_at);
        }
    }
}
