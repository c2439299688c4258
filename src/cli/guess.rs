//! What people type who know another tool, and what it is called here.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// Verbs of other tools.
const VERBS: [(&[&str], &str); 9] = [
    (&["diff", "preview"], "`restatectl plan` shows what would change"),
    (
        &["destroy", "down"],
        "`restatectl apply --destroy` deletes what the file's stack owns; `plan --destroy` shows it",
    ),
    (
        &["status", "refresh", "sync-status"],
        "`restatectl drift` says whether the server is what the files say",
    ),
    (
        &["fmt", "format"],
        "nothing formats files; `restatectl render` prints them as one",
    ),
    (
        &["import", "dump", "pull"],
        "`restatectl export` writes a file of what is on the server",
    ),
    (&["check", "lint"], "`restatectl validate` checks the files"),
    (
        &["sync", "up", "deploy", "push"],
        "`restatectl apply` makes the server what the files say",
    ),
    (
        &["get", "list", "ls", "describe"],
        "`restatectl plan --show-unmanaged` lists what no file has, and `restatectl export` writes all that is there",
    ),
    (
        &[
            "config",
            "sql",
            "metadata",
            "provision",
            "nodes",
            "node",
            "partitions",
            "logs",
            "snapshots",
            "storage",
        ],
        "that is a verb of Restate's own program of the same name, which administers clusters over the node port",
    ),
];

/// Flags of other tools.
const FLAGS: [(&[&str], &str); 7] = [
    (
        &["--auto-approve", "-auto-approve", "--approve"],
        "`--yes` goes on without asking",
    ),
    (&["--dry-run", "--dryrun"], "`restatectl plan` changes nothing"),
    (
        &["-out", "-o", "--output"],
        "`--out FILE` writes to a file, and `--format FORMAT` chooses a format",
    ),
    (&["-var"], "`--var NAME=VALUE` gives a value"),
    (&["-var-file"], "`--var-file FILE` gives values"),
    (&["-target"], "`--target KIND/KEY` changes only this"),
    (
        &["--filename", "--config", "--state"],
        "`-f FILE` names a file of desired state, or a directory of them",
    ),
];

/// Verbs that read desired-state files.
const TAKE_FILES: [&str; 9] = [
    "validate", "plan", "apply", "drift", "prune", "delete", "graph", "render", "help",
];

/// What is meant by an argument that the error is about.
pub fn guess(args: &[OsString], error: &Error) -> Option<String> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    if error.kind() == ErrorKind::InvalidSubcommand {
        let verb = context(ContextKind::InvalidSubcommand)?;
        let (_, meant) = VERBS.iter().find(|(verbs, _)| verbs.contains(&verb))?;
        return Some((*meant).to_owned());
    }
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    // An unknown short flag is told by its letter alone.
    let unknown = context(ContextKind::InvalidArg)?;
    let texts = || args.iter().skip(1).filter_map(|arg| arg.to_str());
    let word = texts().find(|text| text.starts_with(unknown))?;
    let flag = word.split_once('=').map_or(word, |(flag, _)| flag);
    if let Some((_, meant)) = FLAGS.iter().find(|(flags, _)| flags.contains(&flag)) {
        return Some((*meant).to_owned());
    }
    let verb = texts().find(|text| TAKE_FILES.contains(text))?;
    let is_file = [".yaml", ".yml", ".toml", ".json"]
        .iter()
        .any(|end| word.ends_with(end))
        || word == ".";
    is_file.then(|| format!("name a desired-state file with `-f`: `restatectl {verb} -f {word}`"))
}
