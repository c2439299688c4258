//! A subscription as the file writes it.

use super::kafka_options::KAFKA_OPTIONS;
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
    let text = json!(["string", "number", "boolean"]);
    let options: JsonMap<String, Json> = KAFKA_OPTIONS
        .iter()
        .map(|(name, allowed)| {
            let option = match allowed.split_once("..") {
                Some((low, high)) => {
                    json!({ "type": text, "description": format!("A number from {low} to {high}.") })
                }
                None if allowed.is_empty() => json!({ "type": text }),
                None => json!({ "type": text, "examples": allowed.split('|').collect::<Vec<_>>() }),
            };
            ((*name).to_owned(), option)
        })
        .collect();
    schema.insert("properties".to_owned(), options.into());
    schema.insert("additionalProperties".to_owned(), false.into());
}
