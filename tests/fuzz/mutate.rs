//! Broken files, made of good ones: proptest finds them, and makes those that fail small.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What gives the formats their structure, and what they are known to trip over.
const TOKENS: &[&str] = &[
    "\n",
    "\r\n",
    "\r",
    " ",
    "  ",
    "\t",
    ":",
    ": ",
    "- ",
    "? ",
    ",",
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "\\u",
    "\\ud83d",
    "\\U0001F600",
    "\\x00",
    "#",
    " # ",
    "&a ",
    "*a",
    "<<: *a",
    "!",
    "!!str ",
    "!!binary ",
    "|",
    "|2-\n",
    ">\n",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "%TAG",
    "~",
    "null",
    "true",
    "no",
    "0x1",
    "1.10",
    "1e999",
    "-0",
    "9223372036854775808",
    "2024-02-30",
    "1979-05-27T07:32:00Z",
    "nan",
    "inf",
    "=",
    " = ",
    ".",
    "a.b.c = 1\n",
    "$",
    "${",
    "$${",
    "${env:A}",
    "${env:NONE}",
    "${env:NONE:-x}",
    "${file:a}",
    "${var:a}",
    "${var:b:-}",
    ":-",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{feff}",
    "\u{202e}",
    "\u{2028}",
    "é",
    "😀",
    "version: 1\n",
    "version = 1\n",
    "variables",
    "deployments",
    "services",
    "subscriptions",
    "additional_headers",
    "metadata",
    "options",
    "allow",
    "uri",
    "arn",
    "source",
    "sink",
    "***",
    "0",
    "P1D",
    "99999999999999d",
    "http://",
    "kafka://",
    "service://",
    "@",
    "://u:p@",
];

/// One change of a text. Places are relative to what the text has become.
#[derive(Debug, Clone)]
enum Edit {
    Insert(Index, String),
    Remove(Index, Index),
    Repeat(Index, Index, usize),
    /// A piece of another text.
    Splice(Index, String, Index, Index),
}

/// Texts a few edits away from those given.
pub fn mutant(texts: &[String]) -> impl Strategy<Value = String> + use<> {
    let edits = vec(edit(texts), 0..8);
    (select(texts.to_vec()), edits)
        .prop_map(|(text, edits)| edits.iter().fold(text, |text, edit| apply(&text, edit)))
}

/// A piece of one of the texts, or a few tokens.
pub fn fragment(texts: &[String]) -> impl Strategy<Value = String> + use<> {
    let piece = (select(texts.to_vec()), any::<Index>(), any::<Index>());
    prop_oneof![
        piece.prop_map(|(text, from, to)| piece_of(&text, from, to).to_owned()),
        vec(select(TOKENS), 1..6).prop_map(|tokens| tokens.concat()),
    ]
}

fn edit(texts: &[String]) -> impl Strategy<Value = Edit> + use<> {
    let at = any::<Index>;
    let inserted =
        prop_oneof![4 => select(TOKENS).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    prop_oneof![
        4 => (at(), inserted).prop_map(|(at, what)| Edit::Insert(at, what)),
        2 => (at(), at()).prop_map(|(from, to)| Edit::Remove(from, to)),
        1 => (at(), at(), 2..60usize).prop_map(|(from, to, times)| Edit::Repeat(from, to, times)),
        2 => (at(), select(texts.to_vec()), at(), at())
            .prop_map(|(at, other, from, to)| Edit::Splice(at, other, from, to)),
    ]
}

fn apply(text: &str, edit: &Edit) -> String {
    let with = |at: usize, what: &str, to: usize| [&text[..at], what, &text[to..]].concat();
    match edit {
        Edit::Insert(at, what) => with(place(text, *at), what, place(text, *at)),
        Edit::Remove(from, to) => {
            let (from, to) = range(text, *from, *to);
            with(from, "", to)
        }
        Edit::Repeat(from, to, times) => {
            let (from, to) = range(text, *from, *to);
            with(from, &text[from..to].repeat(*times), to)
        }
        Edit::Splice(at, other, from, to) => {
            let at = place(text, *at);
            with(at, piece_of(other, *from, *to), at)
        }
    }
}

pub fn place(text: &str, at: Index) -> usize {
    let at = at.index(text.len() + 1);
    (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or_default()
}

/// Mostly short: of the two places, the second only says how far it is.
fn range(text: &str, from: Index, to: Index) -> (usize, usize) {
    let from = place(text, from);
    let length = to.index(to.index(60) + 1);
    let to = (from + length).min(text.len());
    let to = (to..=text.len()).find(|to| text.is_char_boundary(*to));
    (from, to.unwrap_or(text.len()))
}

fn piece_of(text: &str, from: Index, to: Index) -> &str {
    let (from, to) = range(text, from, to);
    &text[from..to]
}
