//! Programs that stand in for others.

use crate::harness::Desk;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/ci_examples")
        .join(name)
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
    let given = command.get_envs();
    let given: Vec<_> = given
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command
        .current_dir(desk.path())
        .env_clear()
        .envs(given)
        .env("PATH", format!("{}/bin:{path}", desk.path().display()))
        .env("HOME", desk.path())
        .env("STANDINS", desk.path().join("standins"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
