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
    hint(
        &["ingressprivate"],
        "the SDK's `ingressPrivate` is the opposite of `public`: for `ingressPrivate: true` write `public: false`",
    ),
    hint(&["private"], "write `public: false` for a private service"),
    hint(
        &[
            "workflowretention",
            "workflowcompletionretention",
            "completionretention",
        ],
        "did you mean `workflow_completion_retention`?",
    ),
    hint(
        &["retrypolicy", "invocationretrypolicy", "retry", "maxattempts"],
        "the Admin API cannot change the retry policy of a service: declare it with the SDK",
    ),
    hint(
        &["enablelazystate", "lazystate"],
        "the Admin API cannot change it: declare it with the SDK",
    ),
    hint(
        &["handlers"],
        "the Admin API has options for services only: declare those of a handler with the SDK",
    ),
    hint(
        &["type", "ty", "revision", "deploymentid"],
        "the endpoint decides it: a service exists only through a deployment",
    ),
    hint(&["id"], NO_IDS),
];

const fn hint(fields: &'static [&'static str], help: &'static str) -> Hint {
    Hint {
        of: "Service",
        fields,
        help,
    }
}
