//! Programs of others that tests use, from Python's package index, installed once under `target/`.

use crate::server;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tools.txt");

/// One of them, ready to be started.
pub fn tool(name: &str) -> Command {
    Command::new(installed().join("bin").join(name))
}

/// Runs it, and shows what it says if it fails.
#[track_caller]
pub fn check(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A virtual environment of Python's. It cannot be moved once it is made, so it is complete when it
/// holds a copy of the requirements; one install runs at a time, whatever the number of test processes.
fn installed() -> PathBuf {
    let tools = server::target_dir().join("tools");
    let venv = tools.join("python");
    let stamp = venv.join("requirements.txt");
    let requirements = fs::read(REQUIREMENTS).unwrap();
    let is_complete = || fs::read(&stamp).is_ok_and(|done| done == requirements);
    if is_complete() {
        return venv;
    }

    fs::create_dir_all(&tools).unwrap();
    let lock = File::create(tools.join("python.lock")).unwrap();
    lock.lock().unwrap();
    if !is_complete() {
        if venv.exists() {
            fs::remove_dir_all(&venv).unwrap();
        }
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&venv);
        let mut install = Command::new(venv.join("bin/pip"));
        install
            .args(["install", "--quiet", "--disable-pip-version-check"])
            // What is listed and nothing else, and nothing that would be built here.
            .args(["--no-deps", "--only-binary", ":all:", "--requirement"])
            .arg(REQUIREMENTS);
        for command in [&mut make, &mut install] {
            server::run(command).unwrap_or_else(|error| {
                panic!(
                    "cannot install the linters and parsers of the tests: {error}\n\n\
                     hint: install Python 3.10 or newer with venv and pip"
                )
            });
        }
        fs::write(&stamp, &requirements).unwrap();
    }
    venv
}
