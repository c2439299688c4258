//! `render`: all files as one, with what references stand for.

use crate::cli;
use crate::code::Code;
use crate::error::{Exit, Failure};
use crate::export;
use crate::kind::rules::secrets_of_files;
use crate::problem::Problem;
use crate::secret::Masker;
use crate::session::file::{self, unwritable};
use crate::session::files::{self, Setting};
use crate::session::printer::Printer;
use crate::source::Format;
use crate::whole::Whole;

pub fn run(args: &cli::Render, printer: &Printer) -> Result<Exit, Failure> {
    let by_name = args.out.as_deref().and_then(Format::of);
    let format = match args.file_format.map(Format::from).or(by_name) {
        Some(format) => format,
        None if printer.is_json() => Format::Json,
        None => Format::Yaml,
    };
    let setting = Setting {
        merges: true,
        ..Setting::offline()
    };
    let read = files::read(&args.files, &setting)?;
    printer.problems(&read.warnings, &read.sources);
    let masker = Masker::default();
    for value in secrets_of_files(&read.desired) {
        masker.learn(value);
    }
    let is_shown = |text: &str| masker.mask(text) == text;
    let whole = Whole::of(&read.desired.trees, &read.desired.frozen, &is_shown);
    for (name, place) in &whole.literals {
        printer.warn(&format!(
            "what is secret in {place} is not written: set `{name}` to it"
        ));
    }
    if let Some(path) = args
        .out
        .as_deref()
        .filter(|path| read.paths.contains(&files::shown(path)))
    {
        let message = format!("`{}` is one of the files that are read", path.display());
        return Err(Problem::error(Code::FileExists, message)
            .help("name another with `--out`")
            .into());
    }
    let text = export::text(&whole.document, format).map_err(|why| {
        Problem::error(
            Code::Internal,
            format!("the desired state cannot be written: {why}"),
        )
    })?;
    match &args.out {
        Some(path) => {
            file::write(path, &text, file::Readers::All).map_err(|error| unwritable(path, &error))?;
        }
        None => Printer::text(&text),
    }
    Ok(Exit::Done)
}
