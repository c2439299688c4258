//! Problems with the source line they are about.

use super::style::Style;
use crate::problem::{Problem, Severity};
use crate::secret::printable;
use crate::source::{Sources, Span};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use std::fmt;

pub fn text(problem: &Problem, sources: &Sources, style: Style) -> String {
    let theme = if style.colored {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let source = problem
        .span
        .and_then(|span| sources.file(span))
        // Tabs and the like are shown as one character each, so that the marks stay in place.
        .map(|file| NamedSource::new(&file.path, shown(&file.text)));
    let mut text = String::new();
    let rendered = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(100)
        .with_context_lines(0)
        .render_report(&mut text, &Shown { problem, source });
    match rendered {
        Ok(()) => text + "\n",
        Err(_) => format!("{}: {}\n", problem.code, printable(&problem.message)),
    }
}

/// The text with control characters replaced by others of the same length in bytes.
fn shown(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => c,
            c if c.is_ascii_control() => '?',
            c => c,
        })
        .collect()
}

#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Problem,
    source: Option<NamedSource<String>>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.problem.message))
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.problem.help.as_ref()?;
        Some(Box::new(printable(help)))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let main = self.problem.span?;
        let label = |label: Option<String>, span: Span| {
            let length = (span.end - span.start) as usize;
            LabeledSpan::new(
                label,
                span.start as usize,
                first_line(self.source.as_ref(), span, length),
            )
        };
        let related = self
            .problem
            .related
            .iter()
            .filter(move |related| related.span.file == main.file)
            .map(move |related| label(Some(related.label.clone()), related.span));
        Some(Box::new(std::iter::once(label(None, main)).chain(related)))
    }
}

/// Marks the first line of a span only: a whole block underlined says less than its start.
fn first_line(source: Option<&NamedSource<String>>, span: Span, length: usize) -> usize {
    source
        .and_then(|source| source.inner().get(span.start as usize..span.end as usize))
        .and_then(|text| text.find('\n'))
        .unwrap_or(length)
}
