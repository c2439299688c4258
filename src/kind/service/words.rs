//! What services are called.

use super::options::NAMES;
use crate::kind::words::{Deletion, Hint, Layout, NO_IDS, Shape, Words};

pub const WORDS: Words = Words {
    name: "service",
    section: "services",
    layout: Layout::Map,
    counted: ("overrides of ", "service"),
    exported: "Overrides: what differs from what the SDK declares.",
    shape: Shape::Stadium,
    deletion: Deletion::Never,
    can_be_resent: true,
    hints: HINTS,
    plain_fields: &NAMES,
    plain_maps: &[],
    secret_maps: &[],
    untold_maps: &[],
};

const HINTS: &[Hint] = &[
    Hint::new(
        "Service",
        &["ingressprivate"],
        "the SDK's `ingressPrivate` is the opposite of `public`: for `ingressPrivate: true` write `public: false`",
    ),
    Hint::new("Service", &["private"], "write `public: false` for a private service"),
    Hint::new(
        "Service",
        &[
            "workflowretention",
            "workflowcompletionretention",
            "completionretention",
        ],
        "did you mean `workflow_completion_retention`?",
    ),
    Hint::new(
        "Service",
        &["retrypolicy", "invocationretrypolicy", "retry", "maxattempts"],
        "the Admin API cannot change the retry policy of a service: declare it with the SDK",
    ),
    Hint::new(
        "Service",
        &["enablelazystate", "lazystate"],
        "the Admin API cannot change it: declare it with the SDK",
    ),
    Hint::new(
        "Service",
        &["handlers"],
        "the Admin API has options for services only: declare those of a handler with the SDK",
    ),
    Hint::new(
        "Service",
        &["type", "ty", "revision", "deploymentid"],
        "the endpoint decides it: a service exists only through a deployment",
    ),
    Hint::new("Service", &["id"], NO_IDS),
];
