//! What a file says, whatever its comments, line ends, quotes and the order of its keys.

use super::node::{Kind, Node};
use crate::digest::of_json;
use serde_json::Value as Json;

/// SHA-256 of what the file says, in which references are as they are written.
pub fn digest(root: &Node) -> String {
    let mut said = plain(root);
    if let Json::Object(fields) = &mut said {
        fields.retain(|name, _| !is_extension(name));
    }
    of_json(said)
}

/// Whether a key at the top says nothing: what begins with `x-` is for anchors and for other tools, and editors
/// find the schema by `$schema`.
pub fn is_extension(name: &str) -> bool {
    name.starts_with("x-") || name == "$schema"
}

fn plain(node: &Node) -> Json {
    match &node.kind {
        Kind::Null | Kind::Unknown => Json::Null,
        Kind::Scalar(scalar) => Json::from(&*scalar.text),
        Kind::Seq(items) => items.iter().map(plain).collect(),
        Kind::Map(entries) => {
            let entries = entries.iter();
            entries
                .map(|(key, value)| (key.name.to_string(), plain(value)))
                .collect()
        }
    }
}
