use super::or_interrupted;
use super::plan::{Asked, make};
use crate::drift::{Direction, Drift};
use crate::error::{Exit, Failure};
use crate::render::{Document, Printer};

/// `fail_on`: what counts; everything, if empty.
pub async fn run(asked: &Asked<'_>, fail_on: &[Direction], printer: &Printer) -> Result<Exit, Failure> {
    let made = or_interrupted(make(asked, printer)).await?;
    let drift = Drift::of(&made.plan, asked.planning.looking.show_unmanaged);
    printer.show(Document::Drift(&drift));
    Ok(if drift.counts(fail_on) {
        Exit::Changes
    } else {
        Exit::Done
    })
}
