//! What `examples/ci` gives to users is linted, agrees with the program, and does what it says.

mod flow;
mod github;
mod gitlab;
mod read;
mod standins;
mod words;

use crate::harness::Desk;
use crate::tools::{self, check};
use read::{documents, files, github_steps, scripts, text, yaml};
use serde_json::Value;
use standins::here;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const PLAN: &str = "github/restate-plan.yml";
const APPLY: &str = "github/restate-apply.yml";
const DRIFT: &str = "github/restate-drift.yml";
const PRUNE: &str = "github/restate-prune.yml";
const ACTION: &str = "github/action/action.yml";
const GITLAB: &str = "gitlab/.gitlab-ci.yml";
const CRON_JOBS: &str = "kubernetes/cronjobs.yaml";
const HOOKS: &str = "pre-commit/.pre-commit-hooks.yaml";
const HOOKS_CONFIG: &str = "pre-commit/.pre-commit-config.yaml";

const WORKFLOWS: [&str; 4] = [PLAN, APPLY, DRIFT, PRUNE];

/// A linter, ready to be started where the examples are.
fn tool(name: &str) -> Command {
    let mut command = tools::tool(name);
    command.current_dir(root());
    command
}

/// The folder of the examples.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci")
}

#[test]
fn yaml_is_tidy() {
    let all = files(&["yml", "yaml"]);
    let known: BTreeSet<PathBuf> = WORKFLOWS
        .into_iter()
        .chain([ACTION, GITLAB, CRON_JOBS, HOOKS, HOOKS_CONFIG])
        .map(|name| root().join(name))
        .collect();
    assert_eq!(
        all.iter().cloned().collect::<BTreeSet<_>>(),
        known,
        "every YAML file is known to these tests"
    );
    for name in &all {
        documents(name.strip_prefix(root()).unwrap().to_str().unwrap());
    }
    check(
        tool("yamllint")
            .args(["--strict", "-c"])
            .arg(here("yamllint.yaml"))
            .args(&all),
    );
}

#[test]
fn each_file_fits_its_schema() {
    for (schema, names) in [
        ("vendor.github-workflows", &WORKFLOWS[..]),
        ("custom.github-workflows-require-timeout", &WORKFLOWS),
        ("vendor.github-actions", &[ACTION]),
        ("vendor.gitlab-ci", &[GITLAB]),
    ] {
        check(
            tool("check-jsonschema")
                .args(["--builtin-schema", schema])
                .args(names),
        );
    }
    check(tool("kubernetes-validate").args(["--strict", CRON_JOBS]));
}

/// Secrets in reach of a pull request, injected expressions, permissions too wide, and the like.
#[test]
fn workflows_are_audited() {
    check(
        tool("zizmor")
            .args(["--offline", "--quiet", "--persona", "pedantic", "--config"])
            .arg(here("zizmor.yaml"))
            .args(WORKFLOWS)
            .arg(ACTION),
    );
}

#[test]
fn the_image_is_linted_and_is_not_root() {
    check(tool("hadolint").arg("Dockerfile"));
    let text = text("Dockerfile");
    let last_stage = text.rsplit("\nFROM ").next().unwrap();
    assert!(last_stage.starts_with("scratch\n"), "{last_stage}");
    assert!(last_stage.contains("\nUSER 65532:65532\n"), "{last_stage}");
    // The program looks for them there.
    assert!(last_stage.contains("/etc/ssl/certs/ca-certificates.crt"));
    let copied = "examples/ci/gitlab/restate_mr.py";
    assert!(text.contains(copied));
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(copied).is_file());
}

#[test]
fn shell_is_checked() {
    check(
        tool("shellcheck")
            .args(["--shell", "bash"])
            .args(files(&["sh"]))
            .arg(here("standin.sh")),
    );
    let desk = Desk::new();
    for (at, script) in scripts().iter().enumerate() {
        let name = format!("{at}.{}", script.shell);
        // It is to be split into words.
        let text = script.text.replace("$DESIRED_STATE", "-f restate");
        desk.write(&name, format!("# {}\nset -e\n{text}\n", script.place));
        check(
            tool("shellcheck")
                .args(["--shell", script.shell])
                .arg(desk.path().join(name)),
        );
    }
    check(
        tool("python")
            .args(["-m", "py_compile", "gitlab/restate_mr.py"])
            .env("PYTHONPYCACHEPREFIX", desk.path()),
    );
}

/// The files and variables are written once in each file, and are the same in all workflows.
#[test]
fn what_to_plan_is_written_in_one_place() {
    for script in scripts() {
        assert!(!script.text.contains("-f restate"), "{}", script.place);
    }
    for name in WORKFLOWS {
        assert_eq!(yaml(name)["env"]["DESIRED_STATE"], "-f restate", "{name}");
    }
    assert_eq!(yaml(GITLAB)["variables"]["DESIRED_STATE"], "-f restate");
}

/// What a pull request brings (a title, a branch) reaches a shell as a variable or not at all.
#[test]
fn no_expression_is_pasted_into_a_script() {
    for script in scripts() {
        assert!(!script.text.contains("${{"), "{}: {}", script.place, script.text);
    }
}

/// Expressions of steps and jobs that are not there are empty, without a word.
#[test]
fn steps_and_jobs_that_are_read_exist() {
    for name in WORKFLOWS.into_iter().chain([ACTION]) {
        let file = yaml(name);
        let mut written = text(name);
        let steps = github_steps(name);
        written.retain(|c| !c.is_whitespace());
        for rest in written.split("steps.").skip(1) {
            let (id, rest) = rest.split_once('.').unwrap();
            let key: String = rest
                .strip_prefix("outputs.")
                .unwrap()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '-')
                .collect();
            let Some((_, step)) = steps.iter().find(|(_, step)| step["id"] == id) else {
                panic!("{name}: no step `{id}`")
            };
            let known = match (step["run"].as_str(), step["uses"].as_str()) {
                (Some(run), _) => {
                    run.contains("GITHUB_OUTPUT")
                        && (run.contains(&format!("{key}=")) || run.contains("find-plan.sh"))
                }
                (_, Some(uses)) if uses.starts_with("actions/cache@") => key == "cache-hit",
                (_, Some(_)) => !yaml(ACTION)["outputs"][&key].is_null(),
                _ => false,
            };
            assert!(known, "{name}: step `{id}` has no output `{key}`");
        }
        for rest in written.split("needs.").skip(1) {
            let (job, rest) = rest.split_once(".outputs.").unwrap();
            let key: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            assert!(
                !file["jobs"][job]["outputs"][&key].is_null(),
                "{name}: job `{job}` has no output `{key}`"
            );
        }
    }
}

/// Untrusted code and secrets never meet, and nothing may do more than it has to.
#[test]
fn forks_get_nothing() {
    for name in WORKFLOWS {
        let file = yaml(name);
        assert_eq!(file["permissions"], serde_json::json!({}), "{name}");
        let Some(triggers) = file["on"].as_object() else {
            panic!("{name} has no triggers")
        };
        for trigger in ["pull_request_target", "workflow_run", "issue_comment"] {
            assert!(!triggers.contains_key(trigger), "{name} runs on {trigger}");
        }
    }
    let jobs = yaml(PLAN)["jobs"].clone();
    let offline = jobs["plan-offline"].to_string();
    for word in ["secrets.", "vars.", "environment", "write", "RESTATE_ADMIN_URL"] {
        assert!(!offline.contains(word), "the job for forks has {word}");
    }
    assert!(
        jobs["plan"]["if"]
            .as_str()
            .unwrap()
            .contains("head.repo.full_name == github.repository")
    );
    // One at a time for each server, whatever commit they are for.
    let concurrency = &yaml(APPLY)["concurrency"];
    assert_eq!(concurrency["cancel-in-progress"], false);
    assert_eq!(concurrency["group"], "restate-apply-production");
    let file = yaml(GITLAB);
    for apply in ["restate-apply", "restate-apply-replanned"] {
        assert_eq!(file[apply]["resource_group"], "restate-production", "{apply}");
    }
    let (plan, applies) = (
        &file["restate-plan"],
        ["restate-apply", "restate-apply-replanned"],
    );
    assert!(
        plan["rules"][0]["if"]
            .as_str()
            .unwrap()
            .contains("$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID")
    );
    for job in applies {
        assert_eq!(file[job]["resource_group"], "restate-production", "{job}");
        assert_eq!(file[job]["interruptible"], false, "{job}");
    }
}

#[test]
fn hooks_say_what_pre_commit_asks_for() {
    let config = yaml(HOOKS_CONFIG);
    let local = &config["repos"][0];
    assert_eq!(local["repo"], "local");
    for hook in [&yaml(HOOKS)[0], &local["hooks"][0]] {
        for key in ["id", "name", "entry", "language", "files"] {
            assert!(hook[key].is_string(), "{hook} has no {key}");
        }
        assert_eq!(hook["pass_filenames"], false);
    }
}

#[test]
fn the_cron_jobs_take_a_valid_file() {
    let documents = documents(CRON_JOBS);
    let of = |kind: &str| documents.iter().find(|one| one["kind"] == kind).unwrap();
    let desk = Desk::new();
    // As Kubernetes mounts it: a link to a link.
    let names = ["restate.yaml", "values.yaml"];
    for name in names {
        let file = of("ConfigMap")["data"][name].as_str().unwrap();
        desk.write(&format!("config/..2026/{name}"), file);
    }
    let link = |to: &str, from: &str| {
        std::os::unix::fs::symlink(to, desk.path().join("config").join(from)).unwrap();
    };
    link("..2026", "..data");
    for name in names {
        link(&format!("..data/{name}"), name);
    }
    let args = ["validate", "-f", "config", "--var-file", "config/values.yaml"];
    let ran = desk.run(&args).expect(0);
    assert!(ran.stderr.contains("CHECKOUT_TOKEN"), "{}", ran.stderr);
    assert!(of("Secret")["stringData"]["CHECKOUT_TOKEN"].is_string());
    let jobs: Vec<&Value> = documents.iter().filter(|one| one["kind"] == "CronJob").collect();
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        assert_eq!(job["spec"]["concurrencyPolicy"], "Forbid");
        let container = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
        let args: Vec<&str> = (container["args"].as_array().unwrap().iter())
            .map(|arg| arg.as_str().unwrap())
            .collect();
        for arg in ["--file=/config", "--var-file=/config/values.yaml"] {
            assert!(args.contains(&arg), "{args:?}");
        }
    }
}
