//! What references stood for in one run, so that a later run takes the same: a saved plan keeps it
//! for every place that is not sensitive.

use super::interpolate::VARIABLES;
use super::node::{Kind, Node, Scalar};
use super::text::Filled;
use std::collections::{BTreeMap, BTreeSet};

/// Of one file; places are JSON pointers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frozen {
    /// What references stood for.
    pub values: BTreeMap<String, String>,
    /// Where the file has what may not be kept, as a reference or literally.
    pub sensitive: BTreeSet<String>,
}

/// Puts the frozen texts in the place of the references that they stood for.
pub fn thaw(root: &mut Node, values: &BTreeMap<String, String>) {
    if values.is_empty() {
        return;
    }
    each_scalar(root, &mut Vec::new(), &mut |path, scalar| {
        if let Some(text) = values.get(&pointer(path)) {
            let written = scalar.text.clone().into();
            scalar.text = text.as_str().into();
            scalar.plain = true;
            scalar.filled = Some(Box::new(Filled {
                written,
                external: false,
            }));
        }
    });
}

/// `is_sensitive`: whether a value at this path may not be kept, given that the environment or
/// another file gave a part of it or not.
pub fn freeze(root: &mut Node, is_sensitive: impl Fn(&[String], bool) -> bool) -> Frozen {
    let mut frozen = Frozen::default();
    each_scalar(root, &mut Vec::new(), &mut |path, scalar| {
        // The uses of variables decide, and have the values in place of the references to them.
        if path.first().is_some_and(|first| first == VARIABLES) {
            return;
        }
        let is_external = scalar.filled.as_ref().is_some_and(|filled| filled.external);
        if is_sensitive(path, is_external) {
            frozen.sensitive.insert(pointer(path));
        } else if scalar.filled.is_some() {
            frozen.values.insert(pointer(path), scalar.text.to_string());
        }
    });
    frozen
}

fn each_scalar(node: &mut Node, path: &mut Vec<String>, visit: &mut impl FnMut(&[String], &mut Scalar)) {
    let mut below = |part: String, node: &mut Node| {
        path.push(part);
        each_scalar(node, path, visit);
        path.pop();
    };
    match &mut node.kind {
        Kind::Null | Kind::Unknown => {}
        Kind::Scalar(scalar) => visit(path, scalar),
        Kind::Seq(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                below(index.to_string(), item);
            }
        }
        Kind::Map(entries) => {
            for (key, value) in entries {
                below(key.name.to_string(), value);
            }
        }
    }
}

/// RFC 6901.
fn pointer(path: &[String]) -> String {
    let parts = path.iter().map(|part| part.replace('~', "~0").replace('/', "~1"));
    parts.fold(String::new(), |pointer, part| pointer + "/" + &part)
}
