//! Every verb, flag and exit code that `examples/ci` mentions is one of the program.

use super::read::{documents, scripts, text, yaml};
use super::{CRON_JOBS, GITLAB, HOOKS, HOOKS_CONFIG, WORKFLOWS};
use crate::harness::Desk;
use serde_json::Value;
use std::collections::BTreeSet;

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
    for one in documents(CRON_JOBS) {
        let container = &one["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
        if container.is_object() {
            found.push((CRON_JOBS.to_owned(), strings(&container["args"])));
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
        ["apply", "drift", "plan", "prune", "show", "snapshot", "validate"]
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
        CRON_JOBS,
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
