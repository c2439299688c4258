//! One reading of a server: its resources, as the kinds have them.

use crate::kind::deployment::live::Deployment;
use crate::kind::service::live::Service;
use crate::kind::subscription::live::{Clusters, Subscription};
use crate::server::Server;
use std::collections::BTreeMap;

/// What is on the server.
#[derive(Debug, Clone)]
pub struct Live {
    pub server: Server,
    /// The newest first, which matters where two share an address.
    pub deployments: Vec<Deployment>,
    /// The latest revision of each service.
    pub services: BTreeMap<String, Service>,
    pub subscriptions: Vec<Subscription>,
    pub kafka_clusters: Clusters,
    by_identity: BTreeMap<String, Vec<usize>>,
    by_id: BTreeMap<String, usize>,
}

impl Live {
    pub fn new(
        server: Server,
        mut deployments: Vec<Deployment>,
        services: BTreeMap<String, Service>,
        subscriptions: Vec<Subscription>,
        kafka_clusters: Clusters,
    ) -> Self {
        deployments.sort_by(|a, b| (&b.created_at, &b.id).cmp(&(&a.created_at, &a.id)));
        let mut by_identity: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut by_id = BTreeMap::new();
        for (index, deployment) in deployments.iter().enumerate() {
            by_identity
                .entry(deployment.address.identity())
                .or_default()
                .push(index);
            by_id.insert(deployment.id.clone(), index);
        }
        Self {
            server,
            deployments,
            services,
            subscriptions,
            kafka_clusters,
            by_identity,
            by_id,
        }
    }

    pub fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.by_id.get(id).map(|index| &self.deployments[*index])
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

    /// The deployment that serves a service now.
    pub fn server_of(&self, service: &str) -> Option<&Deployment> {
        self.deployment(&self.services.get(service)?.deployment_id)
    }
}
