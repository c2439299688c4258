//! Impatient people: one signal, and one more.

use super::{applying, shop, start, the_registration, writes};
use crate::fake::{Fault, Match};
use crate::harness::{Ran, wait_until};
use crate::world::World;
use serde_json::json;
use std::process::{Child, Command};
use std::time::Duration;

fn signal(child: &Child, signal: &str) {
    let killed = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
}

#[test]
fn interrupted_before_anything_was_changed() {
    for name in ["-INT", "-TERM", "-HUP", "-QUIT", "-USR1"] {
        let world = World::fake("1.7.12");
        let _endpoint = shop(&world);
        world.as_fake().on(
            Match::first("POST", "/deployments"),
            Fault::Delay(Duration::from_secs(60)),
        );
        for verb in [
            &["plan", "--format", "json"][..],
            &["apply", "--yes", "--format", "json"],
        ] {
            world.as_fake().clear_requests();
            let child = start(&world, verb);
            wait_until(|| world.as_fake().requests().iter().any(|r| r.method == "POST"));
            signal(&child, name);
            let ran = Ran::of(child).expect(130);
            assert_eq!(ran.json()["problems"][0]["code"], "interrupted");
            world.as_fake().on(
                Match::first("POST", "/deployments"),
                Fault::Delay(Duration::from_secs(60)),
            );
        }
    }
}

#[test]
fn an_interrupt_finishes_the_change_in_flight() {
    for name in ["-INT", "-TERM", "-HUP", "-QUIT", "-USR1"] {
        let world = World::fake("1.7.12");
        let _endpoint = shop(&world);
        world
            .as_fake()
            .on(the_registration(), Fault::Delay(Duration::from_secs(3)));
        let child = applying(&world);
        wait_until(|| writes(&world).iter().any(|w| w == "POST /deployments"));
        signal(&child, name);
        let report = Ran::of(child).expect(130).json();
        assert_eq!(report["outcome"], "interrupted");
        assert_eq!(
            report["summary"],
            json!({ "done": 1, "failed": 0, "blocked": 0, "not-attempted": 2, "unknown": 0 })
        );
        assert_eq!(world.service("Checkout")["public"], false, "the unit is whole");
        world.apply();
    }
}

#[test]
fn a_second_interrupt_aborts() {
    let world = World::fake("1.7.12");
    let _endpoint = shop(&world);
    world
        .as_fake()
        .on(the_registration(), Fault::Delay(Duration::from_secs(60)));
    let mut child = applying(&world);
    wait_until(|| writes(&world).iter().any(|w| w == "POST /deployments"));
    // Two signals in a row may arrive as one, so a person would press again.
    while child.try_wait().unwrap().is_none() {
        signal(&child, "-INT");
        std::thread::sleep(Duration::from_millis(300));
    }
    // It may land after we are gone, which matters more than that we were interrupted.
    let report = Ran::of(child).expect(3).json();
    assert_eq!(report["outcome"], "interrupted");
    assert_eq!(report["alerts"], json!(["service Checkout MAY BE PUBLIC"]));
    assert_eq!(report["summary"]["unknown"], 1);
    assert_eq!(report["summary"]["not-attempted"], 2);
}

/// `nohup`: whoever started it wants it to live on when the terminal is closed.
#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let world = World::fake("1.7.12");
    let _endpoint = shop(&world);
    world
        .as_fake()
        .on(the_registration(), Fault::Delay(Duration::from_secs(3)));
    let apply = world.desk.command(&["apply", "--yes", "--format", "json"]);
    let mut nohup = Command::new("sh");
    nohup
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(apply.get_program())
        .args(apply.get_args())
        .current_dir(world.desk.path())
        .env_clear()
        .envs(apply.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = nohup.spawn().unwrap();
    wait_until(|| writes(&world).iter().any(|w| w == "POST /deployments"));
    signal(&child, "-HUP");
    assert_eq!(Ran::of(child).expect(0).json()["outcome"], "complete");
}

/// Whoever started it without a file on a terminal can end it.
#[test]
fn a_wait_for_standard_input_is_ended() {
    let world = World::fake("1.7.12");
    for verb in ["plan", "apply", "validate"] {
        let mut command = world.desk.command(&[verb, "-f", "-"]);
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        // Long enough to have come to it.
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "{verb} waits");
        signal(&child, "-INT");
        child.wait().unwrap();
    }
    assert!(world.as_fake().requests().is_empty());
}
