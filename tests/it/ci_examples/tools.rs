//! The linters, installed once under `target/`.

use crate::harness::Desk;
use crate::server;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/ci_examples")
        .join(name)
}

/// A linter, ready to be started where the examples are.
pub fn tool(name: &str) -> Command {
    let mut command = Command::new(installed().join("bin").join(name));
    command.current_dir(super::root());
    command
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
    let venv = tools.join("lint");
    let stamp = venv.join("requirements.txt");
    let requirements = fs::read(here("requirements.txt")).unwrap();
    let is_complete = || fs::read(&stamp).is_ok_and(|done| done == requirements);
    if is_complete() {
        return venv;
    }

    fs::create_dir_all(&tools).unwrap();
    let lock = File::create(tools.join("lint.lock")).unwrap();
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
            .arg(here("requirements.txt"));
        for command in [&mut make, &mut install] {
            server::run(command).unwrap_or_else(|error| {
                panic!(
                    "cannot install the linters of the CI examples: {error}\n\n\
                     hint: install Python 3.10 or newer with venv and pip"
                )
            });
        }
        fs::write(&stamp, &requirements).unwrap();
    }
    venv
}

/// Lets `body` stand in for a program in commands that `with_standins` prepared.
pub fn stand_in(desk: &Desk, name: &str, body: &str) {
    desk.write(&format!("standins/{name}"), format!("{body}\n"));
    let link = desk.path().join("bin").join(name);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    if !link.exists() {
        std::os::unix::fs::symlink(here("standin.sh"), link).unwrap();
    }
}

pub fn with_standins(desk: &Desk, mut command: Command) -> Command {
    let path = std::env::var("PATH").unwrap();
    command
        .current_dir(desk.path())
        .env_clear()
        .env("PATH", format!("{}/bin:{path}", desk.path().display()))
        .env("HOME", desk.path())
        .env("STANDINS", desk.path().join("standins"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
