//! parse(print(x)) = x: a desired state, printed in any of the formats, is read as what it was.

use crate::states::{fields, state};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use restatectl::desired::{Desired, Prune, Safety};
use restatectl::load::{Given, load};
use restatectl::problem::{Problem, Problems, Severity};
use restatectl::secret;
use restatectl::source::interpolate::{Outside, Rules};
use restatectl::source::{Format, SourceFile, Sources};
use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// The file that says what the desired state is: the canonical value in the shape of a file, with
/// the secrets that are only pointers in it.
fn file(desired: &Desired) -> Value {
    let canonical = desired.canonical();
    let list = |section: &str| canonical[section].as_array().unwrap().iter().map(said);
    let deployments = list("deployments")
        .zip(&desired.entries.deployments)
        .map(|(mut entry, deployment)| {
            let address = entry.remove("address").unwrap();
            let is_arn = address.as_str().unwrap().starts_with("arn:");
            entry.insert(if is_arn { "arn" } else { "uri" }.to_owned(), address);
            if let Some(headers) = &deployment.additional_headers {
                entry.insert(
                    "additional_headers".to_owned(),
                    exposed(headers.value.iter().map(|(name, header)| (name, &header.value))),
                );
            }
            Value::Object(entry)
        });
    let services = list("services").map(|mut entry| {
        let name = entry.remove("name").unwrap().as_str().unwrap().to_owned();
        (name, Value::Object(entry))
    });
    // Both are in the order of their sources.
    let subscriptions =
        list("subscriptions")
            .zip(&desired.entries.subscriptions)
            .map(|(mut entry, subscription)| {
                let options = &subscription.options;
                entry.remove("options");
                if !options.is_empty() {
                    entry.insert(
                        "options".to_owned(),
                        exposed(options.iter().map(|(name, option)| (name, &option.value))),
                    );
                }
                Value::Object(entry)
            });
    let services: Map<String, Value> = services.collect();
    let target = json!({ "cluster_name": canonical["cluster_name"] });
    let sections = canonical["sections"].as_array().unwrap();
    let lists = |section: &str| sections.iter().any(|listed| listed == section);
    fields([
        ("version", Some(1.into())),
        (
            "stack",
            desired.stack.as_ref().map(|_| canonical["stack"].clone()),
        ),
        ("target", desired.cluster_name.as_ref().map(|_| target)),
        ("deployments", lists("deployments").then(|| deployments.collect())),
        (
            "services",
            (!services.is_empty()).then_some(Value::Object(services)),
        ),
        (
            "subscriptions",
            lists("subscriptions").then(|| subscriptions.collect()),
        ),
        (
            "prune",
            (desired.prune != Prune::default()).then(|| canonical["prune"].clone()),
        ),
        (
            "safety",
            (desired.safety != Safety::default()).then(|| canonical["safety"].clone()),
        ),
    ])
}

/// What an entry says: not what is not written, or as it is by default.
fn said(entry: &Value) -> Map<String, Value> {
    let mut entry = entry.as_object().unwrap().clone();
    entry.retain(|name, value| match name.as_str() {
        "allow" => *value != json!([]),
        "protected" => *value != json!(false),
        _ => !value.is_null(),
    });
    entry
}

fn exposed<'a>(values: impl Iterator<Item = (&'a String, &'a secret::Value)>) -> Value {
    values
        .map(|(name, value)| (name.clone(), Value::from(value.expose())))
        .collect()
}

/// With a literal `${` written as such.
fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => text.replace("${", "$${").into(),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), escaped(value)))
            .collect(),
        other => other.clone(),
    }
}

/// As some programs write JSON: indented with tabs, in ASCII.
fn tabbed_ascii(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer =
        serde_json::Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b"\t"));
    value.serialize(&mut serializer).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let ascii = |c: char| {
        let mut units = [0; 2];
        let escaped = |unit: &u16| format!("\\u{unit:04x}");
        if c.is_ascii() {
            c.to_string()
        } else {
            c.encode_utf16(&mut units).iter().map(escaped).collect()
        }
    };
    text.chars().map(ascii).collect()
}

type Print = fn(&Value) -> String;
const PRINTERS: [(Format, Print); 5] = [
    (Format::Yaml, |value| serde_yaml::to_string(value).unwrap()),
    (Format::Toml, |value| toml::to_string(value).unwrap()),
    (Format::Toml, |value| toml::to_string_pretty(value).unwrap()),
    (Format::Json, Value::to_string),
    (Format::Json, tabbed_ascii),
];

struct Nothing;

impl Outside for Nothing {
    fn env(&mut self, _name: &str) -> Result<Option<Rc<str>>, Problem> {
        Ok(None)
    }

    fn file(&mut self, _from: u32, _path: &str) -> Result<Option<Rc<str>>, Problem> {
        Ok(None)
    }
}

/// The desired state of a file that must be valid and refers to nothing.
pub fn parsed(format: Format, text: &str) -> Result<Desired, TestCaseError> {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("file".to_owned(), text.to_owned(), format));
    let mut problems = Problems::default();
    let rules = Rules {
        unset: Severity::Error,
        valueless: Severity::Error,
        token_variables: &[],
    };
    let desired = load(
        &mut sources,
        &[file],
        &Given::default(),
        &mut Nothing,
        rules,
        &mut problems,
    );
    prop_assert!(!problems.has_errors(), "{:#?}\n{}", problems, text);
    Ok(desired.unwrap())
}

#[test]
fn what_is_printed_is_read_again() {
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&state(), |state| {
        let mut canonical = None;
        for (format, print) in PRINTERS {
            let text = print(&escaped(&state));
            let desired = parsed(format, &text)?;
            prop_assert_eq!(&file(&desired), &state, "{}", text);
            // In whichever format.
            let first: &Value = canonical.get_or_insert_with(|| desired.canonical());
            prop_assert_eq!(&desired.canonical(), first, "{}", text);
            let again = parsed(format, &print(&escaped(&file(&desired))))?;
            prop_assert_eq!(&again.canonical(), first, "{}", text);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Their digest is kept in saved plans: what a file says must not change with the code that reads it.
#[test]
fn the_canonical_state_speaks_the_words_of_the_file() {
    for policy in ["keep", "drained", "force"] {
        let text = format!(
            "version: 1\ndeployments: []\nsubscriptions: []\n\
             prune: {{ deployments: {{ policy: {policy} }}, subscriptions: delete }}\n"
        );
        let prune = &parsed(Format::Yaml, &text).unwrap().canonical()["prune"];
        assert_eq!(prune["deployments"]["policy"], policy);
        assert_eq!(prune["subscriptions"], "delete");
    }
}
