//! A subscription as a server has it.

use super::kafka_options::GROUP_ID;
use super::desired::is_sensitive_option;
use super::ends::{Name, Sink, Source};
use crate::admin::wire;
use crate::kind::redacted::REDACTED;
use crate::kind::{Key, SubscriptionKey};
use crate::secret::{MASK, Value};
use std::collections::BTreeMap;

/// A subscription as a server has it.
#[derive(Debug, Clone)]
pub struct Subscription {
    pub id: String,
    pub source: Name<Source>,
    pub sink: Name<Sink>,
    pub options: BTreeMap<String, Value>,
}

impl Subscription {
    /// The consumer group in effect. `None` where the server shows none, as 1.5 does when the
    /// Kafka cluster sets it.
    pub fn group_id(&self) -> Option<&str> {
        self.options.get(GROUP_ID).map(Value::expose)
    }

    /// The group is the subscription's own id: nobody chose it.
    pub fn has_own_group(&self) -> bool {
        self.group_id().is_none_or(|group| group == self.id)
    }

    /// The consumer group in effect, as it may be shown.
    pub fn shown_group(&self) -> Option<&str> {
        self.options.get(GROUP_ID).map(|group| group.shown().unwrap_or(MASK))
    }

    pub fn key(&self) -> Key {
        let group = self.shown_group().filter(|_| !self.has_own_group());
        Key::Subscription(SubscriptionKey {
            source: self.source.clone(),
            sink: self.sink.clone(),
            group: group.map(str::to_owned),
        })
    }

    /// The handler that it invokes, if that can be told.
    pub fn feeds(&self) -> Option<&Sink> {
        self.sink.known()
    }

    /// Whether the server hides the value of an option.
    pub fn hides(&self, option: &str) -> bool {
        self.options.get(option).is_some_and(|value| value.expose() == REDACTED)
    }
}

impl From<wire::Subscription> for Subscription {
    fn from(subscription: wire::Subscription) -> Self {
        Self {
            id: subscription.id,
            source: Name::of(&subscription.source),
            sink: Name::of(&subscription.sink),
            options: subscription
                .options
                .into_iter()
                .map(|(name, value)| {
                    let value = if is_sensitive_option(&name) && value != REDACTED {
                        Value::sensitive(value)
                    } else {
                        Value::plain(value)
                    };
                    (name, value)
                })
                .collect(),
        }
    }
}

/// The Kafka clusters of a server, by name, each with the `group.id` that its subscriptions get which
/// write none. `None` where the server does not list them, as before 1.7.
pub type Clusters = Option<BTreeMap<String, Option<String>>>;

/// The clusters that a server lists.
pub fn clusters(listed: Vec<wire::KafkaCluster>) -> BTreeMap<String, Option<String>> {
    let clusters = listed.into_iter();
    clusters
        .map(|mut cluster| (cluster.name, cluster.properties.remove(GROUP_ID)))
        .collect()
}
