//! Problems with the source line they are about.

use super::style::Style;
use crate::problem::{Problem, Severity};
use crate::secret::printable;
use crate::source::{SourceFile, Sources, Span, floor};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents,
};
use std::fmt;

pub fn text(problem: &Problem, sources: &Sources, style: Style) -> String {
    let theme = if style.colored {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let mut text = String::new();
    let rendered = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(100)
        .with_context_lines(1)
        .render_report(&mut text, &Shown::new(problem, sources));
    match rendered {
        // A place in another file needs no heading.
        Ok(()) => text.replace("Advice: \n", "") + "\n",
        Err(_) => format!("{}: {}\n", problem.code, printable(&problem.message)),
    }
}

/// Shows the whole lines of a span and no others: a line more on each side says little, and a span
/// alone says too little. miette asks with context for what it prints, and without for the place.
#[derive(Debug, Clone, Copy)]
struct Lines<'a>(&'a SourceFile);

impl SourceCode for Lines<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.0.quotable();
        let start = span.offset().min(text.len());
        let end = (span.offset() + span.len()).min(text.len());
        let (line, line_start) = self.0.line_of(start);
        let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at);
        let column = |at: usize| text[line_start..at].chars().count();
        let (start, end, column) = if before == 0 {
            (start, end, column(start))
        } else if is_long(self.0, start) {
            // A window of it: minified JSON is one line.
            let from = floor(text, start.saturating_sub(AROUND).max(line_start));
            (from, floor(text, (end + AROUND).min(line_end)), column(start))
        } else {
            (line_start, line_end, 0)
        };
        let shown = &text[start..end];
        Ok(Box::new(MietteSpanContents::new_named(
            printable(&self.0.path),
            shown.as_bytes(),
            (start, end - start).into(),
            line,
            column,
            shown.matches('\n').count() + 1,
        )))
    }
}

/// Longer lines are shown in part.
const LONG: usize = 400;
/// How much of a long line is shown on each side of what it is about.
const AROUND: usize = 60;

fn is_long(file: &SourceFile, at: usize) -> bool {
    let (_, start) = file.line_of(at);
    let rest = &file.text[start..];
    rest.find('\n').unwrap_or(rest.len()) > LONG
}

#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Problem,
    source: Option<Lines<'a>>,
    /// Places in other files, or on lines too long to show the way from one to the other.
    elsewhere: Vec<Elsewhere<'a>>,
}

impl<'a> Shown<'a> {
    fn new(problem: &'a Problem, sources: &'a Sources) -> Self {
        let source = problem.span.and_then(|span| named(span, sources));
        let elsewhere = problem
            .related
            .iter()
            .filter(|related| !is_beside(problem, source, related.span))
            .filter_map(|related| {
                Some(Elsewhere {
                    label: related.label.clone(),
                    span: related.span,
                    source: named(related.span, sources)?,
                })
            });
        Self {
            problem,
            source,
            elsewhere: elsewhere.collect(),
        }
    }
}

/// Whether a second place can be shown in the same snippet.
fn is_beside(problem: &Problem, source: Option<Lines<'_>>, span: Span) -> bool {
    problem.span.zip(source).is_some_and(|(main, Lines(file))| {
        let is_long = |span: Span| is_long(file, span.start as usize);
        span == main || (span.file == main.file && !is_long(span) && !is_long(main))
    })
}

fn named(span: Span, sources: &Sources) -> Option<Lines<'_>> {
    sources.file(span).map(Lines)
}

/// A second place, in another file than the problem itself.
#[derive(Debug)]
struct Elsewhere<'a> {
    label: String,
    span: Span,
    source: Lines<'a>,
}

impl fmt::Display for Elsewhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.label))
    }
}

impl std::error::Error for Elsewhere<'_> {}

impl Diagnostic for Elsewhere<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(labeled(
            None,
            self.span,
            Some(&self.source),
        ))))
    }
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
        let label = move |label, span| labeled(label, span, self.source.as_ref());
        // What is said of the very place goes there, not beside it.
        let (of_main, related): (Vec<_>, Vec<_>) = self
            .problem
            .related
            .iter()
            .filter(|related| is_beside(self.problem, self.source, related.span))
            .partition(|related| related.span == main);
        let of_main = of_main.first().map(|related| related.label.clone());
        let related = related
            .into_iter()
            .map(move |related| label(Some(related.label.clone()), related.span));
        Some(Box::new(std::iter::once(label(of_main, main)).chain(related)))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.elsewhere.is_empty() {
            return None;
        }
        Some(Box::new(
            self.elsewhere.iter().map(|place| place as &dyn Diagnostic),
        ))
    }
}

fn labeled(label: Option<String>, span: Span, source: Option<&Lines<'_>>) -> LabeledSpan {
    let length = (span.end - span.start) as usize;
    LabeledSpan::new(label, span.start as usize, first_line(source, span, length))
}

/// Marks the start of a span only: a whole block underlined says less.
fn first_line(source: Option<&Lines<'_>>, span: Span, length: usize) -> usize {
    let text = source.and_then(|source| source.0.text.get(span.start as usize..span.end as usize));
    text.map_or(length, |text| {
        let line = text.find('\n').unwrap_or(length);
        floor(text, line.min(2 * AROUND))
    })
}
