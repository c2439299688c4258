//! A subscription in a snapshot: secret options are three stars, as servers show them.

use super::ends::Name;
use super::live::Subscription;
use crate::kind::redacted::REDACTED;
use crate::secret::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotSubscription {
    /// The id that the server has for it.
    pub id: String,
    /// The topic: `kafka://CLUSTER/TOPIC`.
    pub source: String,
    /// The handler: `service://SERVICE/HANDLER`.
    pub sink: String,
    /// The options. A secret value is three stars, as servers show it.
    pub options: BTreeMap<String, String>,
}

impl SnapshotSubscription {
    pub fn of(live: &Subscription) -> Self {
        let Subscription {
            id,
            source,
            sink,
            options,
        } = live;
        let shown = |value: &Value| value.shown().unwrap_or(REDACTED).to_owned();
        Self {
            id: id.clone(),
            source: source.to_string(),
            sink: sink.to_string(),
            options: options
                .iter()
                .map(|(name, value)| (name.clone(), shown(value)))
                .collect(),
        }
    }

    /// The subscription as a plan offline takes it.
    pub fn into_live(self) -> Subscription {
        let options = self.options.into_iter();
        Subscription {
            id: self.id,
            source: Name::of(&self.source),
            sink: Name::of(&self.sink),
            options: options.map(|(name, text)| (name, Value::plain(text))).collect(),
        }
    }
}
