//! `snapshot`: what is on a server, as a file to plan against.

use crate::cli;
use crate::duration::Duration;
use crate::error::{Exit, Failure};
use crate::plan::Target;
use crate::render::json;
use crate::session::answers::{self, Asking};
use crate::session::connect;
use crate::session::file::{self, unwritable};
use crate::session::make::timestamp;
use crate::session::printer::Printer;
use crate::session::signal::{block_on, or_interrupted};
use crate::session::wish::Look;
use crate::snapshot::Snapshot;

pub fn run(args: &cli::Snapshot, printer: &Printer) -> Result<Exit, Failure> {
    block_on(snapshot(args, printer))
}

async fn snapshot(args: &cli::Snapshot, printer: &Printer) -> Result<Exit, Failure> {
    if let Some(path) = &args.out {
        file::check(path).map_err(|error| unwritable(path, &error))?;
    }
    let mut client = connect::connect(&args.connection, printer)?;
    let looking = async {
        let live = answers::live(&mut client, printer).await?;
        let look = Look::without_endpoints();
        let asking = Asking::new(&client, &live, &look, Duration::default(), printer);
        let answers = asking.stored(&live).await;
        Ok::<_, Failure>((live, answers))
    };
    let (live, answers) = or_interrupted(looking).await?;
    if let Some(error) = answers.stored.values().find_map(|stored| stored.as_ref().err()) {
        return Err(error.clone().into());
    }
    let target = Target::new(client.url(), &live.server);
    let snapshot = Snapshot::new(&live, &answers, target, timestamp(jiff::Timestamp::now()));
    let text = json::document(&snapshot.masked(|text| client.masker().mask(text)));
    match &args.out {
        Some(path) => {
            file::write(path, &text, file::Readers::All).map_err(|error| unwritable(path, &error))?;
        }
        None => Printer::text(&text),
    }
    Ok(Exit::Done)
}
