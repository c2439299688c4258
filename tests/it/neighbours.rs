//! Several runs at once, on one server: whoever is last leaves what the files ask for, once.

use crate::endpoint::Endpoint;
use crate::fake::{Fault, Match};
use crate::faults::{applying, start};
use crate::harness::{Ran, wait_until};
use crate::suite::service;
use crate::world::World;
use serde_json::{Value, json};
use std::time::Duration;

/// Three pipelines that were started by one push: none fails, and nothing is there twice.
fn three_at_once(world: &World, rounds: u32) {
    for round in 0..rounds {
        let mail = Endpoint::start(service(&format!("Mail{round}")));
        let url = mail.url();
        // With a group of the file's, and with one of the server's.
        world.wants(&format!(
            "deployments:\n  - uri: {url}\n    additional_headers: {{ x-round: '{round}' }}\n\
             services:\n  Mail{round}: {{ public: false, journal_retention: 1h }}\n\
             subscriptions:\n  \
             - {{ source: kafka://main/a{round}, sink: service://Mail{round}/run, options: {{ group.id: g{round} }} }}\n  \
             - {{ source: kafka://main/b{round}, sink: service://Mail{round}/run, options: {{ fetch.min.bytes: '1' }} }}\n"
        ));
        let apply = || applying(world);
        let runs = [apply(), apply(), apply()].map(Ran::of);
        for ran in &runs {
            assert_eq!(ran.code, 0, "round {round}:\n{}\n{}", ran.stdout, ran.stderr);
        }
        let mine = |topic: &str| {
            let source = format!("kafka://main/{topic}{round}");
            let all = world.subscriptions();
            all.into_iter()
                .filter(|live| live["source"] == source.as_str())
                .count()
        };
        assert_eq!((mine("a"), mine("b")), (1, 1), "round {round}");
        let service = world.service(&format!("Mail{round}"));
        assert_eq!(
            (&service["public"], &service["revision"]),
            (&json!(false), &json!(1))
        );
        assert_eq!(world.plan()["changes"], json!([]), "round {round}");
    }
}

#[test]
fn three_at_once_on_restate_1_7() {
    three_at_once(&World::real("1.7.12"), 10);
}

#[test]
fn three_at_once_on_restate_1_5() {
    three_at_once(&World::real("1.5.3"), 4);
}

#[test]
fn three_at_once_on_a_fake() {
    three_at_once(&World::fake("1.6.2"), 4);
}

/// Subscriptions that write no group get that of their cluster, where it has one.
#[test]
fn three_at_once_with_a_group_of_the_cluster() {
    let world = World::fake("1.7.12");
    world.as_fake().state(|state| {
        for cluster in &mut state.kafka_clusters {
            let group = ("group.id".to_owned(), "of-the-cluster".to_owned());
            cluster.properties.extend([group]);
        }
    });
    three_at_once(&world, 3);
}

/// The replacement of one subscription, by two runs of which one is between its halves.
#[test]
fn a_replace_that_somebody_else_has_begun() {
    let world = World::fake("1.7.12");
    let mail = Endpoint::start(service("Mail"));
    let wants = |offset: &str| {
        world.wants(&format!(
            "deployments:\n  - uri: {}\nsubscriptions:\n  - source: kafka://main/a\n    sink: service://Mail/run\n    \
             options: {{ group.id: g, auto.offset.reset: {offset} }}\n",
            mail.url()
        ));
    };
    wants("latest");
    world.apply();
    wants("earliest");
    world.run(&["plan", "--out", "plan.json"]).expect(0);
    let posts = || {
        let requests = world.as_fake().requests();
        requests
            .iter()
            .filter(|r| r.method == "POST" && r.path.ends_with("/subscriptions"))
            .count()
    };
    let before = posts();
    world.as_fake().on(
        Match::first("POST", "/subscriptions"),
        Fault::Delay(Duration::from_secs(3)),
    );
    let apply = || start(&world, &["apply", "plan.json", "--yes", "--format", "json"]);
    let slow = apply();
    wait_until(|| posts() > before);
    Ran::of(apply()).expect(0);
    // The last one knows which one stays.
    let report = Ran::of(slow).expect(0).json();
    let live = world.subscriptions();
    assert_eq!(live.len(), 1, "{live:#?}");
    assert_eq!(live[0]["options"]["auto.offset.reset"], "earliest");
    assert_eq!(report["changes"][0]["server_id"], live[0]["id"], "{report:#}");
    assert_eq!(world.plan()["changes"], json!([]));
}

/// Somebody else makes a change while the plan is being made: exactly as it is wanted, it is done;
/// otherwise the run has lost, and says so.
#[test]
fn what_somebody_else_did_meanwhile() {
    type Neighbour = fn(&World, &Endpoint);
    let registers: Neighbour = |world, mail| {
        let body = json!({ "uri": mail.url(), "additional_headers": { "x-a": "1" }, "force": false });
        assert_eq!(world.admin("POST", "/deployments", Some(&body)).0, 201);
    };
    let registers_otherwise: Neighbour = |world, mail| {
        let body = json!({ "uri": mail.url(), "additional_headers": { "x-a": "2" }, "force": false });
        assert_eq!(world.admin("POST", "/deployments", Some(&body)).0, 201);
    };
    for (neighbour, code, said) in [
        (registers, 0, "done already, by somebody else"),
        (registers_otherwise, 3, "somebody registered it otherwise"),
    ] {
        let world = World::fake("1.7.12");
        let mail = Endpoint::start(service("Mail"));
        world.wants(&format!(
            "deployments:\n  - uri: {}\n    additional_headers: {{ x-a: '1' }}\nservices:\n  Mail: {{ public: false }}\n",
            mail.url()
        ));
        let fake = world.as_fake();
        fake.on(
            Match::first("POST", "/deployments"),
            Fault::Delay(Duration::from_secs(3)),
        );
        let child = applying(&world);
        wait_until(|| fake.requests().iter().any(|r| r.method == "POST"));
        neighbour(&world, &mail);
        let report = Ran::of(child).expect(code).json();
        let first: &Value = &report["changes"][0];
        assert!(first.to_string().contains(said), "{report:#}");
        assert_eq!(
            first["server_id"],
            world.get("/deployments")["deployments"][0]["id"]
        );
        if code == 0 {
            assert_eq!(world.service("Mail")["public"], false);
            assert_eq!(world.service("Mail")["revision"], 1);
        }
    }
}

/// A promotion and an update that somebody else made meanwhile, as they are wanted, are done; a promotion
/// that a third one undid is not.
#[test]
fn what_somebody_else_promoted_or_updated_meanwhile() {
    type Neighbour = fn(&World, &[Endpoint; 2]);
    fn force(world: &World, mail: &Endpoint) {
        let body = json!({ "uri": mail.url(), "force": true });
        assert!(world.admin("POST", "/deployments", Some(&body)).0 < 300);
    }
    let promotes: Neighbour = |world, [old, _]| force(world, old);
    let and_back: Neighbour = |world, [old, new]| {
        force(world, old);
        force(world, new);
    };
    let updates: Neighbour = |world, [_, new]| {
        let all = world.get("/deployments")["deployments"].clone();
        let mut all = all.as_array().unwrap().iter();
        let id = all.find(|live| live["uri"] == new.url().as_str()).unwrap()["id"].clone();
        let path = format!("/deployments/{}", id.as_str().unwrap());
        let body = json!({ "additional_headers": { "x-a": "1" }, "overwrite": false });
        assert!(world.admin("PATCH", &path, Some(&body)).0 < 300);
    };
    for (headers, order, neighbour, code, said) in [
        ("", [1, 0], promotes, 0, "done already, by somebody else"),
        ("", [1, 0], and_back, 3, "let another deployment serve Mail"),
        (
            ", additional_headers: { x-a: '1' }",
            [0, 1],
            updates,
            0,
            "done already, by somebody else",
        ),
    ] {
        let world = World::fake("1.7.12");
        let mails = [(); 2].map(|()| Endpoint::start(service("Mail")));
        for mail in &mails {
            world.register(&mail.url());
        }
        let [first, last] = order.map(|at| mails[at].url());
        world.wants(&format!(
            "deployments:\n- {{ uri: {first} }}\n- {{ uri: {last}, allow: [promote]{headers} }}\n"
        ));
        let fake = world.as_fake();
        fake.clear_requests();
        fake.on(
            Match::first("POST", "/deployments"),
            Fault::Delay(Duration::from_secs(3)),
        );
        let child = applying(&world);
        wait_until(|| fake.requests().iter().any(|r| r.method == "POST"));
        neighbour(&world, &mails);
        let report = Ran::of(child).expect(code).json();
        assert!(report["changes"].to_string().contains(said), "{report:#}");
    }
}
