//! Problems with the source line they are about.

use super::style::Style;
use crate::problem::{Problem, Severity};
use crate::secret::printable;
use crate::source::{Sources, Span};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, NamedSource, SourceCode,
    SourceSpan, SpanContents,
};
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
        .map(|file| NamedSource::new(&file.path, Lines(file.quotable())));
    let mut text = String::new();
    let rendered = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(100)
        .with_context_lines(1)
        .render_report(&mut text, &Shown { problem, source });
    match rendered {
        Ok(()) => text + "\n",
        Err(_) => format!("{}: {}\n", problem.code, printable(&problem.message)),
    }
}

/// Shows the whole lines of a span and no others: a line more on each side says little, and a span
/// alone says too little. miette asks with context for what it prints, and without for the place.
#[derive(Debug)]
struct Lines(String);

impl SourceCode for Lines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        if before == 0 {
            return self.0.read_span(span, 0, 0);
        }
        let (start, end) = (
            span.offset().min(self.0.len()),
            (span.offset() + span.len()).min(self.0.len()),
        );
        let start = self.0[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = self.0[end..].find('\n').map_or(self.0.len(), |at| end + at);
        self.0.read_span(&(start, end - start).into(), 0, 0)
    }
}

#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Problem,
    source: Option<NamedSource<Lines>>,
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
fn first_line(source: Option<&NamedSource<Lines>>, span: Span, length: usize) -> usize {
    source
        .and_then(|source| source.inner().0.get(span.start as usize..span.end as usize))
        .and_then(|text| text.find('\n'))
        .unwrap_or(length)
}
