//! What a plan or the files speak of as a graph: who exposes a service, and what feeds it.

use super::Plan;
use crate::desired::{Desired, Sink, Source};
use crate::diff::change::{Change, Kind, Op, ServiceChange};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes and edges in the order in which the plan or the files speak of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub kind: NodeKind,
    /// A cluster's or service's name, and otherwise the key of the resource.
    pub key: String,
    /// What the plan does to it.
    pub mark: Option<Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeKind {
    Cluster,
    Subscription,
    Deployment,
    Service,
}

impl NodeKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cluster => "Kafka cluster",
            Self::Subscription => Kind::Subscription.name(),
            Self::Deployment => Kind::Deployment.name(),
            Self::Service => Kind::Service.name(),
        }
    }
}

impl From<Kind> for NodeKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Deployment => Self::Deployment,
            Kind::Service => Self::Service,
            Kind::Subscription => Self::Subscription,
        }
    }
}

/// The change that a node is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub op: Op,
    /// On this node: a registration changes a service that is served already.
    pub effect: Effect,
    pub is_refused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Added,
    Changed,
    Removed,
}

/// From one node to another, by their places in [`Graph::nodes`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub relation: Relation,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// Of a deployment and a service.
    Exposes,
    /// Of a cluster and the subscription that reads a topic of it.
    Topic(String),
    /// Of a subscription and the service whose handler it invokes.
    Handler(String),
}

impl Graph {
    /// What the plan changes, and what that is connected to.
    pub fn of_plan(plan: &Plan) -> Self {
        let mut builder = Builder::default();
        for change in &plan.changes {
            // Several subscriptions may have one key, and several deployments one address.
            let id = change.resource.server_id.as_deref();
            let node = builder.node(change.resource.kind.into(), &change.resource.key, id);
            builder.mark(node, Mark::of(change));
            if change.resource.kind == Kind::Subscription {
                builder.connect_key(node, &change.resource.key);
            }
            for service in &change.services {
                builder.expose(node, &service.name);
            }
        }
        builder.mark_services(plan);
        builder.graph
    }

    /// What the files list, and which services the plan says that a deployment will expose.
    pub fn of_desired(desired: &Desired, plan: Option<&Plan>) -> Self {
        let mut builder = Builder::default();
        for deployment in &desired.deployments {
            let node = builder.node(NodeKind::Deployment, &deployment.address.value.key(), None);
            for service in deployment.services.iter().flat_map(|services| &services.value) {
                builder.expose(node, &service.value);
            }
        }
        for name in desired.services.keys() {
            builder.node(NodeKind::Service, name, None);
        }
        for subscription in &desired.subscriptions {
            let node = builder.node(NodeKind::Subscription, &subscription.key(), None);
            builder.connect(node, Some(&subscription.source.value), &subscription.sink.value);
        }
        if let Some(plan) = plan {
            builder.lay_over(plan);
        }
        builder.graph
    }
}

impl Mark {
    fn of(change: &Change) -> Self {
        Self {
            op: change.op,
            effect: match change.op {
                Op::Register | Op::Create => Effect::Added,
                Op::Update | Op::Overwrite | Op::Promote | Op::Configure | Op::Replace => Effect::Changed,
                Op::Delete => Effect::Removed,
            },
            is_refused: change.refused.is_some(),
        }
    }

    fn of_service(change: &Change, service: &ServiceChange) -> Self {
        let effect = match (service.revision_before, service.revision_after) {
            (None, _) => Effect::Added,
            (Some(_), Some(_)) => Effect::Changed,
            (Some(_), None) => Effect::Removed,
        };
        Self {
            effect,
            ..Self::of(change)
        }
    }
}

/// Kind, key, and the server's id where several may have the key.
type Identity = (NodeKind, String, Option<String>);

#[derive(Default)]
struct Builder {
    graph: Graph,
    nodes: BTreeMap<Identity, usize>,
    edges: BTreeSet<Edge>,
}

impl Builder {
    fn node(&mut self, kind: NodeKind, key: &str, id: Option<&str>) -> usize {
        let identity = (kind, key.to_owned(), id.map(str::to_owned));
        *self.nodes.entry(identity).or_insert_with(|| {
            self.graph.nodes.push(Node {
                kind,
                key: key.to_owned(),
                mark: None,
            });
            self.graph.nodes.len() - 1
        })
    }

    fn edge(&mut self, from: usize, to: usize, relation: Relation) {
        let edge = Edge { from, to, relation };
        if self.edges.insert(edge.clone()) {
            self.graph.edges.push(edge);
        }
    }

    fn expose(&mut self, deployment: usize, service: &str) {
        let service = self.node(NodeKind::Service, service, None);
        self.edge(deployment, service, Relation::Exposes);
    }

    /// What others made may have a source or a sink that a file could not have.
    fn connect_key(&mut self, subscription: usize, key: &str) {
        let Some((source, sink)) = key.split_once(" -> ") else {
            return;
        };
        let sink = sink.split_once(" @ ").map_or(sink, |(sink, _)| sink);
        if let Some(sink) = Sink::parse(sink) {
            self.connect(subscription, Source::parse(source).as_ref(), &sink);
        }
    }

    fn connect(&mut self, subscription: usize, source: Option<&Source>, sink: &Sink) {
        if let Some(Source { cluster, topic }) = source {
            let cluster = self.node(NodeKind::Cluster, cluster, None);
            self.edge(cluster, subscription, Relation::Topic(topic.clone()));
        }
        let service = self.node(NodeKind::Service, &sink.service, None);
        self.edge(subscription, service, Relation::Handler(sink.handler.clone()));
    }

    /// That a service comes or goes says more than that something about it changes.
    fn mark(&mut self, node: usize, new: Mark) {
        let mark = &mut self.graph.nodes[node].mark;
        *mark = Some(match *mark {
            None => new,
            Some(old) => {
                let is_stronger = old.effect == Effect::Changed && new.effect != Effect::Changed;
                Mark {
                    is_refused: old.is_refused || new.is_refused,
                    ..if is_stronger { new } else { old }
                }
            }
        });
    }

    /// After the changes of the services themselves, which say more than a new revision.
    fn mark_services(&mut self, plan: &Plan) {
        for change in &plan.changes {
            for service in &change.services {
                let identity = (NodeKind::Service, service.name.clone(), None);
                if let Some(&node) = self.nodes.get(&identity) {
                    self.mark(node, Mark::of_service(change, service));
                }
            }
        }
    }

    fn lay_over(&mut self, plan: &Plan) {
        for change in &plan.changes {
            let identity = (change.resource.kind.into(), change.resource.key.clone(), None);
            // What is deleted is not listed; it may have the key of something that is.
            let listed = self.nodes.get(&identity).filter(|_| change.op != Op::Delete);
            let Some(&node) = listed else { continue };
            self.mark(node, Mark::of(change));
            for service in &change.services {
                if service.revision_after.is_some() {
                    self.expose(node, &service.name);
                }
            }
        }
        self.mark_services(plan);
    }
}
