//! The files of `examples/ci`, and the shell that is inside of them.

use super::{ACTION, GITLAB, WORKFLOWS, root};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

pub fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

pub fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&text(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

pub fn documents(name: &str) -> Vec<Value> {
    text(name)
        .split("\n---\n")
        .map(|one| serde_yaml::from_str(one).unwrap_or_else(|e| panic!("{name}: {e}")))
        .collect()
}

/// A piece of shell in one of the files.
pub struct Script {
    /// For messages.
    pub place: String,
    pub shell: &'static str,
    pub text: String,
}

pub fn github_steps(name: &str) -> Vec<(String, Value)> {
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

/// The variables that all steps of a workflow have.
pub fn github_env(name: &str) -> Vec<(String, String)> {
    let env = yaml(name)["env"].clone();
    let env = env.as_object().into_iter().flatten();
    env.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}

pub fn github_scripts(name: &str) -> Vec<Script> {
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

pub fn gitlab_scripts() -> Vec<Script> {
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

pub fn scripts() -> Vec<Script> {
    let mut all: Vec<Script> = WORKFLOWS
        .into_iter()
        .chain([ACTION])
        .flat_map(github_scripts)
        .collect();
    all.extend(gitlab_scripts());
    all
}

/// All files whose name ends so.
pub fn files(extensions: &[&str]) -> Vec<PathBuf> {
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
