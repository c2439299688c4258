//! What an apply of a saved plan starts from.

use crate::ask::Discover;
use crate::source::frozen::Frozen;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What an apply of the saved plan starts from, so that it computes the same changes again: what is
/// not sensitive has the values that it had, and secrets are looked up anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inputs {
    /// The files as given with `-f`, or found in the working directory.
    pub paths: Vec<String>,
    /// The files with values of variables.
    pub var_files: Vec<String>,
    /// What references that are not sensitive stood for: by file, and by JSON pointer into it.
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    /// The places in the files of what is sensitive and so is not here, for people: an apply reads the
    /// files.
    pub sensitive: BTreeMap<String, BTreeSet<String>>,
    /// The variables given on the command line that a sensitive place needs: they must be given again.
    pub variables: Vec<String>,
    /// The consents of the run.
    pub allow: Vec<String>,
    /// What was written again although no difference could be seen, as `KIND/KEY`.
    pub resend: Vec<String>,
    /// What was left out, as `KIND/KEY`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Whether everything of the stack was to go.
    pub destroy: bool,
    pub discover: Discover,
}

/// Texts by their places in a file.
type Texts = BTreeMap<String, String>;

impl Inputs {
    /// Takes in what references stood for, and where what is sensitive is. `is_shown`: whether no
    /// secret of the run is in a text; one may be used in a place that is not sensitive as well.
    /// `variables`: the names of those given on the command line.
    #[must_use]
    pub fn with_values(
        self,
        files: &BTreeMap<String, Frozen>,
        variables: &[(String, String)],
        is_shown: impl Fn(&str) -> bool,
    ) -> Self {
        let sensitive = not_kept(files, &is_shown);
        let names = variables.iter().map(|(name, _)| name);
        let needed = names.filter(|name| is_used_in(name, files, &sensitive));
        Self {
            values: kept(files, &is_shown),
            variables: needed.cloned().collect(),
            sensitive,
            ..self
        }
    }
}

/// What references stood for, by file, but for what a secret of the run is in.
fn kept(files: &BTreeMap<String, Frozen>, is_shown: &impl Fn(&str) -> bool) -> BTreeMap<String, Texts> {
    let mut kept = BTreeMap::new();
    for (path, file) in files {
        let texts = file.values.iter().filter(|(_, text)| is_shown(text));
        let texts: Texts = texts.map(|(place, text)| (place.clone(), text.clone())).collect();
        if !texts.is_empty() {
            kept.insert(path.clone(), texts);
        }
    }
    kept
}

/// The places whose values are not kept, by file.
fn not_kept(
    files: &BTreeMap<String, Frozen>,
    is_shown: &impl Fn(&str) -> bool,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut places = BTreeMap::new();
    for (path, file) in files {
        let secret = file.values.iter().filter(|(_, text)| !is_shown(text));
        let of_file: BTreeSet<String> = secret
            .map(|(place, _)| place)
            .chain(&file.sensitive)
            .cloned()
            .collect();
        if !of_file.is_empty() {
            places.insert(path.clone(), of_file);
        }
    }
    places
}

fn is_used_in(
    variable: &str,
    files: &BTreeMap<String, Frozen>,
    places: &BTreeMap<String, BTreeSet<String>>,
) -> bool {
    files.iter().any(|(path, file)| {
        let uses = file.variables.get(variable).into_iter().flatten();
        let places = places.get(path);
        places.is_some_and(|places| uses.into_iter().any(|place| places.contains(place)))
    })
}
