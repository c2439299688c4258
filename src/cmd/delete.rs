//! `delete`: one resource that no file lists.

use crate::cli::Delete;
use crate::error::{Exit, Failure};
use crate::session::execute::{Confirm, execute};
use crate::session::make::{Asked, Scope};
use crate::session::printer::Printer;
use crate::session::signal::block_on;
use crate::session::wish::{Look, Wish};

pub fn run(args: Delete, printer: &Printer) -> Result<Exit, Failure> {
    let wish = Wish::to_delete(args.kind, &args.name, args.allow);
    let look = Look::without_endpoints();
    let asked = Asked {
        scope: Scope::Delete {
            force: args.force,
            after: args.after,
        },
        ..Asked::of(&args.files, &wish, &look, &args.connection)
    };
    block_on(execute(&asked, None, Confirm::unless(args.yes), printer))
}
