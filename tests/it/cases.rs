//! Plans without a server: every folder in `tests/cases` is a test, with a desired state, a snapshot
//! of a server, and beside them the plan as text and as JSON. Its README says how to add one.

use crate::bad::said;
use crate::harness::Desk;
use crate::schemas;
use serde_json::Value;
use std::path::{Path, PathBuf};

const SNAPSHOT: &str = "snapshot.json";

struct Case {
    path: PathBuf,
    name: String,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<PathBuf> = (std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let named = |path: PathBuf| Case {
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        path,
    };
    folders.into_iter().map(named).collect()
}

impl Case {
    /// The desired state.
    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = (std::fs::read_dir(&self.path).unwrap())
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                !path.ends_with(SNAPSHOT) && path.extension().is_some_and(|e| e != "snap" && e != "new")
            })
            .collect();
        files.sort();
        files
    }

    fn desk(&self) -> Desk {
        let desk = Desk::new();
        let snapshot = self.path.join(SNAPSHOT);
        for file in self.files().iter().chain([&snapshot]) {
            let name = file.file_name().unwrap().to_str().unwrap();
            let text = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {name}: {e}", self.name));
            desk.write(name, text);
        }
        desk
    }

    fn args(&self) -> Vec<String> {
        let mut args = ["plan", "--live", SNAPSHOT].map(str::to_owned).to_vec();
        for file in self.files() {
            let name = file.file_name().unwrap().to_str().unwrap();
            args.extend(["-f".to_owned(), name.to_owned()]);
        }
        let given = said(&self.files(), "# args:");
        args.extend(
            given
                .iter()
                .flat_map(|line| line.split_whitespace())
                .map(str::to_owned),
        );
        args
    }

    fn code(&self) -> i32 {
        let given = said(&self.files(), "# code:");
        given.first().map_or(0, |code| code.parse().unwrap())
    }

    #[track_caller]
    fn assert(&self, file: &str, text: &str) {
        insta::with_settings!({
            snapshot_path => &self.path,
            prepend_module_to_snapshot => false,
            omit_expression => true,
            description => &self.name,
        }, { insta::assert_snapshot!(file, text) });
    }
}

/// Without what differs from run to run, from version to version, and with every comment in a file.
fn settled(mut document: Value) -> String {
    let changing = [
        "/created_at",
        "/restatectl_version",
        "/digest",
        "/desired/digest",
        "/desired/files/0/sha256",
        "/desired/files/1/sha256",
    ];
    for place in changing {
        if let Some(value) = document.pointer_mut(place) {
            *value = "…".into();
        }
    }
    serde_json::to_string_pretty(&document).unwrap()
}

#[test]
fn every_case_is_planned_as_it_says() {
    let cases = cases();
    assert!(!cases.is_empty());
    for case in cases {
        let (desk, args, name) = (case.desk(), case.args(), &case.name);
        let snapshot = std::fs::read_to_string(desk.path().join(SNAPSHOT)).unwrap();
        schemas::assert_valid("snapshot", &serde_json::from_str(&snapshot).unwrap());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let text = desk.run(&args);
        assert_eq!(text.code, case.code(), "{name}:\n{}{}", text.stdout, text.stderr);
        case.assert("plan.txt", &format!("{}{}", text.stdout, text.stderr));
        let json = desk.run(&[&args[..], &["--format", "json"]].concat());
        assert_eq!(json.code, case.code(), "{name}");
        let document = json.json();
        if document["problems"].is_null() {
            schemas::assert_valid("plan", &document);
        }
        case.assert("plan.json", &settled(document));
    }
}
