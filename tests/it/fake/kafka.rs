use std::collections::BTreeMap;

use http::Uri;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    reply::{Answer, Reply},
    state::{self, State},
};

#[derive(Clone, Debug)]
pub struct Subscription {
    pub id: String,
    pub source: String,
    pub sink: String,
    pub options: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: String,
    pub properties: BTreeMap<String, String>,
    pub created_at: Timestamp,
    /// From the server's configuration file: the API cannot change it.
    pub is_static: bool,
}

#[derive(Deserialize)]
struct NewSubscription {
    source: String,
    sink: String,
    options: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct NewCluster {
    name: String,
    properties: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct ClusterUpdate {
    properties: BTreeMap<String, String>,
}

impl Cluster {
    pub fn from_configuration(name: &str) -> Self {
        let brokers = ("metadata.broker.list".into(), "PLAINTEXT://127.0.0.1:9".into());
        Self {
            name: name.into(),
            properties: BTreeMap::from([brokers]),
            created_at: Timestamp::UNIX_EPOCH,
            is_static: true,
        }
    }
}

impl State {
    /// Nothing is unique here: the same request twice makes two subscriptions.
    pub fn subscribe(&mut self, body: Value) -> Answer {
        let new: NewSubscription = serde_json::from_value(body).map_err(Reply::unprocessable)?;
        let parse = |uri: &str| uri.parse::<Uri>().map_err(Reply::unprocessable);
        let (source, sink) = (parse(&new.source)?, parse(&new.sink)?);
        let invalid = |why: &str| Reply::error(400, Some("META0009"), why);
        if source.scheme_str() != Some("kafka") {
            return Err(invalid("invalid source URI: supported schemes: [kafka]"));
        }
        if sink.scheme_str() != Some("service") {
            return Err(invalid("invalid sink URI: supported schemes: [service]"));
        }
        let handler = sink.path().strip_prefix('/').unwrap_or_default();
        let known = self
            .active(sink.authority().map_or("", |a| a.as_str()))
            .is_some_and(|(_, service)| service.handler(handler).is_some());
        if !known {
            return Err(invalid("cannot find service/handler specified in the sink URI"));
        }
        let cluster = source.authority().map_or("", |a| a.as_str());
        let Some(cluster) = self.kafka_clusters.iter().find(|c| c.name == cluster) else {
            let why = format!("Kafka cluster '{cluster}' not found");
            return Err(Reply::error(400, None, why));
        };
        let id = state::new_id("sub");
        let mut options = new.options.unwrap_or_default();
        let group = cluster.properties.get("group.id").unwrap_or(&id).clone();
        options.entry("group.id".into()).or_insert(group);
        options
            .entry("client.id".into())
            .or_insert_with(|| "restate".into());
        let subscription = Subscription {
            id,
            source: without_query(&source),
            sink: without_query(&sink),
            options,
        };
        let body = self.subscription(&subscription);
        let location = format!("subscriptions/{}", subscription.id);
        self.subscriptions.push(subscription);
        Ok(Reply::json(201, &body).with_header("location", location))
    }

    pub fn subscriptions(&self, source: Option<&str>, sink: Option<&str>) -> Value {
        let wanted = self.subscriptions.iter().filter(|s| {
            source.is_none_or(|source| s.source == source) && sink.is_none_or(|sink| s.sink == sink)
        });
        let list = self.ordered(wanted.map(|s| self.subscription(s)));
        json!({ "subscriptions": list })
    }

    pub fn subscription(&self, subscription: &Subscription) -> Value {
        let Subscription {
            id,
            source,
            sink,
            options,
        } = subscription;
        let options = self.redacted(options);
        json!({ "id": id, "source": source, "sink": sink, "options": options })
    }

    pub fn clusters(&self) -> Value {
        let clusters = self.ordered(self.kafka_clusters.iter().map(|c| self.cluster(c)));
        json!({ "clusters": clusters })
    }

    fn cluster(&self, cluster: &Cluster) -> Value {
        // Only the epoch of a static cluster comes without fractions of a second.
        let created_at = if cluster.is_static {
            cluster.created_at.to_string()
        } else {
            format!("{:.9}", cluster.created_at)
        };
        let mut out = json!({
            "name": cluster.name,
            "properties": self.redacted(&cluster.properties),
            "created_at": created_at,
        });
        if cluster.is_static {
            let message =
                "This Kafka cluster was configured in the static cluster configuration, this is deprecated.";
            out["info"] = json!([{ "message": message }]);
        }
        out
    }

    pub fn cluster_details(&self, name: &str, with_subscriptions: bool) -> Answer {
        let Some(cluster) = self.kafka_clusters.iter().find(|c| c.name == name) else {
            let why = format!("The requested Kafka cluster '{name}' does not exist");
            return Err(Reply::error(404, None, why));
        };
        let mut out = self.cluster(cluster);
        // Asked for or not, the field is there.
        let subscriptions = if with_subscriptions {
            let fed = self.fed_by(name);
            self.ordered(fed.map(|s| self.subscription(s)))
        } else {
            Vec::new()
        };
        out["subscriptions"] = json!(subscriptions);
        Ok(Reply::json(200, &out))
    }

    fn fed_by(&self, cluster: &str) -> impl Iterator<Item = &Subscription> {
        let prefix = format!("kafka://{cluster}/");
        self.subscriptions
            .iter()
            .filter(move |s| s.source.starts_with(&prefix))
    }

    pub fn add_cluster(&mut self, body: Value) -> Answer {
        let new: NewCluster = serde_json::from_value(body).map_err(Reply::unprocessable)?;
        let NewCluster { name, properties } = new;
        name.parse::<http::uri::Authority>()
            .map_err(Reply::unprocessable)?;
        check_brokers(&properties)?;
        if self.kafka_clusters.iter().any(|c| c.name == name) {
            let why = format!("kafka cluster '{name}' already exists");
            return Err(Reply::error(409, None, why));
        }
        let cluster = Cluster {
            name,
            properties,
            created_at: state::now(),
            is_static: false,
        };
        let body = self.cluster(&cluster);
        let location = format!("kafka-clusters/{}", cluster.name);
        self.kafka_clusters.push(cluster);
        Ok(Reply::json(201, &body).with_header("location", location))
    }

    /// Replaces every property; a `***` that comes back is stored as such.
    pub fn update_cluster(&mut self, name: &str, body: Value) -> Answer {
        let update: ClusterUpdate = serde_json::from_value(body).map_err(Reply::unprocessable)?;
        check_brokers(&update.properties)?;
        let at = self.changeable_cluster(name)?;
        self.kafka_clusters[at].properties = update.properties;
        Ok(Reply::json(200, &self.cluster(&self.kafka_clusters[at])))
    }

    pub fn remove_cluster(&mut self, name: &str, force: bool) -> Answer {
        let at = self.changeable_cluster(name)?;
        if !force && self.fed_by(name).next().is_some() {
            let why = format!("Removing the kafka cluster '{name}' orphans a subscription");
            return Err(Reply::error(409, None, why));
        }
        self.kafka_clusters.remove(at);
        Ok(Reply::empty(202))
    }

    fn changeable_cluster(&self, name: &str) -> Result<usize, Reply> {
        let Some(at) = self.kafka_clusters.iter().position(|c| c.name == name) else {
            let why = format!("not found in the schema registry: kafka cluster '{name}'");
            return Err(Reply::error(404, None, why));
        };
        if self.kafka_clusters[at].is_static {
            let why = format!("kafka cluster '{name}' was defined in the configuration file");
            return Err(Reply::error(409, None, why));
        }
        Ok(at)
    }

    /// 1.7 hides secrets by the name of their key; older servers return them.
    fn redacted(&self, options: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let hidden = |key: &str| {
            let key = key.to_ascii_lowercase();
            self.version.at_least(7)
                && (["password", "secret", "passphrase"]
                    .iter()
                    .any(|word| key.contains(word))
                    || ["sasl.username", "ssl.key.pem", "ssl.key.location"].contains(&key.as_str()))
        };
        options
            .iter()
            .map(|(key, value)| {
                let value = if hidden(key) { "***" } else { value };
                (key.clone(), value.to_owned())
            })
            .collect()
    }
}

fn check_brokers(properties: &BTreeMap<String, String>) -> Result<(), Reply> {
    let keys = ["bootstrap.servers", "metadata.broker.list"];
    if keys.iter().any(|key| properties.contains_key(*key)) {
        return Ok(());
    }
    let why = format!("properties must contain one of {keys:?}");
    Err(Reply::error(400, None, why))
}

/// Query and fragment go; a missing path becomes `/`.
fn without_query(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", |a| a.as_str());
    format!("{scheme}://{authority}{}", uri.path())
}
