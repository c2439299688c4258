//! `completions`: a script for a shell.

use crate::cli::{Cli, Completions};
use crate::error::Exit;
use crate::session::printer::Printer;
use clap::CommandFactory;

pub fn run(args: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "restatectl", &mut script);
    Printer::text(&String::from_utf8_lossy(&script));
    Exit::Done
}
