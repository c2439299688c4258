//! The desired-state file, exactly in its own shape. The JSON Schema that editors use is derived
//! from these types, so their comments are written for the people who write the file.
//!
//! Neither `flatten` nor `untagged`: both would lose the spans.

mod hints;
mod kafka;
mod schema;

use crate::source::{Map, Read, Text};
use schemars::JsonSchema;
use serde::Deserialize;

pub use hints::hint;
pub use kafka::KAFKA_OPTIONS;
pub use schema::schema;

/// The version of the format that this program reads.
pub const FORMAT_VERSION: u64 = 1;

/// As the server accepts it at discovery.
const SERVICE_NAME: &str = "^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9._-]*$";
/// Roughly: a number with a unit, a clock, ISO 8601, or none at all.
const DURATION: &str = r"^(0|P[0-9T].*|[0-9].*[a-zµ].*|[0-9]+:[0-9]+:[0-9.]+)$";

/// What should be on a Restate server: deployments, service overrides and Kafka subscriptions.
///
/// A field that is not written is not managed: it is neither compared nor changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "restatectl desired state")]
pub struct File {
    /// The version of this format: 1.
    #[schemars(required, range(min = 1, max = 1))]
    pub version: Option<Read<u64>>,

    /// The name of the stack that owns what this file lists. Registrations are marked with it, and
    /// pruning touches nothing else. Needs Restate 1.6.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"), extend("examples" = ["payments"]))]
    pub stack: Option<Read<Text>>,

    /// The server that the file is for. Another one is refused.
    pub target: Option<Read<Target>>,

    /// Variables, for `${var:NAME}` in any value. Their values come from `--var NAME=VALUE`,
    /// `--var-file FILE`, or the default.
    #[schemars(extend(
        "propertyNames" = { "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$" },
        "examples" = [{ "tag": { "default": "latest", "description": "The image that is rolled out" } }]
    ))]
    pub variables: Option<Read<Map<Variable>>>,

    /// The deployments to register. The order matters: of several that expose the same service,
    /// the last one listed serves it.
    pub deployments: Option<Read<Vec<Read<Box<Deployment>>>>>,

    /// Overrides of service options, by service name. Services themselves come with deployments.
    #[schemars(extend("propertyNames" = { "pattern": SERVICE_NAME }))]
    pub services: Option<Read<Map<Box<Service>>>>,

    /// Kafka subscriptions.
    pub subscriptions: Option<Read<Vec<Read<Box<Subscription>>>>>,

    /// What happens to live resources that no file lists. A kind is only looked at if its section is
    /// written; an empty one counts.
    pub prune: Option<Read<Prune>>,

    /// How much one plan may delete.
    pub safety: Option<Read<Safety>>,
}

/// What a server must be to be changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The name of its cluster.
    #[schemars(extend("examples" = ["prod"]))]
    pub cluster_name: Option<Read<Text>>,
}

/// What happens to live resources that no file lists.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prune {
    /// What happens to deployments.
    pub deployments: Option<Read<PruneDeployments>>,

    /// What happens to subscriptions, duplicates included.
    #[schemars(extend("default" = "keep"))]
    pub subscriptions: Option<Read<SubscriptionPolicy>>,
}

/// What happens to deployments that no file lists.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PruneDeployments {
    /// Whether they are deleted, and when.
    #[schemars(required)]
    pub policy: Option<Read<DeploymentPolicy>>,

    /// How many drained deployments of each service stay, for a rollback.
    #[schemars(extend("default" = 1))]
    pub keep: Option<Read<u64>>,

    /// How long another deployment must have served the services of one that is deleted.
    #[schemars(regex(pattern = DURATION), extend("default" = "5m"))]
    pub after: Option<Read<Text>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeploymentPolicy {
    /// They stay, and are counted.
    #[default]
    Keep,
    /// They are deleted once nothing runs on them and nothing needs them.
    Drained,
    /// They are deleted as soon as nothing needs them, also under invocations that run on them.
    Force,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SubscriptionPolicy {
    /// They stay, and are counted.
    #[default]
    Keep,
    /// They are deleted.
    Delete,
}

/// How much one plan may delete.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Safety {
    /// The most deletions that a plan may have; drained deployments do not count.
    #[schemars(extend("default" = 10))]
    pub max_deletes: Option<Read<u64>>,
}

/// A variable. Without a default it must be given a value on the command line.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The value where the command line gives none. It may refer to `${env:…}` and `${file:…}`.
    pub default: Option<Read<Text>>,

    /// What the variable is for.
    pub description: Option<Read<Text>>,
}

/// One deployment: an address that serves services. Exactly one of `uri` and `arn`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = [{ "required": ["uri"] }, { "required": ["arn"] }],
    "dependentRequired" = { "assume_role_arn": ["arn"], "use_http_11": ["uri"] }
))]
pub struct Deployment {
    /// A local handle for messages. It is not sent to the server.
    pub name: Option<Read<Text>>,

    /// The address of an HTTP endpoint. The server knows it by host, port and path; a trailing
    /// slash is significant.
    #[schemars(
        regex(pattern = r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+(/[^@]*)?$"),
        extend("examples" = ["http://checkout:9080", "https://checkout-${var:tag}.internal:9080"])
    )]
    pub uri: Option<Read<Text>>,

    /// The ARN of an AWS Lambda function, with its version or alias.
    #[schemars(
        regex(pattern = r"^arn:[^:]+:lambda:[^:]+:[^:]+:function:[^:]+:[^:]+$"),
        extend("examples" = ["arn:aws:lambda:eu-central-1:123456789012:function:mailer:7"])
    )]
    pub arn: Option<Read<Text>>,

    /// The role to assume when invoking the function. Only with `arn`.
    #[schemars(
        regex(pattern = r"^arn:[^:]+:iam::[^:]+:role/"),
        extend("examples" = ["arn:aws:iam::123456789012:role/restate"])
    )]
    pub assume_role_arn: Option<Read<Text>>,

    /// Headers that the server adds to every request it makes to the endpoint. Written = the whole
    /// map: a header that is not listed is removed. The values are never shown.
    #[schemars(extend(
        "propertyNames" = { "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" },
        "examples" = [{ "authorization": "Bearer ${env:CHECKOUT_TOKEN}" }]
    ))]
    pub additional_headers: Option<Read<Map<Text>>>,

    /// Talk HTTP/1.1 to the endpoint. Only with `uri`.
    pub use_http_11: Option<Read<bool>>,

    /// Written when the deployment is registered, and never compared afterwards: no server can
    /// change it without registering again. Needs Restate 1.6.
    #[schemars(extend("examples" = [{ "git.commit.sha": "${env:GITHUB_SHA:-dev}" }]))]
    pub metadata: Option<Read<Map<Text>>>,

    /// Exactly the services that the endpoint must expose. Checked against the server's dry run.
    #[schemars(extend("examples" = [["Cart", "Checkout"]]))]
    pub services: Option<Read<Vec<Read<Text>>>>,

    /// Consent to what is refused otherwise.
    #[schemars(transform = schema::deployment_consents)]
    pub allow: Option<Read<Vec<Read<Text>>>>,

    /// No plan is accepted that overwrites it, promotes another over it or deletes it.
    pub protected: Option<Read<bool>>,
}

/// What a deployment's entry can consent to, and what that means.
pub const DEPLOYMENT_CONSENTS: [(&str, &str); 4] = [
    (
        "breaking",
        "Service types change, or callers lose handlers or services.",
    ),
    ("overwrite", "The endpoint serves other code than is registered."),
    ("promote", "A registered deployment becomes the latest again."),
    ("expose", "A private service becomes public."),
];

/// Overrides of one service's options. They win over what the SDK declares for the service, until
/// the next registration, which resets them: restatectl puts them back in the same apply.
///
/// Durations are strings such as `90s`, `1h 30m`, `7 days` or `PT2M`; a day has 24 hours.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Whether the ingress accepts requests for the service.
    pub public: Option<Read<bool>>,

    /// How long the results of requests with an idempotency key are kept.
    #[schemars(regex(pattern = DURATION), extend("examples" = ["7 days"]))]
    pub idempotency_retention: Option<Read<Text>>,

    /// How long journals are kept after an invocation completed.
    #[schemars(regex(pattern = DURATION), extend("examples" = ["1d"]))]
    pub journal_retention: Option<Read<Text>>,

    /// How long an invocation may be inactive before it is asked to suspend.
    #[schemars(regex(pattern = DURATION), extend("examples" = ["PT2M"]))]
    pub inactivity_timeout: Option<Read<Text>>,

    /// How long a suspending invocation may take before it is aborted.
    #[schemars(regex(pattern = DURATION), extend("examples" = ["10m"]))]
    pub abort_timeout: Option<Read<Text>>,

    /// How long the result of a workflow is kept. Only for workflows.
    #[schemars(regex(pattern = DURATION), extend("examples" = ["30d"]))]
    pub workflow_completion_retention: Option<Read<Text>>,

    /// Consent to what is refused otherwise.
    #[schemars(transform = schema::service_consents)]
    pub allow: Option<Read<Vec<Read<Text>>>>,

    /// No plan is accepted that changes who serves it but by a new registration.
    pub protected: Option<Read<bool>>,
}

/// What a service's entry can consent to.
pub const SERVICE_CONSENTS: [(&str, &str); 1] = [("expose", "A private service becomes public.")];

/// One Kafka subscription: the records of a topic invoke a handler.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// `kafka://CLUSTER/TOPIC`
    #[schemars(required, regex(pattern = r"^kafka://[A-Za-z0-9._-]+/(\^.+|[A-Za-z0-9._-]{1,249})$"), extend("examples" = ["kafka://main/orders"]))]
    pub source: Option<Read<Text>>,

    /// `service://SERVICE/HANDLER`
    #[schemars(required, regex(pattern = r"^service://[A-Za-z0-9._-]+/[A-Za-z0-9_]+$"), extend("examples" = ["service://Checkout/onOrder"]))]
    pub sink: Option<Read<Text>>,

    /// Options of the Kafka consumer, compared key by key. Write `group.id`: offsets are kept
    /// under it, and without it a subscription cannot be replaced without loss.
    #[schemars(transform = schema::kafka_options)]
    pub options: Option<Read<Map<Text>>>,

    /// Consent to what is refused otherwise.
    #[schemars(transform = schema::subscription_consents)]
    pub allow: Option<Read<Vec<Read<Text>>>>,

    /// No plan is accepted that replaces or deletes it.
    pub protected: Option<Read<bool>>,
}

/// What a subscription's entry can consent to.
pub const SUBSCRIPTION_CONSENTS: [(&str, &str); 1] = [(
    "regroup",
    "The subscription changes its consumer group, and with it its offsets.",
)];
