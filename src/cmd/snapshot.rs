use super::save::text_of;
use super::{connect, gather, or_interrupted, plan};
use crate::cli::Connection;
use crate::error::{Exit, Failure};
use crate::plan::{Target, saved};
use crate::problem::Problem;
use crate::render::file::{self, unwritable};
use crate::render::{Printer, json};
use crate::snapshot::Snapshot;
use std::path::Path;

pub async fn run(out: Option<&Path>, connection: &Connection, printer: &Printer) -> Result<Exit, Failure> {
    if let Some(path) = out {
        file::check(path).map_err(|error| unwritable(path, &error))?;
    }
    let mut client = connect::connect(connection, printer)?;
    let looking = async {
        let live = gather::live(&mut client, printer).await?;
        let answers = gather::stored(&client, &live).await;
        Ok::<_, Failure>((live, answers))
    };
    let (live, answers) = or_interrupted(looking).await?;
    if let Some(error) = answers.stored.values().find_map(|stored| stored.as_ref().err()) {
        return Err(error.clone().into());
    }
    let target = Target::new(client.url(), &live.server);
    let snapshot = Snapshot::new(&live, &answers, target, plan::text(jiff::Timestamp::now()));
    let text = json::document(&snapshot.masked(|text| client.masker().mask(text)));
    match out {
        Some(path) => {
            file::write(path, &text, file::Readers::All).map_err(|error| unwritable(path, &error))?;
        }
        None => Printer::text(&text),
    }
    Ok(Exit::Done)
}

/// # Errors
/// When the file is no snapshot.
pub fn read(path: &Path) -> Result<Snapshot, Problem> {
    let (text, shown) = text_of(path)?;
    serde_json::from_value(saved::document(&text, &shown)?).map_err(|error| {
        Problem::error("plan-unreadable", format!("`{shown}` is not a snapshot: {error}"))
            .help("`restatectl snapshot --out FILE` writes one")
    })
}
