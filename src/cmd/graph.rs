use crate::cli::{Files, GraphLanguage};
use crate::error::{Exit, Failure};
use crate::render::Printer;
use std::path::Path;
pub fn run(_: Option<&Path>, _: GraphLanguage, _: &Files, _: &Printer) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
