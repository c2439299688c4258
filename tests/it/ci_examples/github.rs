//! The scripts of the GitHub workflows, on a stand-in of the GitHub CLI, and the steps of the
//! workflows themselves, on a stand-in of the program.

use super::read::{github_env, github_steps};
use super::standins::{here, stand_in, with_standins};
use super::{ACTION, APPLY, DRIFT, PLAN, root, tool};
use crate::harness::{Desk, Ran};
use serde_json::{Value, json};
use std::process::Command;

const REPOSITORY: &str = "shop/restate";
const BOT: &str = "github-actions[bot]";
const PLAN_MARKER: &str = "<!-- restatectl-ci plan production -->";

/// What a shell would like to run, and Markdown has anyway.
const HOSTILE: &str =
    "`id` $(touch owned) ${HOME} \"double\" 'single' \\n %0A ::error::x | `; exit 9 #\n\n```sh\n$(id)\n```\n";

/// A repository, and a folder of programs that stand in for others.
pub struct Hub {
    pub desk: Desk,
    /// What whoever copies the workflows is told to change in them.
    pub edits: Vec<(&'static str, String)>,
}

impl Hub {
    pub fn new(store: &Value) -> Self {
        let hub = Self {
            desk: Desk::new(),
            edits: Vec::new(),
        };
        hub.desk.write("store.json", store.to_string());
        let python = tool("python").get_program().to_str().unwrap().to_owned();
        let gh = here("gh.py");
        hub.program("gh", &format!("exec '{python}' '{}' \"$@\"", gh.display()));
        hub
    }

    pub fn program(&self, name: &str, body: &str) {
        stand_in(&self.desk, name, body);
    }

    fn start(&self, command: Command, env: &[(&str, &str)]) -> Ran {
        let mut command = with_standins(&self.desk, command);
        command
            .env("FAKE_GH", self.desk.path().join("store.json"))
            .env("GH_TOKEN", "token")
            .env("GITHUB_REPOSITORY", REPOSITORY)
            .env("GITHUB_RUN_ID", "77")
            .env("GITHUB_OUTPUT", self.desk.path().join("output"))
            .env("GITHUB_STEP_SUMMARY", self.desk.path().join("summary"))
            .env("RUNNER_TEMP", self.desk.path())
            .env("SCRIPTS", root().join("github/scripts"))
            .envs(env.iter().copied());
        Ran::of(command.spawn().unwrap())
    }

    fn script(&self, name: &str, args: &[&str], env: &[(&str, &str)]) -> Ran {
        let mut command = Command::new(root().join("github/scripts").join(name));
        command.args(args);
        self.start(command, env)
    }

    /// A `run` of a workflow, as GitHub starts it.
    pub fn step(&self, workflow: &str, job: &str, name: &str, env: &[(&str, &str)]) -> Ran {
        let steps = github_steps(workflow);
        let (_, step) = steps
            .iter()
            .find(|(owner, step)| owner == job && step["name"] == name)
            .unwrap_or_else(|| panic!("{workflow}: {job} has no step `{name}`"));
        let run = step["run"].as_str().unwrap().to_owned();
        let edits = self.edits.iter();
        let run = edits.fold(run, |run, (from, to)| run.replace(from, to));
        self.desk.write("step.sh", run);
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "step.sh"]);
        command.envs(github_env(workflow));
        self.start(command, env)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.desk.path().join(name)).unwrap_or_default()
    }

    pub fn store(&self) -> Value {
        serde_json::from_str(&self.read("store.json")).unwrap()
    }

    fn calls(&self) -> Vec<String> {
        let store = self.store();
        let calls = store["calls"].as_array().cloned().unwrap_or_default();
        calls
            .iter()
            .map(|call| call.as_str().unwrap().to_owned())
            .collect()
    }
}

fn comment(id: u32, author: &str, body: &str) -> Value {
    json!({ "id": id, "user": { "login": author }, "body": body })
}

#[test]
fn a_comment_is_made_once_and_then_kept_up_to_date() {
    let hub = Hub::new(&json!({ "comments": [comment(1, "somebody", "looks good")] }));
    hub.desk
        .write("body.md", format!("{PLAN_MARKER}\nfirst\n{HOSTILE}"));
    hub.script("comment.sh", &["12", "body.md"], &[]).expect(0);
    hub.desk
        .write("body.md", format!("{PLAN_MARKER}\nsecond\n{HOSTILE}"));
    hub.script("comment.sh", &["12", "body.md"], &[]).expect(0);
    let store = hub.store();
    assert_eq!(store["comments"].as_array().unwrap().len(), 2);
    assert_eq!(
        store["comments"][1]["body"].as_str().unwrap(),
        format!("{PLAN_MARKER}\nsecond\n{HOSTILE}"),
        "word for word"
    );
    assert!(!hub.desk.path().join("owned").exists());
    let calls = hub.calls();
    assert_eq!(calls[1], format!("POST repos/{REPOSITORY}/issues/12/comments"));
    assert_eq!(calls[3], format!("PATCH repos/{REPOSITORY}/issues/comments/1001"));
}

/// On whichever page it is; not those of another job, which only starts alike, nor of a stranger.
#[test]
fn only_our_own_comment_is_changed() {
    let others = [
        comment(1, BOT, "<!-- restatectl-ci plan production-eu -->\nother"),
        comment(2, BOT, "<!-- restatectl-ci apply production -->\nother"),
        comment(3, "mallory", &format!("{PLAN_MARKER}\nnot yours")),
        comment(4, BOT, &format!("quoted: {PLAN_MARKER}")),
        json!({ "id": 5, "user": { "login": BOT }, "body": null }),
    ];
    let mut comments = others.to_vec();
    comments.push(comment(6, BOT, &format!("{PLAN_MARKER}\r\nold")));
    let hub = Hub::new(&json!({ "comments": comments }));
    hub.desk.write("body.md", format!("{PLAN_MARKER}\nnew"));
    hub.script("comment.sh", &["12", "body.md"], &[]).expect(0);
    let store = hub.store();
    let after = store["comments"].as_array().unwrap();
    assert_eq!(after[..5], others);
    assert_eq!(after[5]["body"], format!("{PLAN_MARKER}\nnew"));
    assert_eq!(after.len(), 6);
}

#[test]
fn a_text_without_a_marker_is_not_posted() {
    let hub = Hub::new(&json!({}));
    for body in ["", "hello\n", "<!-- something else -->\n"] {
        hub.desk.write("body.md", body);
        for (script, args) in [
            ("comment.sh", &["12", "body.md"][..]),
            ("issue.sh", &["close", "body.md"]),
        ] {
            let ran = hub.script(script, args, &[]).expect(64);
            assert!(ran.stderr.contains("does not start with a marker"));
        }
    }
    assert!(hub.calls().is_empty());
}

#[test]
fn one_issue_tells_of_drift_until_there_is_none() {
    let marker = "<!-- restatectl-ci drift production -->";
    let others = json!([
        { "id": 1, "number": 1, "state": "open", "user": { "login": "mallory" }, "labels": ["restate-drift"], "body": marker },
        { "id": 2, "number": 2, "state": "open", "user": { "login": BOT }, "labels": ["restate-drift"], "body": "<!-- restatectl-ci drift staging -->\n" },
        { "id": 3, "number": 3, "state": "closed", "user": { "login": BOT }, "labels": ["restate-drift"], "body": marker },
    ]);
    let hub = Hub::new(&json!({ "issues": others }));
    hub.desk.write("issue.md", format!("{marker}\nin sync"));
    hub.script("issue.sh", &["close", "issue.md"], &[]).expect(0);
    assert_eq!(hub.store()["issues"], others, "there is nothing to close");

    for night in ["first", "second"] {
        hub.desk
            .write("issue.md", format!("{marker}\n{night}\n{HOSTILE}"));
        hub.script("issue.sh", &["open", "A `title` $(id)", "issue.md"], &[])
            .expect(0);
    }
    let store = hub.store();
    assert_eq!(store["issues"].as_array().unwrap().len(), 4);
    let ours = &store["issues"][3];
    assert_eq!(ours["title"], "A `title` $(id)");
    assert_eq!(ours["body"], format!("{marker}\nsecond\n{HOSTILE}"));
    assert_eq!(ours["labels"], json!(["restate-drift"]));

    hub.desk.write("issue.md", format!("{marker}\nin sync"));
    hub.script("issue.sh", &["close", "issue.md"], &[]).expect(0);
    let store = hub.store();
    assert_eq!(store["issues"][3]["state"], "closed");
    assert_eq!(
        store["issues"].as_array().unwrap()[..3],
        others.as_array().unwrap()[..],
        "the others are as they were"
    );
}

/// What the plan of a merge is looked for in. `sha` was made by pull request 12.
fn merged(pull: &Value, runs: &Value) -> Hub {
    let mut answers = json!({});
    answers[format!("repos/{REPOSITORY}/commits/sha/pulls")] = json!([
        // One that only has the commit in its branch.
        { "number": 11, "merged_at": null, "merge_commit_sha": "sha", "base": { "ref": "main" },
          "head": { "sha": "x", "repo": { "full_name": REPOSITORY } } },
        pull,
    ]);
    answers[format!("repos/{REPOSITORY}/actions/workflows/restate-plan.yml/runs")] =
        json!({ "workflow_runs": runs });
    Hub::new(&json!({ "answers": answers }))
}

fn pull(repository: &Value) -> Value {
    json!({ "number": 12, "merged_at": "2026-11-25T00:00:00Z", "merge_commit_sha": "sha",
            "base": { "ref": "main" }, "head": { "sha": "head", "repo": repository } })
}

fn run(id: u32, number: u32, repository: &str, conclusion: &Value) -> Value {
    json!({ "id": id, "run_number": number, "event": "pull_request", "head_sha": "head", "status": "completed",
            "head_repository": { "full_name": repository }, "conclusion": conclusion })
}

#[test]
fn the_plan_that_was_reviewed_is_found_or_said_to_be_missing() {
    let ours = pull(&json!({ "full_name": REPOSITORY }));
    let ok = json!("success");
    let mut other_event = run(9, 9, REPOSITORY, &ok);
    other_event["event"] = json!("push");
    let mut other_head = run(10, 10, REPOSITORY, &ok);
    other_head["head_sha"] = json!("older");
    let noise = [run(8, 8, "mallory/restate", &ok), other_event, other_head];
    let with = |mine: &[Value]| Value::from([&noise[..], mine].concat());
    let missing = |run: &str, why: &str| format!("pr={run}\nrun=\nwhy={why}\n");
    for (pull, runs, expected) in [
        (
            ours.clone(),
            with(&[
                run(100, 1, REPOSITORY, &json!("failure")),
                run(101, 2, REPOSITORY, &ok),
            ]),
            "pr=12\nrun=101\nwhy=\n".to_owned(),
        ),
        (
            ours.clone(),
            // What went well once was overtaken by what did not.
            with(&[
                run(100, 1, REPOSITORY, &ok),
                run(101, 2, REPOSITORY, &json!("failure")),
            ]),
            missing(
                "12",
                "The last plan of the pull request did not end well (failure).",
            ),
        ),
        (
            ours.clone(),
            with(&[run(101, 2, REPOSITORY, &Value::Null)]),
            missing(
                "12",
                "The last plan of the pull request did not end well (completed).",
            ),
        ),
        (
            ours.clone(),
            with(&[]),
            missing("12", "No plan was made for the last commit of the pull request."),
        ),
        (
            pull(&json!({ "full_name": "mallory/restate" })),
            with(&[run(101, 2, REPOSITORY, &ok)]),
            missing(
                "12",
                "The pull request came from a fork, where no plan of the server is made.",
            ),
        ),
        (
            // The fork is gone.
            pull(&Value::Null),
            with(&[]),
            missing(
                "12",
                "The pull request came from a fork, where no plan of the server is made.",
            ),
        ),
        (
            json!({ "number": 12, "merged_at": "x", "merge_commit_sha": "other", "base": { "ref": "main" },
                    "head": { "sha": "head", "repo": { "full_name": REPOSITORY } } }),
            with(&[]),
            missing(
                "",
                "This commit did not come from a pull request, so no plan was reviewed.",
            ),
        ),
    ] {
        let hub = merged(&pull, &runs);
        let env = [("GITHUB_SHA", "sha"), ("GITHUB_REF_NAME", "main")];
        let ran = hub.script("find-plan.sh", &[], &env).expect(0);
        assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    }
    // An API that fails is an error, not a plan that is not there.
    let hub = Hub::new(&json!({}));
    let env = [("GITHUB_SHA", "sha"), ("GITHUB_REF_NAME", "main")];
    hub.script("find-plan.sh", &[], &env).expect(1);
}

#[test]
fn a_snapshot_is_only_taken_from_the_default_branch_of_the_repository() {
    let artifact = |run: u32, day: u32, branch: &str, from: u32, expired: bool| {
        json!({ "name": "restate-snapshot", "expired": expired, "created_at": format!("2026-11-{day}T00:00:00Z"),
                "workflow_run": { "id": run, "head_branch": branch, "repository_id": 1, "head_repository_id": from } })
    };
    for (artifacts, expected) in [
        (
            vec![
                artifact(1, 20, "main", 1, false),
                artifact(2, 21, "main", 1, false),
                artifact(3, 22, "main", 2, false),
                artifact(4, 23, "feature", 1, false),
                artifact(5, 24, "main", 1, true),
            ],
            "2\n",
        ),
        (vec![artifact(3, 22, "main", 2, false)], ""),
        (vec![], ""),
    ] {
        let mut answers = json!({});
        answers[format!("repos/{REPOSITORY}/actions/artifacts")] = json!({ "artifacts": artifacts });
        let hub = Hub::new(&json!({ "answers": answers }));
        let ran = hub
            .script(
                "find-snapshot.sh",
                &["restate-snapshot"],
                &[("DEFAULT_BRANCH", "main")],
            )
            .expect(0);
        assert_eq!(ran.stdout, expected);
    }
}

/// What comes out of the steps for each way that the program can end, and what the pull request sees.
#[test]
fn a_pull_request_is_told_of_every_plan() {
    for (code, passes, said) in [
        (0, true, None),
        (2, true, None),
        (1, false, Some("There is no plan")),
        (5, false, Some("Refused")),
        (101, false, Some("restatectl plan failed")),
    ] {
        for report in [true, false] {
            let hub = Hub::new(&json!({ "comments": [comment(1, BOT, &format!("{PLAN_MARKER}\nolder"))] }));
            let write =
                "for word; do case $word in markdown=*) cat report >\"${word#markdown=}\" ;; esac; done";
            hub.desk
                .write("report", format!("<!-- restatectl plan shop/prod -->\n{HOSTILE}"));
            let write = if report { write } else { "" };
            hub.program("restatectl", &format!("{write}\necho \"$@\" >args\nexit {code}"));
            hub.step(PLAN, "plan", "Plan", &[]).expect(0);
            assert!(
                hub.read("args").contains("--out restate.plan"),
                "{}",
                hub.read("args")
            );
            assert_eq!(hub.read("output"), format!("code={code}\n"));

            let code_text = code.to_string();
            let env = [("PR", "12"), ("CODE", &*code_text)];
            hub.step(PLAN, "plan", "Comment", &env).expect(0);
            let store = hub.store();
            assert_eq!(store["comments"].as_array().unwrap().len(), 1);
            let body = store["comments"][0]["body"].as_str().unwrap();
            assert!(body.starts_with(&format!("{PLAN_MARKER}\n")), "{body}");
            assert_eq!(body.contains(HOSTILE), report, "{body}");
            assert!(body.contains("https://github.com/shop/restate/actions/runs/77"));
            assert_eq!(body.contains("**"), said.is_some(), "{body}");
            assert!(said.is_none_or(|said| body.contains(said)), "{body}");
            if !passes {
                hub.step(PLAN, "plan", "Result", &env).expect(code);
            }
        }
    }
    // The steps after it look at these codes and no others.
    for (name, condition) in [
        (
            "Keep the plan",
            "steps.plan.outputs.code == '0' || steps.plan.outputs.code == '2'",
        ),
        (
            "Result",
            "steps.plan.outputs.code != '0' && steps.plan.outputs.code != '2'",
        ),
        ("Comment", "${{ !cancelled() && steps.plan.outputs.code != '' }}"),
    ] {
        let steps = github_steps(PLAN);
        let (_, step) = steps.iter().find(|(_, step)| step["name"] == name).unwrap();
        assert_eq!(step["if"], condition, "{name}");
    }
}

#[test]
fn an_apply_that_does_not_end_well_fails_and_says_how_to_go_on() {
    for (code, said, replan) in [
        (1, "an error, and nothing was changed", false),
        (3, "Applied in part", true),
        (4, "the plan is stale", true),
        (5, "refused", true),
        (130, "Interrupted", true),
    ] {
        let hub = Hub::new(&json!({}));
        hub.program("restatectl", &format!("echo \"$@\" >args\nexit {code}"));
        hub.step(APPLY, "apply", "Apply", &[]).expect(code);
        let args = hub.read("args");
        assert!(
            args.starts_with("apply restate.plan -f restate --yes"),
            "the plan and nothing else: {args}"
        );
        assert_eq!(hub.read("output"), format!("code={code}\n"));
        let code = code.to_string();
        hub.step(
            APPLY,
            "apply",
            "Tell the pull request",
            &[("PR", "12"), ("CODE", &*code)],
        )
        .expect(0);
        let store = hub.store();
        let body = store["comments"][0]["body"].as_str().unwrap();
        assert!(body.starts_with("<!-- restatectl-ci apply production -->\n"));
        assert!(body.contains(said), "{body}");
        assert_eq!(
            body.contains("gh workflow run restate-apply.yml"),
            replan,
            "{body}"
        );
    }
    let hub = Hub::new(&json!({}));
    hub.program("restatectl", "exit 0");
    hub.step(APPLY, "apply", "Apply", &[]).expect(0);

    // No plan: the first job fails, and the pull request is told.
    let hub = Hub::new(&json!({}));
    let env = [("PR", "12"), ("WHY", "No plan was made for `x` $(id).")];
    let ran = hub.step(APPLY, "plan", "Stop if there is none", &env).expect(1);
    assert!(ran.stdout.starts_with("::error::No plan was made for `x` $(id)."));
    hub.step(APPLY, "plan", "Tell the pull request", &env).expect(0);
    let store = hub.store();
    let body = store["comments"][0]["body"].as_str().unwrap();
    assert!(
        body.contains("there is no plan to apply.** No plan was made for `x` $(id)."),
        "{body}"
    );
    assert!(body.contains("gh workflow run restate-apply.yml"), "{body}");
}

#[test]
fn drift_opens_the_issue_and_sync_closes_it() {
    let hub = Hub::new(&json!({}));
    hub.program("restatectl", "exit 2");
    hub.step(DRIFT, "drift", "Compare", &[]).expect(0);
    assert_eq!(hub.read("output"), "code=2\n");
    hub.step(DRIFT, "drift", "Open or update the issue", &[])
        .expect(0);
    hub.step(DRIFT, "drift", "Open or update the issue", &[])
        .expect(0);
    let store = hub.store();
    assert_eq!(store["issues"].as_array().unwrap().len(), 1);
    assert_eq!(store["issues"][0]["state"], "open");
    hub.step(DRIFT, "drift", "Close the issue", &[]).expect(0);
    assert_eq!(hub.store()["issues"][0]["state"], "closed");
    hub.step(DRIFT, "drift", "Result", &[("CODE", "1")]).expect(1);
}

/// The path from the action to the top of the repository, and from there to the scripts.
#[test]
fn the_action_finds_the_repository_it_is_in() {
    let hub = Hub::new(&json!({}));
    let action = root().join("github/action");
    let steps = github_steps(ACTION);
    let (_, step) = steps.iter().find(|(_, step)| step["id"] == "source").unwrap();
    // Reading all of it takes a while; the folder is what matters.
    let run = step["run"]
        .as_str()
        .unwrap()
        .replace("find . ", "find Cargo.toml ");
    hub.desk.write("step.sh", run);
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-eo", "pipefail"]);
    command.arg(hub.desk.path().join("step.sh"));
    hub.start(command, &[("GITHUB_ACTION_PATH", action.to_str().unwrap())])
        .expect(0);
    let output = hub.read("output");
    let top = std::fs::canonicalize(env!("CARGO_MANIFEST_DIR")).unwrap();
    let mut lines = output.lines();
    let found = lines.next().unwrap().strip_prefix("root=").unwrap();
    assert_eq!(std::fs::canonicalize(found).unwrap(), top);
    assert_eq!(lines.next().unwrap().len(), "digest=".len() + 64);
    assert!(top.join("examples/ci/github/scripts/comment.sh").is_file());
}
