//! The text of an export.

use super::entry::{Entry, Export};
use crate::kind::Kind;
use crate::kind::words::Layout;
use crate::plan::Target;
use crate::secret::printable;
use crate::source::Format;
use serde_json::{Map, Value as Json};
use std::fmt::Write;

/// The whole as one value, in the order of the file.
pub(super) fn document(export: &Export, entries: &[Entry]) -> Json {
    let mut document = head(export);
    for kind in Kind::ALL {
        document.extend(section(*kind, entries));
    }
    document.into()
}

fn head(export: &Export) -> Map<String, Json> {
    let mut head = Map::new();
    head.insert("version".to_owned(), crate::config::FORMAT_VERSION.into());
    if let Some(stack) = &export.stack {
        head.insert("stack".to_owned(), stack.as_str().into());
    }
    head
}

fn section(kind: Kind, entries: &[Entry]) -> Option<(String, Json)> {
    let entries: Vec<&Entry> = entries.iter().filter(|entry| entry.kind() == kind).collect();
    if entries.is_empty() {
        return None;
    }
    let value = match kind.words().layout {
        Layout::Map => {
            let services = entries
                .iter()
                .map(|entry| (entry.key.to_string(), entry.json.clone()));
            services.collect::<Map<_, _>>().into()
        }
        Layout::List => entries.iter().map(|entry| entry.json.clone()).collect(),
    };
    Some((kind.words().section.to_owned(), value))
}

/// One file with everything.
///
/// # Errors
/// When the format cannot say it.
pub fn file(export: &Export, target: &Target, format: Format) -> Result<String, String> {
    if format == Format::Json {
        return text(&document(export, &export.entries), format);
    }
    let mut whole =
        schema_line(format) + &comment(&about(export, target)) + &text(&head(export).into(), format)?;
    for kind in Kind::ALL {
        if let Some(section) = section(*kind, &export.entries) {
            let section = Json::Object(Map::from_iter([section]));
            whole += "\n";
            whole += &comment(kind.words().exported);
            whole += &text(&section, format)?;
        }
    }
    Ok(whole)
}

/// A file for each kind, with its name but for the extension.
///
/// # Errors
/// When the format cannot say it.
pub fn files(
    export: &Export,
    target: &Target,
    format: Format,
) -> Result<Vec<(&'static str, String)>, String> {
    let mut about = comment(&about(export, target)) + "\n";
    let mut files = Vec::new();
    for kind in Kind::ALL {
        // One without any is written too, over one that had some.
        let mut document = head(export);
        document.extend(section(*kind, &export.entries));
        let body = text(&document.into(), format)?;
        files.push((
            kind.words().section,
            match format {
                Format::Json => body,
                // What is to be told of the whole is told in the first.
                Format::Yaml | Format::Toml => {
                    let about = std::mem::take(&mut about) + &comment(kind.words().exported);
                    schema_line(format) + &about + &body
                }
            },
        ));
    }
    Ok(files)
}

/// Editors complete and explain fields by it: `restatectl schema desired-state > restatectl.schema.json`.
fn schema_line(format: Format) -> String {
    match format {
        Format::Yaml => "# yaml-language-server: $schema=restatectl.schema.json\n".to_owned(),
        Format::Toml => "#:schema restatectl.schema.json\n".to_owned(),
        Format::Json => String::new(),
    }
}

/// # Errors
/// When the format cannot say it.
pub fn text(value: &Json, format: Format) -> Result<String, String> {
    match format {
        Format::Yaml => serde_yaml::to_string(value).map_err(|error| error.to_string()),
        Format::Toml => toml::to_string_pretty(value).map_err(|error| error.to_string()),
        Format::Json => serde_json::to_string_pretty(value)
            .map(|text| text + "\n")
            .map_err(|error| error.to_string()),
    }
}

/// The comment at the head of an export: what people must know of it.
pub fn about(export: &Export, target: &Target) -> String {
    let url = target.admin_url.trim_end_matches('/');
    let mut about = format!("Exported from {url} (Restate {}).\n", target.restate_version);
    if !export.supply.is_empty() {
        about += "\nSet these environment variables to the values that are in use:\n";
        for (name, supply) in &export.supply {
            let hidden = if supply.value.is_none() {
                "; the server hides it, so a plan cannot compare it"
            } else {
                ""
            };
            let _ = writeln!(about, "  {name}: {}{hidden}", supply.what);
        }
    }
    about += "\nNot told by the server, and so not here: overrides that equal what the SDK declares, and consents.\n";
    for note in &export.notes {
        let _ = writeln!(about, "Note: {note}.");
    }
    if !export.left_out.is_empty() {
        about += "\nOn the server, but not in this file:\n";
        for left_out in &export.left_out {
            let resource = &left_out.resource;
            let id = resource
                .server_id
                .as_ref()
                .map(|id| format!(" ({id})"))
                .unwrap_or_default();
            let _ = writeln!(
                about,
                "  {} {}{id}: {}",
                resource.kind().name(),
                resource.key,
                left_out.why
            );
        }
    }
    about
}

fn comment(text: &str) -> String {
    let line = |line: &str| {
        let line = printable(line);
        if line.is_empty() {
            "#\n".to_owned()
        } else {
            format!("# {line}\n")
        }
    };
    text.lines().map(line).collect()
}
