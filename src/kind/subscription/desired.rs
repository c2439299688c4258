//! A subscription that should exist.

use super::kafka_options::GROUP_ID;
use super::ends::{Name, Parse, Sink, Source};
use super::file::{self, SUBSCRIPTION_CONSENTS};
use super::kafka;
use crate::code::Code;
use crate::consent::{self, Consent};
use crate::kind::redacted::{REDACTED, redacted_value};
use crate::kind::service::name::{check_service_name, is_name};
use crate::kind::{Key, SubscriptionKey};
use crate::problem::{Problem, Problems};
use crate::secret::Value;
use crate::source::{Read, Span, Spanned, Text, compact, is_true, pairs};
use litemap::LiteMap;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// A subscription that should exist.
#[derive(Debug)]
pub struct Subscription {
    pub span: Span,
    pub source: Spanned<Source>,
    pub sink: Spanned<Sink>,
    pub options: LiteMap<String, Spanned<Value>>,
    /// The `group.id` as it may be shown: with its references, where it has any.
    pub shown_group: Option<String>,
    pub allow: Vec<Spanned<Consent>>,
    pub is_protected: bool,
}

impl Subscription {
    pub fn group_id(&self) -> Option<&str> {
        self.options.get(GROUP_ID).map(|option| option.value.expose())
    }

    /// The key, with the group if the file writes one.
    pub fn key(&self) -> Key {
        Key::Subscription(SubscriptionKey {
            source: Name::Known(self.source.value.clone()),
            sink: Name::Known(self.sink.value.clone()),
            group: self.shown_group.clone(),
        })
    }

    /// The entry as the digest of the desired state has it.
    pub fn canonical(&self) -> Json {
        let Self {
            span: _,
            source,
            sink,
            options,
            shown_group: _,
            allow,
            is_protected,
        } = self;
        let key = self.key();
        let options: BTreeMap<&String, Json> = options
            .iter()
            .map(|(name, option)| {
                let shown = option.value.shown();
                let pointer = || json!({ "sensitive": format!("/subscriptions/{key}/options/{name}") });
                (name, shown.map_or_else(pointer, Json::from))
            })
            .collect();
        json!({
            "source": source.value.to_string(),
            "sink": sink.value.to_string(),
            "options": options,
            "allow": consent::canonical(allow),
            "protected": is_protected,
        })
    }

    pub fn build(entry: Spanned<Box<file::Subscription>>, problems: &mut Problems) -> Option<Self> {
        let span = entry.span;
        let file::Subscription {
            source,
            sink,
            options,
            allow,
            protected,
        } = *entry.value;
        let source =
            required(source, "source", span, problems).and_then(|text| valid_source(&text, problems));
        let sink = required(sink, "sink", span, problems).and_then(|text| valid_sink(&text, problems));
        let mut shown_group = None;
        let options: BTreeMap<String, Spanned<Value>> = pairs(options)
            .filter_map(|(key, value)| {
                let Some(value) = value else {
                    // It is not known offline, but that there is such an option.
                    let is_kept = is_sensitive_option(&key.value) || key.value == GROUP_ID;
                    let unknown = Spanned::new(Value::sensitive(""), key.span);
                    return is_kept.then_some((key.value, unknown));
                };
                if value.value.as_str() == REDACTED {
                    problems.push(redacted_value(value.span));
                    return None;
                }
                kafka::check(&key, &value, problems);
                if key.value == GROUP_ID {
                    let text = &value.value;
                    let shown = if text.is_external() { text.quote() } else { text.as_str() };
                    shown_group = Some(shown.to_owned());
                }
                let is_sensitive = is_sensitive_value(&key.value, value.value.is_external());
                let value = if is_sensitive {
                    Value::sensitive(value.value.into_string())
                } else {
                    value.value.into_value()
                };
                Some((key.value, Spanned::new(value, key.span)))
            })
            .collect();
        Some(Self {
            span,
            options: compact(options),
            shown_group,
            allow: consent::build(allow, &SUBSCRIPTION_CONSENTS, problems),
            is_protected: is_true(protected),
            source: source?,
            sink: sink?,
        })
    }
}

fn required(
    read: Option<Read<Text>>,
    field: &str,
    entry: Span,
    problems: &mut Problems,
) -> Option<Spanned<Text>> {
    if read.is_none() {
        problems.push(Problem::error(Code::MissingField, format!("a subscription needs `{field}`")).at(entry));
    }
    read.and_then(Read::ok)
}

fn valid_source(text: &Spanned<Text>, problems: &mut Problems) -> Option<Spanned<Source>> {
    let invalid =
        |message: String, help: &str| Problem::error(Code::InvalidSource, message).at(text.span).help(help);
    let Some(source) = Source::parse(text.value.as_str()) else {
        let message = format!("`{}` is not a subscription source", text.value.quote());
        problems.push(invalid(message, "write `kafka://CLUSTER/TOPIC`"));
        return None;
    };
    if !kafka::is_cluster_name(&source.cluster) {
        let message = format!("`{}` does not name a Kafka cluster", text.value.quote());
        let help =
            "the name of a cluster has the characters of a host name: letters, digits, `.`, `_` and `-`";
        problems.push(invalid(message, help));
        return None;
    }
    if !kafka::is_topic(&source.topic) {
        let message = format!("`{}` does not name a Kafka topic", text.value.quote());
        let help = "the server takes it literally, and no topic has such a name: letters, digits, `.`, `_` and `-`, at most 249; one that starts with `^` is a regular expression";
        problems.push(invalid(message, help));
        return None;
    }
    Some(Spanned::new(source, text.span))
}

fn valid_sink(text: &Spanned<Text>, problems: &mut Problems) -> Option<Spanned<Sink>> {
    let Some(sink) = Sink::parse(text.value.as_str()) else {
        problems.push(
            Problem::error(
                Code::InvalidSink,
                format!("`{}` is not a subscription sink", text.value.quote()),
            )
            .at(text.span)
            .help("write `service://SERVICE/HANDLER`"),
        );
        return None;
    };
    let shown = if text.value.is_filled() {
        text.value.quote()
    } else {
        &sink.service
    };
    if !check_service_name(&sink.service, shown, text.span, problems) {
        return None;
    }
    if !is_name(&sink.handler, "") {
        problems.push(
            Problem::error(
                Code::InvalidSink,
                format!("`{}` does not name a handler", text.value.quote()),
            )
            .at(text.span)
            .help("write `service://SERVICE/HANDLER`, with nothing behind the handler"),
        );
        return None;
    }
    Some(Spanned::new(sink, text.span))
}

/// What the environment or a file gives an option may be a secret whatever its name.
pub fn is_sensitive_value(name: &str, is_external: bool) -> bool {
    is_external || is_sensitive_option(name)
}

/// The option names whose values 1.7 redacts on read [R:1.7.6]; older servers return them in clear,
/// and they are as secret there.
pub fn is_sensitive_option(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "secret", "passphrase"]
        .iter()
        .any(|word| name.contains(word))
        || [
            "sasl.username",
            "sasl.jaas.config",
            "sasl.oauthbearer.config",
            "sasl.oauthbearer.assertion.private.key",
            "token.endpoint.url",
            "ssl.key.location",
            "ssl.key.pem",
            "ssl.keystore.location",
            "ssl.truststore.location",
        ]
        .iter()
        .any(|known| name.contains(known))
}
