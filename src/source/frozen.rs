//! What references stood for in one run, so that a later run takes the same: a saved plan keeps it
//! for every place that is not sensitive.

use super::node::{Kind, Node, Scalar};
use super::text::Filled;
use std::collections::BTreeMap;

/// The resolved text of a file's values, by their place: a JSON pointer.
pub type Frozen = BTreeMap<String, String>;

/// Puts the frozen texts in the place of the references that they stood for.
pub fn thaw(root: &mut Node, frozen: &Frozen) {
    if frozen.is_empty() {
        return;
    }
    each_scalar(root, &mut Vec::new(), &mut |path, scalar| {
        if let Some(text) = frozen.get(&pointer(path)) {
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
    let mut frozen = Frozen::new();
    each_scalar(root, &mut Vec::new(), &mut |path, scalar| {
        if let Some(filled) = &scalar.filled
            && !is_sensitive(path, filled.external)
        {
            frozen.insert(pointer(path), scalar.text.to_string());
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
