//! Bad input: every file and folder in `tests/bad` is a test. Its name starts with the code of the
//! problem it has; the report that a user sees is beside it, in `tests/bad/reports`. Lines at the
//! top that start with `# args:` and `# env:` say how it is run.

use crate::endpoint::Endpoint;
use crate::harness::Desk;
use crate::suite::service;
use crate::world::World;
use restatectl::code::Code;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

pub struct Case {
    pub path: PathBuf,
    pub name: String,
}

impl Case {
    /// Its files, by their path below `tests/bad`.
    pub fn files(&self) -> Vec<PathBuf> {
        if self.path.is_file() {
            return vec![self.path.clone()];
        }
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files
    }

    /// The codes it is named after: `unknown-field-sdk` after `unknown-field`.
    pub fn is_about(&self, code: &str) -> bool {
        let rest = self.name.strip_prefix(code);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    }

    fn desk(&self) -> Desk {
        let mut desk = Desk::new();
        for file in self.files() {
            let name = file.strip_prefix(folder()).unwrap().to_str().unwrap();
            desk.write(name, std::fs::read(&file).unwrap());
        }
        for line in said(&self.files(), "# env:") {
            let (name, value) = line.split_once('=').unwrap();
            desk.set_env(name, value);
        }
        desk
    }

    fn args(&self) -> Vec<String> {
        let given = said(&self.files(), "# args:");
        let given = given.iter().flat_map(|line| line.split_whitespace());
        let mut args: Vec<String> = given.map(str::to_owned).collect();
        args.extend(["-f".to_owned(), self.name.clone()]);
        args
    }
}

/// What lines of the files say that start so.
pub fn said(files: &[PathBuf], start: &str) -> Vec<String> {
    let text = files.iter().map(|file| std::fs::read(file).unwrap());
    let text: Vec<u8> = text.flatten().collect();
    let text = String::from_utf8_lossy(&text);
    text.lines()
        .filter_map(|line| line.strip_prefix(start))
        .map(|line| line.trim().to_owned())
        .collect()
}

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("reports"))
        .map(|path| Case {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            path,
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

#[test]
fn every_file_is_reported_with_its_code_and_place() {
    for case in cases() {
        let (desk, args, name) = (case.desk(), case.args(), &case.name);
        let args: Vec<&str> = ["validate"]
            .into_iter()
            .chain(args.iter().map(String::as_str))
            .collect();

        let ran = desk.run(&[&args[..], &["--format", "json"]].concat());
        let json = ran.json();
        let problems = json["problems"].as_array().unwrap();
        let is_error = problems.iter().any(|p| p["severity"] == "error");
        assert_eq!(json["outcome"], if is_error { "error" } else { "valid" });
        assert_eq!(ran.code, i32::from(is_error), "{name}");
        let codes: Vec<&str> = problems.iter().map(|p| p["code"].as_str().unwrap()).collect();
        assert!(codes.iter().any(|code| case.is_about(code)), "{name}: {codes:?}");
        let placeless = ["not-text", "warnings-denied", "undeclared-variable"];
        for problem in problems {
            let code = problem["code"].as_str().unwrap();
            let has_place = problem["origin"]["line"].is_u64();
            assert!(has_place || placeless.contains(&code), "{name}: {problem:#?}");
        }

        let ran = desk.run(&args).expect(i32::from(is_error));
        assert_eq!(
            ran.stdout.is_empty(),
            is_error,
            "{name}: problems go to standard error"
        );
        assert!(
            !ran.stderr.contains("v4lue"),
            "{name} shows a secret:\n{}",
            ran.stderr
        );
        insta::with_settings!({
            snapshot_path => folder().join("reports"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
            description => name,
        }, { insta::assert_snapshot!(name.as_str(), ran.stderr) });

        // The same problems as annotations, one line each, with the text for the log beside them.
        let ran = desk.run(&[&args[..], &["--format", "github"]].concat());
        let annotations: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("::")).collect();
        assert_eq!(annotations.len(), problems.len(), "{name}: {}", ran.stdout);
        assert!(!ran.stdout.contains("v4lue"), "{name} shows a secret");
    }
}

/// Every code is explained and given somewhere, and something shows it: a file in `tests/bad`, or a
/// test where a file alone cannot.
#[test]
fn every_code_is_explained_and_shown() {
    let names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert!(names.is_sorted(), "the table of codes is in order");
    let explained: Vec<&str> = restatectl::explain::all().map(|(code, _)| code).collect();
    assert_eq!(
        names, explained,
        "codes.md has a section for each, in the same order"
    );
    for (code, text) in restatectl::explain::all() {
        assert!(text.len() > 40, "{code} deserves more words");
    }
    let source = texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let is_given = |code: &Code| {
        let word = format!("Code::{code:?}");
        let ends = |at: usize| !source[at..].starts_with(|c: char| c.is_alphanumeric());
        source.match_indices(&word).any(|(at, _)| ends(at + word.len()))
    };
    let never: Vec<_> = Code::ALL.iter().filter(|code| !is_given(code)).collect();
    assert!(never.is_empty(), "explained, but never given: {never:?}");

    let cases = cases();
    let tests = texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"));
    let shown = |code: &str| {
        cases.iter().any(|case| case.is_about(code))
            || tests.contains(&format!("\"{code}\""))
            || tests.contains(&format!("{code} "))
    };
    let unshown: Vec<_> = names.iter().filter(|code| !shown(code)).collect();
    assert!(unshown.is_empty(), "no test shows: {unshown:?}");
}

/// No code is compared with a literal: a typo in one would compile.
#[test]
fn codes_are_types() {
    let source = texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let hyphened = Code::ALL
        .iter()
        .map(|code| code.name())
        .filter(|name| name.contains('-'));
    let again: Vec<_> = hyphened
        .filter(|name| source.matches(&format!("\"{name}\"")).count() != 1)
        .collect();
    assert!(again.is_empty(), "written outside of the table: {again:?}");
}

/// The sources below a folder, without the tests inside of them.
fn texts(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &texts(&path);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            text += source.split("\n#[cfg(test)]\n").next().unwrap();
        }
    }
    text
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
    desk.write("folder/x.yaml", "version: 1\n");
    assert_eq!(code(&["-f", "folder", "--var-file", "folder"]), "is-a-directory");
    desk.write("restate.txt", "version: 1\n");
    assert_eq!(code(&["-f", "restate.txt"]), "unknown-format");
    desk.write("restate.yaml", "version: 1\n");
    desk.run(&["validate"]).expect(0);
    desk.write("restate.toml", "version = 1\n");
    assert_eq!(code(&[]), "several-files");
    desk.run(&["validate", "-f", "./restate.toml"]).expect(0);
    // A device is not text that ends.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/dev/zero", desk.path().join("zero.yaml")).unwrap();
        assert_eq!(code(&["-f", "zero.yaml"]), "too-large");
        assert_eq!(code(&["-f", "restate.toml/restate.yaml"]), "unreadable-file");
    }
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
    let world = World::fake("1.7.12");
    let mail = Endpoint::start(service("Mail"));
    // Where there is nothing to do, nobody is asked.
    world.wants("deployments: []\n");
    world.run(&["apply"]).expect(0);
    world.wants(&format!("deployments: [{{ uri: '{}' }}]\n", mail.url()));
    let ran = world.run(&["apply", "--format", "json"]).expect(64);
    assert_eq!(ran.json()["problems"][0]["code"], "not-confirmed");
    assert!(ran.stdout.contains("--yes"), "{}", ran.stdout);
    assert_eq!(world.deployments(), [""; 0]);
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
