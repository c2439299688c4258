//! The bodies of the Admin API, as the servers send and take them.

use crate::secret::Value;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// `GET /version`.
#[derive(Debug, Deserialize)]
pub struct Version {
    pub version: String,
    pub min_admin_api_version: u32,
    pub max_admin_api_version: u32,
}

/// `GET /cluster-health`.
#[derive(Debug, Deserialize)]
pub struct ClusterHealth {
    pub cluster_name: String,
}

/// `GET /deployments`.
#[derive(Deserialize)]
pub struct Deployments {
    pub deployments: Vec<Deployment>,
}

/// One of [`Deployments`]: it has a `uri` or an `arn`.
#[derive(Deserialize)]
pub struct Deployment {
    pub id: String,
    #[serde(default)]
    pub uri: Option<String>,
    #[serde(default)]
    pub arn: Option<String>,
    #[serde(default)]
    pub assume_role_arn: Option<String>,
    #[serde(default)]
    pub auth: Option<serde_json::Value>,
    #[serde(default)]
    pub http_version: Option<String>,
    /// Headers with their values, in clear on every version: never print them [S:all].
    #[serde(default)]
    pub additional_headers: BTreeMap<String, String>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// RFC 3339 in UTC, to the nanosecond [S:all].
    pub created_at: String,
    pub services: Vec<ServiceRevision>,
}

/// A service that a deployment was registered with.
#[derive(Debug, Deserialize)]
pub struct ServiceRevision {
    pub name: String,
    pub revision: u32,
}

/// The answer to a registration or a dry run, and the part of `GET /deployments/{id}` that has its
/// services whole.
#[derive(Debug, Deserialize)]
pub struct Registered {
    /// The id of the deployment. After a dry run the server throws it away.
    pub id: String,
    pub services: Vec<Service>,
}

/// `GET /services`: the latest revision of each service.
#[derive(Debug, Deserialize)]
pub struct Services {
    pub services: Vec<Service>,
}

/// A service with its options, as in effect. Durations are written as `1m 30s`.
#[derive(Debug, Deserialize)]
pub struct Service {
    pub name: String,
    pub ty: String,
    pub deployment_id: String,
    pub revision: u32,
    #[serde(default)]
    pub public: bool,
    #[serde(default)]
    pub idempotency_retention: Option<String>,
    #[serde(default)]
    pub journal_retention: Option<String>,
    #[serde(default)]
    pub inactivity_timeout: Option<String>,
    #[serde(default)]
    pub abort_timeout: Option<String>,
    #[serde(default)]
    pub workflow_completion_retention: Option<String>,
    pub handlers: Vec<Handler>,
    #[serde(default)]
    pub info: Vec<Info>,
}

/// A handler of a service.
#[derive(Debug, Deserialize)]
pub struct Handler {
    pub name: String,
    #[serde(default)]
    pub ty: Option<String>,
    /// Server versions differ in what they tell of a handler, and all of it is compared.
    #[serde(flatten)]
    pub rest: BTreeMap<String, serde_json::Value>,
}

/// A remark of the server on a service, such as `RT0022` for a retention that it clamps.
#[derive(Debug, Deserialize)]
pub struct Info {
    pub code: String,
    pub message: String,
}

/// `GET /subscriptions`.
#[derive(Deserialize)]
pub struct Subscriptions {
    pub subscriptions: Vec<Subscription>,
}

/// One of [`Subscriptions`].
#[derive(Deserialize)]
pub struct Subscription {
    pub id: String,
    pub source: String,
    pub sink: String,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// The body of an error, when it is JSON.
#[derive(Debug, Deserialize)]
pub struct ErrorBody {
    pub message: String,
    #[serde(default)]
    pub restate_code: Option<String>,
}

/// How the server reaches a deployment: the part of it that a registration and an update share.
/// Every field is sent each time: what is omitted is reset or kept depending on the version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Connection {
    /// The address. If others registered it, it may carry userinfo.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed_one")]
    pub uri: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_http_11: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assume_role_arn: Option<String>,
    #[serde(serialize_with = "exposed")]
    pub additional_headers: BTreeMap<String, Value>,
}

/// `POST /deployments`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Registration {
    #[serde(flatten)]
    pub connection: Connection,
    /// `None` for servers before 1.6, which ignore it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed_map")]
    pub metadata: Option<BTreeMap<String, Value>>,
    /// Sent back as it was read, so that a write keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<serde_json::Value>,
    /// Always sent: its default depends on the server's version and on the path prefix.
    pub force: bool,
    pub breaking: bool,
    pub dry_run: bool,
}

/// `PATCH /deployments/{id}`, and `PUT` before 1.6.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Update {
    #[serde(flatten)]
    pub connection: Connection,
    /// Whether to take over what the endpoint serves now as well; 1.5 ignores it [S:1.5.3].
    pub overwrite: bool,
    pub dry_run: bool,
}

/// `POST /query`.
#[derive(Debug, Serialize)]
pub struct Query<'a> {
    pub query: &'a str,
}

/// The answer to a query that asks for JSON.
#[derive(Debug, Deserialize)]
pub struct Rows<T> {
    pub rows: Vec<T>,
}

/// Invocations that are not completed, counted by where they are. What is null is left out
/// [S:all].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Unfinished {
    /// The deployment on which the invocation runs to its end.
    #[serde(default)]
    pub pinned_deployment_id: Option<String>,
    /// The deployment where it was last tried: before an endpoint answers, nothing is pinned [S:1.6.2,
    /// 1.7.12].
    #[serde(default)]
    pub last_attempt_deployment_id: Option<String>,
    /// The service that was called. A queued or scheduled invocation has no deployment yet.
    pub target_service_name: String,
    /// How many there are.
    pub n: u64,
    /// How many of them are paused.
    #[serde(default)]
    pub paused: u64,
}

/// `GET /kafka-clusters`.
#[derive(Deserialize)]
pub struct KafkaClusters {
    pub clusters: Vec<KafkaCluster>,
}

/// One of [`KafkaClusters`].
#[derive(Deserialize)]
pub struct KafkaCluster {
    pub name: String,
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// `POST /subscriptions`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewSubscription {
    pub source: String,
    pub sink: String,
    #[serde(serialize_with = "exposed")]
    pub options: BTreeMap<String, Value>,
}

fn exposed<S: Serializer>(values: &BTreeMap<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.iter().map(|(name, value)| (name, value.expose())))
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn exposed_map<S: Serializer>(
    values: &Option<BTreeMap<String, Value>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match values {
        Some(values) => exposed(values, serializer),
        None => serializer.serialize_none(),
    }
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn exposed_one<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_str(value.expose()),
        None => serializer.serialize_none(),
    }
}
