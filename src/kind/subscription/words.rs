//! What subscriptions are called.

use super::GROUP_ID;
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
    hint(
        &["topic", "from", "cluster"],
        "write `source: kafka://CLUSTER/TOPIC`",
    ),
    hint(
        &["handler", "to", "service", "target"],
        "write `sink: service://SERVICE/HANDLER`",
    ),
    hint(
        &["groupid", "consumergroup", "group"],
        "it is an option: `options: { group.id: … }`",
    ),
    hint(
        &["autooffsetreset"],
        "it is an option: `options: { auto.offset.reset: … }`",
    ),
    hint(&["properties", "config", "metadata"], "did you mean `options`?"),
    hint(&["id"], NO_IDS),
];

const fn hint(fields: &'static [&'static str], help: &'static str) -> Hint {
    Hint {
        of: "Subscription",
        fields,
        help,
    }
}
