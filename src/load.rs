//! From texts to a checked desired state: everything between reading files and having a plan's
//! first half, without IO.

use crate::check;
use crate::code::Code;
use crate::config;
use crate::desired::Desired;
use crate::kind::rules::is_sensitive_place;
use crate::problem::{Problem, Problems, nearest};
use crate::source::frozen::{self, Frozen};
use crate::source::interpolate::{Interpolation, Outside, Rules};
use crate::source::node::{Key, Kind, Node};
use crate::source::{Sources, Span, de, meaning};
use crate::whole::Tree;
use std::collections::{BTreeMap, BTreeSet};

/// Values for variables, from the command line, and for references, from a saved plan.
#[derive(Default)]
pub struct Given {
    /// The values of `--var`, by the names of their variables.
    pub variables: Vec<(String, String)>,
    /// The numbers of the `--var-file` files among the sources.
    pub files: Vec<u32>,
    /// What references stood for when the plan was saved that this is to be again, by the path of
    /// the file and the place in it.
    pub frozen: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// Whether to remember what references stood for, to save it with a plan.
    pub freezes: bool,
    /// Whether to put all files together as one document.
    pub merges: bool,
}

/// `files`: the files that make up the desired state, among the sources. `None` when one of them is
/// so wrong that there is no whole to check; all that is wrong is in `problems` either way.
pub fn load(
    sources: &mut Sources,
    files: &[u32],
    given: &Given,
    outside: &mut dyn Outside,
    rules: Rules<'_>,
    problems: &mut Problems,
) -> Option<Desired> {
    let mut trees: Vec<Node> = files
        .iter()
        .filter_map(|&file| {
            let mut tree = sources.parse(file, problems)?;
            drop_extensions(&mut tree);
            is_desired_state(&tree, problems).then_some(tree)
        })
        .collect();
    let mut values: Vec<Node> = (given.files.iter())
        .filter_map(|&file| sources.parse_values(file, problems))
        .collect();
    // A variable may be declared, or used, in what could not be read.
    let is_whole = trees.len() == files.len() && values.len() == given.files.len();
    let mut meanings = BTreeMap::new();
    if given.freezes {
        let said = trees.iter().chain(&values);
        meanings.extend(said.map(|tree| (tree.span.file, meaning::digest(tree))));
    }
    // A saved plan has their values.
    let mut settled = BTreeSet::new();
    if let Some(frozen) = &given.frozen {
        for tree in &mut trees {
            let path = sources.file(tree.span).map_or("", |file| file.path.as_str());
            if let Some(values) = frozen.get(path) {
                frozen::thaw(tree, values);
            }
        }
        settled = frozen::drop_unused_variables(&mut trees);
    }
    let mut interpolation = Interpolation::new(sources, outside, rules, is_whole);
    let written = if given.merges { trees.clone() } else { Vec::new() };
    for tree in &mut trees {
        interpolation.declare(tree, problems);
    }
    for tree in &mut values {
        interpolation.resolve(tree, problems);
        take_values(&mut interpolation, tree, is_whole, problems);
    }
    for (name, value) in &given.variables {
        let is_declared = interpolation.give(name, value, false, "from `--var`");
        if !is_declared && is_whole && !settled.contains(name) {
            let message = format!("`--var {name}=…`: no file declares a variable `{name}`");
            let help = match interpolation.nearest_variable(name) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it: `variables: {{ {name}: {{}} }}`"),
            };
            problems.push(Problem::error(Code::UndeclaredVariable, message).help(help));
        }
    }
    let mut frozen = BTreeMap::new();
    for tree in &mut trees {
        let path = sources.file(tree.span).map_or("", |file| file.path.as_str());
        interpolation.resolve(tree, problems);
        if given.freezes {
            frozen.insert(path.to_owned(), frozen::freeze(tree, is_sensitive_place));
        }
    }
    let origins = interpolation.finish(problems);
    let resolved = written.iter().zip(&trees);
    let whole = resolved.map(|(written, resolved)| Tree {
        file: sources
            .file(written.span)
            .map_or_else(String::new, |file| file.path.clone()),
        written: written.clone(),
        resolved: resolved.clone(),
    });
    let whole: Vec<Tree> = whole.collect();
    withhold_literals(&mut meanings, trees.iter().chain(&values), &frozen, sources);
    let read: Vec<(config::File, Span)> = (trees.into_iter())
        .filter_map(|tree| {
            let span = tree.span;
            Some((de::read(tree, config::SHAPES, problems)?, span))
        })
        .collect();
    let is_whole = read.len() == files.len();
    let mut desired = Desired::build(read, is_whole, problems);
    desired.frozen = frozen;
    desired.meanings = meanings;
    desired.trees = whole;
    check::check(&desired, problems);
    problems.say_where_from(&origins);
    is_whole.then_some(desired)
}

fn drop_extensions(root: &mut Node) {
    if let Kind::Map(entries) = &mut root.kind {
        entries.retain(|(key, _)| !meaning::is_extension(&key.name));
    }
}

/// Documents of the program's own often lie where the files do.
fn is_desired_state(root: &Node, problems: &mut Problems) -> bool {
    let Kind::Map(entries) = &root.kind else {
        return true;
    };
    let is_value = |(key, node): &(Key, Node)| {
        let is_field = nearest(&key.name, config::SECTIONS_IN_ORDER).is_some();
        !is_field && matches!(node.kind, Kind::Scalar(_) | Kind::Unknown)
    };
    if !entries.is_empty() && entries.iter().all(is_value) {
        let message = "these seem to be values of variables, and no desired state";
        let help = "give them with `--var-file`, and keep them out of the directory, or name the other files with `-f`";
        problems.push(
            Problem::error(Code::NotDesiredState, message)
                .at(root.span)
                .help(help),
        );
        return false;
    }
    let Some(at) = entries.iter().find(|(key, _)| &*key.name == "format_version") else {
        return true;
    };
    let has = |name: &str| entries.iter().any(|(key, _)| &*key.name == name);
    let what = match () {
        () if has("inputs") => "a saved plan",
        () if has("stored") => "a snapshot of a server",
        () if has("problems") => "a list of problems",
        () if has("changes") => "the report of an apply",
        () if has("findings") => "the report of a drift",
        () => "a document of restatectl",
    };
    let message = format!("this is {what}, and no desired state");
    let problem = Problem::error(Code::NotDesiredState, message).at(at.0.span);
    problems.push(problem.help("keep it in another directory than the files, or name the files with `-f`"));
    false
}

/// A file that has a secret in it gets no digest but that of all its bytes.
fn withhold_literals<'t>(
    meanings: &mut BTreeMap<u32, String>,
    trees: impl Iterator<Item = &'t Node>,
    frozen: &BTreeMap<String, Frozen>,
    sources: &Sources,
) {
    let secret = frozen.values().flat_map(Frozen::sensitive_variables);
    let secret: BTreeSet<String> = secret.map(str::to_owned).collect();
    for tree in trees {
        let file = sources.file(tree.span).and_then(|file| frozen.get(&file.path));
        if file.is_some_and(|file| file.has_sensitive_literal) || frozen::gives_literally(tree, &secret) {
            meanings.remove(&tree.span.file);
        }
    }
}

/// The values of a `--var-file`: a map from names to single values.
fn take_values(interpolation: &mut Interpolation<'_>, root: &Node, is_whole: bool, problems: &mut Problems) {
    let Kind::Map(entries) = &root.kind else {
        let message = format!("expected a map of variables, found {}", root.describe());
        problems.push(Problem::error(Code::WrongType, message).at(root.span));
        return;
    };
    for (key, node) in entries {
        match &node.kind {
            Kind::Scalar(scalar) => {
                let external = scalar.filled.as_ref().is_some_and(|filled| filled.external);
                let is_declared = interpolation.give(&key.name, &scalar.text, external, "from `--var-file`");
                if !is_declared && is_whole {
                    // Several desired states may share such a file.
                    let message = format!("no file declares a variable `{}`", key.name);
                    let problem = Problem::warning(Code::UndeclaredVariable, message).at(key.span);
                    problems.push(match interpolation.nearest_variable(&key.name) {
                        Some(near) => problem.help(format!("did you mean `{near}`?")),
                        None => problem,
                    });
                }
            }
            Kind::Unknown => {}
            _ => {
                let message = format!("expected a single value, found {}", node.describe());
                problems.push(Problem::error(Code::WrongType, message).at(node.span));
            }
        }
    }
}
