//! `schema`: JSON Schemas of what is read and written.

use crate::apply::Report;
use crate::cli::{Schema, SchemaName};
use crate::drift::Drift;
use crate::error::Exit;
use crate::plan::Plan;
use crate::session::printer::Printer;
use crate::snapshot::Snapshot;
use crate::{config, schema};

pub fn run(args: &Schema) -> Exit {
    let schema = match args.name {
        SchemaName::DesiredState => config::schema(),
        SchemaName::Plan => schema::of::<Plan>(),
        SchemaName::Report => schema::of::<Report>(),
        SchemaName::Drift => schema::of::<Drift>(),
        SchemaName::Snapshot => schema::of::<Snapshot>(),
    };
    Printer::text(&(serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"));
    Exit::Done
}
