use super::read::{self, Setting};
use super::save;
use crate::cli::{Files, GraphLanguage};
use crate::error::{Exit, Failure};
use crate::plan::graph::Graph;
use crate::render::{Printer, graph};
use std::path::Path;

pub fn run(
    plan: Option<&Path>,
    language: GraphLanguage,
    files: &Files,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let plan = plan.map(save::read_any).transpose()?;
    let files = match &plan {
        Some(plan) if files.file.is_empty() => &save::files_of(plan, files.clone()),
        _ => files,
    };
    let read = read::read(files, &Setting::offline())?;
    printer.problems(&read.warnings, &read.sources);
    let graph = Graph::of_desired(&read.desired, plan.as_ref());
    Printer::text(&match language {
        GraphLanguage::Mermaid => graph::mermaid(&graph),
        GraphLanguage::Dot => graph::dot(&graph),
    });
    Ok(Exit::Done)
}
