//! What subscriptions are called.

use super::kafka_options::GROUP_ID;
use crate::kind::words::{Deletion, Hint, Layout, NO_IDS, Shape, Words};

pub const WORDS: Words = Words {
    name: "subscription",
    section: "subscriptions",
    layout: Layout::List,
    counted: ("", "subscription"),
    exported: "Of their options, those that the server does not add by itself.",
    shape: Shape::Hexagon,
    deletion: Deletion::Pruned {
        policy: "subscriptions: delete",
    },
    can_be_resent: true,
    hints: HINTS,
    plain_fields: &["source", "sink", GROUP_ID, "auto.offset.reset"],
    plain_maps: &["options"],
    secret_maps: &[],
    untold_maps: &["options"],
};

const HINTS: &[Hint] = &[
    Hint::new(
        "Subscription",
        &["topic", "from", "cluster"],
        "write `source: kafka://CLUSTER/TOPIC`",
    ),
    Hint::new(
        "Subscription",
        &["handler", "to", "service", "target"],
        "write `sink: service://SERVICE/HANDLER`",
    ),
    Hint::new(
        "Subscription",
        &["groupid", "consumergroup", "group"],
        "it is an option: `options: { group.id: … }`",
    ),
    Hint::new(
        "Subscription",
        &["autooffsetreset"],
        "it is an option: `options: { auto.offset.reset: … }`",
    ),
    Hint::new("Subscription", &["properties", "config", "metadata"], "did you mean `options`?"),
    Hint::new("Subscription", &["id"], NO_IDS),
];
