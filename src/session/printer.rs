//! Where results go, and everything else that is said.

use super::file::{self, Readers, unwritable};
use crate::admin::trace::{Detail, Trace};
use crate::apply::{ChangeResult, Event, Report};
use crate::cli::{Color, Format, Output, ReportForm, ReportTo};
use crate::drift::Drift;
use crate::error::{Exit, Failure};
use crate::finding::Waiting;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::render::style::Style;
use crate::render::{Document, json, lifecycle, problems_text, prometheus, report};
use crate::source::Sources;
use std::cell::Cell;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The time between two versions of a report that is written as it goes.
const PAUSE: Duration = Duration::from_millis(500);

/// Results go to standard output, everything else to standard error. A reader that goes away, as
/// `head` does, is no error of ours; any other failure to write a result is.
pub struct Printer {
    format: Format,
    reports: Vec<ReportTo>,
    out: Style,
    err: Style,
    verbose: u8,
    quiet: bool,
    started: Instant,
    /// When the report of an apply was last written.
    kept: Cell<Option<Instant>>,
}

impl Printer {
    /// # Errors
    /// When a report could not be written where it is to go: better now than when all is done.
    pub fn new(output: Output) -> Result<Self, Failure> {
        let Output {
            format,
            report,
            color,
            verbose,
            quiet,
        } = output;
        let style = |is_terminal: bool| {
            let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            Style::new(match color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => is_terminal && !no_color,
            })
        };
        for ReportTo { path, .. } in &report {
            file::check(path).map_err(|error| unwritable(path, &error))?;
        }
        Ok(Self {
            format,
            reports: report,
            out: style(std::io::stdout().is_terminal()),
            err: style(std::io::stderr().is_terminal()),
            verbose,
            quiet,
            started: Instant::now(),
            kept: Cell::default(),
        })
    }

    /// A printer for arguments that could not be read, but for the wish for a format.
    pub fn bare(format: Format) -> Self {
        let style = Style::new(false);
        Self {
            format,
            reports: Vec::new(),
            out: style,
            err: style,
            verbose: 0,
            quiet: true,
            started: Instant::now(),
            kept: Cell::default(),
        }
    }

    pub fn plan(&self, plan: &Plan, show_unmanaged: bool) {
        self.show(Document::Plan { plan, show_unmanaged });
    }

    /// Prints the result of the run, and writes it where `--report` asks for it.
    pub fn show(&self, document: Document<'_>) {
        match document {
            // Beside other formats, the text is for the log of the job.
            Document::Failure { problems, sources } => {
                match self.format {
                    Format::Text => {}
                    Format::Json | Format::Markdown => result(&document.in_format(self.format, self.out)),
                    Format::Github => result(&document.annotations()),
                }
                if self.format != Format::Json {
                    self.problems(problems, sources);
                }
            }
            Document::Valid {
                what,
                problems,
                sources,
            } if self.format != Format::Json => {
                self.problems(problems, sources);
                result(&match self.format {
                    Format::Markdown => document.markdown(),
                    Format::Github => format!("{}{what}\n", document.annotations()),
                    Format::Text | Format::Json => format!("{what}\n"),
                });
            }
            _ => result(&document.in_format(self.format, self.out)),
        }
        if self.format == Format::Github {
            summary(&document.markdown());
        }
        self.write(document, |_| true);
    }

    /// Writes the files of `--report` that are due.
    fn write(&self, document: Document<'_>, are_due: impl Fn(&Path) -> bool) {
        for ReportTo { form, path } in self.reports.iter().filter(|report| are_due(&report.path)) {
            let text = match (form, document) {
                (ReportForm::As(format), _) => document.in_format(*format, Style::new(false)),
                (ReportForm::Prometheus, Document::Drift(drift)) => self.prometheus(Some(drift), path),
                (ReportForm::Prometheus, _) => self.prometheus(None, path),
            };
            if let Err(error) = file::write(path, &text, Readers::All) {
                self.warn(&format!("cannot write the report `{}`: {error}", path.display()));
            }
        }
    }

    fn prometheus(&self, drift: Option<&Drift>, path: &Path) -> String {
        let file = path.file_stem().unwrap_or_default().to_string_lossy();
        prometheus::drift(drift, &file, jiff::Timestamp::now(), self.started.elapsed())
    }

    /// The plan that apply is about to carry out: beside the report it is not the result.
    pub fn preview(&self, plan: &Plan, show_unmanaged: bool) {
        let document = Document::Plan { plan, show_unmanaged };
        match self.format {
            Format::Text | Format::Github => result(&document.in_format(self.format, self.out)),
            Format::Json | Format::Markdown if self.quiet => {}
            Format::Json | Format::Markdown => aside(&document.text(self.err)),
        }
    }

    /// Tells what an apply is waiting for.
    pub fn waiting(&self, waiting: &[Waiting]) {
        if !self.quiet {
            aside(&lifecycle::waiting(waiting, self.err));
        }
    }

    pub fn report(&self, report: &Report) {
        self.show(Document::Report(report));
    }

    /// A progress line as a change starts and as it ends; and the report so far into its files, so
    /// that a job that is killed leaves it.
    pub fn event(&self, event: &Event<'_>) {
        if !self.quiet {
            aside(&report::progress(event, self.err));
        }
        if event.result.is_some_and(ChangeResult::may_have_landed) {
            HAS_CHANGED.store(true, Ordering::Relaxed);
        }
        let is_due = self.kept.get().is_none_or(|kept| kept.elapsed() > PAUSE);
        if is_due && !self.reports.is_empty() {
            // A pipe would get one report after the other.
            self.write(Document::Report(&(event.so_far)()), file::is_replaceable);
            self.kept.set(Some(Instant::now()));
        }
    }

    pub fn failure(&self, failure: &Failure) {
        let Failure {
            problems, sources, ..
        } = failure;
        self.show(Document::Failure { problems, sources });
    }

    /// Tells problems that did not end the run.
    pub fn problems(&self, problems: &[Problem], sources: &Sources) {
        aside(&problems_text(problems, sources, self.err));
    }

    /// Prints the codes of a list.
    pub fn codes(&self, codes: &[&str]) {
        result(&match self.format {
            Format::Json => json::codes(codes),
            Format::Text | Format::Markdown | Format::Github => codes.join("\n") + "\n",
        });
    }

    pub fn explanation(&self, code: &str, text: &str) {
        result(&match self.format {
            Format::Json => json::explanation(code, text),
            Format::Text | Format::Markdown | Format::Github => {
                format!("{}\n\n{text}\n", self.out.strong(code))
            }
        });
    }

    /// Prints text that is a result as it is.
    pub fn text(text: &str) {
        result(text);
    }

    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Tells people what they should know beside a result.
    pub fn aside(&self, text: &str) {
        if !self.quiet {
            aside(text);
        }
    }

    pub fn note(&self, text: &str) {
        if self.verbose > 0 {
            aside(&format!("{text}\n"));
        }
    }

    /// What the run is at, unless nobody wants to know.
    pub fn progress(&self, text: &str) {
        if !self.quiet {
            aside(&format!("{text}\n"));
        }
    }

    /// How much of the requests to tell, and where to.
    pub fn trace(&self) -> Trace {
        let detail = match self.verbose {
            0 | 1 => Detail::None,
            2 => Detail::Lines,
            _ => Detail::Bodies,
        };
        Trace::new(detail, |line| aside(&format!("{line}\n")))
    }

    pub fn warn(&self, text: &str) {
        aside(&format!("{}: {text}\n", self.err.warning("warning")));
    }

    /// Asks for a yes. Anything else is a no.
    pub fn confirm(question: &str) -> bool {
        aside(&format!("{question} [y/N] "));
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
    }

    /// Asks for a text to be typed. Anything else is a no.
    pub fn confirm_typed(question: &str, expected: &str) -> bool {
        aside(&format!("{question} `{expected}`: "));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == expected
    }

    /// Prints help and errors of clap, which are rendered already.
    pub fn raw(text: &str, is_error: bool) {
        if is_error { aside(text) } else { result(text) }
    }
}

/// Into the summary of a job on GitHub, which shows it on the page of the run.
fn summary(markdown: &str) {
    let path = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
    let file = path.and_then(|path| {
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .ok()
    });
    if let Some(mut file) = file {
        // It is shown beside the result.
        let _ = write(&mut file, markdown);
    }
}

/// Why a result could not be written to standard output, of which a process has one.
static LOST: OnceLock<String> = OnceLock::new();

/// Whether this run has changed the server.
static HAS_CHANGED: AtomicBool = AtomicBool::new(false);

/// The exit code of a run that ends with `exit`, unless nobody can have read its result.
pub fn unless_lost(exit: Exit) -> Exit {
    let Some(error) = LOST.get() else {
        return exit;
    };
    aside(&format!("error: the result cannot be written: {error}\n"));
    match exit {
        Exit::Done | Exit::Changes if HAS_CHANGED.load(Ordering::Relaxed) => Exit::Incomplete,
        Exit::Done | Exit::Changes => Exit::Error,
        other => other,
    }
}

fn result(text: &str) {
    match write(&mut std::io::stdout().lock(), text) {
        // Whoever reads it has read enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            LOST.get_or_init(|| error.to_string());
        }
        Err(_) | Ok(()) => {}
    }
}

/// There is nobody to tell that it cannot be told.
pub fn aside(text: &str) {
    let _ = write(&mut std::io::stderr().lock(), text);
}

fn write(stream: &mut impl Write, text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes()).and_then(|()| stream.flush())
}
