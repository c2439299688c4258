//! `graph`: the resources of the files, and what depends on what.

use crate::cli::{self, GraphLanguage};
use crate::error::{Exit, Failure};
use crate::graph::Graph;
use crate::render::graph;
use crate::session::files::{self, Setting};
use crate::session::printer::Printer;
use crate::session::saved;

pub fn run(args: &cli::Graph, printer: &Printer) -> Result<Exit, Failure> {
    let plan = args.plan.as_deref().map(saved::read_any).transpose()?;
    let files = match &plan {
        Some(plan) if args.files.file.is_empty() => &saved::files_of(plan, args.files.clone()),
        _ => &args.files,
    };
    let read = files::read(files, &Setting::offline())?;
    printer.problems(&read.warnings, &read.sources);
    let graph = Graph::of_desired(&read.desired, plan.as_ref());
    Printer::text(&match args.language {
        GraphLanguage::Mermaid => graph::mermaid(&graph),
        GraphLanguage::Dot => graph::dot(&graph),
    });
    Ok(Exit::Done)
}
