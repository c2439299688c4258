//! What `examples/ci` gives to users is linted, agrees with the program, and does what it says.

mod flow;
mod github;
mod gitlab;
mod standins;

use crate::harness::Desk;
use crate::tools::{self, check};
use serde_json::Value;
use standins::here;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PLAN: &str = "github/restate-plan.yml";
const APPLY: &str = "github/restate-apply.yml";
const DRIFT: &str = "github/restate-drift.yml";
const ACTION: &str = "github/action/action.yml";
const GITLAB: &str = "gitlab/.gitlab-ci.yml";
const CRON_JOB: &str = "kubernetes/drift-cronjob.yaml";
const HOOKS: &str = "pre-commit/.pre-commit-hooks.yaml";
const HOOKS_CONFIG: &str = "pre-commit/.pre-commit-config.yaml";

const WORKFLOWS: [&str; 3] = [PLAN, APPLY, DRIFT];

/// The folder of the examples.
/// A linter, ready to be started where the examples are.
fn tool(name: &str) -> Command {
    let mut command = tools::tool(name);
    command.current_dir(root());
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci")
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&text(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn documents(name: &str) -> Vec<Value> {
    text(name)
        .split("\n---\n")
        .map(|one| serde_yaml::from_str(one).unwrap_or_else(|e| panic!("{name}: {e}")))
        .collect()
}

/// A piece of shell in one of the files.
struct Script {
    /// For messages.
    place: String,
    shell: &'static str,
    text: String,
}

fn github_steps(name: &str) -> Vec<(String, Value)> {
    let file = yaml(name);
    let of = |owner: &str, steps: &Value| -> Vec<(String, Value)> {
        let steps = steps
            .as_array()
            .unwrap_or_else(|| panic!("{name}: {owner} has no steps"));
        steps
            .iter()
            .map(|step| (owner.to_owned(), step.clone()))
            .collect()
    };
    match file["jobs"].as_object() {
        Some(jobs) => jobs
            .iter()
            .flat_map(|(job, value)| of(job, &value["steps"]))
            .collect(),
        None => of("runs", &file["runs"]["steps"]),
    }
}

fn github_scripts(name: &str) -> Vec<Script> {
    github_steps(name)
        .into_iter()
        .filter_map(|(job, step)| {
            let text = step["run"].as_str()?.to_owned();
            let place = format!("{name}: {job}: {}", step["name"].as_str().unwrap_or("a step"));
            Some(Script {
                place,
                shell: "bash",
                text,
            })
        })
        .collect()
}

fn gitlab_scripts() -> Vec<Script> {
    let file = yaml(GITLAB);
    let jobs = file.as_object().unwrap();
    jobs.iter()
        .flat_map(|(job, value)| {
            ["before_script", "script", "after_script"].map(move |key| (job, key, value[key].clone()))
        })
        .filter_map(|(job, key, lines)| {
            let lines: Vec<&str> = lines
                .as_array()?
                .iter()
                .map(|line| line.as_str().unwrap())
                .collect();
            Some(Script {
                place: format!("{GITLAB}: {job}: {key}"),
                shell: "sh",
                text: lines.join("\n"),
            })
        })
        .collect()
}

fn scripts() -> Vec<Script> {
    let mut all: Vec<Script> = WORKFLOWS
        .into_iter()
        .chain([ACTION])
        .flat_map(github_scripts)
        .collect();
    all.extend(gitlab_scripts());
    all
}

/// All files whose name ends so.
fn files(extensions: &[&str]) -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.retain(|path| {
        path.extension()
            .is_some_and(|e| extensions.iter().any(|x| e == *x))
    });
    found.sort();
    found
}

#[test]
fn yaml_is_tidy() {
    let all = files(&["yml", "yaml"]);
    let known: BTreeSet<PathBuf> = WORKFLOWS
        .into_iter()
        .chain([ACTION, GITLAB, CRON_JOB, HOOKS, HOOKS_CONFIG])
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
    check(tool("kubernetes-validate").args(["--strict", CRON_JOB]));
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
        desk.write(&name, format!("# {}\nset -e\n{}\n", script.place, script.text));
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
fn the_cron_job_checks_a_valid_file() {
    let documents = documents(CRON_JOB);
    let of = |kind: &str| documents.iter().find(|one| one["kind"] == kind).unwrap();
    let desk = Desk::new();
    let file = of("ConfigMap")["data"]["restate.yaml"].as_str().unwrap();
    // As Kubernetes mounts it: a link to a link.
    desk.write("config/..2026/restate.yaml", file);
    let link = |to: &str, from: &str| {
        std::os::unix::fs::symlink(to, desk.path().join("config").join(from)).unwrap();
    };
    link("..2026", "..data");
    link("..data/restate.yaml", "restate.yaml");
    let ran = desk.run(&["validate", "-f", "config"]).expect(0);
    assert!(ran.stderr.contains("CHECKOUT_TOKEN"), "{}", ran.stderr);
    assert!(of("Secret")["stringData"]["CHECKOUT_TOKEN"].is_string());
    assert_eq!(of("CronJob")["spec"]["concurrencyPolicy"], "Forbid");
}

/// Every `restatectl` that somebody would run, as its words.
fn invocations() -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for script in scripts() {
        for line in script.text.replace("\\\n", " ").lines() {
            found.extend(invocation(line).map(|words| (script.place.clone(), words)));
        }
    }
    let strings = |value: &Value| -> Vec<String> {
        let words = value.as_array().into_iter().flatten();
        words.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    for one in documents(CRON_JOB) {
        let container = &one["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
        if container.is_object() {
            found.push((CRON_JOB.to_owned(), strings(&container["args"])));
        }
    }
    for (name, hook) in [
        (HOOKS, &yaml(HOOKS)[0]),
        (HOOKS_CONFIG, &yaml(HOOKS_CONFIG)["repos"][0]["hooks"][0]),
    ] {
        let mut words = invocation(hook["entry"].as_str().unwrap()).unwrap();
        words.extend(strings(&hook["args"]));
        found.push((name.to_owned(), words));
    }
    for name in ["README.md", "../../.github/SECURITY.md"] {
        let text = text(name);
        let spans = text.split('`').skip(1).step_by(2);
        let shown = spans
            .chain(text.lines())
            .filter(|one| one.starts_with("restatectl "));
        found.extend(shown.filter_map(invocation).map(|words| (name.to_owned(), words)));
    }
    found
}

/// The words after `restatectl`, up to what ends a command.
fn invocation(line: &str) -> Option<Vec<String>> {
    let mut words = line.split_whitespace().skip_while(|word| *word != "restatectl");
    words.next()?;
    let words: Vec<String> = words
        .take_while(|word| !["||", "&&", "|", ";", "#"].contains(word) && !word.starts_with('>'))
        .map(|word| word.trim_matches(['\'', '"']).to_owned())
        .collect();
    words
        .first()
        .is_some_and(|verb| !verb.contains('-'))
        .then_some(words)
}

#[test]
fn every_verb_and_flag_is_one_of_the_program() {
    let desk = Desk::new();
    let all = invocations();
    let verbs: BTreeSet<&str> = all.iter().map(|(_, words)| words[0].as_str()).collect();
    assert_eq!(
        verbs.into_iter().collect::<Vec<_>>(),
        ["apply", "drift", "plan", "show", "snapshot", "validate"]
    );
    let mut wrong = Vec::new();
    for (place, words) in all {
        let help = desk.run(&[&words[0], "--help"]);
        if help.code != 0 {
            wrong.push(format!("{place}: there is no `restatectl {}`", words[0]));
            continue;
        }
        let known: BTreeSet<&str> = help
            .stdout
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .collect();
        for (at, word) in words.iter().enumerate() {
            let (flag, value) = word.split_once('=').unwrap_or((word, ""));
            if flag.starts_with('-') && !known.contains(flag) {
                wrong.push(format!("{place}: `restatectl {}` has no {flag}", words[0]));
            }
            let value = if value.is_empty() {
                words.get(at + 1).map_or("", String::as_str)
            } else {
                value
            };
            if flag == "--format" && !known.contains(value) {
                wrong.push(format!(
                    "{place}: `restatectl {}` has no format {value}",
                    words[0]
                ));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The table that the program prints, and nothing else.
#[test]
fn exit_codes_are_those_of_the_program() {
    let help = Desk::new().run(&["--help"]).expect(0).stdout;
    let (_, table) = help.split_once("Exit codes:").unwrap();
    let known: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.parse::<u8>().is_ok())
        .collect();
    assert_eq!(known.len(), 8, "{known:?}");
    let mut mentioned = BTreeSet::new();
    let number = |rest: &str| -> String { rest.chars().take_while(char::is_ascii_digit).collect() };
    for name in WORKFLOWS.into_iter().chain([
        GITLAB,
        CRON_JOB,
        "README.md",
        "github/scripts/body.sh",
        "gitlab/restate_mr.py",
    ]) {
        let text = text(name);
        for before in [
            "code == '",
            "code != '",
            "-eq ",
            "-ne ",
            "(exit ",
            "\"plan ",
            "\"apply ",
            "\"drift ",
            "exit code ",
            "(\"plan\", \"",
            "(\"apply\", \"",
        ] {
            for rest in text.split(before).skip(1) {
                let code = number(rest);
                if !code.is_empty() {
                    assert!(
                        known.contains(code.as_str()),
                        "{name}: there is no exit code {code}"
                    );
                    mentioned.insert(code);
                }
            }
        }
    }
    for code in ["0", "1", "2", "3", "4", "5", "130"] {
        assert!(mentioned.contains(code), "nothing is said about exit code {code}");
    }
}
