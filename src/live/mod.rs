//! What is on the server, as the same kinds of resources as in [`crate::desired`].
//!
//! Values of options are *effective*: the server fills in its defaults, clamps retentions to its
//! maximum and zeroes what does not apply. It does not say which of them are overrides.

use crate::admin::wire;
use crate::desired::{Address, Duration, STACK_MARK, Sink, Source, is_sensitive_option};
use crate::secret::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One reading of the server.
#[derive(Debug, Clone)]
pub struct Live {
    pub server: Server,
    /// The newest first, which matters where two share an address.
    pub deployments: Vec<Deployment>,
    /// The latest revision of each service.
    pub services: BTreeMap<String, Service>,
    pub subscriptions: Vec<Subscription>,
    by_identity: BTreeMap<String, Vec<usize>>,
}

impl Live {
    /// The values that must not appear in any output.
    pub fn sensitive_values(&self) -> impl Iterator<Item = &Value> {
        let headers = self
            .deployments
            .iter()
            .flat_map(|deployment| deployment.additional_headers.values());
        let userinfo = self
            .deployments
            .iter()
            .filter_map(|deployment| deployment.address.userinfo());
        let options = self
            .subscriptions
            .iter()
            .flat_map(|subscription| subscription.options.values());
        headers
            .chain(userinfo)
            .chain(options)
            .filter(|value| value.is_sensitive())
    }

    pub fn new(
        server: Server,
        mut deployments: Vec<Deployment>,
        services: BTreeMap<String, Service>,
        subscriptions: Vec<Subscription>,
    ) -> Self {
        deployments.sort_by(|a, b| (&b.created_at, &b.id).cmp(&(&a.created_at, &a.id)));
        let mut by_identity: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, deployment) in deployments.iter().enumerate() {
            by_identity
                .entry(deployment.address.identity())
                .or_default()
                .push(index);
        }
        Self {
            server,
            deployments,
            services,
            subscriptions,
            by_identity,
        }
    }

    pub fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.id == id)
    }

    /// Whether new invocations of a service go to this deployment.
    pub fn is_latest(&self, deployment: &Deployment, service: &str) -> bool {
        let latest = self.services.get(service);
        latest.is_some_and(|latest| latest.deployment_id == deployment.id)
    }

    /// The deployments on one address, the newest first. Two can share one after a PATCH of an
    /// address; the server's own forced POST picks the newest [S:1.6.2, 1.7.12].
    pub fn deployments_at(&self, identity: &str) -> Vec<&Deployment> {
        let found = self.by_identity.get(identity).into_iter().flatten();
        found.map(|index| &self.deployments[*index]).collect()
    }
}

#[derive(Debug, Clone)]
pub struct Server {
    /// Such as `1.7.12`.
    pub version: String,
    /// The highest Admin API version that both sides speak.
    pub api_version: u32,
    pub cluster_name: Option<String>,
}

impl Server {
    /// `PATCH /deployments`, `breaking` and `metadata` came with Admin API 3 (Restate 1.6); older
    /// servers ignore the fields silently.
    pub fn has_patch(&self) -> bool {
        self.api_version >= 3
    }
}

#[derive(Debug, Clone)]
pub struct Deployment {
    pub id: String,
    pub address: Address,
    /// As stored, which may differ from the address in case and query, and carry userinfo.
    pub stored_uri: Option<Value>,
    pub additional_headers: BTreeMap<String, Value>,
    /// Only the names of the headers are known.
    pub has_hidden_headers: bool,
    pub use_http_11: bool,
    pub assume_role_arn: Option<String>,
    /// What the server authenticates to the endpoint with, as it tells it: no file manages it, and
    /// a forced registration would drop it [R:1.7.6].
    pub auth: Option<serde_json::Value>,
    pub metadata: BTreeMap<String, String>,
    /// RFC 3339, in UTC, so that it sorts as text.
    pub created_at: String,
    /// Revision by service.
    pub services: BTreeMap<String, u32>,
}

impl Deployment {
    /// The stack whose mark it carries.
    pub fn stack(&self) -> Option<&str> {
        self.metadata.get(STACK_MARK).map(String::as_str)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    pub name: String,
    /// `Service`, `VirtualObject` or `Workflow`.
    pub ty: String,
    pub deployment_id: String,
    pub revision: u32,
    pub options: Options,
    pub handlers: BTreeMap<String, Handler>,
    /// The options that the server says it stored but does not apply: those named by an `info`
    /// RT0021 (request/response mode) or RT0022 (clamped). 1.6 and later; 1.5 is silent.
    pub not_applied: BTreeSet<String>,
}

/// The six options that can be overridden, as they are in effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Options {
    pub public: bool,
    pub idempotency_retention: Option<Duration>,
    pub journal_retention: Option<Duration>,
    pub inactivity_timeout: Option<Duration>,
    pub abort_timeout: Option<Duration>,
    /// Workflows only. A handler's own value comes before the service's.
    pub workflow_completion_retention: Option<Duration>,
}

impl Options {
    /// Each by its name, as people read it; `None` where the server tells none.
    pub fn fields(&self) -> [(&'static str, Option<serde_json::Value>); 6] {
        let Self {
            public,
            idempotency_retention,
            journal_retention,
            inactivity_timeout,
            abort_timeout,
            workflow_completion_retention,
        } = self;
        let text = |duration: &Option<Duration>| duration.map(|duration| duration.to_string().into());
        [
            ("public", Some((*public).into())),
            ("idempotency_retention", text(idempotency_retention)),
            ("journal_retention", text(journal_retention)),
            ("inactivity_timeout", text(inactivity_timeout)),
            ("abort_timeout", text(abort_timeout)),
            (
                "workflow_completion_retention",
                text(workflow_completion_retention),
            ),
        ]
    }
}

/// A handler's declaration, without its `public`, which follows the service's override
/// (seen on 1.5.3, 1.6.2, 1.7.12).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Handler {
    pub ty: Option<String>,
    /// Everything else the server tells of it, by name.
    pub declared: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Clone)]
pub struct Subscription {
    pub id: String,
    pub source: String,
    pub sink: String,
    pub options: BTreeMap<String, Value>,
}

/// What a server shows in place of a secret (1.7).
pub const REDACTED: &str = "***";

impl Subscription {
    /// The consumer group in effect. `None` where the server shows none, as 1.5 does when the
    /// Kafka cluster sets it.
    pub fn group_id(&self) -> Option<&str> {
        self.options.get("group.id").map(Value::expose)
    }

    /// The group is the subscription's own id: nobody chose it.
    pub fn has_own_group(&self) -> bool {
        self.group_id().is_none_or(|group| group == self.id)
    }

    pub fn key(&self) -> String {
        let name = format!("{} -> {}", self.source, self.sink);
        match self.group_id() {
            Some(group) if !self.has_own_group() => format!("{name} @ {group}"),
            _ => name,
        }
    }

    pub fn feeds(&self) -> Option<Sink> {
        Sink::parse(&self.sink)
    }

    pub fn reads(&self) -> Option<Source> {
        Source::parse(&self.source)
    }
}

impl From<wire::Deployment> for Deployment {
    fn from(deployment: wire::Deployment) -> Self {
        let address = match (&deployment.uri, deployment.arn) {
            (_, Some(arn)) => Address::Lambda(arn),
            (uri, None) => Address::stored_uri(uri.as_deref().unwrap_or_default()),
        };
        Self {
            id: deployment.id,
            address,
            stored_uri: deployment.uri.map(Value::sensitive),
            additional_headers: deployment
                .additional_headers
                .into_iter()
                .map(|(name, value)| (name.to_lowercase(), Value::sensitive(value)))
                .collect(),
            has_hidden_headers: false,
            use_http_11: deployment.http_version.as_deref() == Some("HTTP/1.1"),
            assume_role_arn: deployment.assume_role_arn,
            auth: deployment.auth,
            metadata: deployment.metadata,
            created_at: deployment.created_at,
            services: deployment
                .services
                .into_iter()
                .map(|service| (service.name, service.revision))
                .collect(),
        }
    }
}

impl From<wire::Service> for Service {
    fn from(service: wire::Service) -> Self {
        let duration = |text: Option<String>| text.and_then(|text| Duration::parse(&text).ok());
        let retentions = [
            "idempotency_retention",
            "journal_retention",
            "workflow_completion_retention",
            "inactivity_timeout",
        ];
        let not_applied = service
            .info
            .iter()
            .filter(|info| ["RT0021", "RT0022"].contains(&info.code.as_str()))
            .flat_map(|info| retentions.into_iter().filter(|name| info.message.contains(name)))
            .map(str::to_owned)
            .collect();
        Self {
            name: service.name,
            ty: service.ty,
            deployment_id: service.deployment_id,
            revision: service.revision,
            options: Options {
                public: service.public,
                idempotency_retention: duration(service.idempotency_retention),
                journal_retention: duration(service.journal_retention),
                inactivity_timeout: duration(service.inactivity_timeout),
                abort_timeout: duration(service.abort_timeout),
                workflow_completion_retention: duration(service.workflow_completion_retention),
            },
            handlers: service
                .handlers
                .into_iter()
                .map(|handler| {
                    let declared = handler
                        .rest
                        .into_iter()
                        .filter(|(name, value)| {
                            !["public", "info"].contains(&name.as_str()) && !value.is_null()
                        })
                        .collect();
                    (
                        handler.name,
                        Handler {
                            ty: handler.ty,
                            declared,
                        },
                    )
                })
                .collect(),
            not_applied,
        }
    }
}

impl From<wire::Subscription> for Subscription {
    fn from(subscription: wire::Subscription) -> Self {
        Self {
            id: subscription.id,
            source: subscription.source,
            sink: subscription.sink,
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
