//! The verbs that tell about the program itself: they need no files and no server.

use crate::cli::{Cli, SchemaName};
use crate::error::{Exit, Failure};
use crate::explain;
use crate::problem::{Problem, nearest};
use crate::render::Printer;
use crate::{apply, config, drift, plan, snapshot, source};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;
use std::path::Path;

/// Commented, for people to change; an example and a test of its own.
const STARTER: &str = include_str!("../../examples/starter.yaml");

pub fn explain(code: Option<&str>, printer: &Printer) -> Result<Exit, Failure> {
    let Some(code) = code else {
        let codes: Vec<&str> = explain::all().map(|(code, _)| code).collect();
        printer.codes(&codes);
        return Ok(Exit::Done);
    };
    if let Some(text) = explain::explain(code) {
        printer.explanation(code, text);
        return Ok(Exit::Done);
    }
    let problem = Problem::error("usage", format!("no problem has the code `{code}`"));
    Err(Failure::usage(
        match nearest(code, explain::all().map(|(code, _)| code)) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help("`restatectl explain` lists all codes"),
        },
    ))
}

pub fn schema(name: SchemaName) -> Exit {
    let schema = match name {
        SchemaName::DesiredState => config::schema(),
        SchemaName::Plan => plan::schema(),
        SchemaName::Report => apply::schema(),
        SchemaName::Drift => drift::schema(),
        SchemaName::Snapshot => snapshot::schema(),
    };
    Printer::text(&(serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"));
    Exit::Done
}

/// Never writes over a file.
pub fn init(file: &Path) -> Result<Exit, Failure> {
    let shown = file.display();
    if source::Format::of(file) != Some(source::Format::Yaml) {
        let message = format!("the starter is YAML, and `{shown}` is not named as that");
        return Err(Failure::usage(
            Problem::error("unknown-format", message).help("end its name with `.yaml`"),
        ));
    }
    let created = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file);
    let written = created.and_then(|mut file| file.write_all(STARTER.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Problem::error("file-exists", format!("there is a `{shown}` already"))
                .help("name another with `restatectl init FILE`")
        }
        _ => Problem::error("unwritable-file", format!("cannot write `{shown}`: {error}")),
    })?;
    Printer::text(&format!(
        "{shown} is a desired state to start from. Change it, then run `restatectl validate -f {shown}`\n\
         and `restatectl plan -f {shown}`.\n"
    ));
    Ok(Exit::Done)
}

pub fn completions(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "restatectl", &mut script);
    Printer::text(&String::from_utf8_lossy(&script));
    Exit::Done
}

/// The manual page of the program or of one verb, in roff.
pub fn man(verb: Option<&str>) -> Result<Exit, Failure> {
    let mut root = Cli::command();
    root.build();
    let command = match verb {
        None => Some(&root),
        Some(verb) => root.find_subcommand(verb),
    };
    let Some(command) = command else {
        let message = format!("there is no verb `{}`", verb.unwrap_or_default());
        return Err(Failure::usage(Problem::error("usage", message)));
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut page)
        .map_err(|error| Problem::error("internal", format!("the page cannot be made: {error}")))?;
    Printer::text(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
