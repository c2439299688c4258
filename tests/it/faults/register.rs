//! Registrations whose answer is lost, and what else goes wrong around them.

use super::{applying, shop, start, the_registration, times, writes};
use crate::endpoint::{Behaviour, Endpoint, Manifest};
use crate::fake::{Fault, Match};
use crate::harness::{Ran, wait_until};
use crate::suite::{checkout, private_checkout, service};
use crate::world::{Target, World};
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn a_lost_answer_to_a_registration_is_read_again_and_stays_private() {
    for fault in [Fault::DropAfter, Fault::Truncated, Fault::MalformedJson] {
        let world = World::fake("1.7.12");
        let _endpoint = shop(&world);
        world.as_fake().on(the_registration(), fault.clone());
        world.apply();
        assert_eq!(world.service("Checkout")["public"], false, "{fault:?}");
        assert_eq!(world.service("Checkout")["revision"], 1, "{fault:?}");
        let posts = writes(&world)
            .iter()
            .filter(|w| *w == "POST /deployments")
            .count();
        assert_eq!(posts, 1, "it landed, so it is not sent again: {fault:?}");
    }
}

#[test]
fn a_registration_that_did_not_land_is_sent_again() {
    for fault in [
        Fault::DropBefore,
        Fault::RetriesExhausted,
        Fault::Status(503, vec![], String::new()),
    ] {
        let world = World::fake("1.7.12");
        let _endpoint = shop(&world);
        world.as_fake().on(the_registration(), fault);
        world.apply();
        assert_eq!(world.service("Checkout")["revision"], 1);
    }
}

/// A gateway gives up while the server is still discovering a slow endpoint, which then lands.
#[test]
fn a_registration_that_lands_late_is_waited_for() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    let fake = world.as_fake();
    fake.on(
        times("POST", "/deployments", 1, 3),
        Fault::Status(504, vec![], String::new()),
    );
    let child = applying(&world);
    wait_until(|| {
        writes(&world)
            .iter()
            .filter(|w| *w == "POST /deployments")
            .count()
            == 3
    });
    std::thread::sleep(Duration::from_millis(500));
    world.register(&endpoint.url());
    Ran::of(child).expect(0);
    assert_eq!(world.service("Checkout")["public"], false);
}

#[test]
fn a_registration_that_may_have_landed_is_unknown() {
    let world = World::fake("1.7.12");
    let _endpoint = shop(&world);
    world.as_fake().on(
        times("POST", "/deployments", 1, 99),
        Fault::Status(504, vec![], String::new()),
    );
    let report = world.apply_fails(&["--discovery-timeout", "2s", "--timeout", "2s"], 3);
    assert_eq!(report["alerts"], json!(["service Checkout MAY BE PUBLIC"]));
    assert_eq!(report["changes"][0]["status"], "unknown");
}

#[test]
fn reads_and_repeatable_writes_are_tried_again() {
    let world = World::fake("1.7.12");
    let _endpoint = shop(&world);
    let fake = world.as_fake();
    let later = vec![("retry-after".to_owned(), "1".to_owned())];
    fake.on(
        Match::first("GET", "/deployments"),
        Fault::Status(429, later, String::new()),
    );
    fake.on(
        Match::first("GET", "/services"),
        Fault::Status(502, vec![], "bad gateway".to_owned()),
    );
    fake.on(Match::first("GET", "/version"), Fault::DropBefore);
    fake.on(
        Match::first("POST", "/deployments"),
        Fault::Status(504, vec![], String::new()),
    );
    fake.on(times("PATCH", "/services/Checkout", 0, 3), Fault::DropAfter);
    world.apply();
}

#[test]
fn a_failed_change_blocks_only_what_depends_on_it() {
    let world = World::fake("1.7.12");
    let endpoint = Endpoint::start_at([("/a", checkout(&["onOrder"])), ("/b", service("Mail"))]);
    world.lists(
        [endpoint.at("/a"), endpoint.at("/b")],
        "services: { Checkout: { abort_timeout: 1h }, Mail: { abort_timeout: 1h } }\n\
         subscriptions: [{ source: kafka://main/orders, sink: service://Checkout/onOrder, options: { group.id: g1 } }]",
    );
    let refusal = json!({ "message": "disk full", "restate_code": null }).to_string();
    let json_type = vec![("content-type".to_owned(), "application/json".to_owned())];
    world.as_fake().on(
        times("POST", "/deployments", 2, 1),
        Fault::Status(400, json_type, refusal),
    );
    let report = world.apply_fails(&[], 3);
    let statuses: Vec<_> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["failed", "done", "blocked", "done", "blocked"]);
    assert_eq!(report["outcome"], "incomplete");
    assert_eq!(
        report["changes"][0]["error"],
        json!({ "message": "disk full", "restate_code": null, "http_status": 400 })
    );
    assert_eq!(world.service("Mail")["abort_timeout"], "1h");
    // Running it again finishes it.
    let report = world.apply();
    assert_eq!(report["summary"]["done"], 3);
}

/// The real server dies while a registration waits for its endpoint.
#[test]
fn a_server_that_dies_leaves_an_outcome_that_the_next_run_settles() {
    let mut world = World::real("1.7.12");
    let endpoint = shop(&world);
    endpoint.behave(Behaviour::Slow(Duration::from_secs(3)));
    let args = ["apply", "--yes", "--format", "json", "--timeout", "5s"];
    let child = start(&world, &args);
    // The plan's dry run, then the registration.
    wait_until(|| endpoint.requests().len() >= 2);
    let Target::Real(server) = &mut world.target else {
        unreachable!()
    };
    server.kill9();
    let ran = Ran::of(child).expect(3);
    let report = ran.json();
    assert_eq!(report["changes"][0]["status"], "unknown", "{report}");
    assert_eq!(report["changes"][1]["status"], "not-attempted");
    assert_eq!(report["alerts"], json!(["service Checkout MAY BE PUBLIC"]));
    let Target::Real(server) = &mut world.target else {
        unreachable!()
    };
    server.restart();
    endpoint.behave(Behaviour::Normal);
    world.apply();
    assert_eq!(world.service("Checkout")["public"], false);
    assert_eq!(world.service("Checkout")["revision"], 1);
}

#[test]
fn no_request_is_ever_forced_but_dry_runs() {
    let world = World::fake("1.7.12");
    let _one = private_checkout(&world, &["onOrder"]);
    world.apply();
    let _two = private_checkout(&world, &["onOrder", "more"]);
    world.apply();
    for request in world
        .as_fake()
        .requests()
        .iter()
        .filter(|r| r.path.ends_with("/deployments") && r.method == "POST")
    {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert!(
            body["force"].is_boolean() && body["breaking"].is_boolean(),
            "always explicit: {body}"
        );
        assert!(body["force"] == false || body["dry_run"] == true, "{body}");
    }
}

#[test]
fn writes_go_one_at_a_time_and_reads_at_most_so_many() {
    let world = World::fake("1.7.12");
    let paths: Vec<String> = (0..12).map(|n| format!("/{n}")).collect();
    let endpoint = Endpoint::start(Manifest::new());
    for (n, path) in paths.iter().enumerate() {
        endpoint.mount(path, service(&format!("S{n}")));
    }
    world.lists(paths.iter().map(|path| endpoint.at(path)), "");
    // The first take long enough for all others that may to start beside them.
    world.as_fake().on(
        times("POST", "/deployments", 0, 3),
        Fault::Delay(Duration::from_secs(3)),
    );
    let child = start(&world, &["plan", "--parallelism", "3"]);
    let posts = || {
        world
            .as_fake()
            .requests()
            .iter()
            .filter(|r| r.method == "POST")
            .count()
    };
    wait_until(|| posts() >= 3);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(posts(), 3);
    Ran::of(child).expect(0);

    world.as_fake().clear_requests();
    world.as_fake().on(
        times("POST", "/deployments", 12, 1),
        Fault::Delay(Duration::from_secs(2)),
    );
    let child = start(&world, &["apply", "--yes"]);
    wait_until(|| !writes(&world).is_empty());
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(writes(&world).len(), 1);
    Ran::of(child).expect(0);
    world.plan();
}
