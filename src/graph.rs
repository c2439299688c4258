//! What a plan or the files speak of as a graph: who exposes a service, and what feeds it.

use crate::change::{Change, Op, ServiceChange};
use crate::desired::Desired;
use crate::kind::Key;
use crate::kind::rules::listed;
use crate::kind::words::Shape;
use crate::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Nodes and edges in the order in which the plan or the files speak of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

/// A resource, or something that resources have to do with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What the node stands for.
    pub is: Is,
    /// What the plan does to the node.
    pub mark: Option<Mark>,
}

/// What a node stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Is {
    /// A Kafka cluster, by name.
    Cluster(String),
    Resource(Key),
}

/// Nodes are named in documents by name or key.
impl fmt::Display for Is {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => f.write_str(name),
            Self::Resource(key) => key.fmt(f),
        }
    }
}

impl Is {
    /// The kind, as people call it.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Cluster(_) => "Kafka cluster",
            Self::Resource(key) => key.kind().name(),
        }
    }

    /// The name or the key, as people read it.
    pub fn shown(&self) -> String {
        match self {
            Self::Cluster(name) => name.clone(),
            Self::Resource(key) => key.shown(),
        }
    }

    pub fn shape(&self) -> Shape {
        match self {
            Self::Cluster(_) => Shape::Cylinder,
            Self::Resource(key) => key.kind().words().shape,
        }
    }
}

/// The change that a node is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// What the plan does, in a word.
    pub what: &'static str,
    /// What the change does to this node: a registration changes a service that is served already.
    pub effect: Effect,
    /// Whether the plan may not do it.
    pub is_refused: bool,
}

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Added,
    Changed,
    Removed,
}

/// An arrow from one node to another, by their places in [`Graph::nodes`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub relation: Relation,
}

/// How two nodes hang together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// The deployment exposes the service.
    Exposes,
    /// The subscription reads this topic of the cluster.
    Topic(String),
    /// The subscription invokes this handler of the service.
    Handler(String),
}

impl Graph {
    /// What the plan changes, and what that is connected to.
    pub fn of_plan(plan: &Plan) -> Self {
        let mut builder = Builder::default();
        for change in &plan.changes {
            // Several subscriptions may have one key, and several deployments one address.
            let id = change.resource.server_id.as_deref();
            let node = builder.resource(&change.resource.key, id);
            builder.mark(node, Mark::of(change));
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
        for entry in listed(&desired.entries) {
            let node = builder.resource(&entry.key, None);
            for service in entry.exposes {
                builder.expose(node, service);
            }
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
            what: change.what(),
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

/// What it is, and the server's id where several may have the key.
type Identity = (Is, Option<String>);

#[derive(Default)]
struct Builder {
    graph: Graph,
    nodes: BTreeMap<Identity, usize>,
    edges: BTreeSet<Edge>,
}

impl Builder {
    fn node(&mut self, is: Is, id: Option<&str>) -> usize {
        let identity = (is.clone(), id.map(str::to_owned));
        *self.nodes.entry(identity).or_insert_with(|| {
            self.graph.nodes.push(Node { is, mark: None });
            self.graph.nodes.len() - 1
        })
    }

    /// A resource, with what its key says that it is connected to.
    fn resource(&mut self, key: &Key, id: Option<&str>) -> usize {
        let node = self.node(Is::Resource(key.clone()), id);
        if let Some(sink) = key.feeds() {
            if let Some(source) = key.reads() {
                let cluster = self.node(Is::Cluster(source.cluster.clone()), None);
                self.edge(cluster, node, Relation::Topic(source.topic.clone()));
            }
            let service = self.service(&sink.service);
            self.edge(node, service, Relation::Handler(sink.handler.clone()));
        }
        node
    }

    fn service(&mut self, name: &str) -> usize {
        self.node(Is::Resource(Key::Service(name.to_owned())), None)
    }

    fn edge(&mut self, from: usize, to: usize, relation: Relation) {
        let edge = Edge { from, to, relation };
        if self.edges.insert(edge.clone()) {
            self.graph.edges.push(edge);
        }
    }

    fn expose(&mut self, deployment: usize, service: &str) {
        let service = self.service(service);
        self.edge(deployment, service, Relation::Exposes);
    }

    /// Marks a node. That a service comes or goes says more than that something about it changes.
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

    /// Marks services that registrations change; the changes of the services themselves, which say
    /// more, come first.
    fn mark_services(&mut self, plan: &Plan) {
        for change in &plan.changes {
            for service in &change.services {
                let is = Is::Resource(Key::Service(service.name.clone()));
                if let Some(&node) = self.nodes.get(&(is, None)) {
                    self.mark(node, Mark::of_service(change, service));
                }
            }
        }
    }

    fn lay_over(&mut self, plan: &Plan) {
        for change in &plan.changes {
            let identity = (Is::Resource(change.resource.key.clone()), None);
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
