//! `delete`: one resource that no file lists.

use super::apply::{Confirm, apply};
use crate::cli::Delete;
use crate::duration::Duration;
use crate::error::{Exit, Failure};
use crate::session::make::{Asked, Scope};
use crate::session::printer::Printer;
use crate::session::signal::block_on;
use crate::session::wish::{Look, Wish};

pub fn run(args: Delete, printer: &Printer) -> Result<Exit, Failure> {
    let wish = Wish::to_delete(args.kind, &args.name, args.allow);
    let look = Look::without_endpoints();
    let asked = Asked {
        files: &args.files,
        wish: &wish,
        look: &look,
        connection: &args.connection,
        scope: Scope::Delete { force: args.force },
        wait_endpoints: Duration::default(),
        deleted: 0,
    };
    block_on(apply(&asked, None, Confirm::unless(args.yes)?, printer))
}
