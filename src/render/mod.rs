//! Everything that is shown. Reads everything, decides nothing: the only modules that print.

mod fields;
mod github;
pub mod graph;
pub mod json;
mod lifecycle;
pub mod markdown;
mod plan;
pub mod problems;
mod report;
mod short;
pub mod style;

use crate::admin::trace::{Detail, Trace};
use crate::apply::{Event, Report};
use crate::cli::{Color, Format, Output};
use crate::diff::change::Waiting;
use crate::error::Failure;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::source::Sources;
use std::io::{IsTerminal, Write};
use style::Style;

/// Results go to standard output, everything else to standard error. A reader that goes away, as
/// `head` does, is no error of ours, so failures to write are ignored.
pub struct Printer {
    format: Format,
    out: Style,
    err: Style,
    verbose: u8,
    quiet: bool,
}

impl Printer {
    pub fn new(output: Output) -> Self {
        let Output {
            format,
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
        Self {
            format,
            out: style(std::io::stdout().is_terminal()),
            err: style(std::io::stderr().is_terminal()),
            verbose,
            quiet,
        }
    }

    /// For arguments that could not be read, but for the wish for JSON.
    pub fn json_only() -> Self {
        let style = Style::new(false);
        Self {
            format: Format::Json,
            out: style,
            err: style,
            verbose: 0,
            quiet: true,
        }
    }

    pub fn plan(&self, plan: &Plan, show_unmanaged: bool) {
        result(&match self.format {
            Format::Json => json::document(plan),
            Format::Text => plan::text(plan, show_unmanaged, self.out),
            Format::Github => plan::text(plan, show_unmanaged, self.out) + &github::plan(plan),
        });
    }

    /// The plan that apply is about to carry out: beside the report it is not the result.
    pub fn preview(&self, plan: &Plan, show_unmanaged: bool) {
        match self.format {
            Format::Text | Format::Github => self.plan(plan, show_unmanaged),
            Format::Json if self.quiet => {}
            Format::Json => aside(&plan::text(plan, show_unmanaged, self.err)),
        }
    }

    /// What an apply is waiting for.
    pub fn waiting(&self, waiting: &[Waiting]) {
        if !self.quiet {
            aside(&lifecycle::waiting(waiting, self.err));
        }
    }

    pub fn report(&self, report: &Report) {
        result(&match self.format {
            Format::Json => json::document(report),
            Format::Text => report::text(report, self.out),
            Format::Github => report::text(report, self.out) + &github::report(report),
        });
    }

    /// A progress line as a change starts and as it ends.
    pub fn event(&self, event: &Event<'_>) {
        if !self.quiet {
            aside(&report::progress(event, self.err));
        }
    }

    pub fn failure(&self, failure: &Failure) {
        let Failure {
            problems, sources, ..
        } = failure;
        match self.format {
            Format::Json => result(&json::problems(problems, sources)),
            Format::Text => self.problems(problems, sources),
            Format::Github => {
                result(&github::problems(problems, sources));
                self.problems(problems, sources);
            }
        }
    }

    /// Problems that did not end the run.
    pub fn problems(&self, problems: &[Problem], sources: &Sources) {
        for problem in problems {
            aside(&problems::text(problem, sources, self.err));
        }
    }

    /// `validate` found nothing to stop at.
    pub fn valid(&self, what: &str, problems: &[Problem], sources: &Sources) {
        match self.format {
            Format::Json => result(&json::valid(problems, sources)),
            Format::Text => {
                self.problems(problems, sources);
                result(&format!("{what}\n"));
            }
            Format::Github => {
                self.problems(problems, sources);
                result(&format!("{}{what}\n", github::problems(problems, sources)));
            }
        }
    }

    pub fn explanation(&self, code: &str, text: &str) {
        result(&match self.format {
            Format::Json => json::explanation(code, text),
            Format::Text | Format::Github => format!("{}\n\n{text}\n", self.out.strong(code)),
        });
    }

    /// Text that is a result as it is.
    pub fn text(text: &str) {
        result(text);
    }

    pub fn note(&self, text: &str) {
        if self.verbose > 0 {
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

    /// For clap, whose help and errors are rendered already.
    pub fn raw(text: &str, is_error: bool) {
        if is_error { aside(text) } else { result(text) }
    }
}

fn result(text: &str) {
    write(&mut std::io::stdout().lock(), text);
}

fn aside(text: &str) {
    write(&mut std::io::stderr().lock(), text);
}

fn write(stream: &mut impl Write, text: &str) {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
