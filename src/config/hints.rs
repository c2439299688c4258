//! What the fields of the file are, for help with those that are not, and for quoting lines.

use crate::kind::Kind;
use crate::kind::words::Hint;
use crate::source::Vocabulary;
use crate::source::de::Shapes;
use std::sync::LazyLock;

const NOT_YET: &str = "this version of restatectl does not manage it yet";

const HINTS: &[Hint] = &[
    Hint::new(
        FILE,
        &["kafkaclusters", "rules", "state", "kafka", "clusters"],
        NOT_YET,
    ),
    Hint::new(PRUNE, &["kafkaclusters", "rules", "state"], NOT_YET),
    Hint::new(FILE, &["deployment"], "did you mean `deployments`?"),
    Hint::new(FILE, &["service", "overrides"], "did you mean `services`?"),
    Hint::new(
        FILE,
        &["vars", "params", "parameters", "values"],
        "did you mean `variables`?",
    ),
    Hint::new(FILE, &["owner"], "did you mean `stack`?"),
    Hint::new(FILE, &["clustername", "cluster"], CLUSTER_NAME),
    Hint::new("Safety", &["clustername", "cluster"], CLUSTER_NAME),
    Hint::new(
        FILE,
        &["maxdeletes"],
        "did you mean `safety: { max_deletes: … }`?",
    ),
    Hint::new(
        PRUNE,
        &["services"],
        "services are never pruned: they come and go with their deployments",
    ),
];

/// The structs of the file's shape that have the fields.
const FILE: &str = "File";
const PRUNE: &str = "Prune";

const CLUSTER_NAME: &str = "did you mean `target: { cluster_name: … }`?";

/// What a reader of files has to know beside the types.
pub const SHAPES: Shapes = Shapes { hint, short };

/// `prune: { deployments: drained }`, since most people want nothing else.
fn short(of: &str) -> Option<&'static str> {
    (of == "PruneDeployments").then_some("policy")
}

/// The help for a field that `of`, the name of a struct of the file's shape, does not have.
fn hint(of: &str, field: &str) -> Option<&'static str> {
    let field: String = field
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect();
    let of_kinds = Kind::ALL.iter().flat_map(|kind| kind.words().hints);
    let found = HINTS
        .iter()
        .chain(of_kinds)
        .find(|hint| hint.of == of && hint.fields.contains(&field.as_str()));
    found.map(|hint| hint.help)
}

/// Fields of the file beside those of the kinds whose values are no secrets.
const PLAIN_FIELDS: [&str; 11] = [
    "$schema",
    "allow",
    "protected",
    "version",
    "stack",
    "target",
    "cluster_name",
    "policy",
    "keep",
    "after",
    "max_deletes",
];
/// Maps of the file beside the sections of the kinds, in which every field is known.
const SECTIONS: [&str; 2] = ["prune", "safety"];

/// Which fields may be shown when a line of a file is quoted.
pub fn vocabulary() -> &'static Vocabulary {
    static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
        let mut vocabulary = Vocabulary {
            plain_fields: PLAIN_FIELDS.to_vec(),
            plain_maps: Vec::new(),
            secret_maps: Vec::new(),
            sections: SECTIONS.to_vec(),
        };
        for kind in Kind::ALL {
            let words = kind.words();
            vocabulary.plain_fields.extend(words.plain_fields);
            vocabulary.plain_maps.extend(words.plain_maps);
            vocabulary.secret_maps.extend(words.secret_maps);
            vocabulary.sections.push(words.section);
        }
        vocabulary
    });
    &VOCABULARY
}
