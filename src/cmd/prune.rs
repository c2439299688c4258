//! `prune`: the deletions that the files ask for, and nothing else.

use crate::cli::Prune;
use crate::error::{Exit, Failure};
use crate::session::execute::{Confirm, execute};
use crate::session::make::{Asked, Scope};
use crate::session::printer::Printer;
use crate::session::signal::block_on;
use crate::session::wish::{Look, Wish};

pub fn run(args: Prune, printer: &Printer) -> Result<Exit, Failure> {
    let wish = Wish {
        allow: args.allow,
        ..Wish::default()
    };
    let look = Look::from(&args.looking);
    let asked = Asked {
        scope: Scope::Prune,
        ..Asked::of(&args.files, &wish, &look, &args.connection)
    };
    let mut confirm = Confirm::unless(args.yes);
    confirm.show_unmanaged = args.looking.show_unmanaged;
    confirm.wait_drained = args.wait_drained;
    block_on(execute(&asked, None, confirm, printer))
}
