//! Which parts of a file are not to be shown when a line of it is quoted: a problem may be on the
//! same line as a token.

use super::Span;
use super::node::{Kind, Node};
use super::reference::{self, Part, Reference};
use std::ops::Range;

/// Fields whose values are no secrets, wherever they are. Whatever else a value is the value of, a
/// misspelled `additional_headers` say, it is not shown.
const PLAIN: [&str; 18] = [
    "version",
    "name",
    "uri",
    "arn",
    "assume_role_arn",
    "use_http_11",
    "services",
    "allow",
    "public",
    "idempotency_retention",
    "journal_retention",
    "inactivity_timeout",
    "abort_timeout",
    "workflow_completion_retention",
    "source",
    "sink",
    "group.id",
    "auto.offset.reset",
];
/// Maps of which every value is shown that does not name a secret.
const PLAIN_MAPS: [&str; 2] = ["metadata", "options"];
/// Words of the format itself, which show in a text that is too broken for a tree.
const WORDS: [&str; 9] = [
    "deployments",
    "subscriptions",
    "variables",
    "additional_headers",
    "metadata",
    "options",
    "default",
    "description",
    "authorization",
];

/// Which bytes of a file may be quoted. What is in neither list is shown without its letters and
/// digits: the signs that give a file its structure, and comments, which may hold an old secret.
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
pub fn in_tree(root: &Node, dropped: &[Dropped], text: &str) -> Sights {
    let mut found = Sights::default();
    walk(root, Sight::Hidden, text, &mut found);
    for Dropped {
        key,
        value,
        is_secret,
    } in dropped
    {
        found.shown.push(bytes(*key));
        if *is_secret {
            found.hidden.push(bytes(*value));
        }
    }
    found
}

/// An entry whose key was written before.
pub struct Dropped {
    pub key: Span,
    pub value: Span,
    pub is_secret: bool,
}

fn bytes(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

#[derive(Clone, Copy, PartialEq)]
enum Sight {
    Hidden,
    Shown,
    /// Hidden, and so is everything below.
    Secret,
    /// A map whose values are shown.
    Open,
}

impl Sight {
    fn of(key: &str, parent: Self) -> Self {
        if parent == Self::Secret || names_a_secret(key) {
            Self::Secret
        } else if PLAIN_MAPS.contains(&key) {
            Self::Open
        } else if parent == Self::Open || PLAIN.contains(&key) {
            Self::Shown
        } else {
            Self::Hidden
        }
    }
}

fn walk(node: &Node, sight: Sight, text: &str, found: &mut Sights) {
    let range = bytes(node.span);
    match &node.kind {
        Kind::Null | Kind::Unknown => {}
        Kind::Scalar(_) => {
            found.shown.push(range.clone());
            let value = &text[range.clone()];
            if sight == Sight::Shown {
                found.hidden.extend(userinfo(value, range.start));
            } else {
                found.hidden.extend(but_references(value, range.start));
            }
        }
        Kind::Seq(items) => {
            for item in items {
                walk(item, sight, text, found);
            }
        }
        Kind::Map(entries) => {
            for (key, value) in entries {
                found.shown.push(bytes(key.span));
                walk(value, Sight::of(&key.name, sight), text, found);
            }
        }
    }
}

/// The value without its references, which only say where the secret is. A default is part of it.
fn but_references(text: &str, offset: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
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

/// `USER:PASSWORD` of `SCHEME://USER:PASSWORD@HOST`. A password may hold another `@`, and the `@`
/// may have been forgotten: what stands where a port should is then no number.
fn userinfo(text: &str, offset: usize) -> Option<Range<usize>> {
    let start = text.find("://")? + 3;
    let rest = &text[start..];
    let authority = &rest[..rest.find(['/', '?', '#', '"', '\'', ' ']).unwrap_or(rest.len())];
    let end = authority.rfind('@').or_else(|| {
        let (host, port) = authority.rsplit_once(':')?;
        let is_port =
            port.bytes().all(|b| b.is_ascii_digit()) || host.starts_with('[') || port.contains("${");
        (!is_port).then_some(authority.len())
    })?;
    Some(offset + start..offset + start + end)
}

pub fn names_a_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let words = [
        "additional_headers",
        "variables",
        "authorization",
        "token",
        "password",
        "secret",
        "passphrase",
        "credential",
        "cookie",
        "api-key",
        "sasl.",
        "ssl.",
    ];
    words.iter().any(|word| key.contains(word))
}

/// For text that is too broken for a tree: everything but the words of the format, what follows a
/// plain field, and the signs that give it its structure.
pub fn in_text(text: &str) -> Sights {
    let mut found = Vec::new();
    let mut after_plain = false;
    let mut at = 0;
    for word in text.split_inclusive(|c: char| c.is_whitespace() || "{}[],\"'=".contains(c)) {
        let bare = word.trim_end_matches(|c: char| c.is_whitespace() || "{}[],\"'=".contains(c));
        let key = bare.trim_end_matches(':');
        if WORDS.contains(&key) || PLAIN.contains(&key) {
            after_plain = PLAIN.contains(&key);
        } else if after_plain && !bare.is_empty() && bare != "-" {
            found.extend(userinfo(bare, at));
            after_plain = false;
        } else if bare.len() > 1 {
            found.push(at..at + bare.len());
        }
        after_plain &= !word.ends_with('\n');
        at += word.len();
    }
    Sights {
        hidden: found,
        shown: std::iter::once(0..text.len()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_text;

    #[test]
    fn broken_text_hides_what_may_be_secret() {
        let text = "a:\n  additional_headers:\n    x-any: v4lue\n    - v4lue\n  uri: http://u:v4lue@h\n  b: {password: v4lue\nsasl.password = v4lue\n\
            [deployments.additional_headers]\nx-a = v4lue\nx-b = v4lue\n[services]\nuri = 'http://u:p@v4lue@h'\nuri = http://a:9080\n";
        let mut shown = text.to_owned();
        for range in in_text(text).hidden {
            shown.replace_range(range.clone(), &"*".repeat(range.len()));
        }
        assert!(!shown.contains("v4lue"), "{shown}");
        assert!(
            shown.contains("uri: http://") && shown.contains("http://a:9080"),
            "{shown}"
        );
    }
}
