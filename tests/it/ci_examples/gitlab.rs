//! `restate-mr`, against a GitLab that this file plays.

use super::read::gitlab_scripts;
use super::standins::{stand_in, with_standins};
use super::{GITLAB, root};
use crate::harness::{Desk, Ran};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

const MARKER: &str = "<!-- restatectl-ci plan production -->";
const HOSTILE: &str = "`id` $(touch owned) ${HOME} \"double\" 'single' \\n | ; exit 9 #\n";
const ME: u32 = 7;
const PER_PAGE: usize = 2;

#[derive(Default)]
struct Store {
    /// Fixed answers, by path without `/api/v4` and without query.
    answers: BTreeMap<String, Value>,
    notes: Vec<Value>,
    /// Where the artifact lies instead, if anywhere.
    elsewhere: Option<String>,
    /// `METHOD PATH`, and whether the token came with it.
    calls: Vec<(String, bool)>,
}

/// A server that lives as long as the test process: it holds nothing but a port.
struct Lab {
    url: String,
    store: Arc<Mutex<Store>>,
}

impl Lab {
    fn start(store: Store) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let store = Arc::new(Mutex::new(store));
        let shared = Arc::clone(&store);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &mut shared.lock().unwrap());
            }
        });
        Self { url, store }
    }

    fn run(&self, desk: &Desk, args: &[&str], env: &[(&str, &str)]) -> Ran {
        let mut command = Command::new("python3");
        command
            .arg(root().join("gitlab/restate_mr.py"))
            .args(args)
            .current_dir(desk.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("CI_API_V4_URL", format!("{}/api/v4", self.url))
            .env("CI_PROJECT_ID", "3")
            .env("CI_COMMIT_SHA", "sha")
            .env("CI_COMMIT_BRANCH", "main")
            .env("CI_JOB_URL", "https://gitlab.example.com/job/1")
            .env("RESTATE_GITLAB_TOKEN", "secret-token")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ran::of(command.spawn().unwrap())
    }

    fn notes(&self) -> Vec<Value> {
        self.store.lock().unwrap().notes.clone()
    }
}

fn serve(stream: TcpStream, store: &mut Store) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return;
    };
    let (mut length, mut token) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "private-token" => token = value.trim() == "secret-token",
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    store.calls.push((format!("{method} {target}"), token));
    let answer = answer(store, method, target, &body, token);
    reader.get_mut().write_all(answer.as_bytes()).unwrap();
}

fn answer(store: &mut Store, method: &str, target: &str, body: &[u8], token: bool) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path == "/store/plan" {
        return reply("200 OK", "", "the plan");
    }
    if !token {
        return reply("401 Unauthorized", "", "{}");
    }
    let path = path.strip_prefix("/api/v4").unwrap();
    if let Some((_, id)) = path.split_once("/merge_requests/12/notes") {
        let new = || serde_json::from_slice::<Value>(body).unwrap()["body"].clone();
        match method {
            "GET" => return page(&store.notes, query),
            "POST" => {
                let id = store.notes.len() + 1;
                store
                    .notes
                    .push(json!({ "id": id, "author": { "id": ME }, "body": new() }));
            }
            _ => {
                let id: u32 = id.trim_start_matches('/').parse().unwrap();
                let note = store.notes.iter_mut().find(|note| note["id"] == id).unwrap();
                note["body"] = new();
            }
        }
        return reply("200 OK", "", "{}");
    }
    if path.ends_with("/artifacts/restate.plan")
        && let Some(elsewhere) = &store.elsewhere
    {
        return reply("302 Found", &format!("location: {elsewhere}/store/plan\r\n"), "");
    }
    match store.answers.get(path) {
        Some(Value::Array(all)) => page(all, query),
        Some(Value::String(text)) => reply("200 OK", "", text),
        Some(value) => reply("200 OK", "", &value.to_string()),
        None => reply("404 Not Found", "", "{}"),
    }
}

fn page(all: &[Value], query: &str) -> String {
    let number: usize = query
        .split('&')
        .find_map(|one| one.strip_prefix("page="))
        .map_or(1, |number| number.parse().unwrap());
    let here: Vec<&Value> = all.iter().skip((number - 1) * PER_PAGE).take(PER_PAGE).collect();
    let next = if number * PER_PAGE < all.len() {
        (number + 1).to_string()
    } else {
        String::new()
    };
    reply(
        "200 OK",
        &format!("x-next-page: {next}\r\n"),
        &json!(here).to_string(),
    )
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn answers(all: &[(&str, Value)]) -> BTreeMap<String, Value> {
    let mut answers: BTreeMap<String, Value> = all
        .iter()
        .map(|(path, value)| ((*path).to_owned(), value.clone()))
        .collect();
    answers.insert("/user".into(), json!({ "id": ME }));
    answers
}

fn note(id: u32, author: u32, body: &str) -> Value {
    json!({ "id": id, "author": { "id": author }, "body": body })
}

#[test]
fn a_note_is_made_once_and_then_kept_up_to_date() {
    let others = [
        note(1, 8, &format!("{MARKER}\nof a stranger")),
        note(2, ME, "<!-- restatectl-ci plan production-eu -->\nother"),
        note(3, ME, "<!-- restatectl-ci apply production -->\nother"),
    ];
    let lab = Lab::start(Store {
        answers: answers(&[]),
        notes: others.to_vec(),
        ..Store::default()
    });
    let desk = Desk::new();
    let env = [("CI_MERGE_REQUEST_IID", "12")];
    for (code, said) in [
        ("2", None),
        ("1", Some("There is no plan")),
        ("5", Some("Refused")),
    ] {
        desk.write(
            "plan.md",
            format!("<!-- restatectl plan x -->\n{code}\n{HOSTILE}"),
        );
        lab.run(&desk, &["note", "plan", "production", code, "plan.md"], &env)
            .expect(0);
        let notes = lab.notes();
        assert_eq!(notes[..3], others, "the others are as they were");
        assert_eq!(notes.len(), 4);
        let body = notes[3]["body"].as_str().unwrap();
        assert!(body.starts_with(&format!("{MARKER}\n")), "{body}");
        assert!(body.contains(HOSTILE), "word for word: {body}");
        assert_eq!(body.contains("**"), said.is_some(), "{body}");
        assert!(said.is_none_or(|said| body.contains(said)), "{body}");
    }
    lab.run(&desk, &["note", "plan", "production", "1", "missing.md"], &env)
        .expect(0);
    assert!(!lab.notes()[3]["body"].as_str().unwrap().contains(HOSTILE));
}

/// A project where merge request 12 brought commit `sha`, planned by job 51.
fn merged(request: &Value, pipeline: &Value, jobs: &Value) -> Store {
    Store {
        answers: answers(&[
            (
                "/projects/3/repository/commits/sha/merge_requests",
                json!([{ "iid": 11, "state": "opened", "target_branch": "main", "sha": "sha" }, request]),
            ),
            (
                "/projects/3/merge_requests/12",
                json!({ "head_pipeline": pipeline }),
            ),
            ("/projects/3/pipelines/40/jobs", jobs.clone()),
            ("/projects/3/jobs/51/artifacts/restate.plan", json!("the plan")),
        ]),
        ..Store::default()
    }
}

fn request(source_project: u32) -> Value {
    json!({ "iid": 12, "state": "merged", "target_branch": "main", "sha": "head", "merge_commit_sha": null,
            "squash_commit_sha": "sha", "source_project_id": source_project, "target_project_id": 3 })
}

fn jobs() -> Value {
    json!([{ "id": 60, "name": "other" }, { "id": 50, "name": "restate-plan" }, { "id": 51, "name": "restate-plan" }])
}

#[test]
fn the_plan_that_was_reviewed_is_fetched() {
    // Once from GitLab itself, once from an object store that must not see the token.
    let elsewhere = Lab::start(Store::default());
    for location in [None, Some(elsewhere.url.clone())] {
        let pipeline = json!({ "id": 40, "source": "merge_request_event" });
        let mut store = merged(&request(3), &pipeline, &jobs());
        store.elsewhere = location;
        let lab = Lab::start(store);
        let desk = Desk::new();
        lab.run(
            &desk,
            &["fetch-plan", "production", "restate-plan", "restate.plan"],
            &[],
        )
        .expect(0);
        let plan = desk.path().join("restate.plan");
        assert_eq!(std::fs::read_to_string(&plan).unwrap(), "the plan");
        assert_eq!(plan.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(lab.notes(), [Value::Null; 0]);
    }
    let calls = &elsewhere.store.lock().unwrap().calls;
    assert_eq!(calls[..], [("GET /store/plan".to_owned(), false)]);
}

#[test]
fn a_plan_that_is_not_there_fails_and_is_told() {
    let pipeline = json!({ "id": 40, "source": "merge_request_event" });
    for (store, why) in [
        (merged(&request(99), &pipeline, &jobs()), "came from a fork"),
        (merged(&request(3), &Value::Null, &jobs()), "No plan was made"),
        (
            merged(&request(3), &json!({ "id": 40, "source": "push" }), &jobs()),
            "No plan was made",
        ),
        (
            merged(&request(3), &pipeline, &json!([{ "id": 60, "name": "other" }])),
            "did not end well",
        ),
        (
            // Expired.
            merged(
                &request(3),
                &pipeline,
                &json!([{ "id": 52, "name": "restate-plan" }]),
            ),
            "GitLab answered 404",
        ),
    ] {
        let lab = Lab::start(store);
        let desk = Desk::new();
        let ran = lab
            .run(
                &desk,
                &["fetch-plan", "production", "restate-plan", "restate.plan"],
                &[],
            )
            .expect(1);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
        assert!(!desk.path().join("restate.plan").exists());
        let body = lab.notes()[0]["body"].as_str().unwrap().to_owned();
        assert!(
            body.starts_with("<!-- restatectl-ci apply production -->\n"),
            "{body}"
        );
        assert!(body.contains(why) && body.contains("restate-replan"), "{body}");
    }
    let lab = Lab::start(merged(
        &json!({ "iid": 12, "state": "closed", "target_branch": "main" }),
        &Value::Null,
        &jobs(),
    ));
    let ran = lab
        .run(
            &Desk::new(),
            &["fetch-plan", "production", "restate-plan", "restate.plan"],
            &[],
        )
        .expect(1);
    assert!(ran.stderr.contains("did not come from a merge request"));
    assert!(lab.notes().is_empty());
}

#[test]
fn what_is_missing_is_said_without_a_trace() {
    let lab = Lab::start(Store::default());
    let desk = Desk::new();
    lab.run(&desk, &[], &[]).expect(64);
    let ran = lab
        .run(
            &desk,
            &["note", "plan", "x", "0", "x"],
            &[("CI_MERGE_REQUEST_IID", "1"), ("RESTATE_GITLAB_TOKEN", "")],
        )
        .expect(1);
    assert_eq!(
        ran.stderr,
        "restate-mr: the variable RESTATE_GITLAB_TOKEN is not set\n"
    );
    let env = [
        ("CI_MERGE_REQUEST_IID", "1"),
        ("CI_API_V4_URL", "http://127.0.0.1:1/api/v4"),
    ];
    let ran = lab.run(&desk, &["note", "plan", "x", "0", "x"], &env).expect(1);
    assert!(
        ran.stderr.contains("refused") && !ran.stderr.contains("Traceback"),
        "{}",
        ran.stderr
    );
}

/// What each job comes to, for each way that the program can end.
#[test]
fn jobs_pass_on_what_the_program_said() {
    for (job, code, expected, notes) in [
        ("restate-plan", 0, 0, "note plan production 0 /tmp/plan.md\n"),
        ("restate-plan", 2, 0, "note plan production 2 /tmp/plan.md\n"),
        ("restate-plan", 1, 1, "note plan production 1 /tmp/plan.md\n"),
        ("restate-plan", 5, 5, "note plan production 5 /tmp/plan.md\n"),
        (
            "restate-apply",
            0,
            0,
            "fetch-plan production restate-plan restate.plan\n",
        ),
        (
            "restate-apply",
            4,
            4,
            "fetch-plan production restate-plan restate.plan\nnote apply production 4 /tmp/apply.md\n",
        ),
        ("restate-drift", 2, 2, ""),
        ("restate-drift", 0, 0, ""),
    ] {
        let desk = Desk::new();
        let place = format!("{GITLAB}: {job}: script");
        let script = gitlab_scripts()
            .into_iter()
            .find(|script| script.place == place)
            .unwrap();
        desk.write("script.sh", script.text);
        stand_in(&desk, "restatectl", &format!("[ \"$1\" = show ] || exit {code}"));
        stand_in(&desk, "restate-mr", "echo \"$@\" >>calls");
        let mut command = Command::new("sh");
        command.args(["-e", "script.sh"]);
        let mut command = with_standins(&desk, command);
        Ran::of(command.spawn().unwrap()).expect(expected);
        let calls = std::fs::read_to_string(desk.path().join("calls")).unwrap_or_default();
        assert_eq!(calls, notes, "{job} {code}");
    }
}
