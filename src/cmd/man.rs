//! `man`: manual pages.

use crate::cli::{Cli, Man};
use crate::code::Code;
use crate::error::{Exit, Failure};
use crate::problem::Problem;
use crate::session::printer::Printer;
use clap::CommandFactory;

/// The manual page of the program or of one verb, in roff.
pub fn run(args: &Man) -> Result<Exit, Failure> {
    let verb = args.verb.as_deref();
    let mut root = Cli::command();
    root.build();
    let command = match verb {
        None => Some(&root),
        Some(verb) => root.find_subcommand(verb),
    };
    let Some(command) = command else {
        let message = format!("there is no verb `{}`", verb.unwrap_or_default());
        return Err(Failure::usage(Problem::error(Code::Usage, message)));
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut page)
        .map_err(|error| Problem::error(Code::Internal, format!("the page cannot be made: {error}")))?;
    Printer::text(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
