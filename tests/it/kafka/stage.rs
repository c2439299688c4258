//! A server that reads from a broker, and a deployment that gets the records.

use super::broker::Broker;
use super::ledger::{Ledger, Orders};
use crate::harness::wait_until;
use crate::sdk::SdkEndpoint;
use crate::server::{Profile, Server};
use crate::world::{Target, World};
use restate_sdk::prelude::Endpoint;
use serde_json::json;

pub const TOPIC: &str = "orders";
pub const SOURCE: &str = "kafka://main/orders";

/// Dropped from the top: a broker that is gone would slow down the server.
pub struct Stage {
    pub world: World,
    pub endpoint: SdkEndpoint,
    pub broker: Broker,
    pub ledger: Ledger,
}

impl Stage {
    pub fn set(version: &str) -> Self {
        let mut broker = Broker::start();
        broker.create_topic(TOPIC, 3);
        // In the classic protocol the mock cluster pauses at every rebalance, unlike real ones.
        let cluster = format!(
            "[[ingress.kafka-clusters]]\nname = \"main\"\nbrokers = [\"PLAINTEXT://{}\"]\n\"group.protocol\" = \"consumer\"\n",
            broker.address()
        );
        let server = Server::boot_with(version, Profile::Full, &cluster);
        let ledger = Ledger::default();
        let endpoint = Endpoint::builder().bind(Orders(ledger.clone())).build();
        Self {
            world: World::of(Target::Real(server), version),
            endpoint: SdkEndpoint::serve(endpoint),
            broker,
            ledger,
        }
    }

    /// The desired state: the deployment, and one subscription to the topic.
    pub fn wants(&self, handler: &str, options: &str) {
        self.world.wants(&format!(
            "deployments: [{{ uri: '{}' }}]\n\
             subscriptions: [{{ source: '{SOURCE}', sink: 'service://Orders/{handler}', options: {{ {options} }} }}]\n",
            self.endpoint.url()
        ));
    }

    /// Waits until the group has committed all there is, and all invocations are done.
    pub fn drain(&mut self, group: &str) {
        wait_until(|| self.broker.lag(group, TOPIC) == 0);
        let query = "SELECT id FROM sys_invocation WHERE status <> 'completed' LIMIT 1";
        wait_until(|| {
            let (status, answer) = self
                .world
                .admin("POST", "/query", Some(&json!({ "query": query })));
            assert_eq!(status, 200, "{answer}");
            answer["rows"] == json!([])
        });
    }
}
