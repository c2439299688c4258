//! parse(print(x)) = x: a desired state, printed in any of the formats, is read as what it was.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use restatectl::desired::{Address, Consent, Deployment, Desired, Service, Subscription};
use restatectl::load::{Given, load};
use restatectl::problem::{Problem, Problems, Severity};
use restatectl::source::interpolate::{Outside, Rules};
use restatectl::source::{Format, SourceFile, Sources, Spanned};
use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// Strings that a format takes for something else, or that need care to be written down.
const ODD: &[&str] = &[
    "",
    " ",
    "no",
    "No",
    "on",
    "y",
    "true",
    "null",
    "~",
    "-",
    "- a",
    "? a",
    "a: b",
    "a #b",
    "#a",
    "@a",
    "`a",
    "%a",
    "!a",
    "&a",
    "*a",
    "<<",
    "=",
    ".",
    "...",
    "---",
    "[a]",
    "{a}",
    "a,",
    "'a'",
    "\"a\"",
    "\\",
    "\\n",
    "a\\",
    "|",
    ">",
    "1",
    "1.10",
    "01",
    "0o7",
    "0x1",
    "1e3",
    "1_000",
    "+1",
    ".5",
    ".inf",
    "nan",
    "1:30",
    "2024-01-31",
    "2024-01-31T12:00:00Z",
    "12:00:00",
    "a\nb",
    "a\n",
    "\na",
    "a\n\nb\n",
    "a\r\nb",
    "\ta",
    "a\t",
    " a ",
    "${",
    "$${",
    "${env:A}",
    "$",
    "}",
    "é",
    "日本",
    "😀",
    "\u{feff}a",
    "\u{85}",
    "\u{2028}",
    "\u{7f}",
    "\0",
    "\u{1b}[31m",
    "\u{ffff}",
    "\"\"\"",
    "'''",
];
/// Names of services that are words or numbers elsewhere.
const NAMES: &[&str] = &[
    "no", "On", "y", "null", "True", "nan", "inf", "e1", "_1", "x.y", "S-1", "Checkout",
];
const DURATIONS: &[&str] = &["0s", "1m 30s", "7d", "1d 12h", "100ms"];
/// Of consumers, each takes any text; two hold secrets.
const OPTIONS: &[&str] = &["client.id", "client.rack", "sasl.password", "ssl.key.pem"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(ODD).prop_map(str::to_owned),
        1 => vec(select(ODD), 2..4).prop_map(|parts| parts.concat()),
        1 => vec(any::<char>(), 0..12).prop_map(String::from_iter),
    ]
}

/// What a header may hold, and an option: not the mask for secrets.
fn visible() -> impl Strategy<Value = String> {
    text().prop_filter("visible ASCII", |text| {
        text.bytes().all(|b| (0x20..0x7f).contains(&b))
    })
}

fn key() -> impl Strategy<Value = String> {
    text().prop_filter("no reference", |text| !text.contains("${"))
}

fn allow(words: Vec<&'static str>) -> impl Strategy<Value = Option<Vec<&'static str>>> {
    let most = words.len();
    subsequence(words, 0..=most).prop_map(|words| (!words.is_empty()).then_some(words))
}

/// A map with the fields that are there.
fn fields<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let present = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect())
}

fn deployment() -> impl Strategy<Value = Value> {
    let names = subsequence(NAMES, 0..3);
    let headers = btree_map("[a-z][a-z0-9-]{0,8}", visible(), 0..3);
    let allow = allow(vec!["breaking", "expose", "overwrite", "promote"]);
    let about = (
        option::of(text()),
        option::of(btree_map(key(), text(), 0..3)),
        option::of(names),
        allow,
    );
    (
        any::<bool>(),
        any::<bool>(),
        option::of(any::<bool>()),
        option::of(headers),
        about,
    )
        .prop_map(
            |(is_lambda, has_role, use_http_11, headers, (name, metadata, services, allow))| {
                let role = (is_lambda && has_role).then(|| "arn:aws:iam::123456789012:role/restate".into());
                fields([
                    ("name", name.map(Value::from)),
                    // Completed in `state`, each with a number of its own.
                    (if is_lambda { "arn" } else { "uri" }, Some("".into())),
                    ("assume_role_arn", role),
                    ("additional_headers", headers.map(|headers| json!(headers))),
                    ("use_http_11", use_http_11.filter(|_| !is_lambda).map(Value::from)),
                    ("metadata", metadata.map(|metadata| json!(metadata))),
                    ("services", services.map(|services| json!(services))),
                    ("allow", allow.map(|allow| json!(allow))),
                ])
            },
        )
}

fn service() -> impl Strategy<Value = Value> {
    let duration = || option::of(select(DURATIONS).prop_map(Value::from));
    let durations = (duration(), duration(), duration(), duration(), duration());
    (option::of(any::<bool>()), durations, allow(vec!["expose"])).prop_map(
        |(public, (i, j, t, a, w), allow)| {
            fields([
                ("public", public.map(Value::from)),
                ("idempotency_retention", i),
                ("journal_retention", j),
                ("inactivity_timeout", t),
                ("abort_timeout", a),
                ("workflow_completion_retention", w),
                ("allow", allow.map(|allow| json!(allow))),
            ])
        },
    )
}

fn subscription() -> impl Strategy<Value = Value> {
    let options = btree_map(select(OPTIONS), text(), 0..4);
    (select(NAMES), options, allow(vec!["regroup"])).prop_map(|(service, options, allow)| {
        fields([
            ("sink", Some(format!("service://{service}/run").into())),
            ("options", (!options.is_empty()).then(|| json!(options))),
            ("allow", allow.map(|allow| json!(allow))),
        ])
    })
}

/// A file as the program itself would write it.
fn state() -> impl Strategy<Value = Value> {
    let services = btree_map(select(NAMES), service(), 0..3);
    (vec(deployment(), 0..3), services, vec(subscription(), 0..3)).prop_map(
        |(mut deployments, services, mut subscriptions)| {
            for (n, entry) in deployments.iter_mut().enumerate() {
                if entry.get("arn").is_some() {
                    entry["arn"] =
                        format!("arn:aws:lambda:eu-central-1:123456789012:function:mailer:{n}").into();
                } else {
                    entry["uri"] = format!("http://checkout-{n}:9080/restate").into();
                }
                if n > 0
                    && let Some(entry) = entry.as_object_mut()
                {
                    // No two may have the same.
                    entry.remove("name");
                }
            }
            for (n, entry) in subscriptions.iter_mut().enumerate() {
                entry["source"] = format!("kafka://main/topic-{n}").into();
            }
            fields([
                ("version", Some(1.into())),
                (
                    "deployments",
                    (!deployments.is_empty()).then(|| deployments.into()),
                ),
                ("services", (!services.is_empty()).then(|| json!(services))),
                (
                    "subscriptions",
                    (!subscriptions.is_empty()).then(|| subscriptions.into()),
                ),
            ])
        },
    )
}

/// The file that says what the desired state is, with its secrets.
fn file(desired: &Desired) -> Value {
    let Desired {
        deployments,
        services,
        subscriptions,
    } = desired;
    let services: Map<String, Value> = services
        .iter()
        .map(|(name, service)| (name.clone(), service_entry(service)))
        .collect();
    let list = |entries: Vec<Value>| (!entries.is_empty()).then_some(Value::Array(entries));
    fields([
        ("version", Some(1.into())),
        (
            "deployments",
            list(deployments.iter().map(deployment_entry).collect()),
        ),
        (
            "services",
            (!services.is_empty()).then_some(Value::Object(services)),
        ),
        (
            "subscriptions",
            list(subscriptions.iter().map(subscription_entry).collect()),
        ),
    ])
}

fn deployment_entry(deployment: &Deployment) -> Value {
    let Deployment {
        span: _,
        name,
        address,
        assume_role_arn,
        additional_headers,
        use_http_11,
        metadata,
        services,
        allow,
    } = deployment;
    let headers = additional_headers.as_ref().map(|headers| {
        let headers = headers.value.iter();
        headers
            .map(|(name, header)| (name.clone(), header.value.expose().into()))
            .collect()
    });
    let address_field = match address.value {
        Address::Http(_) => "uri",
        Address::Lambda(_) => "arn",
    };
    fields([
        ("name", plain(name.as_ref())),
        (address_field, Some(address.value.key().into())),
        ("assume_role_arn", plain(assume_role_arn.as_ref())),
        ("additional_headers", headers.map(Value::Object)),
        ("use_http_11", plain(use_http_11.as_ref())),
        ("metadata", plain(metadata.as_ref())),
        (
            "services",
            services
                .as_ref()
                .map(|services| services.value.iter().map(|name| json!(name.value)).collect()),
        ),
        ("allow", consents(allow)),
    ])
}

fn service_entry(service: &Service) -> Value {
    let Service {
        name: _,
        public,
        idempotency_retention,
        journal_retention,
        inactivity_timeout,
        abort_timeout,
        workflow_completion_retention,
        allow,
    } = service;
    let duration = |field: &Option<Spanned<_>>| {
        field
            .as_ref()
            .map(|f: &Spanned<restatectl::desired::Duration>| f.value.to_string().into())
    };
    fields([
        ("public", plain(public.as_ref())),
        ("idempotency_retention", duration(idempotency_retention)),
        ("journal_retention", duration(journal_retention)),
        ("inactivity_timeout", duration(inactivity_timeout)),
        ("abort_timeout", duration(abort_timeout)),
        (
            "workflow_completion_retention",
            duration(workflow_completion_retention),
        ),
        ("allow", consents(allow)),
    ])
}

fn subscription_entry(subscription: &Subscription) -> Value {
    let Subscription {
        span: _,
        source,
        sink,
        options,
        shown_group: _,
        allow,
    } = subscription;
    let options: Map<String, Value> = options
        .iter()
        .map(|(name, option)| (name.clone(), option.value.expose().into()))
        .collect();
    fields([
        ("source", Some(source.value.to_string().into())),
        ("sink", Some(sink.value.to_string().into())),
        ("options", (!options.is_empty()).then_some(Value::Object(options))),
        ("allow", consents(allow)),
    ])
}

fn plain<T: Serialize>(field: Option<&Spanned<T>>) -> Option<Value> {
    field.map(|field| json!(field.value))
}

fn consents(allow: &[Spanned<Consent>]) -> Option<Value> {
    let words = allow.iter().map(|consent| consent.value.word());
    (!allow.is_empty()).then(|| words.collect())
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

fn parsed(format: Format, text: &str) -> Result<Desired, TestCaseError> {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("file".to_owned(), text.to_owned(), format));
    let mut problems = Problems::default();
    let rules = Rules {
        unset: Severity::Error,
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
