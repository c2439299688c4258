//! What deployments are called.

use crate::kind::words::{Deletion, Hint, Layout, NO_IDS, Shape, Words};

pub const WORDS: Words = Words {
    name: "deployment",
    section: "deployments",
    layout: Layout::List,
    counted: ("", "deployment"),
    exported: "In order: of several that expose a service, the last one listed serves it.",
    shape: Shape::Box,
    deletion: Deletion::Pruned {
        policy: "deployments: { policy: drained }",
    },
    can_be_resent: false,
    hints: HINTS,
    plain_fields: &[
        "name",
        "uri",
        "arn",
        "assume_role_arn",
        "use_http_11",
        "services",
    ],
    plain_maps: &["metadata"],
    secret_maps: &["additional_headers"],
    untold_maps: &["additional_headers"],
};

const HINTS: &[Hint] = &[
    Hint::new("Deployment", &["url", "endpoint", "address"], "did you mean `uri`?"),
    Hint::new("Deployment", &["lambda", "lambdaarn", "functionarn"], "did you mean `arn`?"),
    Hint::new("Deployment", &["headers"], "did you mean `additional_headers`?"),
    Hint::new(
        "Deployment",
        &["role", "rolearn", "assumerole"],
        "did you mean `assume_role_arn`?",
    ),
    Hint::new(
        "Deployment",
        &["usehttp11", "http11", "usehttp1"],
        "did you mean `use_http_11`?",
    ),
    Hint::new(
        "Deployment",
        &["force"],
        "a registration is never forced: what force was needed for is `allow: [breaking]`, `[overwrite]` or `[promote]`",
    ),
    Hint::new(
        "Deployment",
        &["breaking", "overwrite", "promote"],
        "consent is written as `allow: [WHAT]`",
    ),
    Hint::new("Deployment", &["dryrun"], "every plan is a dry run: `restatectl plan`"),
    Hint::new("Deployment", &["id"], NO_IDS),
];
