//! A subscription as the file writes it.

use super::kafka_options::{KAFKA_OPTIONS, of_consumers};
use crate::kind::words::consents;
use crate::source::{Map, Read, Text};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Map as JsonMap, Value as Json, json};

/// One Kafka subscription: the records of a topic invoke a handler.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// The topic to read: `kafka://CLUSTER/TOPIC`.
    #[schemars(required, regex(pattern = r"^kafka://[A-Za-z0-9._-]+/(\^.+|[A-Za-z0-9._-]{1,249})$"), extend("examples" = ["kafka://main/orders"]))]
    pub source: Option<Read<Text>>,

    /// The handler to invoke: `service://SERVICE/HANDLER`.
    #[schemars(required, regex(pattern = r"^service://[A-Za-z0-9._-]+/[A-Za-z0-9_]+$"), extend("examples" = ["service://Checkout/onOrder"]))]
    pub sink: Option<Read<Text>>,

    /// Options of the Kafka consumer, compared key by key. Write `group.id`: offsets are kept
    /// under it, and without it a subscription cannot be replaced without loss.
    #[schemars(transform = kafka_options)]
    pub options: Option<Read<Map<Text>>>,

    /// Consent to what is refused otherwise.
    #[schemars(transform = subscription_consents)]
    pub allow: Option<Read<Vec<Read<Text>>>>,

    /// No plan is accepted that replaces or deletes it.
    pub protected: Option<Read<bool>>,
}

/// What a subscription's entry can consent to.
pub const SUBSCRIPTION_CONSENTS: [(&str, &str); 1] = [(
    "regroup",
    "The subscription changes its consumer group, and with it its offsets.",
)];

fn subscription_consents(schema: &mut Schema) {
    consents(schema, &SUBSCRIPTION_CONSENTS);
}

/// Every option by name, so that editors complete them.
fn kafka_options(schema: &mut Schema) {
    let options = of_consumers().map(|(name, what)| {
        let allowed = KAFKA_OPTIONS.get(name).copied().unwrap_or_default();
        let mut option = match allowed.split_once("..") {
            Some(_) => json!({ "type": ["string", "number"] }),
            None if allowed.is_empty() => json!({ "type": ["string", "number", "boolean"] }),
            None => one_of(allowed),
        };
        let range = allowed.split_once("..");
        let range = range.map_or_else(String::new, |(low, high)| format!(" From {low} to {high}."));
        option["description"] = format!("{what}{range}").into();
        (name.to_owned(), option)
    });
    let options: JsonMap<String, Json> = options.collect();
    schema.insert("properties".to_owned(), options.into());
    schema.insert("additionalProperties".to_owned(), false.into());
}

/// One of some words, or a reference to one.
fn one_of(words: &str) -> Json {
    let mut choices: Vec<Json> = words.split('|').map(Json::from).collect();
    if words == "true|false" {
        choices.extend([true, false].map(Json::from));
    }
    json!({ "anyOf": [{ "enum": choices }, { "type": "string", "pattern": r"\$\{" }] })
}
