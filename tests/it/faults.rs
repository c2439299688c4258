//! What goes wrong half-way: lost answers, dead servers, impatient people, other writers.

use crate::endpoint::{Behaviour, Endpoint, Manifest, unreachable_url};
use crate::fake::{Fault, Match};
use crate::harness::{Ran, wait_until};
use crate::scene::Entry;
use crate::suite::{checkout, private_checkout, service};
use crate::world::{Target, World, findings, ops};
use serde_json::{Value, json};
use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

const SOURCE: &str = "kafka://main/orders";
const SINK: &str = "service://Checkout/onOrder";

fn shop(world: &World) -> Endpoint {
    let endpoint = world.serves(
        checkout(&["onOrder"]),
        &format!(
            "services: {{ Checkout: {{ public: false }} }}\n\
         subscriptions: [{{ source: '{SOURCE}', sink: '{SINK}', options: {{ group.id: g1 }} }}]"
        ),
    );
    endpoint
}

fn writes(world: &World) -> Vec<String> {
    let requests = world.as_fake().requests();
    requests
        .iter()
        .filter(|r| r.method != "GET" && !r.body.contains("\"dry_run\":true"))
        .map(|r| format!("{} {}", r.method, r.path.trim_start_matches("/v4")))
        .collect()
}

fn times(method: &str, path: &str, skip: usize, times: usize) -> Match {
    Match {
        method: method.to_owned(),
        path_prefix: path.to_owned(),
        skip,
        times,
    }
}

/// The first POST is the plan's dry run.
fn the_registration() -> Match {
    times("POST", "/deployments", 1, 1)
}

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

#[test]
fn a_failed_change_blocks_only_what_depends_on_it() {
    let world = World::fake("1.7.12");
    let endpoint = Endpoint::start(Manifest::new());
    endpoint.mount("/a", checkout(&["onOrder"]));
    endpoint.mount("/b", service("Mail"));
    world.lists(
        [endpoint.at("/a"), endpoint.at("/b")],
        &format!(
            "services: {{ Checkout: {{ abort_timeout: 1h }}, Mail: {{ abort_timeout: 1h }} }}\n\
         subscriptions: [{{ source: '{SOURCE}', sink: '{SINK}', options: {{ group.id: g1 }} }}]"
        ),
    );
    let refusal = json!({ "message": "disk full", "restate_code": null }).to_string();
    let json_type = vec![("content-type".to_owned(), "application/json".to_owned())];
    world.as_fake().on(
        times("POST", "/deployments", 2, 1),
        Fault::Status(500, json_type, refusal),
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
        json!({ "message": "disk full", "restate_code": null, "http_status": 500 })
    );
    assert_eq!(world.service("Mail")["abort_timeout"], "1h");
    // Running it again finishes it.
    let report = world.apply();
    assert_eq!(report["summary"]["done"], 3);
}

#[test]
fn a_replace_that_dies_between_its_halves_is_finished_by_the_next_run() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    world.apply();
    world.lists([&endpoint], &format!("subscriptions: [{{ source: '{SOURCE}', sink: '{SINK}', options: {{ group.id: g1, auto.offset.reset: earliest }} }}]"));
    world.as_fake().on(
        Match::first("POST", "/subscriptions"),
        Fault::Delay(Duration::from_secs(20)),
    );
    let mut child = world.desk.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| world.subscriptions().is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    let plan = world.plan();
    assert_eq!(ops(&plan), [format!("create {SOURCE} -> {SINK} @ g1")]);
    world.apply();
    assert_eq!(world.subscriptions()[0]["options"]["group.id"], "g1");
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
    let child = world
        .desk
        .command(&["apply", "--yes", "--format", "json"])
        .spawn()
        .unwrap();
    wait_until(|| writes(&world).iter().any(|w| w == "POST /subscriptions"));
    world.as_fake().state(|state| {
        let theirs = crate::fake::kafka::Subscription {
            id: "sub_0AAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            source: SOURCE.to_owned(),
            sink: SINK.to_owned(),
            options: [("group.id".to_owned(), "g1".to_owned())].into(),
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

#[test]
fn what_somebody_else_did_since_the_plan_is_not_done_twice() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    let fake = world.as_fake();
    // The plan takes its time, and meanwhile somebody registers the same address.
    fake.on(
        Match::first("POST", "/deployments"),
        Fault::Delay(Duration::from_secs(3)),
    );
    let child = world
        .desk
        .command(&["apply", "--yes", "--format", "json"])
        .spawn()
        .unwrap();
    wait_until(|| fake.requests().iter().any(|r| r.method == "POST"));
    world.register(&endpoint.url());
    let report = Ran::of(child).expect(3).json();
    assert!(
        report["changes"][0]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("plan again"),
        "{report}"
    );
    world.apply();
}

fn signal(child: &std::process::Child, signal: &str) {
    let killed = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
}

#[test]
fn an_interrupt_finishes_the_change_in_flight() {
    for name in ["-INT", "-TERM"] {
        let world = World::fake("1.7.12");
        let _endpoint = shop(&world);
        world
            .as_fake()
            .on(the_registration(), Fault::Delay(Duration::from_secs(3)));
        let child = world
            .desk
            .command(&["apply", "--yes", "--format", "json"])
            .spawn()
            .unwrap();
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
    let mut child = world
        .desk
        .command(&["apply", "--yes", "--format", "json"])
        .spawn()
        .unwrap();
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

/// The real server dies while a registration waits for its endpoint.
#[test]
fn a_server_that_dies_leaves_an_outcome_that_the_next_run_settles() {
    let mut world = World::real("1.7.12");
    let endpoint = shop(&world);
    endpoint.behave(Behaviour::Slow(Duration::from_secs(3)));
    let args = ["apply", "--yes", "--format", "json", "--timeout", "5s"];
    let child = world.desk.command(&args).spawn().unwrap();
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
fn endpoints_that_are_not_up_yet_are_waited_for() {
    let world = World::real("1.7.12");
    let mut early = Endpoint::start(service("Mail"));
    let (port, uri) = (early.port(), early.url());
    early.stop();
    world.lists([&uri], "");
    let child = world.desk.command(&["apply", "--yes"]).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let _late = Endpoint::start_on(port, service("Mail"));
    Ran::of(child).expect(0);
    assert_eq!(world.service("Mail")["revision"], 1);
}

#[test]
fn a_slow_endpoint_is_bounded_by_the_discovery_timeout() {
    let world = World::real("1.7.12");
    let endpoint = Endpoint::start(service("Mail"));
    endpoint.behave(Behaviour::Slow(Duration::from_secs(30)));
    world.lists([&endpoint], "");
    let plan = world.plan_with(&["--discovery-timeout", "1s"], 1);
    assert_eq!(findings(&plan), ["dry-run-refused"]);
    endpoint.behave(Behaviour::Slow(Duration::from_millis(1500)));
    world.apply();
}

#[test]
fn an_address_shared_by_two_deployments_is_told() {
    for version in ["1.7.12", "1.6.2"] {
        let world = World::real(version);
        let endpoint = Endpoint::start(Manifest::new());
        endpoint.mount("/a", service("Mail"));
        endpoint.mount("/b", service("Mail"));
        let first = world.register(&endpoint.url_at("/a"));
        world.register(&endpoint.url_at("/b"));
        let path = format!("/deployments/{}", first["id"].as_str().unwrap());
        let (status, body) = world.admin("PATCH", &path, Some(&json!({ "uri": endpoint.url_at("/b") })));
        assert_eq!(status, 200, "{body}");
        world.lists([endpoint.at("/b")], "");
        let plan = world.plan();
        assert_eq!(
            (&plan["changes"], findings(&plan)),
            (&json!([]), vec!["duplicate-deployment".to_owned()])
        );
    }
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
    let endpoint = Endpoint::start(Manifest::new());
    let mut file = String::from("deployments:\n");
    for n in 0..12 {
        endpoint.mount(&format!("/{n}"), service(&format!("S{n}")));
        writeln!(file, "  - uri: '{}'", endpoint.url_at(&format!("/{n}"))).unwrap();
    }
    world.wants(&file);
    // The first take long enough for all others that may to start beside them.
    world.as_fake().on(
        times("POST", "/deployments", 0, 3),
        Fault::Delay(Duration::from_secs(3)),
    );
    let child = world
        .desk
        .command(&["plan", "--parallelism", "3"])
        .spawn()
        .unwrap();
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
    let child = world.desk.command(&["apply", "--yes"]).spawn().unwrap();
    wait_until(|| !writes(&world).is_empty());
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(writes(&world).len(), 1);
    Ran::of(child).expect(0);
    world.plan();
}

#[test]
fn a_message_with_a_secret_and_terminal_codes_is_cleaned() {
    let world = World::fake("1.7.12");
    world.lists(
        [Entry::from(&unreachable_url()).with("additional_headers: { authorization: Bearer t0p/s3cr3t }")],
        "",
    );
    let echo =
        json!({ "message": "no: Bearer t0p/s3cr3t, t0p%2Fs3cr3t \u{1b}[2J", "restate_code": "META0003" })
            .to_string();
    world.as_fake().on(
        times("POST", "/deployments", 0, 9),
        Fault::Status(500, vec![], echo),
    );
    for format in ["text", "json"] {
        let ran = world.run(&["plan", "--format", format]).expect(1);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            !all.contains("s3cr3t") && !all.contains('\u{1b}') && !all.contains("\\u001b"),
            "{all}"
        );
    }
}

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

#[test]
fn what_only_takes_time_makes_no_plan_stale() {
    let world = World::fake("1.7.12");
    let _old = world.has(crate::suite::service("Mail"));
    let new = world.has(crate::suite::service("Mail"));
    world.lists(
        [&new],
        "services: { Mail: { public: false } }\nprune: { deployments: { policy: drained } }",
    );
    world.as_fake().clear_requests();
    on_a_terminal(&world, "y", || std::thread::sleep(Duration::from_millis(1200))).expect(0);
    assert_eq!(world.service("Mail")["public"], false);
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
    let stale = on_a_terminal(&world, "y", || drop(world.register(&endpoint.url()))).expect(4);
    assert!(stale.stdout.contains("nothing was changed"), "{}", stale.stdout);
    assert_eq!(world.service("Checkout")["public"], true);
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
    let stale = apply_on_a_terminal(&world, &["plan.json"], "y", || {
        drop(world.register(&endpoint.url()));
    })
    .expect(4);
    assert!(
        stale.stdout.contains("now it is done already"),
        "{}",
        stale.stdout
    );
    assert_eq!(world.service("Checkout")["public"], true);
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
    let child = world
        .desk
        .command(&["apply", "--yes", "--format", "json"])
        .spawn()
        .unwrap();
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

#[test]
fn what_is_made_private_while_the_plan_runs_stays_private() {
    let world = World::fake("1.7.12");
    let _old = world.has([service("Mail"), service("Audit")]);
    let _new = world.serves(service("Mail"), "");
    world.as_fake().on(
        Match::first("POST", "/deployments"),
        Fault::Delay(Duration::from_secs(3)),
    );
    let child = world
        .desk
        .command(&["apply", "--yes", "--format", "json"])
        .spawn()
        .unwrap();
    wait_until(|| {
        world
            .as_fake()
            .requests()
            .iter()
            .any(|r| r.method == "POST" && r.body.contains("dry_run"))
    });
    world.override_service("Mail", &json!({ "public": false }));
    let report = Ran::of(child).expect(3).json();
    assert!(
        report["changes"][0]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("stays private"),
        "{report}"
    );
    assert_eq!(world.service("Mail")["public"], false);
}

/// An hour is no time for a topic that nothing reads.
#[test]
fn a_replace_does_not_wait_as_long_as_it_is_told() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    world.apply();
    world.lists([&endpoint], &format!("subscriptions: [{{ source: '{SOURCE}', sink: '{SINK}', options: {{ group.id: g1, auto.offset.reset: earliest }} }}]"));
    let later = vec![("retry-after".to_owned(), "3600".to_owned())];
    world.as_fake().on(
        Match::first("POST", "/subscriptions"),
        Fault::Status(429, later, String::new()),
    );
    let report = world.apply_fails(&[], 3);
    let error = report["changes"][0]["error"]["message"].as_str().unwrap();
    assert!(error.contains("the old one is back"), "{report}");
    assert_eq!(world.subscriptions()[0]["options"]["group.id"], "g1");
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

/// What the server refuses after the old one is gone must not leave the topic unread.
#[test]
fn a_replace_that_is_refused_puts_the_old_one_back() {
    let world = World::fake("1.7.12");
    let endpoint = shop(&world);
    world.apply();
    world.lists([&endpoint], &format!("subscriptions: [{{ source: '{SOURCE}', sink: '{SINK}', options: {{ group.id: g1, auto.offset.reset: earliest }} }}]"));
    let refusal = json!({ "message": "no", "restate_code": null }).to_string();
    world.as_fake().on(
        Match::first("POST", "/subscriptions"),
        Fault::Status(400, vec![], refusal),
    );
    let report = world.apply_fails(&[], 3);
    assert!(
        report["changes"][0]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("the old one is back"),
        "{report}"
    );
    assert_eq!(world.subscriptions()[0]["options"]["group.id"], "g1");
    world.apply();
}

#[test]
fn interrupted_before_anything_was_changed() {
    for name in ["-INT", "-TERM"] {
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
            let child = world.desk.command(verb).spawn().unwrap();
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
fn updates_wait_for_their_endpoint_too() {
    let world = World::real("1.7.12");
    let mut early = Endpoint::start(service("Mail"));
    let (port, uri) = (early.port(), early.url());
    world.register(&uri);
    early.stop();
    world.lists(
        [Entry::from(&uri).with("additional_headers: { x-a: some-value }")],
        "",
    );
    let child = world
        .desk
        .command(&["apply", "--yes", "--wait-endpoints", "20s"])
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let _late = Endpoint::start_on(port, service("Mail"));
    Ran::of(child).expect(0);
}

#[test]
fn a_refused_apply_says_why_in_its_report() {
    let world = World::fake("1.7.12");
    let endpoint = Endpoint::start(Manifest::new());
    endpoint.mount("/v1", checkout(&["onOrder", "legacy"]));
    endpoint.mount("/v2", checkout(&["onOrder"]));
    world.register(&endpoint.url_at("/v1"));
    world.lists([endpoint.at("/v2")], "");
    let report = world.apply_fails(&["--quiet"], 5);
    assert!(
        report["changes"][0]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("allow: [breaking]"),
        "{report}"
    );
    world.lists([&unreachable_url()], "");
    let report = world.apply_fails(&["--quiet", "--wait-endpoints", "0"], 1);
    assert_eq!(report["findings"][0]["code"], "endpoint-unreachable");
}

/// Of a deployment that others registered with a password in its address.
#[test]
fn userinfo_of_live_deployments_is_not_shown() {
    let world = World::real("1.7.12");
    let endpoint = Endpoint::start(service("Mail"));
    world.register(&endpoint.url().replace("http://", "http://Bob:S3cretPw@"));
    let _new = world.serves(service("Mail"), "");
    for format in ["text", "json"] {
        let ran = world.run(&["plan", "-v", "--format", format]).expect(0);
        let all = format!("{}{}", ran.stdout, ran.stderr).to_lowercase();
        assert!(
            !all.contains("s3cretpw") && all.contains("***@127.0.0.1"),
            "{all}"
        );
    }
    assert_eq!(
        findings(&world.plan()),
        [""; 0],
        "its endpoint was asked what it serves, at its own address"
    );
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
