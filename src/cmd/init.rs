//! `init`: a file to start from.

use crate::cli::Init;
use crate::code::Code;
use crate::error::{Exit, Failure};
use crate::problem::Problem;
use crate::session::printer::Printer;
use crate::source;
use std::io::Write;

/// Commented, for people to change; an example and a test of its own.
const STARTER: &str = include_str!("../../examples/starter.yaml");

/// Writes the file, and never over another.
pub fn run(args: &Init) -> Result<Exit, Failure> {
    let file = &args.file;
    let shown = file.display();
    if source::Format::of(file) != Some(source::Format::Yaml) {
        let message = format!("the starter is YAML, and `{shown}` is not named as that");
        return Err(Failure::usage(
            Problem::error(Code::UnknownFormat, message).help("end its name with `.yaml`"),
        ));
    }
    let created = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file);
    let written = created.and_then(|mut file| file.write_all(STARTER.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Problem::error(Code::FileExists, format!("there is a `{shown}` already"))
                .help("name another with `restatectl init FILE`")
        }
        _ => Problem::error(Code::UnwritableFile, format!("cannot write `{shown}`: {error}")),
    })?;
    Printer::text(&format!(
        "{shown} is a desired state to start from. Change it, then run `restatectl validate -f {shown}`\n\
         and `restatectl plan -f {shown}`.\n"
    ));
    Ok(Exit::Done)
}
