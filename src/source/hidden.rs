//! Which parts of a file are not to be shown when a line of it is quoted: a problem may be on the
//! same line as a token.

use super::node::{Kind, Node};
use super::reference::{self, Part, Reference};
use std::ops::Range;

/// The bytes of sensitive values: headers, credentials among options, userinfo in URIs.
pub fn in_tree(root: &Node, text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    walk(root, false, text, &mut found);
    found
}

fn walk(node: &Node, is_sensitive: bool, text: &str, found: &mut Vec<Range<usize>>) {
    let range = node.span.start as usize..node.span.end as usize;
    match &node.kind {
        Kind::Null | Kind::Unknown => {}
        Kind::Scalar(_) if is_sensitive => found.extend(but_references(&text[range.clone()], range.start)),
        Kind::Scalar(_) => found.extend(userinfo(&text[range.clone()], range.start)),
        Kind::Seq(items) => {
            for item in items {
                walk(item, is_sensitive, text, found);
            }
        }
        Kind::Map(entries) => {
            for (key, value) in entries {
                walk(value, is_sensitive || names_a_secret(&key.name), text, found);
            }
        }
    }
}

/// The value without its references, which only say where the secret is. A default is part of it.
fn but_references(text: &str, offset: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(at) = text[start..].find("${").map(|at| start + at) {
        let Some(end) = text[at..].find('}').map(|end| at + end + 1) else { break };
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

/// `USER:PASSWORD` of `SCHEME://USER:PASSWORD@HOST`. A password may hold another `@`.
fn userinfo(text: &str, offset: usize) -> Option<Range<usize>> {
    let start = text.find("://")? + 3;
    let rest = &text[start..];
    let authority = &rest[..rest.find(['/', '?', '#', '"', '\'', ' ']).unwrap_or(rest.len())];
    let end = start + authority.rfind('@')?;
    Some(offset + start..offset + end)
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

/// For text that is too broken for a tree: what follows a key that names a secret, and everything
/// that is indented deeper than `additional_headers`.
pub fn in_text(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut headers_at: Option<usize> = None;
    // `[deployments.additional_headers]` of TOML, which goes on until the next table.
    let mut in_table = false;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end();
        let indent = body.len() - body.trim_start().len();
        let may_end = if in_table {
            body.starts_with('[')
        } else {
            !body.is_empty()
        };
        if may_end && headers_at.is_some_and(|at| indent <= at) {
            headers_at = None;
            in_table = false;
        }
        let key_end = body.find([':', '=']);
        let names = key_end.is_some_and(|end| names_a_secret(&body[..end]));
        match key_end.filter(|_| names || headers_at.is_some()) {
            Some(end) if !body.is_empty() => found.push(offset + end + 1..offset + body.len()),
            _ if headers_at.is_some() => found.push(offset + indent..offset + body.len()),
            // The key may stand in the middle of a flow map.
            _ => {
                let lower = body.to_ascii_lowercase();
                let inside = [
                    "additional_headers",
                    "password",
                    "secret",
                    "token",
                    "authorization",
                ];
                if let Some(at) = inside.iter().filter_map(|word| lower.find(word)).min() {
                    found.push(offset + at..offset + body.len());
                }
            }
        }
        if body
            .trim_start()
            .trim_start_matches("- ")
            .starts_with("additional_headers")
        {
            headers_at = Some(indent);
        }
        if body.starts_with('[') && body.contains("additional_headers") {
            (headers_at, in_table) = (Some(0), true);
        }
        found.extend(userinfo(body, offset));
        offset += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::in_text;

    #[test]
    fn broken_text_hides_what_may_be_secret() {
        let text = "a:\n  additional_headers:\n    x-any: v4lue\n    - v4lue\n  uri: http://u:v4lue@h\n  b: {password: v4lue\nsasl.password = v4lue\n\
            [deployments.additional_headers]\nx-a = v4lue\nx-b = v4lue\n[services]\nuri = 'http://u:p@v4lue@h'\n";
        let mut shown = text.to_owned();
        for range in in_text(text) {
            shown.replace_range(range.clone(), &"*".repeat(range.len()));
        }
        assert!(!shown.contains("v4lue"), "{shown}");
        assert!(shown.contains("uri: http://"), "{shown}");
    }
}
