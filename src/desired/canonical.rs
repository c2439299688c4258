//! The desired state as one canonical value, for its digest: independent of the format of the
//! file, of the order of its maps, and of sensitive values, which are pointers.

use super::{Desired, Entries, Prune, PruneDeployments, Safety};
use crate::kind::Kind;
use crate::kind::service::desired::Service;
use crate::kind::subscription::desired::Subscription;
use serde_json::{Value as Json, json};

impl Desired {
    pub fn canonical(&self) -> Json {
        let Self {
            entries,
            stack: _,
            cluster_name,
            prune,
            safety,
            sections,
            // Whatever they say, it is to go.
            emptied: _,
            frozen: _,
            meanings: _,
            trees: _,
        } = self;
        let Entries {
            deployments,
            services,
            subscriptions,
        } = entries;
        let Prune {
            deployments: PruneDeployments { policy, keep, after },
            subscriptions: prune_subscriptions,
        } = prune;
        let Safety { max_deletes } = safety;
        let mut subscriptions: Vec<Json> = subscriptions.iter().map(Subscription::canonical).collect();
        subscriptions.sort_by_key(ToString::to_string);
        let sections = Kind::ALL.iter().filter(|kind| sections[**kind].is_some());
        json!({
            "deployments": deployments
                .iter()
                .enumerate()
                .map(|(index, entry)| entry.canonical(index))
                .collect::<Vec<_>>(),
            "services": services.values().map(Service::canonical).collect::<Vec<_>>(),
            "subscriptions": subscriptions,
            "stack": self.stack(),
            "cluster_name": cluster_name.as_ref().map(|name| &name.value),
            "prune": {
                "deployments": {
                    "policy": policy.name(),
                    "keep": keep,
                    "after": after.to_string(),
                },
                "subscriptions": prune_subscriptions.name(),
            },
            "safety": { "max_deletes": max_deletes },
            "sections": sections.map(|kind| kind.words().section).collect::<Vec<_>>(),
        })
    }
}
