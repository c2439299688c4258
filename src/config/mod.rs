//! The desired-state file, exactly in its own shape. The JSON Schema that editors use is derived
//! from these types, so their comments are written for the people who write the file.
//!
//! Neither `flatten` nor `untagged`: both would lose the spans.

mod hints;
mod schema;

use crate::duration::PATTERN;
use crate::kind::deployment::file::Deployment;
use crate::kind::service::file::{SERVICE_NAME, Service};
use crate::kind::subscription::file::Subscription;
use crate::source::{Map, Read, Sources, Text};
use schemars::JsonSchema;
use serde::Deserialize;

pub use hints::{SHAPES, vocabulary};
pub use schema::schema;

/// The fields of a file, in the order in which they are written.
pub const SECTIONS_IN_ORDER: [&str; 9] = [
    "version",
    "stack",
    "target",
    "variables",
    "deployments",
    "services",
    "subscriptions",
    "prune",
    "safety",
];

/// The version of the format that this program reads.
pub const FORMAT_VERSION: u64 = 1;

/// What should be on a Restate server: deployments, service overrides and Kafka subscriptions.
///
/// A field that is not written is not managed: it is neither compared nor changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "restatectl desired state", extend("patternProperties" = { r"^x-|^\$schema$": true }))]
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
    /// What happens to deployments: a policy, or a map with more about it.
    #[schemars(with = "Option<PruneDeploymentsForm>")]
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
    #[schemars(regex(pattern = PATTERN), extend("default" = "5m"))]
    pub after: Option<Read<Text>>,
}

/// The two ways to write [`PruneDeployments`], for JSON Schema.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
#[expect(dead_code, reason = "the reader knows the short form by another way")]
enum PruneDeploymentsForm {
    Short(DeploymentPolicy),
    Long(PruneDeployments),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeploymentPolicy {
    /// They stay, and a plan counts them.
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
    /// They stay, and a plan counts them.
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

impl DeploymentPolicy {
    /// The policy as the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drained => "drained",
            Self::Force => "force",
        }
    }
}

impl SubscriptionPolicy {
    /// The policy as the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Delete => "delete",
        }
    }
}

/// An empty set of files of which lines can be quoted.
pub fn sources() -> Sources {
    Sources::of(vocabulary())
}
