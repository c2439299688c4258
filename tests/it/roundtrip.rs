//! parse(print(x)) = x: a desired state, printed in any of the formats, is read as what it was.

use crate::states::{fields, state};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use restatectl::desired::{
    Address, Consent, Deployment, DeploymentPolicy, Desired, Duration, Prune, PruneDeployments, Safety,
    Service, Subscription, SubscriptionPolicy,
};
use restatectl::load::{Given, load};
use restatectl::problem::{Problem, Problems, Severity};
use restatectl::source::interpolate::{Outside, Rules};
use restatectl::source::{Format, SourceFile, Sources, Spanned};
use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// The file that says what the desired state is, with its secrets.
fn file(desired: &Desired) -> Value {
    let Desired {
        deployments,
        services,
        subscriptions,
        stack,
        cluster_name,
        prune,
        safety,
        sections,
        // Said by the entries.
        protected: _,
        // Of a destruction alone.
        emptied_of: _,
        frozen: _,
    } = desired;
    let services: Map<String, Value> = (services.iter())
        .map(|(name, service)| (name.clone(), service_entry(service)))
        .collect();
    let cluster = cluster_name
        .as_ref()
        .map(|name| json!({ "cluster_name": name.value }));
    let deletes = json!({ "max_deletes": safety.max_deletes });
    fields([
        ("version", Some(1.into())),
        ("stack", plain(stack.as_ref())),
        ("target", cluster),
        (
            "deployments",
            sections
                .deployments
                .map(|_| deployments.iter().map(deployment_entry).collect()),
        ),
        (
            "services",
            (!services.is_empty()).then_some(Value::Object(services)),
        ),
        (
            "subscriptions",
            sections
                .subscriptions
                .map(|_| subscriptions.iter().map(subscription_entry).collect()),
        ),
        ("prune", (*prune != Prune::default()).then(|| prune_entry(*prune))),
        ("safety", (*safety != Safety::default()).then_some(deletes)),
    ])
}

fn prune_entry(prune: Prune) -> Value {
    let Prune {
        deployments: PruneDeployments { policy, keep, after },
        subscriptions,
    } = prune;
    let policy = match policy {
        DeploymentPolicy::Keep => "keep",
        DeploymentPolicy::Drained => "drained",
        DeploymentPolicy::Force => "force",
    };
    let subscriptions = match subscriptions {
        SubscriptionPolicy::Keep => "keep",
        SubscriptionPolicy::Delete => "delete",
    };
    let deployments = json!({ "policy": policy, "keep": keep, "after": after.to_string() });
    json!({ "deployments": deployments, "subscriptions": subscriptions })
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
        is_protected,
    } = deployment;
    let headers = additional_headers.as_ref().map(|headers| {
        let headers = headers.value.iter();
        headers
            .map(|(name, header)| (name.clone(), header.value.expose().into()))
            .collect()
    });
    let metadata = metadata.as_ref().map(|metadata| {
        let metadata = metadata.value.iter();
        metadata
            .map(|(key, value)| (key.clone(), value.as_str().into()))
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
        ("metadata", metadata.map(Value::Object)),
        (
            "services",
            services
                .as_ref()
                .map(|services| services.value.iter().map(|name| json!(name.value)).collect()),
        ),
        ("allow", consents(allow)),
        ("protected", is_protected.then(|| true.into())),
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
        is_protected,
    } = service;
    let duration = |field: &Option<Spanned<_>>| {
        field
            .as_ref()
            .map(|f: &Spanned<Duration>| f.value.to_string().into())
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
        ("protected", is_protected.then(|| true.into())),
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
        is_protected,
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
        ("protected", is_protected.then(|| true.into())),
    ])
}

fn plain<T: Serialize>(field: Option<&Spanned<T>>) -> Option<Value> {
    field.map(|field| json!(field.value))
}

fn consents(allow: &[Spanned<Consent>]) -> Option<Value> {
    let words = allow.iter().map(|consent| consent.value.to_string());
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

/// The desired state of a file that must be valid and refers to nothing.
pub fn parsed(format: Format, text: &str) -> Result<Desired, TestCaseError> {
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
