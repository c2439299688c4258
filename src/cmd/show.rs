//! `show`: a saved plan or report, in any format.

use crate::apply::Report;
use crate::cli::Show;
use crate::code::Code;
use crate::drift::Drift;
use crate::error::{Exit, Failure};
use crate::plan::saved;
use crate::problem::Problem;
use crate::render::Document;
use crate::session::printer::Printer;
use crate::session::saved::text_of;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// Shows a document. Its fields tell which it is.
pub fn run(args: &Show, printer: &Printer) -> Result<Exit, Failure> {
    let (text, shown) = text_of(&args.file)?;
    let document = saved::document(&text, &shown)?;
    let has = |field: &str| document.get(field).is_some();
    if has("desired") {
        let plan = saved::parse(document, &shown)?;
        printer.show(Document::Plan {
            plan: &plan,
            show_unmanaged: args.show_unmanaged,
        });
    } else if has("outcome") && has("changes") {
        printer.show(Document::Report(&read::<Report>(document, &shown)?));
    } else if has("outcome") && has("findings") {
        printer.show(Document::Drift(&read::<Drift>(document, &shown)?));
    } else if has("problems") {
        let message = format!("`{shown}` has the problems of a run that ended early, and no plan or report");
        return Err(Problem::error(Code::PlanUnreadable, message)
            .help("it is to be read as it is")
            .into());
    } else {
        let problem = Problem::error(
            Code::PlanUnreadable,
            format!("`{shown}` is neither a plan nor a report"),
        );
        return Err(problem
            .help("it takes what `plan --out`, or `--format json` of plan, apply and drift, writes")
            .into());
    }
    Ok(Exit::Done)
}

fn read<T: DeserializeOwned>(document: Json, shown: &str) -> Result<T, Problem> {
    serde_json::from_value(document).map_err(|error| {
        Problem::error(
            Code::PlanUnreadable,
            format!("`{shown}` is not a whole report: {error}"),
        )
    })
}
