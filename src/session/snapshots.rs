//! Snapshots of servers as files.

use super::saved::text_of;
use crate::code::Code;
use crate::plan::saved;
use crate::problem::Problem;
use crate::snapshot::Snapshot;
use std::path::Path;

/// # Errors
/// When the file is no snapshot.
pub fn read(path: &Path) -> Result<Snapshot, Problem> {
    let (text, shown) = text_of(path)?;
    serde_json::from_value(saved::document(&text, &shown)?).map_err(|error| {
        Problem::error(
            Code::PlanUnreadable,
            format!("`{shown}` is not a snapshot: {error}"),
        )
        .help("`restatectl snapshot --out FILE` writes one")
    })
}
