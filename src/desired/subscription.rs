use super::service::{check_service_name, is_name};
use super::{Consent, deployment::redacted_value, entries, no_reference, pairs};
use crate::config;
use crate::problem::{Problem, Problems};
use crate::secret::Value;
use crate::source::{Read, Span, Spanned};
use std::collections::BTreeMap;
use std::fmt;

pub const GROUP_ID: &str = "group.id";

/// A Kafka topic of a cluster the server knows. The topic is kept literally.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    pub cluster: String,
    pub topic: String,
}

/// The handler that a subscription invokes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sink {
    pub service: String,
    pub handler: String,
}

impl Source {
    pub fn parse(text: &str) -> Option<Self> {
        let (cluster, topic) = text.strip_prefix("kafka://")?.split_once('/')?;
        // The server drops query and fragment, and accepts an empty topic, which is useless.
        let valid = !cluster.is_empty() && !topic.is_empty() && !text.contains(['?', '#']);
        valid.then(|| Self {
            cluster: cluster.to_owned(),
            topic: topic.to_owned(),
        })
    }
}

impl Sink {
    pub fn parse(text: &str) -> Option<Self> {
        let (service, handler) = text.strip_prefix("service://")?.split_once('/')?;
        Some(Self {
            service: service.to_owned(),
            handler: handler.to_owned(),
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kafka://{}/{}", self.cluster, self.topic)
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service://{}/{}", self.service, self.handler)
    }
}

/// A subscription that should exist.
#[derive(Debug)]
pub struct Subscription {
    pub span: Span,
    pub source: Spanned<Source>,
    pub sink: Spanned<Sink>,
    pub options: BTreeMap<String, Spanned<Value>>,
    pub allow: Vec<Spanned<Consent>>,
}

impl Subscription {
    pub fn group_id(&self) -> Option<&str> {
        self.options.get(GROUP_ID).map(|option| option.value.expose())
    }

    /// `SOURCE -> SINK`, with ` @ GROUP` where the file writes a `group.id`.
    pub fn key(&self) -> String {
        let (source, sink) = (&self.source.value, &self.sink.value);
        match self.group_id() {
            Some(group) => format!("{source} -> {sink} @ {group}"),
            None => format!("{source} -> {sink}"),
        }
    }

    pub fn build(entry: Spanned<config::Subscription>, problems: &mut Problems) -> Option<Self> {
        let span = entry.span;
        let config::Subscription {
            source,
            sink,
            options,
            allow,
        } = entry.value;
        let source = required(source, "source", span, problems).and_then(|text| {
            let parsed = Source::parse(&text.value);
            if parsed.is_none() {
                problems.push(
                    Problem::error(
                        "invalid-source",
                        format!("`{}` is not a subscription source", text.value),
                    )
                    .at(text.span)
                    .help("write `kafka://CLUSTER/TOPIC`"),
                );
            }
            Some(Spanned::new(parsed?, text.span))
        });
        let sink = required(sink, "sink", span, problems).and_then(|text| valid_sink(&text, problems));
        let options = pairs(options)
            .filter_map(|(key, value)| {
                let value = value.filter(|value| no_reference(value, problems))?;
                if value.value == "***" {
                    problems.push(redacted_value(value.span));
                    return None;
                }
                let text = if is_sensitive_option(&key.value) {
                    Value::sensitive(value.value)
                } else {
                    Value::plain(value.value)
                };
                Some((key.value, Spanned::new(text, key.span)))
            })
            .collect();
        Some(Self {
            span,
            options,
            allow: entries(allow)
                .map(|consent| {
                    consent.map(|consent| match consent {
                        config::SubscriptionConsent::Regroup => Consent::Regroup,
                    })
                })
                .collect(),
            source: source?,
            sink: sink?,
        })
    }
}

fn required(
    read: Option<Read<String>>,
    field: &str,
    entry: Span,
    problems: &mut Problems,
) -> Option<Spanned<String>> {
    if read.is_none() {
        problems.push(Problem::error("missing-field", format!("a subscription needs `{field}`")).at(entry));
    }
    read.and_then(Read::ok)
        .filter(|text| no_reference(text, problems))
}

fn valid_sink(text: &Spanned<String>, problems: &mut Problems) -> Option<Spanned<Sink>> {
    let Some(sink) = Sink::parse(&text.value) else {
        problems.push(
            Problem::error(
                "invalid-sink",
                format!("`{}` is not a subscription sink", text.value),
            )
            .at(text.span)
            .help("write `service://SERVICE/HANDLER`"),
        );
        return None;
    };
    if !check_service_name(&sink.service, text.span, problems) {
        return None;
    }
    if !is_name(&sink.handler, "") {
        problems.push(
            Problem::error(
                "invalid-sink",
                format!("`{}` is not a handler name", sink.handler),
            )
            .at(text.span)
            .help("write `service://SERVICE/HANDLER`, with nothing behind the handler"),
        );
        return None;
    }
    Some(Spanned::new(sink, text.span))
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
