//! `validate`: whether the files say something that can be planned.

use crate::cli::Validate;
use crate::error::{Exit, Failure};
use crate::kind::Kind;
use crate::problem::Severity;
use crate::render::Document;
use crate::session::files::{self, Setting};
use crate::session::place;
use crate::session::printer::Printer;
use crate::words::counted;

pub fn run(args: &Validate, printer: &Printer) -> Result<Exit, Failure> {
    let setting = Setting {
        unset: if args.strict_env {
            Severity::Error
        } else {
            Severity::Warning
        },
        // Looked at, not connected to.
        server: place::variable("RESTATE_ADMIN_URL").ok().flatten(),
        ..Setting::offline()
    };
    let read = files::read(&args.files, &setting)?;
    let paths: Vec<&str> = read
        .sources
        .files()
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    let counts: Vec<String> = Kind::ALL
        .iter()
        .map(|kind| {
            let (before, noun) = kind.words().counted;
            let entries = kind.rules().listed(&read.desired.entries).len();
            format!("{before}{}", counted(entries as u64, noun))
        })
        .collect();
    let what = format!(
        "{} {} valid: {}",
        paths.join(", "),
        if paths.len() == 1 { "is" } else { "are" },
        counts.join(", "),
    );
    printer.show(Document::Valid {
        what: &what,
        problems: &read.warnings,
        sources: &read.sources,
    });
    Ok(Exit::Done)
}
