//! Subscriptions, which are replaced in two steps.

use super::{FROM_THE_START, SINK, SOURCE, applying, first_error, shop, start, times, writes};
use crate::fake::{Fault, Match};
use crate::harness::{Ran, wait_until};
use crate::world::{World, ops};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_lost_answer_to_a_subscription_does_not_duplicate_it() {
    for fault in [
        Fault::DropAfter,
        Fault::DropBefore,
        Fault::RetriesExhausted,
        Fault::Truncated,
    ] {
        let world = World::fake("1.7.12");
        let _endpoint = shop(&world);
        world
            .as_fake()
            .on(Match::first("POST", "/subscriptions"), fault.clone());
        world.apply();
        assert_eq!(world.subscriptions().len(), 1, "{fault:?}");
    }
}

#[test]
fn a_replace_that_dies_between_its_halves_is_finished_by_the_next_run() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    world.apply();
    world.lists([&endpoint], FROM_THE_START);
    world.as_fake().on(
        Match::first("POST", "/subscriptions"),
        Fault::Delay(Duration::from_secs(20)),
    );
    let mut child = start(&world, &["apply", "--yes"]);
    wait_until(|| world.subscriptions().is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    let plan = world.plan();
    assert_eq!(ops(&plan), [format!("create {SOURCE} -> {SINK} @ g1")]);
    world.apply();
    assert_eq!(world.subscriptions()[0]["options"]["group.id"], "g1");
}

/// An hour is no time for a topic that nothing reads.
#[test]
fn a_replace_does_not_wait_as_long_as_it_is_told() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    world.apply();
    world.lists([&endpoint], FROM_THE_START);
    let later = vec![("retry-after".to_owned(), "3600".to_owned())];
    world.as_fake().on(
        Match::first("POST", "/subscriptions"),
        Fault::Status(429, later, String::new()),
    );
    let report = world.apply_fails(&[], 3);
    assert!(first_error(&report).contains("the old one is back"), "{report}");
    assert_eq!(world.subscriptions()[0]["options"]["group.id"], "g1");
}

/// What the server refuses after the old one is gone must not leave the topic unread.
#[test]
fn a_replace_that_is_refused_puts_the_old_one_back() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    world.apply();
    world.lists([&endpoint], FROM_THE_START);
    let refusal = json!({ "message": "no", "restate_code": null }).to_string();
    world.as_fake().on(
        Match::first("POST", "/subscriptions"),
        Fault::Status(400, vec![], refusal),
    );
    let report = world.apply_fails(&[], 3);
    assert!(first_error(&report).contains("the old one is back"), "{report}");
    assert_eq!(world.subscriptions()[0]["options"]["group.id"], "g1");
    world.apply();
}

#[test]
fn two_writers_of_one_subscription_leave_one() {
    let world = World::fake("1.7.12");
    let _endpoint = shop(&world);
    // The other writer creates its own between our reading of the list and our creating.
    world.as_fake().on(
        Match::first("POST", "/subscriptions"),
        Fault::Delay(Duration::from_secs(3)),
    );
    let child = applying(&world);
    wait_until(|| writes(&world).iter().any(|w| w == "POST /subscriptions"));
    world.as_fake().state(|state| {
        let theirs = crate::fake::kafka::Subscription {
            id: "sub_0AAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            source: SOURCE.to_owned(),
            sink: SINK.to_owned(),
            options: [("group.id", "g1"), ("client.id", "restate")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        state.subscriptions.push(theirs);
    });
    let ran = Ran::of(child).expect(0);
    let live = world.subscriptions();
    assert_eq!(live.len(), 1, "{live:?}");
    assert_eq!(
        live[0]["id"], "sub_0AAAAAAAAAAAAAAAAAAAAAAA",
        "the greater id goes"
    );
    assert!(
        ran.json()["changes"][2]["note"]
            .as_str()
            .unwrap()
            .contains("at the same time"),
        "{}",
        ran.stdout
    );
}

/// What a gateway says to a write is not the server's word: it is looked up.
#[test]
fn what_a_gateway_answers_to_a_write_is_not_certain() {
    let page = || "<html>no</html>".to_owned();
    for fault in [
        Fault::Status(404, vec![], page()),
        Fault::Status(403, vec![], page()),
        Fault::Status(200, vec![], page()),
        Fault::Status(500, vec![], json!({ "message": "no" }).to_string()),
        Fault::Redirect("http://127.0.0.1:9/".to_owned()),
    ] {
        // A deletion that was not made is not done.
        let world = World::fake("1.7.12");
        let endpoint = shop(&world);
        world.apply();
        world.lists(
            [&endpoint],
            "subscriptions: []\nprune: { subscriptions: delete }\n",
        );
        world.as_fake().on(times("DELETE", "/", 0, 99), fault.clone());
        let report = world.apply_fails(&["--timeout", "1s"], 3);
        assert_eq!(report["changes"][0]["status"], "unknown", "{fault:?}: {report:#}");
        assert_eq!(world.subscriptions().len(), 1, "{fault:?}");
        // Nor is a creation that may have been made taken for failed.
        let world = World::fake("1.7.12");
        let _endpoint = shop(&world);
        world
            .as_fake()
            .on(times("POST", "/subscriptions", 0, 99), fault.clone());
        let report = world.apply_fails(&["--timeout", "1s"], 3);
        assert_eq!(report["changes"][2]["status"], "unknown", "{fault:?}: {report:#}");
    }
}
