//! References, whole and broken, in each of the three formats.

use crate::{cases, check, read, runner};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use restatectl::source::Format;
use restatectl::source::reference::{self, Part};
use serde_json::json;

const PIECES: &[&str] = &[
    "${",
    "$${",
    "$",
    "}",
    "{",
    ":",
    ":-",
    "env:",
    "file:",
    "var:",
    "A",
    "NONE",
    "TOKEN",
    "none",
    "a-b",
    "1",
    "é",
    "😀",
    " ",
    "\n",
    "\t",
    "\"",
    "'",
    "\\",
    "#",
    "${env:A}",
    "${env:NONE}",
    "${env:NONE:-",
    "${file:f}",
    "${file:none:-d}",
    "${var:a}",
    "${var:b:-d}",
    "${var:gone}",
];

fn text() -> impl Strategy<Value = String> {
    vec(select(PIECES), 0..12).prop_map(|pieces| pieces.concat())
}

/// As it was before it was parsed.
fn written(parts: &[Part<'_>]) -> String {
    let written = parts.iter().map(|part| match part {
        Part::Literal("${") => "$${",
        Part::Literal(text) => text,
        Part::Reference(reference) => reference.text,
    });
    written.collect()
}

/// What a value with the text becomes; `None` when there is a problem with it.
fn resolved(format: Format, text: &str) -> Result<Option<String>, TestCaseError> {
    let file = json!({
        "version": 1,
        "variables": { "a": { "default": "<${env:A}>" }, "b": {} },
        "deployments": [{ "uri": "http://checkout:9080", "metadata": { "value": text } }],
    });
    let file = match format {
        Format::Yaml => serde_yaml::to_string(&file).unwrap(),
        Format::Toml => toml::to_string(&file).unwrap(),
        Format::Json => file.to_string(),
    };
    check(format, &file)?;
    let desired = read(format, &file).desired.unwrap();
    let metadata = &desired.entries.deployments[0].metadata.as_ref().unwrap().value;
    Ok(metadata.get("value").map(|value| value.expose().to_owned()))
}

#[test]
fn references() {
    let outcome = runner(cases() * 4).run(&text(), |text| {
        match reference::parse(&text) {
            Ok(parts) => prop_assert_eq!(written(&parts), text.as_str()),
            Err(wrong) => {
                let is_told_from_its_start = wrong.text.starts_with("${") && text.contains(wrong.text);
                prop_assert!(is_told_from_its_start, "{}", wrong.text);
            }
        }
        let yaml = resolved(Format::Yaml, &text)?;
        prop_assert_eq!(&resolved(Format::Toml, &text)?, &yaml);
        prop_assert_eq!(&resolved(Format::Json, &text)?, &yaml);
        // Escapes alone need nothing from outside.
        if let Ok(parts) = reference::parse(&text)
            && parts.iter().all(|part| matches!(part, Part::Literal(_)))
        {
            prop_assert_eq!(yaml, Some(text.replace("$${", "${")));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
