//! Export and snapshot: what is on a server, as files.

use super::{checkout, on_every_server, service, workflow};
use crate::endpoint::Endpoint;
use crate::harness::Ran;
use crate::schemas;
use crate::world::{World, findings, ops};
use serde_json::{Value, json};

on_every_server! {
    an_export_plans_to_no_changes_in_every_format,
    only_what_differs_from_the_sdk_is_an_override,
    what_cannot_be_said_is_left_out_and_told,
    a_stack_is_exported_alone,
    a_snapshot_is_planned_against_offline,
    a_snapshot_knows_what_was_registered,
}

/// With two revisions, secrets, overrides and subscriptions.
fn shop(world: &World) -> [Endpoint; 2] {
    let v1 = Endpoint::start([checkout(&["onOrder"]), service("Cart")]);
    let v2 = Endpoint::start([checkout(&["onOrder"]), workflow("Signup")]);
    world.wants(&format!(
        "deployments:\n\
         - uri: {}\n  \
           additional_headers: {{ authorization: 'Bearer ${{env:TOKEN}}', x-tenant: shop }}\n\
         - uri: {}\n\
         services:\n  \
           Checkout: {{ public: false, journal_retention: 2d }}\n  \
           Cart: {{ abort_timeout: 1h }}\n\
         subscriptions:\n\
         - source: kafka://main/orders\n  \
           sink: service://Checkout/onOrder\n  \
           options: {{ group.id: g, sasl.password: '${{env:TOKEN}}' }}\n",
        v1.url(),
        v2.url(),
    ));
    let mut command = world.desk.command(&["apply", "--yes"]);
    Ran::of(command.env("TOKEN", "s3cret-t0ken").spawn().unwrap()).expect(0);
    [v1, v2]
}

/// The variables that an export asks for, with what they are.
fn asked(text: &str) -> Vec<(String, String)> {
    let lines = text
        .lines()
        .filter_map(|line| line.trim_start_matches(['#', ' ']).split_once(": "));
    let lines = lines.filter(|(name, _)| name.starts_with("SECRET_"));
    lines
        .map(|(name, what)| (name.to_owned(), what.to_owned()))
        .collect()
}

/// Plans the export with what it asks for.
#[track_caller]
fn plan_of(world: &World, file: &str, asked: &[(String, String)]) -> Value {
    let mut command = world.desk.command(&["plan", "-f", file, "--format", "json"]);
    for (name, what) in asked {
        let value = match what {
            _ if what.contains("authorization") => "Bearer s3cret-t0ken",
            _ if what.contains("sasl.password") => "s3cret-t0ken",
            _ => "shop",
        };
        command.env(name, value);
    }
    let plan = Ran::of(command.spawn().unwrap()).expect(0).json();
    schemas::assert_valid("plan", &plan);
    plan
}

fn an_export_plans_to_no_changes_in_every_format(world: &World) {
    let _endpoints = shop(world);
    for file in ["export.yaml", "export.toml", "export.json"] {
        let ran = world.run(&["export", "--out", file]).expect(0);
        let text = world.read(file);
        assert!(
            !format!("{text}{}{}", ran.stdout, ran.stderr).contains("s3cret"),
            "{text}"
        );
        // JSON has no comments.
        let asked = asked(if text.starts_with('{') { &ran.stderr } else { &text });
        assert_eq!(asked.len(), 3, "{text}");
        let plan = plan_of(world, file, &asked);
        assert_eq!(plan["changes"], json!([]), "{text}");
        assert_eq!(plan["unmanaged"], json!({}));
        // Since 1.7 servers hide passwords.
        let mut found = findings(&plan);
        found.retain(|code| code != "not-compared");
        assert_eq!(found, [""; 0]);
    }
    let yaml = world.run(&["export"]).expect(0).stdout;
    assert_eq!(yaml, world.read("export.yaml"));
    let json = world.run(&["export", "--format", "json"]).expect(0).stdout;
    assert_eq!(json, world.read("export.json"));
    world.run(&["export", "--out", "export.yaml"]).expect(1);
    world
        .run(&["export", "--out", "export.yaml", "--force"])
        .expect(0);
    world.run(&["export", "--out", "export"]).expect(64);
    world
        .run(&["export", "--out", "files", "--split", "--as", "toml"])
        .expect(0);
    let first = world.read("files/deployments.toml");
    let plan = plan_of(world, "files", &asked(&first));
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(plan["desired"]["files"].as_array().unwrap().len(), 3);
}

fn only_what_differs_from_the_sdk_is_an_override(world: &World) {
    let [v1, v2] = shop(world);
    let exported = |world: &World| -> Value {
        serde_json::from_str(&world.run(&["export", "--as", "json"]).expect(0).stdout).unwrap()
    };
    assert_eq!(
        exported(world)["services"],
        json!({
            "Cart": { "abort_timeout": "1h" },
            "Checkout": { "public": false, "journal_retention": "2d" },
        })
    );
    // Without asking the endpoints, only what must not be lost.
    let offline = world
        .run(&["export", "--as", "json", "--discover", "none"])
        .expect(0);
    let json: Value = serde_json::from_str(&offline.stdout).unwrap();
    assert_eq!(json["services"], json!({ "Checkout": { "public": false } }));
    assert!(
        offline
            .stderr
            .contains("which of its options are overrides is not known"),
        "{}",
        offline.stderr
    );
    drop((v1, v2));
    assert_eq!(
        exported(world)["services"],
        json["services"],
        "an endpoint that is down cannot be asked"
    );
}

fn what_cannot_be_said_is_left_out_and_told(world: &World) {
    let _v1 = world.has(checkout(&["onOrder"]));
    let _v2 = world.has(checkout(&["onOrder"]));
    let sink = "service://Checkout/onOrder";
    let options = json!({ "group.id": "g" });
    world.subscribe("kafka://main/t", sink, &options);
    world.subscribe("kafka://main/t", sink, &options);
    world.subscribe(
        "kafka://main/u",
        sink,
        &json!({ "no.such.option": "x", "group.id": "h" }),
    );
    let text = world.run(&["export"]).expect(0).stdout;
    for why in [
        "superseded: it is the latest for no service",
        "it duplicates another one",
        "no.such.option",
    ] {
        assert!(text.contains(why), "{why}:\n{text}");
    }
    world.desk.write("export.yaml", &text);
    let plan = plan_of(world, "export.yaml", &[]);
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(plan["unmanaged"]["subscription"].as_array().unwrap().len(), 2);
}

fn a_stack_is_exported_alone(world: &World) {
    if world.is_1_5() {
        world.run(&["export", "--stack", "shop"]).expect(1);
        return;
    }
    let ours = Endpoint::start(service("Mail"));
    let others = Endpoint::start(service("Others"));
    for (stack, endpoint) in [("shop", &ours), ("others", &others)] {
        world.lists([endpoint], &format!("stack: {stack}"));
        world.apply();
    }
    world.subscribe(
        "kafka://main/t",
        "service://Others/run",
        &json!({ "group.id": "g" }),
    );
    world
        .run(&["export", "--stack", "shop", "--out", "shop.yaml"])
        .expect(0);
    let plan = plan_of(world, "shop.yaml", &[]);
    assert_eq!(
        (&plan["changes"], &plan["desired"]["stack"]),
        (&json!([]), &json!("shop"))
    );
    let text = world.read("shop.yaml");
    assert!(
        text.contains("it belongs to the stack others") && !text.contains("restatectl.stack"),
        "{text}"
    );
    let typo = world
        .run(&["export", "--stack", "shpo", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(typo["problems"][0]["code"], "unknown-stack");
    assert_eq!(typo["problems"][0]["help"], "did you mean `shop`?");
    // Without a stack it is nobody's to list.
    let none: Value = serde_json::from_str(&world.run(&["export", "--as", "json"]).expect(0).stdout).unwrap();
    assert_eq!(none, json!({ "version": 1 }));
}

fn a_snapshot_is_planned_against_offline(world: &World) {
    let _endpoints = shop(world);
    let ran = world.run(&["snapshot", "--out", "snapshot.json"]).expect(0);
    assert_eq!(ran.stdout, "");
    let text = world.read("snapshot.json");
    assert!(!text.contains("s3cret") && !text.contains("\"shop\""), "{text}");
    schemas::assert_valid("snapshot", &serde_json::from_str(&text).unwrap());
    let args = ["plan", "--live", "snapshot.json", "--format", "json"];
    // Without the secrets, and without a server.
    let offline = |code: i32| -> Value {
        let mut command = world.desk.command(&args);
        let ran = Ran::of(
            command
                .env("RESTATE_ADMIN_URL", "http://127.0.0.1:1")
                .spawn()
                .unwrap(),
        );
        let plan = ran.expect(code).json();
        schemas::assert_valid("plan", &plan);
        plan
    };
    let plan = offline(0);
    assert_eq!(plan["changes"], json!([]), "{plan:#}");
    assert!(findings(&plan).contains(&"offline".to_owned()));
    // What changes without an endpoint is told as it would be with one.
    let file = world.read("restate.yaml");
    let new = Endpoint::start(service("New"));
    let changed = file
        .replace("journal_retention: 2d", "journal_retention: 3d")
        .replace("services:\n", &format!("- uri: {}\nservices:\n", new.url()))
        .replace("x-tenant: shop", "x-other: shop");
    world.desk.write("restate.yaml", &changed);
    let plan = offline(0);
    let kinds: Vec<String> = ops(&plan)
        .iter()
        .map(|op| op.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["update", "register", "configure"], "{plan:#}");
    let codes = findings(&plan);
    assert!(codes.contains(&"not-validated".to_owned()), "{codes:?}");
    assert!(
        plan["changes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|change| change["validated"] != "server")
    );
    let fields = crate::world::fields(&plan["changes"][0]);
    assert_eq!(
        fields.len(),
        2,
        "the authorization cannot be compared: {fields:?}"
    );
    assert!(new.requests().is_empty(), "nobody was asked");
    world
        .run(&["plan", "--live", "snapshot.json", "--out", "plan.json"])
        .expect(64);
    world.run(&["plan", "--live", "restate.yaml"]).expect(1);
}

/// A rollback without asking anybody.
fn a_snapshot_knows_what_was_registered(world: &World) {
    let v1 = world.has(checkout(&["onOrder"]));
    let _v2 = world.has(checkout(&["onOrder", "more"]));
    world.run(&["snapshot", "--out", "snapshot.json"]).expect(0);
    let snapshot: Value = serde_json::from_str(&world.read("snapshot.json")).unwrap();
    let stored = snapshot["stored"].as_object().unwrap();
    assert_eq!(stored.len(), 1);
    world.lists([&v1], "");
    let args = ["plan", "--live", "snapshot.json", "--format", "json"];
    let plan = world.run(&args).expect(5).json();
    assert_eq!(ops(&plan), [format!("promote {}", v1.url())]);
    assert_eq!(plan["changes"][0]["refused"]["code"], "promote");
}
