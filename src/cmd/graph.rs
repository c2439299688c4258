//! `graph`: the resources of the files, and what depends on what.

use crate::cli::{self, GraphLanguage};
use crate::code::Code;
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
    let setting = Setting {
        again: plan.as_ref(),
        ..Setting::offline()
    };
    let read = files::read(files, &setting)?;
    // A value that is not known is not missing in a picture.
    let valueless = [Code::UnsetEnvironmentVariable, Code::VariableWithoutValue];
    let warnings = read
        .warnings
        .iter()
        .filter(|warning| !valueless.contains(&warning.code));
    printer.problems(&warnings.cloned().collect::<Vec<_>>(), &read.sources);
    let graph = Graph::of_desired(&read.desired, plan.as_ref());
    Printer::text(&match args.language {
        GraphLanguage::Mermaid => graph::mermaid(&graph),
        GraphLanguage::Dot => graph::dot(&graph),
    });
    Ok(Exit::Done)
}
