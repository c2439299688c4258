//! Text to one spanned tree, for YAML, TOML and JSON, and from the tree into typed structs.

mod build;
pub mod de;
pub mod frozen;
mod hidden;
pub mod interpolate;
mod json;
mod limits;
pub mod meaning;
mod mistake;
pub mod node;
pub mod reference;
mod spanned;
mod text;
mod toml;
mod yaml;

use crate::code::Code;
use crate::problem::{Problem, Problems};
use hidden::{Dropped, Sights};
use node::Node;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

pub use hidden::{Vocabulary, is_name as is_plausible_name, names_a_secret};
pub use spanned::{Map, Read, Spanned, compact, entries, is_true, pairs};
pub use text::Text;

/// A range of bytes in one of the run's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

/// The place where something is asked for. Line and column count from 1; columns are characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The path, relative to the working directory, with `/`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Yaml,
    Toml,
    Json,
}

impl Format {
    /// The format of a file by its extension, in upper or lower case.
    pub fn of(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// One file's text, kept for as long as problems may point into it. It may hold secrets, so `Debug`
/// does not show it.
pub struct SourceFile {
    pub path: String,
    pub text: String,
    pub format: Format,
    /// The byte at which each line starts.
    lines: Vec<u32>,
    /// Whether a byte is a character: programs write whole files on one line, and to count through it
    /// for each place would take time by its square.
    is_ascii: bool,
    /// Its values are those of variables, any of which may be a secret.
    has_variables: bool,
    /// Which of its fields are known to hold no secrets.
    vocabulary: &'static Vocabulary,
    quotable: OnceLock<String>,
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl SourceFile {
    pub fn new(path: String, text: String, format: Format) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| offset(at + 1));
        let lines = std::iter::once(0).chain(starts).collect();
        Self {
            is_ascii: text.is_ascii(),
            path,
            text,
            format,
            lines,
            has_variables: false,
            vocabulary: &hidden::NOTHING,
            quotable: OnceLock::new(),
        }
    }

    /// The text for quoting lines of it, byte for byte as long as the text itself: sensitive values
    /// are stars, and what could steer a terminal is a question mark.
    pub fn quotable(&self) -> &str {
        self.quotable.get_or_init(|| {
            let Sights { hidden, shown } = self.sights();
            let (mut hidden, mut shown) = (Cursor::new(&hidden), Cursor::new(&shown));
            let mut quotable = String::with_capacity(self.text.len());
            for (at, c) in self.text.char_indices() {
                let (is_hidden, is_shown) = (hidden.contains(at), shown.contains(at));
                match c {
                    '\n' | '\r' | '\t' => quotable.push(c),
                    _ if is_hidden || (!is_shown && c.is_alphanumeric()) => {
                        quotable.extend(std::iter::repeat_n('*', c.len_utf8()));
                    }
                    _ if crate::secret::steers_terminal(c) => {
                        quotable.extend(std::iter::repeat_n('?', c.len_utf8()));
                    }
                    _ => quotable.push(c),
                }
            }
            quotable
        })
    }

    /// Which bytes may be quoted. Most files are never quoted, so they are parsed again for it.
    fn sights(&self) -> Sights {
        let mut sights = match self.tree(0, &mut Problems::default()) {
            Some((root, dropped)) => {
                let mut sights = hidden::in_tree(&root, &dropped, &self.text, self.vocabulary);
                if self.format == Format::Yaml {
                    hidden::show_anchors(&self.text, &mut sights);
                }
                sights
            }
            None => hidden::in_text(&self.text, self.vocabulary),
        };
        if self.has_variables {
            sights.hidden = std::iter::once(0..self.text.len()).collect();
        }
        sights.sort();
        sights
    }

    fn tree(&self, file: u32, problems: &mut Problems) -> Option<(Node, Vec<Dropped>)> {
        if self.text.trim().is_empty() {
            let whole = Span {
                file,
                start: 0,
                end: offset(self.text.len()),
            };
            problems.push(
                Problem::error(Code::EmptyFile, "the file is empty")
                    .at(whole)
                    .help("the smallest valid file says `version: 1`"),
            );
            return None;
        }
        match self.format {
            Format::Yaml => yaml::parse(file, &self.text, self.vocabulary, problems),
            Format::Json => json::parse(file, &self.text, self.vocabulary, problems),
            Format::Toml => Some((toml::parse(file, &self.text, problems)?, Vec::new())),
        }
    }

    /// The line that a byte is in, from 0, and where that line starts.
    pub fn line_of(&self, offset: usize) -> (usize, usize) {
        let line = self
            .lines
            .partition_point(|start| *start as usize <= offset)
            .saturating_sub(1);
        (line, self.lines[line] as usize)
    }
}

/// Asks ordered ranges, which may overlap, about rising places.
struct Cursor<'r> {
    ranges: std::slice::Iter<'r, Range<usize>>,
    /// The end of the ranges that have started.
    end: usize,
}

impl<'r> Cursor<'r> {
    fn new(ranges: &'r [Range<usize>]) -> Self {
        Self {
            ranges: ranges.iter(),
            end: 0,
        }
    }

    fn contains(&mut self, at: usize) -> bool {
        while let Some(range) = self.ranges.as_slice().first().filter(|range| range.start <= at) {
            self.end = self.end.max(range.end);
            self.ranges.next();
        }
        at < self.end
    }
}

/// The files of a run. A [`Span`] is resolved here.
#[derive(Debug)]
pub struct Sources {
    files: Vec<SourceFile>,
    vocabulary: &'static Vocabulary,
}

/// Sources of which nothing is known to be plain.
impl Default for Sources {
    fn default() -> Self {
        Self::of(&hidden::NOTHING)
    }
}

impl Sources {
    /// `vocabulary`: which fields of the files may be shown when a line is quoted.
    pub fn of(vocabulary: &'static Vocabulary) -> Self {
        Self {
            files: Vec::new(),
            vocabulary,
        }
    }

    /// Adds a file, and returns its number.
    pub fn add(&mut self, mut file: SourceFile) -> u32 {
        file.vocabulary = self.vocabulary;
        self.files.push(file);
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// What may be quoted of each file.
    pub fn quotable(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(SourceFile::quotable)
    }

    /// The size of all files together, in bytes.
    pub fn size(&self) -> usize {
        self.files.iter().map(|file| file.text.len()).sum()
    }

    pub fn file(&self, span: Span) -> Option<&SourceFile> {
        self.files.get(span.file as usize)
    }

    pub fn origin(&self, span: Span) -> Option<Origin> {
        let (line, column) = self.position(span.file, span.start)?;
        Some(Origin {
            file: self.file(span)?.path.clone(),
            line,
            column,
        })
    }

    /// Line and column of a byte offset, both from 1.
    pub fn position(&self, file: u32, offset: u32) -> Option<(usize, usize)> {
        let source = self.files.get(file as usize)?;
        let offset = (offset as usize).min(source.text.len());
        let (line, start) = source.line_of(offset);
        let before = source.text.get(start..offset)?;
        let characters = if source.is_ascii {
            before.len()
        } else {
            before.chars().count()
        };
        Some((line + 1, characters + 1))
    }

    /// Parses a file with values of variables, as [`Self::parse`] does a file of desired state.
    pub fn parse_values(&mut self, file: u32, problems: &mut Problems) -> Option<Node> {
        self.files.get_mut(file as usize)?.has_variables = true;
        self.parse(file, problems)
    }

    /// The tree of one file; `None` when its text is so broken that there is none.
    pub fn parse(&self, file: u32, problems: &mut Problems) -> Option<Node> {
        let (root, _) = self.files.get(file as usize)?.tree(file, problems)?;
        Some(root)
    }
}

/// Files are limited to far less than 4 GiB, so offsets fit.
pub(crate) fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The byte at which a line starts, from 1.
fn line_start(text: &str, line: usize) -> usize {
    text.split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum()
}

/// The start of the character that a byte belongs to.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

pub(crate) fn duplicate_key(name: &str, second: Span, first: Span) -> Problem {
    Problem::error(Code::DuplicateKey, format!("`{name}` is written twice"))
        .at(second)
        .related(first, "first written here")
        .help("keep one of them")
}
