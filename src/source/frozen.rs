//! What references stood for in one run, so that a later run takes the same: a saved plan keeps it
//! for every place that is not sensitive.

use super::interpolate::VARIABLES;
use super::node::{Kind, Node, Scalar};
use super::reference::{self, Part, RefKind, Reference};
use super::text::Filled;
use std::collections::{BTreeMap, BTreeSet};

/// What references of one file stood for. Places are JSON pointers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frozen {
    /// The values that references stood for, by their places.
    pub values: BTreeMap<String, String>,
    /// The places of what may not be kept, be it a reference or literal.
    pub sensitive: BTreeSet<String>,
    /// Whether something sensitive is written in the file itself, without a reference.
    pub has_sensitive_literal: bool,
    /// The places where variables are used, by their names.
    pub variables: BTreeMap<String, BTreeSet<String>>,
}

impl Frozen {
    /// The variables that are used in a sensitive place.
    pub fn sensitive_variables(&self) -> impl Iterator<Item = &str> {
        let variables = self.variables.iter();
        variables
            .filter(|(_, places)| !self.sensitive.is_disjoint(places))
            .map(|(name, _)| name.as_str())
    }
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

/// What the plan is to keep, and where what it may not keep is.
///
/// `is_sensitive`: whether a value at this path may not be kept, given that the environment or
/// another file gave a part of it or not.
pub fn freeze(root: &mut Node, is_sensitive: impl Fn(&[String], bool) -> bool) -> Frozen {
    let mut frozen = Frozen::default();
    each_scalar(root, &mut Vec::new(), &mut |path, scalar| {
        // The uses of variables decide, and have the values in place of the references to them.
        if path.first().is_some_and(|first| first == VARIABLES) {
            return;
        }
        for name in scalar
            .filled
            .iter()
            .flat_map(|filled| variables_in(&filled.written))
        {
            frozen.variables.entry(name).or_default().insert(pointer(path));
        }
        let is_external = scalar.filled.as_ref().is_some_and(|filled| filled.external);
        if is_sensitive(path, is_external) {
            let written = scalar
                .filled
                .as_ref()
                .map(|filled| reference::is_bare(&filled.written));
            frozen.has_sensitive_literal |= !written.unwrap_or(false);
            frozen.sensitive.insert(pointer(path));
        } else if scalar.filled.is_some() {
            frozen.values.insert(pointer(path), scalar.text.to_string());
        }
    });
    frozen
}

/// Takes the declarations of variables away to which nothing refers any more: their defaults need not
/// be known. Returns their names.
pub fn drop_unused_variables(roots: &mut [Node]) -> BTreeSet<String> {
    let mut dropped = BTreeSet::new();
    let mut used = BTreeSet::new();
    for root in roots.iter_mut() {
        each_scalar(root, &mut Vec::new(), &mut |path, scalar| {
            let is_declaration = path.first().is_some_and(|first| first == VARIABLES);
            if !is_declaration && scalar.filled.is_none() {
                used.extend(variables_in(&scalar.text));
            }
        });
    }
    for root in roots {
        if let Kind::Map(sections) = &mut root.kind
            && let Some((_, section)) = sections.iter_mut().find(|(key, _)| &*key.name == VARIABLES)
            && let Kind::Map(declarations) = &mut section.kind
        {
            declarations.retain(|(key, _)| {
                let is_used = used.contains(&*key.name);
                if !is_used {
                    dropped.insert(key.name.to_string());
                }
                is_used
            });
        }
    }
    dropped
}

/// Whether the value of one of these variables is written here, without a reference: in `declarations`, a
/// tree of desired state, or in a tree of values.
pub fn gives_literally(root: &Node, names: &BTreeSet<String>) -> bool {
    let is_literal = |node: &Node| matches!(&node.kind, Kind::Scalar(scalar) if scalar.filled.is_none());
    let Kind::Map(entries) = &root.kind else {
        return false;
    };
    let declared = entries.iter().find(|(key, _)| &*key.name == VARIABLES);
    match declared.map(|(_, section)| &section.kind) {
        Some(Kind::Map(declarations)) => declarations.iter().any(|(name, declaration)| {
            let Kind::Map(fields) = &declaration.kind else {
                return false;
            };
            names.contains(&*name.name) && fields.iter().any(|(_, default)| is_literal(default))
        }),
        _ => entries
            .iter()
            .any(|(name, value)| names.contains(&*name.name) && is_literal(value)),
    }
}

pub fn variables_in(text: &str) -> Vec<String> {
    let parts = reference::parse(text).unwrap_or_default();
    let names = parts.iter().filter_map(|part| match part {
        Part::Reference(Reference {
            kind: RefKind::Var,
            name,
            ..
        }) => Some((*name).to_owned()),
        Part::Reference(_) | Part::Literal(_) => None,
    });
    names.collect()
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

/// A path as a JSON pointer (RFC 6901).
pub fn pointer(path: &[String]) -> String {
    let parts = path.iter().map(|part| part.replace('~', "~0").replace('/', "~1"));
    parts.fold(String::new(), |pointer, part| pointer + "/" + &part)
}
