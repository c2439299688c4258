//! Bad input: every file in `tests/bad` is a test. Its name starts with the code of the problem it
//! has; the report that a user sees is beside it, in `tests/bad/reports`.

use crate::harness::Desk;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    cases.sort();
    cases
}

#[test]
fn every_file_is_reported_with_its_code_and_place() {
    for case in cases() {
        let name = case.file_name().unwrap().to_str().unwrap();
        let desk = Desk::new();
        desk.write(name, std::fs::read(&case).unwrap());

        let json = desk
            .run(&["validate", "-f", name, "--format", "json"])
            .expect(1)
            .json();
        assert_eq!(json["outcome"], "error");
        let problems = json["problems"].as_array().unwrap();
        let codes: Vec<&str> = problems.iter().map(|p| p["code"].as_str().unwrap()).collect();
        assert!(
            codes.iter().any(|code| name.starts_with(code)),
            "{name}: {codes:?}"
        );
        let has_place = problems.iter().all(|p| p["origin"]["line"].is_u64());
        assert!(has_place || name.starts_with("not-text"), "{name}: {problems:#?}");

        let ran = desk.run(&["validate", "-f", name]).expect(1);
        assert_eq!(ran.stdout, "", "{name}: problems go to standard error");
        insta::with_settings!({
            snapshot_path => folder().join("reports"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
            description => name,
        }, { insta::assert_snapshot!(name, ran.stderr) });
    }
}

#[test]
fn files_that_are_not_there_or_not_files() {
    let desk = Desk::new();
    let code = |args: &[&str]| {
        let args = [&["validate", "--format", "json"], args].concat();
        let json = desk.run(&args).expect(1).json();
        json["problems"][0]["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(&[]), "no-file");
    assert_eq!(code(&["-f", "missing.yaml"]), "no-file");
    desk.write("folder/x.txt", "version: 1\n");
    assert_eq!(code(&["-f", "folder"]), "no-file");
    assert_eq!(code(&["-f", "folder", "--var-file", "folder"]), "no-file");
    desk.write("restate.txt", "version: 1\n");
    assert_eq!(code(&["-f", "restate.txt"]), "unknown-format");
    desk.write("restate.yaml", "version: 1\n");
    desk.run(&["validate"]).expect(0);
    desk.write("restate.toml", "version = 1\n");
    assert_eq!(code(&[]), "several-files");
    desk.run(&["validate", "-f", "./restate.toml"]).expect(0);
}

#[test]
fn all_problems_of_a_file_are_told_at_once_and_in_order() {
    let desk = Desk::new();
    desk.write(
        "restate.yaml",
        "version: 3\nfoo: 1\ndeployments:\n  - uri: nowhere\n    use_http_11: yes\n  - arn: a:b\nservices:\n  S: { abort_timeout: 5 }\n  S: {}\n",
    );
    let json = desk.run(&["validate", "--format", "json"]).expect(1).json();
    let found: Vec<String> = json["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| format!("{} {}", p["origin"]["line"], p["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            "1 wrong-version",
            "2 unknown-field",
            "4 invalid-uri",
            "5 wrong-type",
            "6 invalid-arn",
            "8 invalid-duration",
            "9 duplicate-key"
        ]
    );
}

#[test]
fn warnings_do_not_fail_a_validation() {
    let desk = Desk::new();
    desk.write(
        "restate.yaml",
        "version: 1\ndeployments: [{ uri: 'http://a:1/x?y=1' }, { uri: 'http://a:1/x/' }]\n\
         subscriptions: [{ source: 'kafka://main/t', sink: 'service://S/h' }]\n",
    );
    let json = desk.run(&["validate", "--format", "json"]).expect(0).json();
    let codes: Vec<&str> = json["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["uri-query", "trailing-slash", "no-group-id"]);
    let ran = desk.run(&["validate"]).expect(0);
    assert!(
        ran.stdout
            .contains("is valid: 2 deployments, overrides of 0 services, 1 subscription"),
        "{}",
        ran.stdout
    );
}

#[test]
fn wrong_usage_has_a_code_of_its_own() {
    let desk = Desk::new();
    for args in [
        &["plam"][..],
        &[],
        &["plan", "--nope"],
        &["plan", "--allow", "everything"],
        &["plan", "--parallelism", "0"],
        &["plan", "--timeout", "5"],
    ] {
        let ran = desk.run(args).expect(64);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}");
    }
    let ran = desk.run(&["plan", "--nope", "--format", "json"]).expect(64);
    assert_eq!(ran.json()["problems"][0]["code"], "usage");
    let ran = desk.run(&["apply"]).expect(64);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    for args in [
        &["--help"][..],
        &["plan", "--help"],
        &["apply", "--help"],
        &["validate", "--help"],
        &["--version"],
    ] {
        let ran = desk.run(args).expect(0);
        assert!(ran.stderr.is_empty() && !ran.stdout.is_empty(), "{args:?}");
    }
}

/// A problem quotes lines of the file, and a line can hold a secret.
#[test]
fn quoted_lines_hide_secrets() {
    let broken = [
        (
            "a.yaml",
            "version: 1\ndeployments:\n  - uri: http://a:1\n    additional_headers:\n      x-key: v4lueONE\n      x-key: v4lueTWO\n",
        ),
        (
            "b.json",
            "{ \"version\": 1, \"deployments\": [ { \"uri\": \"x\", \"additional_headers\": { \"a\": \"v4lue\", \"a\": \"v4lue\" } } ] }",
        ),
        (
            "c.toml",
            "version = 1\n[[deployments]]\nuri = 'http://a:1'\n[deployments.additional_headers]\nx-key = 'v4lueONE'\nx-key = 'v4lueTWO'\n",
        ),
        (
            "d.yaml",
            "version: 1\ndeployments: [{ uri: 'http://user:p@v4lue@host' }]\n",
        ),
        (
            "e.yaml",
            "version: 1\ndeployments: [{ uri: 'a:b', additional_headers: { authorization: v4lue } }]\n",
        ),
        (
            "f.yaml",
            "version: 1\ndeployments: [{ uri: 'http://a:1', additional_headers: v4lue }]\n",
        ),
        (
            "g.yaml",
            "version: 1\ndeployments:\n  - uri: http://a:1\n    additional_headers:\n      authorization: Bearer: v4lue: x\n",
        ),
        (
            "h.yaml",
            "version: 1\nsubscriptions:\n  - { source: x, sink: y, options: { sasl.password: v4lue } }\n",
        ),
    ];
    for (name, text) in broken {
        let desk = Desk::new();
        desk.write(name, text);
        for format in ["text", "json"] {
            let ran = desk.run(&["validate", "-f", name, "--format", format]).expect(1);
            assert!(
                !format!("{}{}", ran.stdout, ran.stderr).contains("v4lue"),
                "{name}\n{}{}",
                ran.stdout,
                ran.stderr
            );
        }
    }
    let ran = Desk::new().run(&["plan", "--admin-url", "http://u:v4lue@h ost:9070"]);
    assert!(!ran.stderr.contains("v4lue"), "{}", ran.stderr);
}
