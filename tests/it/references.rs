//! Values from outside of the files, and several files as one desired state.

use crate::endpoint::Endpoint;
use crate::harness::Desk;
use crate::suite::{checkout, service};
use crate::world::{World, fields, ops};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;

/// The codes of a validation's problems.
#[track_caller]
fn codes(desk: &Desk, args: &[&str]) -> Vec<String> {
    let args = [&["validate", "--format", "json"], args].concat();
    let json = desk.run(&args).json();
    let problems = json["problems"].as_array().unwrap().iter();
    problems.map(|p| p["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn values_reach_the_server_and_no_output() {
    let mut world = World::fake("1.7.12");
    let endpoint = Endpoint::start(checkout(&["onOrder"]));
    world.desk.set_env("CHECKOUT_TOKEN", "t0ken-v4lue");
    world.desk.set_env(
        "HOST",
        endpoint.url().trim_start_matches("http://").trim_end_matches('/'),
    );
    world.desk.set_env("GROUP", "gr0up-v4lue");
    world.desk.set_env("PRIVATE", "false");
    world.desk.write("secrets/key", "k3y-v4lue\r\n");
    world.wants(
        "variables: { reset: { default: earliest }, days: {} }\n\
         deployments:\n\
         - uri: http://${env:HOST}\n  \
           additional_headers:\n    \
             authorization: Bearer ${env:CHECKOUT_TOKEN}\n    \
             x-key: ${file:secrets/key}\n    \
             x-two: ${env:NONE:-fallback} and $${env:NONE}\n\
         services: { Checkout: { public: \"${env:PRIVATE}\", journal_retention: \"${var:days}d\" } }\n\
         subscriptions:\n\
         - source: kafka://main/orders\n  \
           sink: service://Checkout/onOrder\n  \
           options: { group.id: '${env:GROUP}', auto.offset.reset: '${var:reset}' }\n",
    );
    let args = ["--var", "days=3"];
    let plan = world.plan_with(&args, 0);
    assert_eq!(ops(&plan)[0], format!("register {}", endpoint.url()));
    let create = &plan["changes"][2];
    assert_eq!(
        create["resource"]["key"], "kafka://main/orders -> service://Checkout/onOrder @ ${env:GROUP}",
        "a key shows the reference, not what it gives"
    );
    assert_eq!(
        fields(create),
        [
            "options.auto.offset.reset: null → earliest",
            "options.group.id: set sensitive"
        ]
    );
    for ran in [
        world.run(&["plan", "--var", "days=3"]).expect(0),
        world
            .run(&["apply", "--yes", "--var", "days=3", "-vvv"])
            .expect(0),
        world
            .run(&["plan", "--var", "days=3", "--format", "json"])
            .expect(0),
    ] {
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!shown.contains("v4lue"), "{shown}");
    }
    let live = &world.deployments()[0];
    assert_eq!(
        live["additional_headers"],
        json!({ "authorization": "Bearer t0ken-v4lue", "x-key": "k3y-v4lue", "x-two": "fallback and ${env:NONE}" })
    );
    let live = world.service("Checkout");
    assert_eq!(
        (&live["public"], &live["journal_retention"]),
        (&json!(false), &json!("3d"))
    );
    assert_eq!(world.subscriptions()[0]["options"]["group.id"], "gr0up-v4lue");
    assert_eq!(world.plan_with(&args, 0)["changes"], json!([]));
    // A changed secret is a change, and is not shown either.
    world.desk.set_env("CHECKOUT_TOKEN", "t0ken-v4lue-2");
    let plan = world.plan_with(&args, 0);
    assert_eq!(
        fields(&plan["changes"][0]),
        ["additional_headers.authorization: changed sensitive"]
    );
    assert!(!plan.to_string().contains("v4lue"), "{plan}");
}

#[test]
fn what_is_not_set_stops_a_plan_before_it_asks_the_server() {
    let world = World::fake("1.7.12");
    world.wants("deployments: [{ uri: 'http://${env:HOST}:9080' }]\n");
    world.desk.run(&["validate"]).expect(0);
    world.desk.run(&["validate", "--strict-env"]).expect(1);
    for verb in [&["plan"][..], &["apply", "--yes"]] {
        let ran = world.run(verb).expect(1);
        assert!(
            ran.stderr.contains("unset-environment-variable"),
            "{}",
            ran.stderr
        );
    }
    assert!(world.as_fake().requests().is_empty());
}

#[test]
fn values_of_variables_in_their_order() {
    let world = World::fake("1.7.12");
    world.wants("variables: { r: { default: 1d } }\nservices: { S: { journal_retention: '${var:r}' } }\n");
    world.desk.write("a.yaml", "r: 2d\n");
    world.desk.write("b.toml", "r = '${env:NONE:-3d}'\nother = 1\n");
    world.desk.write("c.json", "{ \"r\": [1] }");
    let _endpoint = world.has(service("S"));
    let retention = |args: &[&str]| {
        let plan = world.plan_with(args, 0);
        plan["changes"][0]["fields"][0]["after"].clone()
    };
    assert_eq!(
        world.plan()["changes"],
        json!([]),
        "1d is the default of the server, too"
    );
    assert_eq!(retention(&["--var-file", "a.yaml"]), "2d");
    assert_eq!(retention(&["--var-file", "a.yaml", "--var-file", "b.toml"]), "3d");
    assert_eq!(retention(&["--var", "r=4d", "--var-file", "b.toml"]), "4d");
    assert_eq!(retention(&["--var", "r=4d", "--var", "r=5d"]), "5d");
    assert_eq!(
        codes(&world.desk, &["--var-file", "b.toml"]),
        ["undeclared-variable"]
    );
    assert_eq!(codes(&world.desk, &["--var-file", "c.json"]), ["wrong-type"]);
    assert_eq!(codes(&world.desk, &["--var", "rr=1"]), ["undeclared-variable"]);
    let ran = world
        .run(&["validate", "--var-file", "c.json", "--var", "r=v4lue"])
        .expect(1);
    assert!(!ran.stderr.contains("v4lue"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn a_file_reference_stays_in_its_tree() {
    use std::os::unix::fs::symlink;
    let desk = Desk::new();
    desk.write("outside", "v4lue");
    desk.write("state/inside", "fine");
    desk.write("state/deep/restate.yaml", "version: 1\n");
    let root = desk.path();
    symlink(root.join("outside"), root.join("state/link")).unwrap();
    symlink(root, root.join("state/up")).unwrap();
    symlink(root.join("state/inside"), root.join("state/fine-link")).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(root.join("state/pipe"))
        .status()
        .unwrap();
    assert!(pipe.success());
    desk.write("state/large", vec![b'a'; (1 << 20) + 1]);
    desk.write("state/binary", [0xff, 0xfe]);
    let try_out = |path: &str| {
        desk.write(
            "state/restate.yaml",
            format!("version: 1\ndeployments: [{{ uri: 'http://a:1', additional_headers: {{ x: '${{file:{path}}}' }} }}]\n"),
        );
        codes(&desk, &["-f", "state/restate.yaml"])
    };
    for path in ["inside", "./inside", "deep/../inside", "fine-link", "none:-x"] {
        assert_eq!(try_out(path), [""; 0], "{path}");
    }
    let absolute = root.join("state/inside");
    for path in [
        "../outside",
        "link",
        "up/outside",
        "deep/../../outside",
        "../state/inside",
        "../none",
        "pipe",
        "large",
        "binary",
        "deep",
        "/dev/zero",
        "none",
        absolute.to_str().unwrap(),
    ] {
        assert_eq!(try_out(path), ["file-reference"], "{path}");
    }
}

#[test]
fn several_files_are_one_desired_state_in_the_order_given() {
    let world = World::fake("1.7.12");
    let endpoint = Endpoint::start_at(["/a", "/b"].map(|path| (path, service("Mail"))));
    let deployment = |path: &str| {
        format!(
            "version: 1\ndeployments: [{{ uri: '{}' }}]\n",
            endpoint.url_at(path)
        )
    };
    world.desk.write("state/10-a.yaml", deployment("/a"));
    world.desk.write("state/20-b.yml", deployment("/b"));
    world
        .desk
        .write("state/30.toml", "version = 1\n[services.Mail]\npublic = false\n");
    world.desk.write("state/.hidden.yaml", "broken: [");
    world.desk.write("state/notes.txt", "broken: [");
    world.desk.write("state/sub/x.yaml", "broken: [");
    let served_by = |args: &[&str]| {
        let plan = world.plan_with(args, 0);
        let last = plan["changes"]
            .as_array()
            .unwrap()
            .iter()
            .rfind(|c| c["op"] == "register");
        last.unwrap()["resource"]["key"].as_str().unwrap().to_owned()
    };
    assert_eq!(served_by(&["-f", "state"]), endpoint.url_at("/b"));
    let plan = world.plan_with(&["-f", "state"], 0);
    assert_eq!(ops(&plan).len(), 3, "{plan}");
    let files: Vec<&Value> = plan["desired"]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["path"])
        .collect();
    assert_eq!(files, ["state/10-a.yaml", "state/20-b.yml", "state/30.toml"]);
    assert_eq!(
        served_by(&["-f", "state/20-b.yml", "-f", "state/10-a.yaml"]),
        endpoint.url_at("/a")
    );
    // Whatever it is called, a file is read once.
    let again = world.plan_with(
        &["-f", "state", "-f", "./state/10-a.yaml", "-f", "state/../state"],
        0,
    );
    assert_eq!(ops(&again), ops(&plan));
    world.run(&["apply", "--yes", "-f", "state"]).expect(0);
    assert_eq!(world.plan_with(&["-f", "state"], 0)["changes"], json!([]));
}

#[test]
fn problems_of_all_files_are_told() {
    let desk = Desk::new();
    desk.write("a.yaml", "version: 1\nfoo: 1\nvariables: { v: {} }\n");
    desk.write("b.yaml", "version: [\n");
    desk.write(
        "c.toml",
        "version = 2\nservices.S.journal_retention = '${var:elsewhere}'\n",
    );
    let args = ["-f", "a.yaml", "-f", "b.yaml", "-f", "c.toml"];
    // The variables of the broken file are not known, so nothing is said of them.
    assert_eq!(
        codes(&desk, &args),
        ["unknown-field", "invalid-yaml", "wrong-version"]
    );
}

#[test]
fn standard_input_is_a_file() {
    let desk = Desk::new();
    let validate = |args: &[&str], text: &str| {
        let mut child = desk
            .command(&[&["validate", "-f", "-"], args].concat())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        crate::harness::Ran::of(child)
    };
    let ran = validate(&[], "version: 1\n").expect(0);
    assert!(ran.stdout.starts_with("- is valid"), "{}", ran.stdout);
    validate(&["--stdin-format", "toml"], "version = 1\n").expect(0);
    validate(&["--stdin-format", "json"], "{ \"version\": 1 }").expect(0);
    validate(&["--stdin-format", "json"], "version: 1\n").expect(1);
    let ran = validate(&[], "version: 1\nfoo: 1\n").expect(1);
    assert!(ran.stderr.contains("[-:2:1]"), "{}", ran.stderr);
    desk.write("secret", "v");
    let text =
        "version: 1\ndeployments: [{ uri: 'http://a:1', additional_headers: { x: '${file:secret}' } }]\n";
    validate(&["-f", "-"], text).expect(0);
}

/// Small inputs that stand for large ones.
#[test]
fn what_is_filled_in_is_limited() {
    let desk = Desk::new();
    desk.write("mib", vec![b'a'; 1 << 20]);
    let headers: Vec<String> = (0..65)
        .map(|n| format!("      x-{n}: '${{file:mib}}'\n"))
        .collect();
    let headers = headers.concat();
    desk.write(
        "restate.yaml",
        format!("version: 1\ndeployments:\n  - uri: http://a:1\n    additional_headers:\n{headers}"),
    );
    assert_eq!(codes(&desk, &[]), ["too-large"]);
    let aliases: Vec<String> = (0..40).map(|n| format!("  S{n}: *long\n")).collect();
    let aliases = aliases.concat();
    let long = "a".repeat(1 << 20);
    desk.write(
        "restate.yaml",
        format!("version: 1\nx: &long {long}\nservices:\n{aliases}"),
    );
    assert_eq!(codes(&desk, &[]), ["too-large"]);
}

/// A schema for the editor and the values of variables may lie beside the files.
#[test]
fn a_directory_has_more_than_desired_state() {
    let world = World::fake("1.7.12");
    let schema = world.desk.run(&["schema", "desired-state"]).expect(0).stdout;
    std::fs::create_dir(world.desk.path().join("restate")).unwrap();
    world.desk.run(&["init", "restate/restate.yaml"]).expect(0);
    world.desk.write("restate/restatectl.schema.json", schema);
    world.desk.write("restate/prod.vars.yaml", "tag: v1\n");
    world.desk.write(
        "restate/more.yaml",
        "version: 1\nvariables:\n  tag: {}\nstack: s-${var:tag}\n",
    );
    let values = ["--var-file", "restate/../restate/prod.vars.yaml"];
    let args = |verb| [&[verb, "-f", "restate"], &values[..]].concat();
    world.desk.run(&args("validate")).expect(0);
    world
        .run(&[&args("plan")[..], &["--out", "restate/plan.json"]].concat())
        .expect(64);

    // What the program wrote itself is named.
    world
        .run(&[&args("plan")[..], &["--out", "plan.json"]].concat())
        .expect(0);
    world.run(&["snapshot", "--out", "snapshot.json"]).expect(0);
    let reports = ["--report", "json=report.json"];
    world
        .run(&[&["apply", "plan.json", "--yes"], &reports[..]].concat())
        .expect(0);
    world
        .run(&[&args("drift")[..], &["--report", "json=drift.json"]].concat())
        .expect(0);
    for (name, what) in [
        ("plan", "a saved plan"),
        ("snapshot", "a snapshot of a server"),
        ("report", "the report of an apply"),
        ("drift", "the report of a drift"),
    ] {
        let path = format!("restate/{name}.json");
        world.desk.write(&path, world.read(&format!("{name}.json")));
        let ran = world
            .desk
            .run(&[&args("validate")[..], &["--format", "json"]].concat())
            .expect(1);
        let problems = ran.json()["problems"].clone();
        assert_eq!(problems.as_array().unwrap().len(), 1, "{problems:#}");
        assert_eq!(problems[0]["code"], "not-desired-state");
        assert_eq!(problems[0]["origin"]["file"], path.as_str());
        assert!(
            problems[0]["message"].as_str().unwrap().contains(what),
            "{problems:#}"
        );
        std::fs::remove_file(world.desk.path().join(path)).unwrap();
    }
}
