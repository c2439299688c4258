//! What a replaced subscription does to the records that keep coming, and what a script does to them.

use super::stage::{SOURCE, Stage, TOPIC};
use super::stall::Stall;
use crate::harness::wait_until;
use crate::server::VERSIONS;
use crate::world::ops;
use serde_json::{Value, json};

const TAKE: &str = "service://Orders/take";
const ACCEPT: &str = "service://Orders/accept";

/// A history that is read and committed, and records that come in all the time: before, during and
/// after a switch of subscriptions.
struct Traffic {
    stage: Stage,
    version: &'static str,
    /// How many records were handled when the switch began.
    before: usize,
}

impl Traffic {
    fn start(mut stage: Stage, version: &'static str, group: &str) -> Self {
        stage.broker.write(TOPIC, 1000);
        stage.drain(group);
        // Slow enough for any machine to keep up.
        stage.broker.keep_writing(TOPIC, 100);
        wait_until(|| stage.ledger.handled(..) >= 1200);
        Self {
            before: stage.ledger.handled(..),
            stage,
            version,
        }
    }

    /// Waits until there is more to read.
    fn go_on(&mut self) {
        let now = self.stage.broker.written();
        wait_until(|| self.stage.broker.written() > now + 100);
    }

    /// Ends when all that the group reads is handled.
    fn end(mut self, switch: &str, group: &str) -> Outcome {
        let after = self.stage.broker.written();
        wait_until(|| self.stage.ledger.handled(after..) > 0);
        self.go_on();
        let written = self.stage.broker.stop_writing();
        self.stage.drain(group);
        let outcome = Outcome {
            before: self.before,
            lost: written - self.stage.ledger.handled(..) as u64,
            again: self.stage.ledger.repeated(),
        };
        self.report(switch, &outcome);
        outcome
    }

    #[expect(clippy::print_stdout, reason = "figures to read, with `--nocapture`")]
    fn report(&self, switch: &str, outcome: &Outcome) {
        println!("{}, {switch}: {outcome:?}", self.version);
    }
}

/// Numbers of records.
#[derive(Debug)]
struct Outcome {
    /// Handled before the switch.
    before: usize,
    /// Never handled.
    lost: u64,
    /// Handled more than once.
    again: usize,
}

#[test]
fn a_replacement_loses_nothing_and_repeats_little() {
    for version in VERSIONS {
        let stage = Stage::set(version);
        stage.wants("take", "group.id: g1, auto.offset.reset: earliest");
        stage.world.apply();
        let traffic = Traffic::start(stage, version, "g1");
        traffic.stage.wants(
            "take",
            "group.id: g1, auto.offset.reset: earliest, client.id: shop",
        );
        let report = traffic.stage.world.apply();
        assert_eq!(report["changes"][0]["op"], "replace");
        let outcome = traffic.end("replaced", "g1");
        assert_eq!(outcome.lost, 0, "{version}");
        assert!(outcome.again < outcome.before / 4, "{version}: {outcome:?}");
    }
}

#[test]
fn a_replacement_killed_between_its_halves_is_finished_and_loses_nothing() {
    for version in VERSIONS {
        let stage = Stage::set(version);
        stage.wants("take", "group.id: g1, auto.offset.reset: earliest");
        stage.world.apply();
        let mut traffic = Traffic::start(stage, version, "g1");
        let world = &traffic.stage.world;
        traffic
            .stage
            .wants("accept", "group.id: g1, auto.offset.reset: earliest");

        let stall = Stall::of("POST", "/subscriptions", &world.admin_url());
        let mut apply = world
            .desk
            .command(&["apply", "--yes", "--admin-url", stall.url()]);
        let mut apply = apply.spawn().unwrap();
        wait_until(|| stall.is_stuck());
        apply.kill().unwrap();
        apply.wait().unwrap();
        assert_eq!(world.subscriptions(), [] as [Value; 0], "{version}");
        traffic.go_on();

        let world = &traffic.stage.world;
        assert_eq!(ops(&world.plan()), [format!("create {SOURCE} -> {ACCEPT} @ g1")]);
        world.apply();
        let outcome = traffic.end("killed and finished", "g1");
        assert_eq!(outcome.lost, 0, "{version}");
        assert!(outcome.again < outcome.before / 4, "{version}: {outcome:?}");
    }
}

#[test]
fn a_script_with_earliest_repeats_everything() {
    for version in VERSIONS {
        let outcome = scripted(version, "earliest");
        assert_eq!(outcome.lost, 0, "{version}");
        assert!(outcome.again >= outcome.before, "{version}: {outcome:?}");
    }
}

#[test]
fn a_script_with_latest_loses_what_came_in_between() {
    for version in VERSIONS {
        let outcome = scripted(version, "latest");
        assert!(outcome.lost > 0, "{version}: {outcome:?}");
    }
}

/// What people script today: delete and create, and the server makes up another `group.id`.
fn scripted(version: &'static str, reset: &str) -> Outcome {
    let stage = Stage::set(version);
    stage.world.register(stage.endpoint.url());
    // The first one reads everything: what is lost, the script has lost.
    let old = stage
        .world
        .subscribe(SOURCE, TAKE, &json!({ "auto.offset.reset": "earliest" }));
    let traffic = Traffic::start(stage, version, &old);
    let world = &traffic.stage.world;
    let (status, _) = world.admin("DELETE", &format!("/subscriptions/{old}"), None);
    assert_eq!(status, 202);
    let new = world.subscribe(SOURCE, TAKE, &json!({ "auto.offset.reset": reset }));
    traffic.end(&format!("scripted with {reset}"), &new)
}
