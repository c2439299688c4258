//! What is on a server, as a file to plan against where the server may not be reached. It has the
//! names of headers and of secret options, and never their values.

use crate::ask::Answers;
use crate::kind::deployment::snapshot::SnapshotDeployment;
use crate::kind::redacted::REDACTED;
use crate::kind::service::live::Service;
use crate::kind::subscription::kafka_options::GROUP_ID;
use crate::kind::subscription::snapshot::SnapshotSubscription;
use crate::live::Live;
use crate::plan::{FORMAT_VERSION, Target};
use crate::server::Server;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "restatectl snapshot")]
pub struct Snapshot {
    /// The version of this form of document.
    pub format_version: String,
    /// The version of the program that took it.
    pub restatectl_version: String,
    /// When the snapshot was taken: RFC 3339 in UTC.
    pub created_at: String,
    /// The server.
    pub target: Target,
    /// The deployments, the oldest first.
    pub deployments: Vec<SnapshotDeployment>,
    /// The latest revision of each service.
    pub services: Vec<Service>,
    /// The subscriptions.
    pub subscriptions: Vec<SnapshotSubscription>,
    /// The Kafka clusters, each with the `group.id` that it gives to subscriptions. Not there for a server
    /// that does not list them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka_clusters: Option<BTreeMap<String, Option<String>>>,
    /// What was registered, by deployment, where another deployment is the latest for some of it.
    pub stored: BTreeMap<String, Vec<Service>>,
}

impl Snapshot {
    /// `created_at`: RFC 3339, from the shell, which has the clock.
    pub fn new(live: &Live, answers: &Answers, target: Target, created_at: String) -> Self {
        let stored = answers.stored.iter();
        let stored = stored.filter_map(|(id, services)| {
            let services = services.as_ref().ok()?.values().cloned().collect();
            Some((id.clone(), services))
        });
        let mut deployments: Vec<_> = live.deployments.iter().map(SnapshotDeployment::of).collect();
        deployments.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        let mut subscriptions: Vec<_> = live.subscriptions.iter().map(SnapshotSubscription::of).collect();
        subscriptions.sort_by(|a, b| a.id.cmp(&b.id));
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            restatectl_version: env!("CARGO_PKG_VERSION").to_owned(),
            created_at,
            target,
            deployments,
            services: live.services.values().cloned().collect(),
            subscriptions,
            kafka_clusters: live.kafka_clusters.clone(),
            stored: stored.collect(),
        }
    }

    /// Servers tell what they were told: a secret may have been put where none belongs. `mask` hides
    /// those of the run; what things are called stays.
    #[must_use]
    pub fn masked(mut self, mask: impl Fn(&str) -> String) -> Self {
        let Self {
            format_version: _,
            restatectl_version: _,
            created_at: _,
            target: _,
            deployments,
            services,
            subscriptions,
            // Their names are parts of what subscriptions are called.
            kafka_clusters: _,
            stored,
        } = &mut self;
        let metadata = deployments
            .iter_mut()
            .flat_map(|deployment| deployment.metadata.values_mut());
        metadata.for_each(|text| *text = mask(text));
        let options = subscriptions
            .iter_mut()
            .flat_map(|subscription| &mut subscription.options);
        // The group is a part of what a subscription is called.
        for (_, text) in options.filter(|(name, _)| *name != GROUP_ID) {
            if mask(text) != *text {
                REDACTED.clone_into(text);
            }
        }
        let services = services.iter_mut().chain(stored.values_mut().flatten());
        for declared in services.flat_map(|service| service.handlers.values_mut()) {
            declared
                .declared
                .values_mut()
                .for_each(|value| masked(value, &mask));
        }
        self
    }

    /// What a plan is made from, in place of the server's lists and answers.
    pub fn into_live(self) -> (Live, Answers) {
        let by_name = |services: Vec<Service>| -> BTreeMap<String, Service> {
            services
                .into_iter()
                .map(|service| (service.name.clone(), service))
                .collect()
        };
        let server = Server {
            version: self.target.restate_version,
            api_version: self.target.admin_api_version,
            cluster_name: self.target.cluster_name,
        };
        let live = Live::new(
            server,
            self.deployments
                .into_iter()
                .map(SnapshotDeployment::into_live)
                .collect(),
            by_name(self.services),
            self.subscriptions
                .into_iter()
                .map(SnapshotSubscription::into_live)
                .collect(),
            self.kafka_clusters,
        );
        let stored = self.stored.into_iter();
        let answers = Answers {
            stored: stored.map(|(id, services)| (id, Ok(by_name(services)))).collect(),
            ..Answers::default()
        };
        (live, answers)
    }
}

fn masked(value: &mut serde_json::Value, mask: &impl Fn(&str) -> String) {
    match value {
        serde_json::Value::String(text) => *text = mask(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| masked(item, mask)),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(|field| masked(field, mask)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}
