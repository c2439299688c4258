//! The Kafka clusters that sources name.

use super::ends::Source;
use super::live::Clusters;
use crate::code::Code;
use crate::draft::{Part, View};
use crate::problem::{Problem, nearest};
use std::collections::BTreeSet;

/// The consumer group that a subscription gets which writes none, where its cluster sets one: servers copy
/// it into the subscription as it is created [S:1.6.2, 1.7.12].
pub fn group_of<'c>(clusters: &'c Clusters, source: &Source) -> Option<&'c str> {
    clusters.as_ref()?.get(&source.cluster)?.as_deref()
}

/// A source whose cluster is not there fails only when it is posted, half-way through an apply.
pub fn check(view: &View<'_>) -> Part {
    let mut part = Part::default();
    let mut told = BTreeSet::new();
    for wanted in &view.input.desired.entries.subscriptions {
        let name = wanted.source.value.cluster.as_str();
        let problem = match &view.input.live.kafka_clusters {
            Some(clusters) if clusters.contains_key(name) => continue,
            Some(clusters) => {
                let message = format!("the server has no Kafka cluster `{name}`");
                let names: Vec<&str> = clusters.keys().map(String::as_str).collect();
                let help = match (nearest(name, names.iter().copied()), &names[..]) {
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, []) => "it has none: add one to its configuration, or create it".to_owned(),
                    (None, names) => format!("its clusters: `{}`", names.join("`, `")),
                };
                Problem::error(Code::UnknownKafkaCluster, message).help(help)
            }
            None if is_in_use(view, name) || !told.insert(name) => continue,
            None => {
                let message = format!("whether the server has a Kafka cluster `{name}` is not known");
                Problem::info(Code::ClusterNotChecked, message)
                    .help("servers before Restate 1.7 do not list them; a name that is wrong fails the apply")
            }
        };
        part.find(problem.at(wanted.source.span), &wanted.key().into());
    }
    part
}

fn is_in_use(view: &View<'_>, cluster: &str) -> bool {
    let live = view.input.live.subscriptions.iter();
    let mut sources = live.filter_map(|live| live.source.known());
    sources.any(|source| source.cluster == cluster)
}
