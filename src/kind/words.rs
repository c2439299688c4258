//! What a kind is called, and what may be shown of it.

use schemars::Schema;
use serde_json::{Value as Json, json};

/// The words of one kind.
pub struct Words {
    /// The name of the kind, as in `deployment/KEY` and in JSON.
    pub name: &'static str,
    /// The section of the file that lists resources of the kind.
    pub section: &'static str,
    pub layout: Layout,
    /// What `validate` counts: what stands before the number, and the singular.
    pub counted: (&'static str, &'static str),
    /// What an export says of the section.
    pub exported: &'static str,
    /// The form in which graphs draw it.
    pub shape: Shape,
    /// How `delete` and prune go about it.
    pub deletion: Deletion,
    /// Whether `--resend` can write one again.
    pub can_be_resent: bool,
    pub hints: &'static [Hint],
    /// Fields of its entries whose values are no secrets, so that lines with them can be quoted.
    pub plain_fields: &'static [&'static str],
    /// Maps of its entries of which every value is shown that does not name a secret.
    pub plain_maps: &'static [&'static str],
    /// Maps of its entries of which every value is a secret.
    pub secret_maps: &'static [&'static str],
    /// Maps in the bodies of the Admin API whose values a trace never tells: live resources of others
    /// have secrets that the run knows nothing of.
    pub untold_maps: &'static [&'static str],
}

/// How a section lists its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    List,
    /// A map by name.
    Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Box,
    Stadium,
    Hexagon,
    Cylinder,
}

/// Whether resources of a kind are deleted by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Its resources come and go with others.
    Never,
    /// What to write under `prune` to have those deleted that no file lists.
    Pruned { policy: &'static str },
}

/// Puts every word into the schema of an entry's `allow:` by name, so that editors explain it.
pub fn consents(schema: &mut Schema, words: &[(&str, &str)]) {
    let word = |(word, meaning): &(&str, &str)| json!({ "const": word, "description": meaning });
    let mut choices: Vec<Json> = words.iter().map(word).collect();
    choices.push(json!({
        "type": "string",
        "pattern": "^take-over=[A-Za-z0-9._-]+$",
        "description": "The resource is changed although it carries the mark of this other stack.",
    }));
    schema.insert("items".to_owned(), json!({ "anyOf": choices }));
}

/// What people write who know the SDKs, the official CLI or the Admin API's other bodies, and what
/// it is called here. The server would silently ignore all of it [S:all].
pub struct Hint {
    /// The struct of the file's shape that does not have the fields.
    pub of: &'static str,
    /// Field names in lower case, without `_`, `-` and `.`.
    pub fields: &'static [&'static str],
    pub help: &'static str,
}

impl Hint {
    pub const fn new(of: &'static str, fields: &'static [&'static str], help: &'static str) -> Self {
        Self { of, fields, help }
    }
}

/// The help for an `id` in the file.
pub const NO_IDS: &str =
    "the server makes ids up; what is listed here is known by its address, name, or source and sink";
