//! `apply`: makes the changes of a plan, one that was saved or one that is made and confirmed now.

use crate::cli::Apply;
use crate::error::{Exit, Failure};
use crate::session::execute::{Confirm, execute};
use crate::session::make::Asked;
use crate::session::printer::Printer;
use crate::session::saved;
use crate::session::signal::block_on;
use crate::session::wish::{Look, Wish};

pub fn run(args: Apply, printer: &Printer) -> Result<Exit, Failure> {
    let (saved, files, wish, look) = match &args.plan {
        None => {
            let (wish, look) = (Wish::from(&args.planning), Look::from(&args.planning.looking));
            (None, args.files, wish, look)
        }
        Some(path) => {
            let plan = saved::read(path)?;
            saved::is_alone(&plan, &args.files, &args.planning)?;
            let (files, wish, look) = saved::as_planned(&plan, args.files, &args.planning.looking)?;
            (Some(plan), files, wish, look)
        }
    };
    let asked = Asked {
        wait_endpoints: args.wait_endpoints,
        ..Asked::of(&files, &wish, &look, &args.connection)
    };
    let mut confirm = Confirm::unless(args.yes);
    confirm.show_unmanaged = args.planning.looking.show_unmanaged;
    confirm.wait_drained = args.wait_drained;
    block_on(execute(&asked, saved, confirm, printer))
}
