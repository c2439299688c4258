//! Which parts of a file are not to be shown when a line of it is quoted: a problem may be on the
//! same line as a token.

use super::Span;
use super::interpolate::VARIABLES;
use super::node::{Kind, Node};
use super::reference::{self, Part, Reference};
use std::collections::HashSet;
use std::ops::Range;

/// The fields of the format of which something is known. `source` itself knows none of them.
#[derive(Debug)]
pub struct Vocabulary {
    /// Fields whose values are no secrets, wherever they are.
    pub plain_fields: Vec<&'static str>,
    /// Maps of which every value is shown that does not name a secret.
    pub plain_maps: Vec<&'static str>,
    /// Maps of which every value is a secret.
    pub secret_maps: Vec<&'static str>,
    /// Maps and lists of the format, in which every field is known.
    pub sections: Vec<&'static str>,
}

/// Knows nothing, so nothing is shown.
pub static NOTHING: Vocabulary = Vocabulary {
    plain_fields: Vec::new(),
    plain_maps: Vec::new(),
    secret_maps: Vec::new(),
    sections: Vec::new(),
};

impl Vocabulary {
    /// Whether what is written behind the key is a secret.
    pub fn is_secret(&self, key: &str) -> bool {
        names_a_secret(key) || self.secret_maps.contains(&key)
    }
}

/// A name that is longer may be a token.
const LONGEST_NAME: usize = 48;
/// Shorter words are not looked for in quoted text: nobody's secret is shorter.
const SHORTEST: usize = 5;

/// Which bytes of a file may be quoted. What is in neither list, such as a tag or what a parser
/// dropped, is shown without its letters and digits.
#[derive(Debug, Default)]
pub struct Sights {
    /// Sensitive values: headers, credentials among options, userinfo in URIs.
    pub hidden: Vec<Range<usize>>,
    pub shown: Vec<Range<usize>>,
}

impl Sights {
    pub fn sort(&mut self) {
        self.hidden.sort_by_key(|range| range.start);
        self.shown.sort_by_key(|range| range.start);
    }
}

/// `dropped`: entries that were written and are not in the tree.
pub fn in_tree(root: &Node, dropped: &[Dropped], text: &str, vocabulary: &Vocabulary) -> Sights {
    let mut found = Sights::default();
    walk(root, Sight::Shown, text, vocabulary, &mut found);
    for Dropped {
        key,
        value,
        is_secret,
    } in dropped
    {
        found.shown.push(bytes(*key));
        let name = text[bytes(*key)].trim_matches(['"', '\'']);
        let sight = if *is_secret {
            Sight::Secret
        } else {
            Sight::of(name, Sight::Shown, vocabulary)
        };
        walk(value, sight, text, vocabulary, &mut found);
    }
    found.shown.extend(comments(text));
    found
}

/// Anchors and aliases have names of their own, which are shown whatever they stand for.
pub fn show_anchors(text: &str, found: &mut Sights) {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    found.sort();
    let mut aliases = HashSet::new();
    for (at, _) in text.match_indices(['&', '*']) {
        let length = text[at + 1..]
            .find(|c| !is_of_name(c))
            .unwrap_or(text.len() - at - 1);
        let name = at..at + 1 + length;
        let is_first = at == 0 || text[..at].ends_with([' ', '[', ',']);
        let is_whole =
            text[name.end..].starts_with([' ', '\n', '\r', ',', ']', '}']) || name.end == text.len();
        // In a value, it is a part of that.
        let before = found.hidden.partition_point(|hidden| hidden.start < at);
        let is_inside = before
            .checked_sub(1)
            .is_some_and(|last| at < found.hidden[last].end);
        if length > 0 && is_first && is_whole && !is_inside {
            aliases.insert(name);
        }
    }
    found.hidden.retain(|hidden| !aliases.contains(hidden));
    found.shown.extend(aliases);
}

/// An entry whose key was written before, or has no value.
pub struct Dropped {
    pub key: Span,
    pub value: Node,
    pub is_secret: bool,
}

fn bytes(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

#[derive(Clone, Copy, PartialEq)]
enum Sight {
    Shown,
    /// A map whose values are shown.
    Open,
    /// A field that the format does not have: maybe a header that is not indented enough.
    Foreign,
    /// A value in a map that the format does not have: maybe misspelled `additional_headers`.
    Hidden,
    /// A value that is hidden, with everything below it.
    Secret,
    /// The section of variables, of which any may be a secret.
    Variables,
    /// One variable: its description is for everyone.
    Variable,
}

impl Sight {
    fn of(key: &str, parent: Self, vocabulary: &Vocabulary) -> Self {
        if parent == Self::Shown && key == VARIABLES {
            Self::Variables
        } else if parent == Self::Variables {
            Self::Variable
        } else if parent == Self::Variable && key == "description" {
            Self::Shown
        } else if parent == Self::Secret || parent == Self::Variable || vocabulary.is_secret(key) {
            Self::Secret
        } else if vocabulary.plain_maps.contains(&key) {
            Self::Open
        } else if parent == Self::Open
            || vocabulary.plain_fields.contains(&key)
            || vocabulary.sections.contains(&key)
        {
            Self::Shown
        } else if parent == Self::Shown {
            Self::Foreign
        } else {
            Self::Hidden
        }
    }
}

fn walk(node: &Node, sight: Sight, text: &str, vocabulary: &Vocabulary, found: &mut Sights) {
    let range = bytes(node.span);
    match &node.kind {
        // Nothing, or a word for it.
        Kind::Null => found.shown.push(range),
        Kind::Unknown => {}
        Kind::Scalar(_) => {
            found.shown.push(range.clone());
            let value = &text[range.clone()];
            match sight {
                Sight::Hidden | Sight::Foreign if value.len() < SHORTEST || value == "false" => {}
                // Maybe the address of a hook, which has its secret in the path.
                Sight::Foreign if value.contains("://") && !value.contains('?') => {
                    found.hidden.extend(userinfo(value, range.start));
                    let authority = value.find("://").map_or(0, |at| at + 3);
                    let path = value[authority..].find('/').map(|at| authority + at + 1);
                    found.hidden.extend(path.map(|at| range.start + at..range.end));
                }
                Sight::Shown | Sight::Open => found.hidden.extend(userinfo(value, range.start)),
                Sight::Hidden | Sight::Foreign | Sight::Secret | Sight::Variables | Sight::Variable => {
                    found.hidden.extend(but_references(value, range.start));
                }
            }
        }
        Kind::Seq(items) => {
            for item in items {
                walk(item, sight, text, vocabulary, found);
            }
        }
        Kind::Map(entries) => {
            for (key, value) in entries {
                // A secret may have been written in the place of a header's name.
                if sight != Sight::Secret || is_name(&key.name) {
                    found.shown.push(bytes(key.span));
                }
                walk(
                    value,
                    Sight::of(&key.name, sight, vocabulary),
                    text,
                    vocabulary,
                    found,
                );
            }
        }
    }
}

/// To the ends of their lines, unless they may hold a secret that is no longer used. A `#` in a
/// value does no harm: what is hidden stays so. `//` is what people try in JSON.
fn comments(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = end;
        end += line.len();
        let line = line.trim_end_matches('\n');
        let comment = comment_start(line)?;
        is_sentence(&line[comment..]).then_some(start + comment..start + line.len())
    })
}

fn comment_start(line: &str) -> Option<usize> {
    let starts = line.match_indices("# ").chain(line.match_indices("// "));
    let is_after_space = |at: &usize| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    starts.map(|(at, _)| at).filter(is_after_space).min()
}

/// And not a line of the file that was taken out.
fn is_sentence(comment: &str) -> bool {
    comment.split(' ').count() > 2
        && !comment.contains("  ")
        && !comment.contains([':', '='])
        && !names_a_secret(comment)
}

/// Whether a key looks like the name of a header or an option, and not like a token.
pub fn is_name(key: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let has = |is: fn(&char) -> bool| key.chars().any(|c| is(&c));
    let is_mixed =
        has(char::is_ascii_digit) && has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase);
    key.len() <= LONGEST_NAME && key.chars().all(is_of_name) && !is_mixed
}

/// The value without its references, which only say where the secret is. A default is part of it.
fn but_references(text: &str, offset: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = reference::scheme(text);
    while let Some(at) = text[start..].find("${").map(|at| start + at) {
        let Some(end) = text[at..].find('}').map(|end| at + end + 1) else {
            break;
        };
        let is_bare = matches!(
            reference::parse(&text[at..end]).as_deref(),
            Ok([Part::Reference(Reference { default: None, .. })])
        );
        found.push(offset + start..offset + if is_bare { at } else { end });
        start = end;
    }
    found.push(offset + start..offset + text.len());
    found
}

/// `USER:PASSWORD` of `SCHEME://USER:PASSWORD@HOST`. A password may hold anything, `/` and `@` too;
/// and the `@` may have been forgotten: what stands where a port should is then no number.
fn userinfo(text: &str, offset: usize) -> Option<Range<usize>> {
    let after = |separator: &str| text.find(separator).map(|at| at + separator.len());
    let start = after("//").or_else(|| after(":"))?;
    let rest = &text[start..];
    let end = rest.rfind('@').or_else(|| {
        let authority = &rest[..rest.find(['/', '?', '#', '"', '\'', ' ']).unwrap_or(rest.len())];
        let (host, port) = authority.rsplit_once(':')?;
        let is_port =
            port.bytes().all(|b| b.is_ascii_digit()) || host.starts_with('[') || authority.contains("${");
        (text.contains("//") && !is_port).then_some(authority.len())
    })?;
    Some(offset + start..offset + start + end)
}

pub fn names_a_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let words = [
        "authorization",
        "token",
        "password",
        "secret",
        "passphrase",
        "credential",
        "cookie",
        "api-key",
        "key.",
        "pem",
        "jaas",
        "sasl.",
        "ssl.",
    ];
    words.iter().any(|word| key.contains(word))
}

/// What may be shown of text that is too broken for a tree: keys at the start of a line or an entry,
/// what follows a plain field, comments, and whatever has no letters.
pub fn in_text(text: &str, vocabulary: &Vocabulary) -> Sights {
    let mut found = Sights::default();
    let mut after_plain = false;
    let mut at = 0;
    let is_end = |c: char| c.is_whitespace() || "{}[],\"'=".contains(c);
    for word in text.split_inclusive(is_end) {
        let bare = word.trim_end_matches(is_end);
        let range = at..at + bare.len();
        at += word.len();
        if !bare.contains(char::is_alphanumeric) {
            found.shown.push(range);
        } else if is_key(text, &range) {
            after_plain = vocabulary.plain_fields.contains(&bare.trim_end_matches(':'));
            found.shown.push(range);
        } else if after_plain || bare.len() < SHORTEST - 1 {
            found.hidden.extend(userinfo(bare, range.start));
            found.shown.push(range);
            after_plain = false;
        }
        after_plain &= !word.ends_with('\n');
    }
    found.shown.extend(comments(text));
    found
}

/// Whether a word has the place of a key: something opens before it, and `:`, `=` or the end of a
/// TOML table's name comes after.
fn is_key(text: &str, word: &Range<usize>) -> bool {
    let before = text[..word.start].trim_end_matches([' ', '\t', '"', '\'', '-']);
    let opens = before.is_empty() || before.ends_with(['\n', '{', ',']);
    let is_table = before.trim_end_matches('[').ends_with('\n') && text[word.end..].starts_with(']');
    let after = &text[word.end..];
    let after = after
        .strip_prefix(['"', '\''])
        .unwrap_or(after)
        .trim_start_matches(' ');
    is_table || opens && (text[word.clone()].ends_with(':') || after.starts_with([':', '=']))
}

#[cfg(test)]
mod tests {
    use super::{Range, Vocabulary, in_text};

    #[test]
    fn broken_text_hides_what_may_be_secret() {
        let text = "a:\n  additional_headers:\n    x-any: v4lue\n    - v4lue\n  uri: http://u:v4lue@h\n  b: {password: v4lue\nsasl.password = v4lue\n\
            [deployments.additional_headers]\nx-a = v4lue\nx-b = v4lue\n[services]\nuri = 'http://u:p@v4lue@h'\nuri = http://a:9080\n";
        let vocabulary = Vocabulary {
            plain_fields: vec!["uri"],
            plain_maps: Vec::new(),
            secret_maps: vec!["additional_headers"],
            sections: Vec::new(),
        };
        let sights = in_text(text, &vocabulary);
        let within = |ranges: &[Range<usize>], at| ranges.iter().any(|range| range.contains(&at));
        let visible = |at| within(&sights.shown, at) && !within(&sights.hidden, at);
        let shown: String = (text.char_indices())
            .map(|(at, c)| {
                if visible(at) || !c.is_alphanumeric() {
                    c
                } else {
                    '*'
                }
            })
            .collect();
        assert!(!shown.contains("v4lue"), "{shown}");
        assert!(
            shown.contains("uri: http://") && shown.contains("http://a:9080"),
            "{shown}"
        );
    }
}
