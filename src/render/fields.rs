//! Fields of changes as text.

use super::style::Style;
use crate::change::{Field, FieldChange};
use crate::secret::printable;
use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

/// From how many characters on two values are easier to compare below each other than side by side.
const LONG: usize = 60;

/// A field on one line, or on two when its values are long.
pub fn lines(field: &Field, style: Style) -> Vec<String> {
    let path = printable(&field.path.join("."));
    if field.sensitive {
        let what = match field.change {
            FieldChange::Set => "set",
            FieldChange::Changed => "changed",
            FieldChange::Removed => "removed",
            FieldChange::Restored => "put back",
        };
        return vec![format!("{path}: {what} (sensitive)")];
    }
    let (before, after) = (value(field.before.as_ref()), value(field.after.as_ref()));
    match field.change {
        FieldChange::Set => vec![format!("{path}: {}", style.added(&after))],
        FieldChange::Restored => vec![format!("{path}: {after} (put back)")],
        FieldChange::Removed => vec![format!("{path}: {} removed", style.removed(&before))],
        FieldChange::Changed if before.len().max(after.len()) > LONG => long(&path, &before, &after, style),
        FieldChange::Changed => {
            vec![format!(
                "{path}: {} → {}",
                style.removed(&before),
                style.added(&after)
            )]
        }
    }
}

/// Long values, with the part that differs in colour.
fn long(path: &str, before: &str, after: &str, style: Style) -> Vec<String> {
    let diff = TextDiff::from_chars(before, after);
    let side = |tag: ChangeTag, paint: fn(Style, &str) -> String| -> String {
        diff.iter_all_changes()
            .filter(|change| change.tag() == tag || change.tag() == ChangeTag::Equal)
            .map(|change| match change.tag() {
                ChangeTag::Equal => change.value().to_owned(),
                ChangeTag::Delete | ChangeTag::Insert => paint(style, change.value()),
            })
            .collect()
    };
    vec![
        format!("{path}:"),
        format!("  - {}", side(ChangeTag::Delete, Style::removed)),
        format!("  + {}", side(ChangeTag::Insert, Style::added)),
    ]
}

pub fn value(value: Option<&Json>) -> String {
    printable(&match value {
        None | Some(Json::Null) => "nothing".to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    })
}
