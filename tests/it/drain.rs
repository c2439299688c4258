//! What is in flight keeps its deployment: real handlers, real invocations, every server.

use crate::endpoint::Endpoint;
use crate::fake::{Fault, Match, state::Invocation};
use crate::sdk::SdkEndpoint;
use crate::server::{Profile, Server};
use crate::suite::service;
use crate::world::{Target, World, finding, ops};
use restate_sdk::prelude::*;
use serde_json::json;
use std::time::{Duration, Instant};

struct Work;

#[restate_sdk::object]
impl Work {
    /// Suspended on a timer.
    #[handler]
    async fn nap(&self, ctx: ObjectContext<'_>) -> Result<(), HandlerError> {
        ctx.sleep(Duration::from_secs(3600)).await?;
        Ok(())
    }

    /// Waits for somebody else. It has nothing to send, so nothing is pinned before it suspends.
    #[handler]
    async fn wait(&self, ctx: ObjectContext<'_>) -> Result<(), HandlerError> {
        let (_id, promise) = ctx.awakeable::<String>();
        promise.await?;
        Ok(())
    }
}

const PRUNE: &str = "prune: { deployments: { policy: drained, keep: 0, after: 0s } }\n";

fn work() -> SdkEndpoint {
    SdkEndpoint::serve(restate_sdk::endpoint::Endpoint::builder().bind(Work).build())
}

fn world(version: &str) -> World {
    World::of(Target::Real(Server::boot(version, Profile::Full)), version)
}

fn send(world: &World, path: &str) {
    let Target::Real(server) = &world.target else {
        unreachable!("invocations run on real servers")
    };
    let status = world.call(&format!("{}/{path}", server.ingress_url()), None);
    assert_eq!(status, 202, "{path}");
}

/// The ids of what is not completed, once there are so many that have come so far.
fn unfinished(world: &World, so_many: usize, come_so_far: &str) -> Vec<String> {
    let query = format!(
        "SELECT id FROM sys_invocation WHERE status != 'completed' AND {come_so_far} ORDER BY created_at"
    );
    let start = Instant::now();
    loop {
        let (status, body) = world.admin("POST", "/query", Some(&json!({ "query": query })));
        let rows = body["rows"].as_array().cloned().unwrap_or_default();
        if status == 200 && rows.len() == so_many {
            return rows
                .iter()
                .map(|row| row["id"].as_str().unwrap().to_owned())
                .collect();
        }
        let all = json!({ "query": "SELECT * FROM sys_invocation" });
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{come_so_far}: {status} {body} of {:#}",
            world.admin("POST", "/query", Some(&all)).1
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

const ANY: &str = "true";
const TRIED: &str = "last_attempt_deployment_id IS NOT NULL";
const PINNED: &str = "pinned_deployment_id IS NOT NULL";

fn kill(world: &World, id: &str) {
    let (status, body) = world.admin("DELETE", &format!("/invocations/{id}?mode=kill"), None);
    assert_eq!(status, 202, "{body}");
}

#[track_caller]
fn assert_draining(world: &World, invocations: u64) {
    let plan = world.plan();
    assert_eq!(plan["changes"], json!([]));
    let waiting = plan["waiting"].as_array().unwrap();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!(
        (&waiting[0]["reason"], &waiting[0]["invocations"]),
        (&json!("draining"), &json!(invocations))
    );
}

fn on_every_version(test: impl Fn(&World)) {
    for version in crate::server::VERSIONS {
        test(&world(version));
    }
}

#[test]
fn a_superseded_deployment_stays_while_something_runs_on_it() {
    on_every_version(|world| {
        let (old, new) = (work(), work());
        world.register(old.url());
        send(world, "Work/a/nap/send");
        send(world, "Work/b/wait/send");
        // Queued behind the first: it will run on whatever serves by then.
        unfinished(world, 2, TRIED);
        send(world, "Work/a/nap/send");
        unfinished(world, 3, ANY);
        world.lists([&new], PRUNE);
        world.apply();
        assert_draining(world, 2);
        let shown = world.run(&["plan"]).expect(0).stdout;
        assert!(shown.contains("draining (2 invocations)"), "{shown}");
        world.apply();
        assert_eq!(world.deployments().len(), 2);
        let running = unfinished(world, 2, TRIED);
        kill(world, &running[1]);
        unfinished(world, 2, ANY);
        assert_draining(world, 1);
        kill(world, &running[0]);
        // The one behind it starts now, on the new one.
        unfinished(world, 1, PINNED);
        let plan = world.plan();
        assert_eq!(ops(&plan), [format!("delete {}", old.url())]);
        world.apply();
        assert_eq!(world.deployments().len(), 1);
        unfinished(world, 1, PINNED);
    });
}

/// Nothing is pinned before an endpoint answers, and a DELETE would move the retry to another one.
#[test]
fn an_invocation_without_an_answer_keeps_its_deployment() {
    on_every_version(|world| {
        let (old, new) = (work(), work());
        world.register(old.url());
        send(world, "Work/a/wait/send");
        let tried = unfinished(world, 1, &format!("{TRIED} AND pinned_deployment_id IS NULL"));
        world.lists([&new], PRUNE);
        world.apply();
        assert_draining(world, 1);
        kill(world, &tried[0]);
        unfinished(world, 0, ANY);
        world.apply();
        assert_eq!(world.deployments().len(), 1);
    });
}

#[test]
fn a_service_goes_when_none_of_its_invocations_is_left() {
    on_every_version(|world| {
        let old = work();
        let latest = work();
        world.register(old.url());
        world.register(latest.url());
        world.override_service("Work", &json!({ "public": false }));
        world.override_service("Work", &json!({ "public": true }));
        send(world, "Work/a/nap/send?delay=1h");
        let scheduled = unfinished(world, 1, ANY);
        world.wants(&format!("deployments: []\n{PRUNE}"));
        // The older one has nothing that is its own.
        let plan = world.plan();
        assert_eq!(ops(&plan), [format!("delete {}", old.url())]);
        let latest_waits = plan["waiting"]
            .as_array()
            .unwrap()
            .iter()
            .find(|w| w["resource"]["key"] == latest.url());
        assert_eq!(latest_waits.unwrap()["invocations"], 1, "{plan}");
        kill(world, &scheduled[0]);
        unfinished(world, 0, ANY);
        let plan = world.plan();
        assert_eq!(
            ops(&plan),
            [
                format!("delete {}", old.url()),
                format!("delete {}", latest.url())
            ]
        );
        assert_eq!(finding(&plan, "state-stays")["severity"], "info");
        world.apply();
        assert_eq!(world.admin("GET", "/services/Work", None).0, 404);
    });
}

#[test]
fn an_apply_waits_until_it_is_drained() {
    let world = world("1.7.12");
    let (old, new) = (work(), work());
    world.register(old.url());
    send(&world, "Work/a/nap/send");
    let running = unfinished(&world, 1, PINNED);
    world.lists([&new], PRUNE);
    let ran = world
        .run(&["apply", "--yes", "--wait-drained", "1s", "--format", "json"])
        .expect(3);
    assert_eq!(ran.json()["outcome"], "incomplete");
    assert!(ran.stderr.contains("draining (1 invocation)"), "{}", ran.stderr);
    assert_eq!(world.deployments().len(), 2);
    let waiting = world
        .desk
        .command(&["apply", "--yes", "--wait-drained", "60s", "--format", "json"])
        .spawn()
        .unwrap();
    kill(&world, &running[0]);
    let report = crate::harness::Ran::of(waiting).expect(0).json();
    crate::schemas::assert_valid("report", &report);
    assert_eq!(
        (&report["outcome"], &report["summary"]["done"]),
        (&json!("complete"), &json!(1))
    );
    assert_eq!(world.deployments().len(), 1);
}

/// Between plan and deletion anything can happen, so it is asked again; what cannot be told is no.
#[test]
fn right_before_the_deletion_it_is_asked_again() {
    let scene = || {
        let world = World::fake("1.7.12");
        let old = Endpoint::start(service("Mail"));
        let new = Endpoint::start(service("Mail"));
        let id = world.register(&old.url())["id"].as_str().unwrap().to_owned();
        world.register(&new.url());
        world.lists([&new], PRUNE);
        (world, old, new, id)
    };
    let row = |id: &str| json!({ "pinned_deployment_id": id, "target_service_name": "Mail", "n": 3 });
    for is_answered in [true, false] {
        let (world, _old, _new, id) = scene();
        let second = Match {
            skip: 1,
            times: 99,
            ..Match::first("POST", "/query")
        };
        world.as_fake().on(
            second,
            if is_answered {
                Fault::Status(200, vec![], json!({ "rows": [row(&id)] }).to_string())
            } else {
                Fault::Status(400, vec![], "no".to_owned())
            },
        );
        let report = world.apply_fails(&[], 3);
        assert_eq!(report["changes"][0]["status"], "failed", "{report}");
        assert_eq!(world.deployments().len(), 2);
    }
    let (world, _old, _new, id) = scene();
    world.as_fake().state(|state| {
        state.invocations = Some(vec![Invocation {
            service: "Mail".to_owned(),
            last_attempt_deployment_id: Some(id),
            ..Invocation::default()
        }]);
    });
    assert_draining(&world, 1);
    // What is paused does not end by itself.
    world.as_fake().state(|state| {
        let invocations = state.invocations.iter_mut().flatten();
        invocations.for_each(|invocation| invocation.is_paused = true);
    });
    let waiting = world.plan()["waiting"][0].clone();
    assert_eq!(
        (&waiting["invocations"], &waiting["paused"]),
        (&json!(1), &json!(1))
    );
    let message = waiting["message"].as_str().unwrap();
    assert!(message.contains("resume, move or kill"), "{message}");
    world
        .as_fake()
        .state(|state| state.invocations = Some(Vec::new()));
    world.apply();
    assert_eq!(world.deployments().len(), 1);
}

/// Services that each have one deployment with one unfinished invocation, and a file that lists none.
fn three_to_go(safety: &str) -> (World, Vec<Endpoint>) {
    let world = World::fake("1.7.12");
    let endpoints = ["A", "B", "C"].map(|name| world.has(service(name)));
    set_unfinished(&world, &["A", "B", "C"]);
    world.wants(&format!("deployments: []\n{PRUNE}{safety}"));
    (world, endpoints.into())
}

fn set_unfinished(world: &World, services: &[&str]) {
    let invocations = services.iter().map(|service| Invocation {
        service: (*service).to_owned(),
        ..Invocation::default()
    });
    let invocations = invocations.collect();
    world
        .as_fake()
        .state(|state| state.invocations = Some(invocations));
}

fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "it does not come to that"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One at a time, they would never be more than one.
#[test]
fn the_guards_hold_for_a_whole_wait() {
    let (world, _endpoints) = three_to_go("safety: { max_deletes: 1 }\n");
    let args = ["apply", "--yes", "--wait-drained", "60s", "--format", "json"];
    let applying = world.desk.command(&args).spawn().unwrap();
    set_unfinished(&world, &["B", "C"]);
    wait_for(|| world.deployments().len() == 2);
    set_unfinished(&world, &["C"]);
    let ran = crate::harness::Ran::of(applying).expect(3);
    assert_eq!(ran.json()["outcome"], "incomplete");
    assert!(ran.stderr.contains("fail max-deletes: 2 of 1"), "{}", ran.stderr);
    assert_eq!(world.deployments().len(), 2);
}

/// Nobody was shown what somebody registers meanwhile.
#[test]
fn a_wait_deletes_only_what_it_waits_for() {
    let (world, _endpoints) = three_to_go("");
    world.as_fake().clear_requests();
    let args = ["apply", "--yes", "--wait-drained", "60s", "--format", "json"];
    let applying = world.desk.command(&args).spawn().unwrap();
    wait_for(|| {
        world
            .as_fake()
            .requests()
            .iter()
            .any(|request| request.path.ends_with("/query"))
    });
    std::thread::sleep(Duration::from_millis(500));
    let _stranger = world.has(service("Stranger"));
    let ran = crate::harness::Ran::of(applying).expect(3);
    assert_eq!(ran.json()["outcome"], "incomplete");
    assert_eq!(world.service("Stranger")["revision"], 1);
    assert_eq!(world.deployments().len(), 4);
}

/// What landed before the wait ended is in the report, and in the exit code.
#[test]
fn a_wait_that_breaks_off_reports_what_landed() {
    let (world, _endpoints) = three_to_go("");
    let args = [
        "apply",
        "--yes",
        "--wait-drained",
        "60s",
        "--format",
        "json",
        "--report",
        "json=out.json",
    ];
    let applying = world.desk.command(&args).spawn().unwrap();
    set_unfinished(&world, &["B", "C"]);
    wait_for(|| world.deployments().len() == 2);
    world.wants("no: valid file\n");
    let ran = crate::harness::Ran::of(applying).expect(3);
    assert_eq!(
        (&ran.json()["outcome"], &ran.json()["summary"]["done"]),
        (&json!("incomplete"), &json!(1))
    );
    assert!(ran.stderr.contains("unknown-field"), "{}", ran.stderr);
    assert_eq!(world.read("out.json"), ran.stdout);
}

/// A saved plan that deletes: nothing ran on it when it was reviewed.
#[test]
fn a_saved_deletion_is_stale_once_something_runs_on_it() {
    for (policy, message) in [
        ("drained", "planned: delete; now: draining (1 invocation)"),
        ("force", "nothing ran on it, and now something does: 1"),
    ] {
        let world = World::fake("1.7.12");
        let old = Endpoint::start(service("Mail"));
        let new = Endpoint::start(service("Mail"));
        let id = world.register(&old.url())["id"].as_str().unwrap().to_owned();
        world.register(&new.url());
        world.lists(
            [&new],
            &format!("prune: {{ deployments: {{ policy: {policy}, keep: 0, after: 0s }} }}"),
        );
        world.run(&["plan", "--out", "plan.json"]).expect(0);
        let set = |invocations: Vec<Invocation>| {
            world
                .as_fake()
                .state(|state| state.invocations = Some(invocations));
        };
        set(vec![Invocation {
            service: "Mail".to_owned(),
            last_attempt_deployment_id: Some(id),
            ..Invocation::default()
        }]);
        let report = world.apply_fails(&["plan.json"], 4);
        assert_eq!(report["moved"][0]["message"], message);
        assert_eq!(world.deployments().len(), 2);
        set(Vec::new());
        world.run(&["apply", "plan.json", "--yes"]).expect(0);
        assert_eq!(world.deployments().len(), 1);
        let again = world
            .run(&["apply", "plan.json", "--yes", "--format", "json"])
            .expect(0)
            .json();
        assert_eq!(again["outcome"], "nothing-to-do");
    }
}

/// Under `policy: force` every deployment counts, in each wave, also one that serves nothing.
#[test]
fn the_budget_counts_the_same_in_every_wave() {
    for world in [World::fake("1.7.12"), World::real("1.7.12")] {
        let superseded = |names: [&str; 2]| -> Vec<Endpoint> {
            let twice = names.into_iter().chain(names);
            twice.map(|name| world.has(service(name))).collect()
        };
        let ripe = superseded(["A", "B"]);
        std::thread::sleep(Duration::from_secs(5));
        let settling = superseded(["C", "D"]);
        let latest = ripe[2..].iter().chain(&settling[2..]);
        world.lists(
            latest,
            "prune: { deployments: { policy: force, keep: 0, after: 5s } }\nsafety: { max_deletes: 2 }\n",
        );
        let plan = world.plan();
        let counts = |list: &str| plan[list].as_array().unwrap().len();
        assert_eq!((counts("changes"), counts("waiting")), (2, 2), "{plan:#}");
        let args = ["apply", "--yes", "--wait-drained", "60s", "--format", "json"];
        let ran = world.run(&args).expect(3);
        assert!(ran.stderr.contains("fail max-deletes: 4 of 2"), "{}", ran.stderr);
        assert_eq!(world.deployments().len(), 6);
    }
}

/// A saved plan waits for what it lists as waiting, also when it has nothing else left to do.
#[test]
fn a_saved_plan_waits_too() {
    let (world, _endpoints) = three_to_go("");
    world.desk.run(&["plan", "--out", "plan.json"]).expect(0);
    let args = ["apply", "plan.json", "--yes", "--format", "json"];
    assert_eq!(world.run(&args).expect(0).json()["outcome"], "nothing-to-do");
    assert_eq!(world.deployments().len(), 3);
    let waits = [&args[..], &["--wait-drained", "60s"]].concat();
    let applying = world.desk.command(&waits).spawn().unwrap();
    let _stranger = world.has(service("Stranger"));
    set_unfinished(&world, &[]);
    let ran = crate::harness::Ran::of(applying).expect(0).json();
    assert_eq!(
        (&ran["outcome"], &ran["summary"]["done"]),
        (&json!("complete"), &json!(3))
    );
    assert_eq!(world.service("Stranger")["revision"], 1);
    assert_eq!(world.deployments().len(), 1);
}
