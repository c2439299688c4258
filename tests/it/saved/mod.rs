//! Saved plans as files: who may read them, what is refused as one, and what goes with them.

mod inputs;

use crate::endpoint::Endpoint;
use crate::fake::{Fault, Match};
use crate::harness::Ran;
use crate::suite::{private_checkout, service};
use crate::world::World;
use serde_json::{Value, json};
use std::os::unix::fs::{PermissionsExt, symlink};

fn saved() -> (World, Endpoint) {
    let world = World::fake("1.7.12");
    let endpoint = private_checkout(&world, &["onOrder"]);
    world.run(&["plan", "--out", "plan.json"]).expect(0);
    (world, endpoint)
}

fn text(world: &World) -> String {
    world.read("plan.json")
}

/// Applying the text is refused with this code, and nothing is written.
#[track_caller]
fn is_refused(world: &World, text: &str, exit: i32, code: &str) -> Value {
    world.desk.write("plan.json", text);
    let args = ["apply", "plan.json", "--yes", "--format", "json"];
    let ran = world.run(&args).expect(exit).json();
    let problems = if ran["problems"].is_null() {
        &ran["findings"]
    } else {
        &ran["problems"]
    };
    assert_eq!(problems[0]["code"], code, "{ran:#}");
    assert!(problems[0]["help"].is_string(), "{ran:#}");
    assert_eq!(world.deployments(), [""; 0]);
    ran
}

/// With another value at a place, and the digest that it had.
fn edited(text: &str, pointer: &str, value: Value) -> String {
    let mut plan: Value = serde_json::from_str(text).unwrap();
    *plan.pointer_mut(pointer).unwrap() = value;
    plan.to_string()
}

#[test]
fn only_its_owner_can_read_it_and_it_is_there_whole() {
    let (world, _endpoint) = saved();
    let path = world.desk.path().join("plan.json");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Also over one that everybody could read, and behind a link.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    symlink("plan.json", world.desk.path().join("link.json")).unwrap();
    world.run(&["plan", "--out", "link.json"]).expect(0);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        std::fs::symlink_metadata(world.desk.path().join("link.json"))
            .unwrap()
            .is_symlink()
    );
    let left: Vec<_> = std::fs::read_dir(world.desk.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "nothing is left beside them: {left:?}");
    // Where it cannot be written, nothing is planned.
    let asked = world.as_fake().requests().len();
    for bad in ["no/such/plan.json", "."] {
        let ran = world
            .run(&["plan", "--out", bad, "--format", "json"])
            .expect(1)
            .json();
        assert_eq!(ran["problems"][0]["code"], "unwritable-file");
    }
    assert_eq!(world.as_fake().requests().len(), asked);
}

#[test]
fn a_plan_that_cannot_be_applied_is_not_saved() {
    let (world, endpoint) = saved();
    world.run(&["apply", "plan.json", "--yes"]).expect(0);
    world.lists([&endpoint], "services: { Checkout: { public: true } }");
    let ran = world.run(&["plan", "--out", "plan.json"]).expect(5);
    assert!(
        ran.stderr.contains("`plan.json` is not written"),
        "{}",
        ran.stderr
    );
    assert!(
        !world.desk.path().join("plan.json").exists(),
        "an older one must not be applied in its place"
    );
    world.run(&["apply", "plan.json", "--yes"]).expect(1);
    // Nothing else is lost.
    world.desk.write("notes.json", "{}");
    world.run(&["plan", "--out", "notes.json"]).expect(5);
    assert!(world.desk.path().join("notes.json").exists());
    // As JSON it is printed, and refused as a plan.
    let world = World::fake("1.7.12");
    world.wants("deployments: [{ uri: 'http://127.0.0.1:1' }]\n");
    let printed = world.run(&["plan", "--format", "json"]).expect(1).stdout;
    is_refused(&world, &printed, 1, "plan-refused");
}

#[test]
fn what_is_no_plan_or_was_edited_is_refused() {
    let (world, _endpoint) = saved();
    let plan = text(&world);
    for cut in [1, plan.len() / 3, plan.len() - 3] {
        is_refused(&world, &plan[..cut], 1, "plan-unreadable");
    }
    for other in ["", "[]", "version: 1\n", "{}", r#"{ "format_version": "1.0" }"#] {
        is_refused(&world, other, 1, "plan-unreadable");
    }
    is_refused(
        &world,
        &edited(&plan, "/format_version", json!("2.0")),
        1,
        "plan-version",
    );
    let edits = [
        ("/changes/1/fields/0/after", json!(true)),
        ("/changes/0/resource/key", json!("http://127.0.0.1:1/")),
        ("/changes", json!([])),
        ("/inputs/allow", json!(["expose", "breaking"])),
        ("/inputs/paths", json!(["other.yaml"])),
        (
            "/inputs/values",
            json!({ "restate.yaml": { "/deployments/0/uri": "http://127.0.0.1:1" } }),
        ),
        ("/target/admin_url", json!("http://127.0.0.1:1/")),
        ("/restatectl_version", json!("9.9.9")),
        ("/digest", json!("")),
    ];
    for (place, value) in edits {
        is_refused(&world, &edited(&plan, place, value), 1, "plan-edited");
    }
    let added = plan.replacen('{', r#"{ "more": 1,"#, 1);
    is_refused(&world, &added, 1, "plan-edited");
    // `show` does not show as a plan what is none either.
    world.run(&["show", "plan.json"]).expect(1);
    world.run(&["apply", "nothing.json", "--yes"]).expect(1);
    // Only written otherwise, it is the same plan.
    let value: Value = serde_json::from_str(&plan).unwrap();
    world.desk.write("plan.json", value.to_string());
    world.run(&["apply", "plan.json", "--yes"]).expect(0);
}

#[test]
fn it_is_for_one_server() {
    let (world, _endpoint) = saved();
    let plan = text(&world);
    let other = World::fake("1.7.12");
    let file = world.read("restate.yaml");
    other.desk.write("restate.yaml", &file);
    let asked = |world: &World| {
        world
            .as_fake()
            .requests()
            .iter()
            .any(|request| request.method == "POST")
    };
    is_refused(&other, &plan, 5, "plan-other-target");
    assert!(!asked(&other), "no endpoint is asked, no secret is sent");
}

#[test]
fn a_server_of_another_version_is_not_what_was_planned_for() {
    let (world, _endpoint) = saved();
    let on = Match {
        times: 99,
        ..Match::first("GET", "/version")
    };
    let now = json!({ "version": "1.7.13", "min_admin_api_version": 2, "max_admin_api_version": 4 });
    world
        .as_fake()
        .on(on, Fault::Status(200, vec![], now.to_string()));
    let report = is_refused(&world, &text(&world), 4, "plan-stale");
    assert_eq!(report["outcome"], "stale");
}

#[test]
fn a_destruction_can_be_saved() {
    let world = World::fake("1.7.12");
    let _endpoint = world.serves(service("Mail"), "stack: preview");
    world.apply();
    world.run(&["plan", "--destroy", "--out", "plan.json"]).expect(0);
    world.run(&["apply", "plan.json", "--yes"]).expect(0);
    assert_eq!(world.deployments(), [""; 0]);
    let again = world
        .run(&["apply", "plan.json", "--yes", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(again["outcome"], "nothing-to-do");
}

/// A minor version adds: what is not known is passed over.
#[test]
fn what_a_newer_version_added_is_passed_over() {
    let (world, _endpoint) = saved();
    let mut report: Value = {
        let args = ["apply", "plan.json", "--yes", "--format", "json"];
        world.run(&args).expect(0).json()
    };
    report["format_version"] = json!("1.7");
    report["new"] = json!({ "a": 1 });
    report["changes"][0]["new"] = json!(1);
    world.desk.write("report.json", report.to_string());
    let shown = world.run(&["show", "report.json"]).expect(0).stdout;
    assert!(shown.contains("2 done"), "{shown}");
}

#[test]
fn every_document_can_be_shown_in_every_format() {
    let (world, _endpoint) = saved();
    let json = |args: &[&str], code: i32| {
        world
            .run(&[args, &["--format", "json"]].concat())
            .expect(code)
            .stdout
    };
    let documents = [
        ("plan", json(&["plan"], 0)),
        ("drift", json(&["drift"], 2)),
        ("report", json(&["apply", "--yes"], 0)),
    ];
    for (name, document) in documents {
        world.desk.write("document.json", &document);
        assert_eq!(json(&["show", "document.json"], 0), document, "{name}");
        for format in ["text", "markdown", "github"] {
            let shown = world
                .run(&["show", "document.json", "--format", format])
                .expect(0)
                .stdout;
            assert!(
                shown.contains("Checkout") || name == "report",
                "{name} {format}: {shown}"
            );
            assert!(!shown.is_empty());
        }
        let mut command = world.desk.command(&["show", "-"]);
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), document.as_bytes()).unwrap();
        Ran::of(child).expect(0);
    }
    world.run(&["snapshot", "--out", "snapshot.json"]).expect(0);
    world.run(&["show", "snapshot.json"]).expect(1);
    world.run(&["show", "restate.yaml"]).expect(1);
}

#[test]
fn a_group_that_is_called_like_a_secret_is_still_found() {
    let world = World::fake("1.7.12");
    let endpoint = Endpoint::start(service("Mail"));
    world.lists(
        [endpoint.with("additional_headers: { x-tenant: shop-orders }")],
        "subscriptions:\n\
         - { source: kafka://main/t, sink: service://Mail/run, options: { group.id: shop-orders } }",
    );
    world.run(&["plan", "--out", "plan.json"]).expect(0);
    world.run(&["apply", "plan.json", "--yes"]).expect(0);
    assert_eq!(world.subscriptions().len(), 1);
}

#[test]
fn nothing_that_is_read_is_written_over() {
    let (world, _endpoint) = saved();
    let before = world.read("restate.yaml");
    world.desk.write("files/a.yaml", &before);
    for args in [
        &["plan", "--out", "restate.yaml"][..],
        &["plan", "--out", "p", "--report", "json=./p"],
        &["plan", "--report", "json=a", "--report", "text=a"],
        &["validate", "--report", "json=restate.yaml"],
        &["drift", "-f", "restate.yaml", "--report", "json=./restate.yaml"],
        &["apply", "plan.json", "--yes", "--report", "json=plan.json"],
        // It is what the plan was made from.
        &["apply", "plan.json", "--yes", "--report", "json=restate.yaml"],
        // It would be one of the files the next time.
        &["plan", "-f", ".", "--report", "json=report.json"],
        &["plan", "-f", "files", "--report", "json=files/report.json"],
        &["export", "--report", "json=x"],
    ] {
        world.run(args).expect(64);
    }
    assert_eq!(world.read("restate.yaml"), before);
    world.run(&["apply", "plan.json", "--yes"]).expect(0);
}
