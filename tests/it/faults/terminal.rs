//! `apply` on a terminal, where it asks.

use super::shop;
use crate::harness::{Ran, wait_until};
use crate::suite::{checkout, service};
use crate::world::World;
use std::process::Command;
use std::time::Duration;

/// `apply` on a terminal, as a person sees it: the answer is typed when the question is there.
const PTY: &str = r"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b''
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    if not chunk:
        break
    seen += chunk
    if b'type `' in chunk:
        # What it asks to be typed, or something like it.
        what = chunk.split(b'`')[1]
        os.write(terminal, (what if sys.argv[1] == 'y, typed' else b'yes') + b'\n')
    elif b'[y/N]' in chunk:
        sys.stdin.readline()
        os.write(terminal, b'\x03' if sys.argv[1] == '^C' else sys.argv[1].encode()[:1] + b'\n')
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

/// `meanwhile` happens while the question is open.
fn on_a_terminal(world: &World, answer: &str, meanwhile: impl FnOnce()) -> Ran {
    apply_on_a_terminal(world, &[], answer, meanwhile)
}

fn apply_on_a_terminal(world: &World, more: &[&str], answer: &str, meanwhile: impl FnOnce()) -> Ran {
    let mut python = Command::new("python3");
    let program = env!("CARGO_BIN_EXE_restatectl");
    python
        .args(["-c", PTY, answer, program, "apply"])
        .args(more)
        .current_dir(world.desk.path());
    python
        .env("RESTATE_ADMIN_URL", world.admin_url())
        .env("NO_COLOR", "1");
    python
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    python.stderr(std::process::Stdio::piped());
    let mut child = python.spawn().unwrap();
    wait_until(|| world.as_fake().requests().iter().any(|r| r.method == "POST"));
    std::thread::sleep(Duration::from_millis(300));
    meanwhile();
    // The question is answered only now.
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"\n").unwrap();
    Ran::of(child)
}

#[test]
fn on_a_terminal_it_asks() {
    let world = World::fake("1.7.12");
    let _endpoint = shop(&world);
    let no = on_a_terminal(&world, "n", || {}).expect(5);
    assert!(no.stdout.contains("Apply these changes? [y/N]"), "{}", no.stdout);
    assert_eq!(world.deployments(), [""; 0]);
    world.as_fake().clear_requests();
    let interrupted = on_a_terminal(&world, "^C", || {}).expect(130);
    assert!(
        interrupted.stdout.contains("nothing was changed"),
        "{}",
        interrupted.stdout
    );
    world.as_fake().clear_requests();
    on_a_terminal(&world, "y", || {}).expect(0);
    assert_eq!(world.service("Checkout")["public"], false);
}

#[test]
fn deleting_is_asked_for_twice() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    world.apply();
    world.wants("deployments: []\nsubscriptions: []\nprune: { deployments: { policy: drained }, subscriptions: delete }\n");
    let deployments = || world.deployments().len();
    world.as_fake().clear_requests();
    let no = on_a_terminal(&world, "y", || {}).expect(5);
    assert!(
        no.stdout.contains("This deletes 2. To go on, type `delete 2`"),
        "{}",
        no.stdout
    );
    assert_eq!(deployments(), 1);
    world.as_fake().clear_requests();
    on_a_terminal(&world, "y, typed", || {}).expect(0);
    assert_eq!(deployments(), 0);
    drop(endpoint);
}

#[test]
fn what_changes_while_the_question_is_open_makes_the_plan_stale() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    let stale = on_a_terminal(&world, "y", || {
        endpoint.set([checkout(&["onOrder", "more"])]);
    })
    .expect(4);
    assert!(stale.stdout.contains("nothing was changed"), "{}", stale.stdout);
    assert_eq!(world.deployments().len(), 0);
}

#[test]
fn what_only_takes_time_makes_no_plan_stale() {
    let world = World::fake("1.7.12");
    let _old = world.has(service("Mail"));
    let new = world.has(service("Mail"));
    world.lists(
        [&new],
        "services: { Mail: { public: false } }\nprune: { deployments: { policy: drained } }",
    );
    world.as_fake().clear_requests();
    on_a_terminal(&world, "y", || std::thread::sleep(Duration::from_millis(1200))).expect(0);
    assert_eq!(world.service("Mail")["public"], false);
}

/// A saved plan is shown and asked for, and looked at before and after the question.
#[test]
fn a_saved_plan_is_asked_for_too() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    world.run(&["plan", "--out", "plan.json"]).expect(0);
    world.as_fake().clear_requests();
    let no = apply_on_a_terminal(&world, &["plan.json"], "n", || {}).expect(5);
    assert!(no.stdout.contains("Apply these changes? [y/N]"), "{}", no.stdout);
    world.as_fake().clear_requests();
    let rest = apply_on_a_terminal(&world, &["plan.json"], "y", || {
        drop(world.register(&endpoint.url()));
    })
    .expect(0);
    assert!(rest.stdout.contains("now it is done already"), "{}", rest.stdout);
    assert_eq!(world.service("Checkout")["public"], false);
}
