//! `plan`: what would change.

use crate::cli::Plan;
use crate::error::{Exit, Failure};
use crate::session::make::{self, Asked, make_offline};
use crate::session::printer::Printer;
use crate::session::signal::block_on;
use crate::session::wish::{Look, Wish};
use crate::session::{saved, snapshots};

pub fn run(args: &Plan, printer: &Printer) -> Result<Exit, Failure> {
    let (wish, look) = (Wish::from(&args.planning), Look::from(&args.planning.looking));
    let asked = Asked {
        wait_endpoints: args.wait_endpoints,
        ..Asked::of(&args.files, &wish, &look, &args.connection)
    };
    block_on(plan(args, &asked, printer))
}

async fn plan(args: &Plan, asked: &Asked<'_>, printer: &Printer) -> Result<Exit, Failure> {
    if let Some(path) = &args.out {
        saved::check(path, asked.files)?;
    }
    let made = match &args.live {
        Some(path) => snapshots::read(path)
            .map_err(Failure::from)
            .and_then(|snapshot| make_offline(asked, snapshot)),
        None => make::make(asked, printer).await.map(|made| made.computed),
    };
    if let (Err(_), Some(path)) = (&made, &args.out) {
        saved::discard(path)?;
    }
    let plan = made?.plan;
    if let Some(path) = &args.out {
        saved::save(&plan, path, printer)?;
    }
    printer.plan(&plan, args.planning.looking.show_unmanaged);
    Ok(match Exit::of(&plan) {
        Exit::Done if args.detailed_exitcode && !plan.changes.is_empty() => Exit::Changes,
        exit => exit,
    })
}
