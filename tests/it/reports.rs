//! Results in every format and in files, whatever the run came to.

use crate::endpoint::{Behaviour, Endpoint};
use crate::fake::{Fault, Match};
use crate::harness::{Ran, wait_until};
use crate::schemas;
use crate::suite::{checkout, private_checkout, service};
use crate::tools::tool;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::process::Stdio;
use std::time::Duration;

/// A world in which a run of the verb ends with this code.
struct Ending {
    code: i32,
    args: &'static [&'static str],
    scene: fn() -> (World, Endpoint),
}

fn in_sync() -> (World, Endpoint) {
    let (world, endpoint) = to_do();
    world.apply();
    (world, endpoint)
}

fn to_do() -> (World, Endpoint) {
    let world = World::fake("1.7.12");
    let endpoint = private_checkout(&world, &["onOrder"]);
    (world, endpoint)
}

fn endpoint_down() -> (World, Endpoint) {
    let (world, endpoint) = to_do();
    endpoint.behave(Behaviour::Fail(503, "down".to_owned()));
    (world, endpoint)
}

fn bad_file() -> (World, Endpoint) {
    let (world, endpoint) = to_do();
    world.wants("deployments: [{ url: 'http://x' }]\nno: 1\n");
    (world, endpoint)
}

fn would_expose() -> (World, Endpoint) {
    let (world, endpoint) = in_sync();
    world.edit("public: false", "public: true");
    (world, endpoint)
}

fn fails_half_way() -> (World, Endpoint) {
    let (world, endpoint) = to_do();
    // The unit hides the service; the override after it fails.
    let on = Match {
        skip: 1,
        times: 99,
        ..Match::first("PATCH", "/services/Checkout")
    };
    world.as_fake().on(
        on,
        Fault::Status(400, vec![], json!({ "message": "no" }).to_string()),
    );
    (world, endpoint)
}

fn moved() -> (World, Endpoint) {
    let (world, endpoint) = to_do();
    world.run(&["plan", "--out", "plan.json"]).expect(0);
    endpoint.set([checkout(&["onOrder", "more"])]);
    (world, endpoint)
}

/// Every exit code of the contract but for an interrupt, with every verb that can have it.
const ENDINGS: [Ending; 20] = [
    Ending {
        code: 0,
        args: &["validate"],
        scene: to_do,
    },
    Ending {
        code: 1,
        args: &["validate"],
        scene: bad_file,
    },
    Ending {
        code: 0,
        args: &["plan"],
        scene: to_do,
    },
    Ending {
        code: 0,
        args: &["plan", "--detailed-exitcode"],
        scene: in_sync,
    },
    Ending {
        code: 1,
        args: &["plan"],
        scene: endpoint_down,
    },
    Ending {
        code: 1,
        args: &["plan"],
        scene: bad_file,
    },
    Ending {
        code: 1,
        args: &["plan", "--admin-url", "http://127.0.0.1:1"],
        scene: to_do,
    },
    Ending {
        code: 2,
        args: &["plan", "--detailed-exitcode"],
        scene: to_do,
    },
    Ending {
        code: 5,
        args: &["plan", "--detailed-exitcode"],
        scene: would_expose,
    },
    Ending {
        code: 5,
        args: &["plan", "--allow-endpoint", "checkout"],
        scene: to_do,
    },
    Ending {
        code: 0,
        args: &["apply", "--yes"],
        scene: to_do,
    },
    Ending {
        code: 0,
        args: &["apply", "--yes"],
        scene: in_sync,
    },
    Ending {
        code: 1,
        args: &["apply", "--yes", "--wait-endpoints", "0"],
        scene: endpoint_down,
    },
    Ending {
        code: 3,
        args: &["apply", "--yes"],
        scene: fails_half_way,
    },
    Ending {
        code: 4,
        args: &["apply", "plan.json", "--yes"],
        scene: moved,
    },
    Ending {
        code: 5,
        args: &["apply", "--yes"],
        scene: would_expose,
    },
    Ending {
        code: 64,
        args: &["apply"],
        scene: to_do,
    },
    Ending {
        code: 0,
        args: &["drift"],
        scene: in_sync,
    },
    Ending {
        code: 1,
        args: &["drift", "--admin-url", "http://127.0.0.1:1"],
        scene: to_do,
    },
    Ending {
        code: 2,
        args: &["drift"],
        scene: to_do,
    },
];

const FORMATS: [&str; 4] = ["text", "json", "markdown", "github"];

/// What it is, by its schema.
#[track_caller]
fn check_json(text: &str, verb: &str) {
    let document: Value =
        serde_json::from_str(text).unwrap_or_else(|e| panic!("{verb}: not JSON ({e}): {text}"));
    assert!(text.ends_with("}\n"), "{verb}: complete to its last line end");
    if document["problems"].is_array() {
        assert!(document["outcome"].is_string() && document["format_version"] == "1.0");
        return;
    }
    let schema = if document["desired"].is_object() {
        "plan"
    } else if verb == "drift" {
        "drift"
    } else {
        "report"
    };
    schemas::assert_valid(schema, &document);
}

/// Each format by itself, and all as files of one run of another format.
#[test]
fn every_outcome_is_whole_in_every_format() {
    let mut codes = BTreeSet::new();
    for ending in &ENDINGS {
        let what = format!("{:?} with {}", ending.args, ending.code);
        for format in FORMATS {
            let (world, _endpoint) = (ending.scene)();
            let mut args = [ending.args, &["--format", format]].concat();
            let files: Vec<String> = FORMATS
                .iter()
                .map(|format| format!("{format}=out/{format}"))
                .collect();
            for file in &files {
                args.extend(["--report", file]);
            }
            world.desk.write("out/json", "not this");
            // Where GitHub collects the summary of a job, which other steps have written to.
            world.desk.write("summary.md", "before\n");
            let mut command = world.desk.command(&args);
            command.env("GITHUB_STEP_SUMMARY", world.desk.path().join("summary.md"));
            let ran = Ran::of(command.spawn().unwrap()).expect(ending.code);
            codes.insert(ran.code);
            let read = |name: &str| world.read(name);
            check_json(&read("out/json"), ending.args[0]);
            let summary = read("summary.md");
            match format {
                "json" => check_json(&ran.stdout, ending.args[0]),
                "markdown" => assert_eq!(ran.stdout, read("out/markdown"), "{what}"),
                "text" if ending.args[0] != "validate" && !ran.stdout.is_empty() => {
                    assert!(ran.stdout.ends_with(&read("out/text")), "{what}: {}", ran.stdout);
                }
                "github" => assert!(summary.ends_with(&read("out/markdown")), "{what}: {summary}"),
                _ => {}
            }
            assert_eq!(summary == "before\n", format != "github", "{what}: {summary}");
            assert!(read("out/markdown").starts_with("<!-- restatectl "), "{what}");
            assert!(!read("out/text").trim().is_empty(), "{what}");
            assert!(!read("out/text").contains('\u{1b}'), "no colours in a file");
        }
    }
    codes.insert(interrupted());
    assert_eq!(codes, BTreeSet::from([0, 1, 2, 3, 4, 5, 64, 130]));
}

/// The report of a run that is interrupted while it waits for a slow server.
fn interrupted() -> i32 {
    let (world, _endpoint) = to_do();
    world.as_fake().on(
        Match {
            skip: 1,
            ..Match::first("POST", "/deployments")
        },
        Fault::Delay(Duration::from_secs(3)),
    );
    let args = ["apply", "--yes", "--format", "json", "--report", "json=out.json"];
    let child = world.desk.command(&args).spawn().unwrap();
    is_in_flight(&world);
    let so_far = world.read("out.json");
    let so_far: Value = serde_json::from_str(&so_far).unwrap();
    assert_eq!(so_far["changes"][0]["status"], "unknown", "it is in flight");
    let pid = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .unwrap();
    let ran = Ran::of(child);
    assert_eq!(ran.json()["outcome"], "interrupted");
    assert_eq!(
        ran.json()["summary"]["done"],
        1,
        "the change in flight is finished"
    );
    ran.code
}

fn is_in_flight(world: &World) {
    let posts = || {
        world
            .as_fake()
            .requests()
            .iter()
            .filter(|r| r.method == "POST" && r.path.ends_with("/deployments"))
            .count()
    };
    wait_until(|| posts() >= 2);
}

#[test]
fn a_job_that_is_killed_leaves_what_it_did() {
    let (world, _endpoint) = to_do();
    world.as_fake().on(
        Match::first("PATCH", "/services/Checkout"),
        Fault::Delay(Duration::from_secs(60)),
    );
    let args = [
        "apply",
        "--yes",
        "--report",
        "json=out.json",
        "--report",
        "markdown=out.md",
    ];
    let mut child = world.desk.command(&args).spawn().unwrap();
    wait_until(|| world.as_fake().requests().iter().any(|r| r.method == "PATCH"));
    child.kill().unwrap();
    child.wait().unwrap();
    let report: Value = serde_json::from_str(&world.read("out.json")).unwrap();
    schemas::assert_valid("report", &report);
    assert_eq!(report["outcome"], "interrupted");
    assert_eq!(report["alerts"], json!(["service Checkout MAY BE PUBLIC"]));
    let markdown = world.read("out.md");
    assert!(markdown.contains("MAY BE PUBLIC"), "{markdown}");
}

#[test]
fn a_report_that_could_not_be_written_stops_the_run_before_it_starts() {
    let (world, _endpoint) = to_do();
    for report in ["json=no/such/out.json", "json=."] {
        let ran = world
            .run(&["apply", "--yes", "--format", "json", "--report", report])
            .expect(1);
        assert_eq!(ran.json()["problems"][0]["code"], "unwritable-file");
    }
    assert!(world.as_fake().requests().is_empty());
    for usage in ["json", "xml=out", "json=", "prometheus=out.prom"] {
        world.run(&["plan", "--report", usage]).expect(64);
    }
}

/// A device or a pipe is written to, and not replaced.
#[test]
fn a_report_can_go_to_a_pipe() {
    let (world, _endpoint) = to_do();
    world
        .run(&["plan", "--report", "json=/dev/null", "--out", "/dev/null"])
        .expect(0);
    assert!(
        std::fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );
}

/// One document, although that of an apply is written as it goes.
#[test]
fn a_pipe_gets_the_result_alone() {
    let (world, _endpoint) = to_do();
    let pipe = world.desk.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap())
    };
    world.run(&["apply", "--yes", "--report", "json=pipe"]).expect(0);
    let report: Value = serde_json::from_str(&reader.join().unwrap()).unwrap();
    assert_eq!(report["outcome"], "complete");
}

/// What others may read of it, somebody has decided.
#[test]
fn a_report_keeps_the_permissions_of_the_one_before() {
    let (world, _endpoint) = to_do();
    world.desk.write("out.json", "");
    let path = world.desk.path().join("out.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    world.run(&["plan", "--report", "json=out.json"]).expect(0);
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
}

/// Samples as Prometheus' own client reads them: name and labels to value.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let script = "import json, sys\n\
                  from prometheus_client.parser import text_string_to_metric_families as parse\n\
                  samples = [s for family in parse(sys.stdin.read()) for s in family.samples]\n\
                  print(json.dumps({s.name + json.dumps(s.labels, sort_keys=True): s.value for s in samples}))";
    let mut child = tool("python")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "not what Prometheus reads:\n{text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn drift_is_counted_for_prometheus() {
    let (world, _endpoint) = in_sync();
    let mail = Endpoint::start(service("Mail"));
    world.edit(
        "deployments: [",
        &format!("deployments: [{{ uri: '{}' }}, ", mail.url()),
    );
    world.override_service("Checkout", &json!({ "public": true }));
    let read = |code: i32, more: &[&str]| {
        let args = [&["drift", "--report", "prometheus=drift.prom"], more].concat();
        world.run(&args).expect(code);
        samples(&world.read("drift.prom"))
    };
    let found = read(2, &[]);
    let count = |kind: &str, direction: &str| {
        found[&format!(
            "restatectl_drift_findings{{\"direction\": \"{direction}\", \"file\": \"drift\", \"kind\": \"{kind}\"}}"
        )]
    };
    assert!((count("deployment", "missing") - 1.0).abs() < 0.1);
    assert!((count("service", "changed") - 1.0).abs() < 0.1);
    assert!(count("subscription", "extra").abs() < 0.1);
    assert!((found["restatectl_drift_success{\"file\": \"drift\"}"] - 1.0).abs() < 0.1);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    let last = found["restatectl_drift_last_run_timestamp_seconds{\"file\": \"drift\"}"];
    assert!((now - last).abs() < 3600.0, "{last}");
    assert!(found["restatectl_drift_duration_seconds{\"file\": \"drift\"}"] >= 0.0);
    // A run that could not find out says so, and counts nothing.
    let failed = read(1, &["--admin-url", "http://127.0.0.1:1"]);
    assert!(failed["restatectl_drift_success{\"file\": \"drift\"}"].abs() < 0.1);
    assert!(!failed.keys().any(|name| name.contains("findings")));
}

/// Where the file may be asked of, and where not.
#[test]
fn only_allowed_endpoints_are_asked() {
    let (world, endpoint) = to_do();
    let port = endpoint.port();
    let foreign = world.has(service("Mail"));
    foreign.requests();
    let asked = foreign.requests().len();
    let mine = format!("http://127.0.0.1:{port}");
    for verb in [&["plan"][..], &["drift"], &["apply", "--yes"]] {
        let args = [
            verb,
            &["--allow-endpoint", "https://*.internal", "--format", "json"],
        ]
        .concat();
        let ran = world.run(&args).expect(5).json();
        let problem = &ran["problems"][0];
        assert_eq!(problem["code"], "endpoint-not-allowed");
        assert_eq!(problem["origin"]["line"], 2);
        let args = [verb, &["--allow-endpoint", "arn:*", "--allow-endpoint", &mine]].concat();
        world.run(&args).expect(if verb[0] == "drift" { 2 } else { 0 });
    }
    // What others registered elsewhere is not asked either.
    endpoint.mount("/next", [service("Mail"), checkout(&["onOrder"])]);
    world.edit(
        "deployments: [",
        &format!("deployments: [{{ uri: '{mine}/next' }}, "),
    );
    world.run(&["plan", "--allow-endpoint", &mine]);
    world.run(&["export", "--allow-endpoint", &mine]).expect(0);
    assert_eq!(foreign.requests().len(), asked);
    for pattern in ["", "ftp://x", "http://u@h"] {
        world.run(&["plan", "--allow-endpoint", pattern]).expect(64);
    }
}
