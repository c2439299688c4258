//! What an apply of a saved plan starts from: its files, variables, consents and targets.

use super::{is_refused, saved, text};
use crate::endpoint::Endpoint;
use crate::fake::{Fault, Match};
use crate::harness::Ran;
use crate::suite::service;
use crate::world::World;
use serde_json::{Value, json};

#[test]
fn its_files_must_be_what_they_were() {
    let (world, endpoint) = saved();
    let plan = text(&world);
    let file = world.read("restate.yaml");
    world.desk.write("restate.yaml", format!("{file}stack: shop\n"));
    let report = is_refused(&world, &plan, 4, "plan-other-files");
    assert_eq!(report["outcome"], "stale");
    std::fs::remove_file(world.desk.path().join("restate.yaml")).unwrap();
    is_refused(&world, &plan, 4, "plan-other-files");
    world.desk.write("restate.yaml", &file);

    // A directory: one more, one less.
    world.desk.write("files/a.yaml", &file);
    world.desk.write("files/b.yaml", "version: 1\nstack: shop\n");
    world.desk.write("values.yaml", "unused: 1\n");
    world
        .run(&[
            "plan",
            "-f",
            "files",
            "--var-file",
            "values.yaml",
            "--out",
            "plan.json",
        ])
        .expect(0);
    let plan = text(&world);
    // All steps of a pipeline may have the same options.
    let named = ["-f", "files", "--var-file", "values.yaml"];
    let apply = |args: &[&str]| world.run(&[&["apply", "plan.json", "--yes"], args].concat()).code;
    assert_eq!(apply(&["-f", "files/a.yaml"]), 64);
    assert_eq!(apply(&["--var-file", "files/a.yaml"]), 64);
    world.desk.write("files/c.yaml", "version: 1\n");
    let report = is_refused(&world, &plan, 4, "plan-other-files");
    assert!(report.to_string().contains("files/c.yaml"), "{report:#}");
    std::fs::remove_file(world.desk.path().join("files/c.yaml")).unwrap();
    world.desk.write("values.yaml", "unused: 2\n");
    is_refused(&world, &plan, 4, "plan-other-files");
    world.desk.write("values.yaml", "unused: 1\n");
    world.desk.write("plan.json", &plan);
    assert_eq!(apply(&named), 0);
    drop(endpoint);
}

/// A comment that came in between, or a checkout with other line ends, says nothing new.
#[test]
fn its_files_may_be_written_otherwise() {
    let (mut world, endpoint) = saved();
    world.desk.set_env("TOKEN", "s3cret-s3cret");
    let url = endpoint.url();
    let variables = "variables:\n  tag: {}\n";
    let file = |header: &str, tag: &str| {
        format!(
            "version: 1\n{variables}deployments:\n  - uri: {url}\n    metadata: {{ tag: '{tag}' }}\n    additional_headers: {{ authorization: '{header}' }}\n"
        )
    };
    let reference = file("Bearer ${env:TOKEN}", "${var:tag}");
    let plan = |text: &str, values: &str| {
        world.desk.write("restate.yaml", text);
        world.desk.write("values.yaml", values);
        let args = ["plan", "--out", "plan.json", "--var-file", "values.yaml"];
        world.run(&args).expect(0);
    };
    let apply = |text: &str, values: &str| {
        world.desk.write("restate.yaml", text);
        world.desk.write("values.yaml", values);
        world.run(&["apply", "plan.json", "--yes"]).code
    };
    plan(&reference, "tag: v1\n");
    assert_eq!(apply(&reference.replace("Bearer", "Basic"), "tag: v1\n"), 4);
    assert_eq!(apply(&reference.replace("TOKEN", "PATH"), "tag: v1\n"), 4);
    assert_eq!(apply(&reference, "tag: v2\n"), 4);
    // What other tools keep at the top says nothing either.
    let otherwise = format!("# why\nx-other: tool\n{}", reference.replace('\n', "\r\n"));
    assert_eq!(apply(&otherwise, "# of today\r\ntag: \"v1\"\r\n"), 0);

    // What has a secret in it is compared byte for byte, wherever the secret is written.
    let literal = file("Bearer another-s3cret", "${var:tag}");
    plan(&literal, "tag: v1\n");
    assert_eq!(apply(&format!("{literal}# why\n"), "tag: v1\n"), 4);
    // A default is written in it too.
    let default = file("Bearer ${env:TOKEN:-another-s3cret}", "${var:tag}");
    plan(&default, "tag: v1\n");
    assert_eq!(apply(&format!("{default}# why\n"), "tag: v1\n"), 4);
    let variable = file("Bearer ${var:tag}", "v1");
    plan(&variable, "tag: another-s3cret-1\n");
    assert_eq!(apply(&variable, "tag: another-s3cret-1 # why\n"), 4);
    assert_eq!(apply(&format!("# why\n{variable}"), "tag: another-s3cret-1\n"), 0);
    drop(endpoint);
}

#[test]
fn what_was_planned_cannot_be_changed_on_the_command_line() {
    let (world, _endpoint) = saved();
    for more in [
        &["-f", "other.yaml"][..],
        &["--allow", "expose"],
        &["--target", "service/Checkout"],
        &["--resend", "service/Checkout"],
        &["--destroy"],
        &["--discover", "none"],
        &["--deny-warnings"],
        &["--var-file", "values.yaml"],
    ] {
        let args = [&["apply", "plan.json", "--yes"], more].concat();
        world.run(&args).expect(64);
    }
    // What can be read only once cannot be read again.
    world.run(&["plan", "-f", "-", "--out", "other.json"]).expect(64);
    world
        .run(&[
            "apply",
            "plan.json",
            "--yes",
            "--allow-endpoint",
            "http://127.0.0.1:1",
        ])
        .expect(5);
    world
        .run(&["apply", "plan.json", "--yes", "--allow-endpoint", "127.0.0.1"])
        .expect(0);
}

/// What the run was allowed and restricted to is part of the plan.
#[test]
fn consents_and_targets_come_along() {
    let (world, endpoint) = saved();
    world.run(&["apply", "plan.json", "--yes"]).expect(0);
    let mail = Endpoint::start(service("Mail"));
    world.lists([&endpoint, &mail], "services: { Checkout: { public: true } }");
    let args = [
        "plan",
        "--target",
        "service/Checkout",
        "--allow",
        "expose=Checkout",
        "--out",
        "plan.json",
    ];
    world.run(&args).expect(0);
    world.run(&["apply", "plan.json", "--yes"]).expect(0);
    assert_eq!(world.service("Checkout")["public"], true);
    assert_eq!(world.deployments().len(), 1);
}

/// What is used where secrets are is looked up again, and must be there.
#[test]
fn secrets_are_given_again() {
    let world = World::fake("1.7.12");
    let endpoint = Endpoint::start(service("Mail"));
    world.wants(
        "variables:\n  short: { default: q7w }\n  tenant: { default: nobody }\n  path: { default: '${env:ENDPOINT}' }\n\
         deployments:\n\
         - uri: '${var:path}'\n  \
           additional_headers: { x-tenant: '${var:tenant}', x-short: '${var:short}' }\n  \
           metadata: { tenant: '${var:tenant}', other: '${var:path}' }\n",
    );
    let start = |args: &[&str]| {
        let mut command = world.desk.command(args);
        Ran::of(command.env("ENDPOINT", endpoint.url()).spawn().unwrap())
    };
    start(&["plan", "--var", "tenant=planned-tenant", "--out", "plan.json"]).expect(0);
    assert!(
        !text(&world).contains("planned-tenant"),
        "also where it is no secret by itself"
    );
    assert!(!text(&world).contains("q7w"), "however short");
    assert!(text(&world).contains(&endpoint.url()));
    let missing = world
        .run(&["apply", "plan.json", "--yes", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(missing["problems"][0]["code"], "plan-variable");
    let args = [
        "apply",
        "plan.json",
        "--yes",
        "--var",
        "tenant=planned-tenant",
        "--var",
        "nothing=1",
    ];
    let unknown = world.run(&args).expect(1);
    assert!(
        unknown.stderr.contains("undeclared-variable"),
        "{}",
        unknown.stderr
    );
    // What else it was made from is in it, and may be given again.
    world
        .run(&["apply", "plan.json", "--yes", "--var", "tenant=planned-tenant"])
        .expect(0);
    let live = &world.deployments()[0];
    assert_eq!(live["additional_headers"]["x-tenant"], "planned-tenant");
    assert_eq!(
        live["metadata"],
        json!({ "tenant": "planned-tenant", "other": endpoint.url() })
    );
}

#[test]
fn an_empty_plan_is_for_its_server_and_files_too() {
    let (world, _endpoint) = saved();
    world.run(&["apply", "plan.json", "--yes"]).expect(0);
    world.run(&["plan", "--out", "plan.json"]).expect(0);
    assert_eq!(
        serde_json::from_str::<Value>(&text(&world)).unwrap()["changes"],
        json!([])
    );
    world.run(&["apply", "plan.json", "--yes"]).expect(0);
    world
        .run(&["apply", "plan.json", "--yes", "--admin-url", "http://127.0.0.1:1"])
        .expect(1);
    world.wants_also("safety: { max_deletes: 7 }\n");
    world.run(&["apply", "plan.json", "--yes"]).expect(4);
}

#[test]
fn a_directory_is_found_again() {
    let (world, _endpoint) = saved();
    std::fs::remove_file(world.desk.path().join("plan.json")).unwrap();
    // The plan would be one of the files.
    world.run(&["plan", "-f", ".", "--out", "plan.json"]).expect(64);
    world.run(&["plan", "-f", ".", "--out", "restate.plan"]).expect(0);
    world.run(&["apply", "restate.plan", "--yes"]).expect(0);
}

/// A graph of a plan shows the plan's values, and needs no secret.
#[test]
fn a_graph_has_the_values_of_the_plan() {
    let world = World::fake("1.7.12");
    let endpoint = Endpoint::start(service("Mail"));
    let url = endpoint.url();
    world.wants(&format!(
        "variables:\n  topic: {{ default: of-the-file }}\n  token: {{}}\n\
         deployments:\n  - uri: {url}\n    additional_headers: {{ authorization: '${{var:token}}' }}\n\
         subscriptions:\n  - source: kafka://main/${{var:topic}}\n    sink: service://Mail/run\n    options: {{ group.id: g }}\n"
    ));
    let given = ["--var", "topic=of-the-plan", "--var", "token=s3cret-s3cret"];
    let args = [&["plan", "--out", "plan.json"], &given[..]].concat();
    world.run(&args).expect(0);
    let ran = world.run(&["graph", "plan.json"]).expect(0);
    assert!(ran.stdout.contains("of-the-plan"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("of-the-file"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    // It is a graph of that plan, so the files must be its files.
    world.wants_also("stack: shop\n");
    world.run(&["graph", "plan.json"]).expect(4);
}

/// A name that could not be read once is asked for again; without it a plan is neither saved nor taken up.
#[test]
fn a_plan_knows_its_cluster() {
    let (world, _endpoint) = saved();
    let broken = || Fault::Status(500, vec![], String::new());
    let health = || Match::first("GET", "/cluster-health");
    world.as_fake().on(health(), broken());
    world.run(&["plan", "--out", "plan.json"]).expect(0);
    assert!(text(&world).contains(world.as_fake().cluster_name()));
    let plan = text(&world);
    let always = Match {
        times: 100,
        ..health()
    };
    world.as_fake().on(always, broken());
    let report = is_refused(&world, &plan, 1, "no-cluster-name");
    assert!(report.to_string().contains("/cluster-health"), "{report:#}");
    let ran = world.run(&["plan", "--out", "plan.json"]).expect(1);
    assert!(
        ran.stderr.contains("`plan.json` is not written"),
        "{}",
        ran.stderr
    );
    assert!(!world.desk.path().join("plan.json").exists());
    // What needs no name goes on, and says so.
    let ran = world.run(&["apply", "--yes"]).expect(0);
    assert!(ran.stderr.contains("could not be read"), "{}", ran.stderr);
}
