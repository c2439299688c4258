//! `drift`: whether the server still is what the files say.

use crate::cli;
use crate::drift::Drift;
use crate::error::{Exit, Failure};
use crate::render::Document;
use crate::session::make::{Asked, make};
use crate::session::printer::Printer;
use crate::session::signal::block_on;
use crate::session::wish::{Look, Wish};

pub fn run(args: &cli::Drift, printer: &Printer) -> Result<Exit, Failure> {
    let (wish, look) = (Wish::default(), Look::from(&args.looking));
    let asked = Asked::of(&args.files, &wish, &look, &args.connection);
    block_on(async {
        let made = make(&asked, printer).await?;
        let drift = Drift::of(&made.computed.plan, args.looking.show_unmanaged);
        printer.show(Document::Drift(&drift));
        Ok(if drift.counts(&args.fail_on) {
            Exit::Changes
        } else {
            Exit::Done
        })
    })
}
