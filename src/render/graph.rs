//! A graph for Mermaid and for Graphviz. No text in it can be more than text.

use super::short;
use crate::graph::{Edge, Effect, Graph, Mark, Node, Relation};
use crate::kind::words::Shape;
use crate::secret::printable;
use std::fmt::Write;

/// The longest label, in characters: a graph shows how things hang together, and a list shows their
/// names.
const LONGEST_LABEL: usize = 80;

/// The class of what is refused, whatever would happen to it.
const REFUSED: &str = "refused";

/// Class, fill and line, dark on light wherever it is shown.
const COLORS: [(&str, &str, &str); 4] = [
    ("added", "#dafbe1", "#1a7f37"),
    ("changed", "#fff8c5", "#9a6700"),
    ("removed", "#ffebe9", "#cf222e"),
    (REFUSED, "#ffffff", "#cf222e"),
];

pub fn mermaid(graph: &Graph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (index, node) in graph.nodes.iter().enumerate() {
        let (open, close) = match node.is.shape() {
            Shape::Cylinder => ("[(", ")]"),
            Shape::Hexagon => ("{{", "}}"),
            Shape::Box => ("[", "]"),
            Shape::Stadium => ("([", "])"),
        };
        let class = class(node).map_or_else(String::new, |class| format!(":::{class}"));
        let (what, key) = (mermaid_text(&what(node)), mermaid_text(&key(node)));
        let _ = writeln!(text, "  n{}{open}\"{what}<br/>{key}\"{close}{class}", index + 1);
    }
    for edge in &graph.edges {
        let arrow = match label(edge) {
            Some(label) => format!("-->|\"{}\"|", mermaid_text(&label)),
            None => "-->".to_owned(),
        };
        let _ = writeln!(text, "  n{} {arrow} n{}", edge.from + 1, edge.to + 1);
    }
    for (class, fill, line) in COLORS {
        if graph.nodes.iter().any(|node| self::class(node) == Some(class)) {
            let dashes = if class == REFUSED {
                ",stroke-dasharray:4"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "  classDef {class} fill:{fill},stroke:{line},color:#1f2328{dashes}"
            );
        }
    }
    text
}

pub fn dot(graph: &Graph) -> String {
    let mut text = "digraph restatectl {\n  rankdir=LR\n  node [shape=box]\n".to_owned();
    for (index, node) in graph.nodes.iter().enumerate() {
        let (what, key) = (dot_text(&what(node)), dot_text(&key(node)));
        let mut attributes = vec![format!("label=\"{what}\\n{key}\"")];
        attributes.extend(match node.is.shape() {
            Shape::Cylinder => Some("shape=cylinder".to_owned()),
            Shape::Hexagon => Some("shape=hexagon".to_owned()),
            Shape::Stadium => Some("shape=ellipse".to_owned()),
            Shape::Box => None,
        });
        let color = COLORS.iter().find(|(class, ..)| self::class(node) == Some(class));
        attributes.extend(color.map(|(class, fill, line)| {
            let style = if *class == REFUSED {
                "filled,dashed"
            } else {
                "filled"
            };
            format!("style=\"{style}\", fillcolor=\"{fill}\", color=\"{line}\"")
        }));
        let _ = writeln!(text, "  n{} [{}]", index + 1, attributes.join(", "));
    }
    for edge in &graph.edges {
        let label =
            label(edge).map_or_else(String::new, |label| format!(" [label=\"{}\"]", dot_text(&label)));
        let _ = writeln!(text, "  n{} -> n{}{label}", edge.from + 1, edge.to + 1);
    }
    text + "}\n"
}

/// What a node is, in words, as colours do not tell it alone: `new service (register)`.
fn what(node: &Node) -> String {
    let kind = node.is.what();
    let Some(mark) = node.mark else {
        return kind.to_owned();
    };
    let Mark {
        what,
        effect,
        is_refused,
    } = mark;
    let effect = match effect {
        Effect::Added => "new",
        Effect::Changed => "changed",
        Effect::Removed => "removed",
    };
    let refused = if is_refused { ", refused" } else { "" };
    format!("{effect} {kind} ({what}{refused})")
}

fn class(node: &Node) -> Option<&'static str> {
    let mark = node.mark?;
    Some(match mark.effect {
        _ if mark.is_refused => REFUSED,
        Effect::Added => "added",
        Effect::Changed => "changed",
        Effect::Removed => "removed",
    })
}

fn key(node: &Node) -> String {
    short::middle(&printable(&node.is.shown()), LONGEST_LABEL)
}

fn label(edge: &Edge) -> Option<String> {
    let label = match &edge.relation {
        Relation::Exposes => return None,
        Relation::Topic(topic) => topic,
        Relation::Handler(handler) => handler,
    };
    let label = short::middle(&printable(label), LONGEST_LABEL);
    // The server accepts a sink without a handler, and Mermaid no label without text.
    (!label.trim().is_empty()).then_some(label)
}

/// Mermaid finds comments, directives, Markdown and HTML also between quotes. Where it finds a style,
/// it takes the last `;` behind a `:` and a `#` to be that of the style.
fn mermaid_text(text: &str) -> String {
    let is_like_style = ["style", "classDef"].iter().any(|word| text.contains(word));
    let mut escaped = String::new();
    for c in text.chars() {
        let is_plain = c.is_alphanumeric() || " ./-_@,()→…".contains(c) || (c == ':' && !is_like_style);
        if is_plain {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "#{};", u32::from(c));
        }
    }
    escaped
}

/// Text between the quotes of Graphviz, which knows a backslash's escapes and HTML's entities.
fn dot_text(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('&', "&amp;")
}
