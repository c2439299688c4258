//! Long text in short: what is left of it says how much is not shown.

use crate::change::{Field, FieldChange};
use serde_json::Value as Json;

/// `text`, or its start and end with a `…` between. A key's end tells as much as its start.
pub fn middle(text: &str, longest: usize) -> String {
    let count = text.chars().count();
    if count <= longest {
        return text.to_owned();
    }
    let tail = longest / 3;
    let head: String = text.chars().take(longest - tail - 1).collect();
    let tail: String = text.chars().skip(count - tail).collect();
    format!("{head}…{tail}")
}

/// The text itself, or its start and how long it is.
pub fn start(text: &str, longest: usize) -> String {
    let count = text.chars().count();
    if count <= longest {
        return text.to_owned();
    }
    let head: String = text.chars().take(longest).collect();
    format!("{head}… ({count} characters)")
}

/// The field with short values. Of two long ones what is around the first difference is kept.
pub fn field(field: &Field, longest: usize) -> Field {
    let text = |value: &Option<Json>| match value {
        None | Some(Json::Null) => None,
        Some(Json::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    let (before, after) = (text(&field.before), text(&field.after));
    let is_short = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= longest);
    if is_short(&before) && is_short(&after) {
        return field.clone();
    }
    let same = match (&before, &after, field.change) {
        (Some(before), Some(after), FieldChange::Changed) => {
            let pairs = before.chars().zip(after.chars());
            pairs.take_while(|(a, b)| a == b).count()
        }
        _ => 0,
    };
    let skipped = same.saturating_sub(longest / 4);
    let window = |text: String| {
        let shown = start(&text.chars().skip(skipped).collect::<String>(), longest);
        Json::from(match skipped {
            0 => shown,
            n => format!("({n} characters) …{shown}"),
        })
    };
    Field {
        before: before.map(window),
        after: after.map(window),
        ..field.clone()
    }
}
