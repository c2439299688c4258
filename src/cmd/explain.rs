//! `explain`: what the code of a problem means.

use crate::cli::Explain;
use crate::code::Code;
use crate::error::{Exit, Failure};
use crate::explain;
use crate::problem::{Problem, nearest};
use crate::session::printer::Printer;

pub fn run(args: &Explain, printer: &Printer) -> Result<Exit, Failure> {
    let Some(code) = args.code.as_deref() else {
        let codes: Vec<&str> = explain::all().map(|(code, _)| code).collect();
        printer.codes(&codes);
        return Ok(Exit::Done);
    };
    if let Some(text) = explain::explain(code) {
        printer.explanation(code, text);
        return Ok(Exit::Done);
    }
    let problem = Problem::error(Code::Usage, format!("no problem has the code `{code}`"));
    Err(Failure::usage(
        match nearest(code, explain::all().map(|(code, _)| code)) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help("`restatectl explain` lists all codes"),
        },
    ))
}
