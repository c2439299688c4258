//! YAML into the tree.

use super::build::{Builder, Met, invalid};
use super::hidden::{Dropped, Vocabulary};
use super::node::Node;
use super::{Span, line_start, offset};
use crate::code::Code;
use crate::problem::{Problem, Problems};
use granit_parser::{Event, Parser, StrInput};

/// The tree, and what was written and is not in it.
pub fn parse(
    file: u32,
    text: &str,
    vocabulary: &'static Vocabulary,
    problems: &mut Problems,
) -> Option<(Node, Vec<Dropped>)> {
    let events = Events {
        file,
        text,
        parser: Parser::new_from_str(text),
    };
    let mut builder = Builder::new(text, events, vocabulary);
    match document(&mut builder, problems) {
        Ok(root) => Some((root, builder.dropped)),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn document<'t>(builder: &mut Builder<'t, Events<'t>>, problems: &mut Problems) -> Result<Node, Problem> {
    let mut root = None;
    loop {
        let (event, span) = builder.next()?;
        match event {
            Event::StreamStart | Event::DocumentEnd => {}
            Event::DocumentStart(..) if root.is_some() => {
                return Err(Problem::error(
                    Code::SeveralDocuments,
                    "a second document starts here; a desired state is one document",
                )
                .at(span)
                .help("remove the `---` line, or move what follows to a file of its own"));
            }
            Event::DocumentStart(..) => root = Some(builder.root(problems)?),
            Event::StreamEnd => {
                let top = Span {
                    start: 0,
                    end: 0,
                    ..span
                };
                return root.ok_or_else(|| {
                    Problem::error(Code::EmptyFile, "the file has no content")
                        .at(top)
                        .help("the smallest valid file says `version: 1`")
                });
            }
            _ => return Err(invalid("unexpected content", span)),
        }
    }
}

/// What the parser meets, without comments.
struct Events<'t> {
    file: u32,
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
}

impl<'t> Iterator for Events<'t> {
    type Item = Met<'t>;

    fn next(&mut self) -> Option<Met<'t>> {
        loop {
            match self.parser.next()? {
                Ok((Event::Comment(..), _)) => {}
                Ok((event, span)) => {
                    let range = span.byte_range().unwrap_or_default();
                    return Some(Ok((event, self.span(range.start, range.end))));
                }
                Err(error) => {
                    let at = (error.marker().byte_offset())
                        .unwrap_or_else(|| line_start(self.text, error.marker().line()));
                    return Some(Err(self.syntax_error(&error.info(), at)));
                }
            }
        }
    }
}

impl Events<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span {
            file: self.file,
            start: offset(start),
            end: offset(end.max(start)),
        }
    }

    fn syntax_error(&self, info: &str, at: usize) -> Problem {
        let problem = invalid(info, self.span(at, at));
        let line = self.text[..at.min(self.text.len())]
            .rfind('\n')
            .map_or(0, |i| i + 1);
        if self.text[line..].trim_start_matches(' ').starts_with('\t') {
            problem.help("indent with spaces: YAML does not allow tabs")
        } else {
            problem
        }
    }
}
