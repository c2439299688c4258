//! Resolves references on the tree, after parsing: a value that is filled in cannot inject
//! structure, and every problem with it points at the reference and never shows it.

use super::node::{Kind, Node, Scalar};
use super::reference::{self, Part, RefKind, Reference};
use super::text::Filled;
use super::{Sources, Span};
use crate::code::Code;
use crate::problem::{Problem, Problems, Severity, nearest};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The name of the section that declares variables.
pub const VARIABLES: &str = "variables";
/// How many times the size of the files all values together that are filled in may have. A large one
/// that is referred to often would fill the memory.
const MAX_GROWTH: usize = 16;
/// How many bytes they may have however small the files are.
const FEW_BYTES: usize = 4 << 20;

/// What is outside of the desired state. The shell implements it: here is no IO.
pub trait Outside {
    /// An environment variable; `None` when it is not set.
    ///
    /// # Errors
    /// A problem without a place, when it cannot be used.
    fn env(&mut self, name: &str) -> Result<Option<Rc<str>>, Problem>;

    /// The content of a file, named relative to the one that refers to it; `None` when there is none.
    ///
    /// # Errors
    /// A problem without a place, when it cannot be read or may not be.
    fn file(&mut self, from: u32, path: &str) -> Result<Option<Rc<str>>, Problem>;
}

/// How strict resolving is.
pub struct Rules<'a> {
    /// How bad an environment variable is that is not set. Below an error, its value stays unknown.
    pub unset: Severity,
    /// How bad a variable is that has no value.
    pub valueless: Severity,
    /// The environment variables that hold the admin token, which no value may contain.
    pub token_variables: &'a [&'a str],
}

pub struct Interpolation<'a> {
    sources: &'a Sources,
    outside: &'a mut dyn Outside,
    rules: Rules<'a>,
    /// All files could be read, so all variables are known.
    is_whole: bool,
    variables: BTreeMap<Rc<str>, Variable>,
    filled_bytes: usize,
    most_bytes: usize,
    /// The places where values were filled in, and from what.
    fills: BTreeMap<Span, String>,
}

struct Variable {
    /// The place of the declaration.
    span: Span,
    value: Value,
    /// What its value is from, in words.
    from: &'static str,
    is_used: bool,
}

#[derive(Clone)]
enum Value {
    Missing,
    /// A value that refers to what is not set.
    Unknown,
    Known {
        text: Rc<str>,
        external: bool,
    },
}

/// What a reference stands for; `None` once it is reported that it stands for nothing.
type Found = Option<(Rc<str>, bool, String)>;

impl<'a> Interpolation<'a> {
    pub fn new(sources: &'a Sources, outside: &'a mut dyn Outside, rules: Rules<'a>, is_whole: bool) -> Self {
        Self {
            sources,
            outside,
            rules,
            is_whole,
            variables: BTreeMap::new(),
            filled_bytes: 0,
            most_bytes: FEW_BYTES + MAX_GROWTH * sources.size(),
            fills: BTreeMap::new(),
        }
    }

    /// Takes in the variables that one file declares. Their defaults may refer to the environment
    /// and to files, but not to each other.
    pub fn declare(&mut self, root: &mut Node, problems: &mut Problems) {
        let Some(section) = section(root) else { return };
        self.resolve_node(section, problems);
        let Kind::Map(entries) = &section.kind else { return };
        for (key, declaration) in entries {
            if !reference::is_name(&key.name, "-") {
                let message = format!("`{}` is not the name of a variable", key.name);
                let help = "a name has letters, digits, `_` and `-`, and does not start with a digit";
                problems.push(
                    Problem::error(Code::InvalidVariableName, message)
                        .at(key.span)
                        .help(help),
                );
                continue;
            }
            let default = match &declaration.kind {
                Kind::Map(fields) => fields.iter().find(|(key, _)| &*key.name == "default"),
                _ => None,
            };
            let value = match default.map(|(_, node)| &node.kind) {
                Some(Kind::Scalar(scalar)) => Value::Known {
                    text: Rc::from(&*scalar.text),
                    external: scalar.filled.as_ref().is_some_and(|filled| filled.external),
                },
                Some(Kind::Unknown) => Value::Unknown,
                _ => Value::Missing,
            };
            let declared = Variable {
                span: key.span,
                value,
                from: "its default",
                is_used: false,
            };
            if let Some(first) = self.variables.get(&*key.name) {
                problems.push(super::duplicate_key(&key.name, key.span, first.span));
            } else {
                self.variables.insert(Rc::from(&*key.name), declared);
            }
        }
    }

    /// Gives a variable its value, in place of its default. Says whether it is declared.
    pub fn give(&mut self, name: &str, text: &str, external: bool, from: &'static str) -> bool {
        let Some(variable) = self.variables.get_mut(name) else {
            return false;
        };
        let text = Rc::from(text);
        (variable.value, variable.from) = (Value::Known { text, external }, from);
        true
    }

    pub fn nearest_variable(&self, name: &str) -> Option<&str> {
        // Among many, it takes longer than a hint is worth.
        nearest(name, self.variables.keys().map(|name| &**name).take(100))
    }

    /// Puts in place what the values of one file refer to.
    pub fn resolve(&mut self, root: &mut Node, problems: &mut Problems) {
        match &mut root.kind {
            Kind::Map(entries) => {
                for (key, node) in entries {
                    // Resolved when they were declared.
                    if &*key.name != VARIABLES {
                        self.resolve_node(node, problems);
                    }
                }
            }
            _ => self.resolve_node(root, problems),
        }
    }

    /// Reports the variables that nothing refers to, and returns where values were filled in.
    pub fn finish(self, problems: &mut Problems) -> BTreeMap<Span, String> {
        let is_unused = |(_, variable): &(&Rc<str>, &Variable)| self.is_whole && !variable.is_used;
        for (name, variable) in self.variables.iter().filter(is_unused) {
            let message = format!("nothing refers to the variable `{name}`");
            problems.push(
                Problem::warning(Code::UnusedVariable, message)
                    .at(variable.span)
                    .help(format!("refer to it with `${{var:{name}}}`, or remove it")),
            );
        }
        self.fills
    }

    fn resolve_node(&mut self, node: &mut Node, problems: &mut Problems) {
        match &mut node.kind {
            Kind::Null | Kind::Unknown => {}
            Kind::Scalar(scalar) => {
                // What a saved plan filled in is no reference, whatever it holds.
                if scalar.filled.is_none() && scalar.text.contains("${") {
                    node.kind = self.resolve_scalar(scalar, node.span, problems);
                }
            }
            Kind::Seq(items) => {
                for item in items {
                    self.resolve_node(item, problems);
                }
            }
            Kind::Map(entries) => {
                for (key, value) in entries {
                    let is_reference = |start: &&&str| key.name.contains(**start);
                    if let Some(start) = ["${env:", "${file:", "${var:"].iter().find(is_reference) {
                        let message = format!("`{start}…}}` is not resolved in a key");
                        let problem = Problem::error(Code::ReferenceInKey, message).at(key.span);
                        problems.push(problem.help("references work in values; write the key itself"));
                    }
                    self.resolve_node(value, problems);
                }
            }
        }
    }

    /// Puts the value that a scalar refers to in its place.
    fn resolve_scalar(&mut self, scalar: &Scalar, span: Span, problems: &mut Problems) -> Kind {
        let parts = match reference::parse(&scalar.text) {
            Ok(parts) => parts,
            Err(malformed) => {
                problems.push(
                    Problem::error(Code::InvalidReference, malformed.message)
                        .at(self.locate(span, malformed.text, &mut 0))
                        .help(malformed.help),
                );
                return Kind::Unknown;
            }
        };
        let (mut text, mut external, mut is_known) = (String::new(), false, true);
        let (mut sources, mut searched) = (Vec::new(), 0);
        for part in &parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Reference(reference) => {
                    let at = self.locate(span, reference.text, &mut searched);
                    match self.look_up(*reference, at, problems) {
                        Some((value, is_external, source)) => {
                            text.push_str(&value);
                            external |= is_external;
                            sources.push(source);
                        }
                        None => is_known = false,
                    }
                }
            }
        }
        let was_too_large = self.filled_bytes > self.most_bytes;
        self.filled_bytes += text.len();
        if was_too_large {
            return Kind::Unknown;
        }
        if self.filled_bytes > self.most_bytes {
            let message = format!(
                "the values that are filled in have more than {} bytes",
                self.most_bytes
            );
            problems.push(Problem::error(Code::TooLarge, message).at(span));
            return Kind::Unknown;
        }
        if !is_known {
            return Kind::Unknown;
        }
        if sources.is_empty() {
            // Only escapes.
            return Kind::scalar(text, scalar.plain);
        }
        sources.dedup();
        self.fills.insert(span, sources.join(" and "));
        let written = scalar.text.clone().into();
        Kind::Scalar(Scalar {
            text: text.into(),
            plain: true,
            filled: Some(Box::new(Filled { written, external })),
        })
    }

    /// The place of a part of a scalar, if the file has it literally; else that of the scalar.
    fn locate(&self, span: Span, part: &str, searched: &mut usize) -> Span {
        let file = self.sources.file(span);
        let raw = file.and_then(|file| file.text.get(span.start as usize..span.end as usize));
        let found = raw.and_then(|raw| Some(*searched + raw.get(*searched..)?.find(part)?));
        let Some(at) = found else { return span };
        *searched = at + part.len();
        let start = span.start + super::offset(at);
        let end = start + super::offset(part.len());
        Span { start, end, ..span }
    }

    fn look_up(&mut self, reference: Reference<'_>, at: Span, problems: &mut Problems) -> Found {
        let Reference {
            kind,
            name,
            default,
            text,
        } = reference;
        if kind == RefKind::Var {
            return self.variable(reference, at, problems);
        }
        if kind == RefKind::Env && self.rules.token_variables.contains(&name) {
            let message = format!("`{name}` holds the admin token, which must not reach an endpoint");
            problems.push(
                Problem::error(Code::AdminTokenReference, message)
                    .at(at)
                    .help("give the endpoint a token of its own, in another variable"),
            );
            return None;
        }
        let (found, source) = match kind {
            RefKind::Env => (
                self.outside.env(name),
                format!("the environment variable `{name}`"),
            ),
            _ => (self.outside.file(at.file, name), format!("the file `{name}`")),
        };
        let found = match found {
            Ok(found) => found,
            Err(problem) => {
                problems.push(problem.at(at));
                return None;
            }
        };
        match (found, default) {
            (Some(value), None) => {
                if value.is_empty() {
                    let message = format!("{source} is empty");
                    problems.push(
                        Problem::warning(Code::EmptyReference, message)
                            .at(at)
                            .help("a secret that a CI job may not see is often empty there"),
                    );
                }
                Some((value, true, source))
            }
            (Some(value), Some(_)) if !value.is_empty() => Some((value, true, source)),
            (_, Some(default)) => Some((Rc::from(default), false, format!("the default in `{text}`"))),
            (None, None) if kind == RefKind::File => {
                let message = format!("there is no file `{name}`");
                let problem = Problem::error(Code::FileReference, message).at(at);
                problems.push(problem.help("the path is relative to the file that refers to it"));
                None
            }
            (None, None) => {
                let message = format!("{source} is not set");
                let problem = Problem::new(Code::UnsetEnvironmentVariable, self.rules.unset, message).at(at);
                problems.push(problem.help(format!("set it, or give a default: `${{env:{name}:-…}}`")));
                None
            }
        }
    }

    fn variable(&mut self, reference: Reference<'_>, at: Span, problems: &mut Problems) -> Found {
        let Reference {
            name, default, text, ..
        } = reference;
        let default =
            || default.map(|default| (Rc::from(default), false, format!("the default in `{text}`")));
        let Some(variable) = self.variables.get_mut(name) else {
            if !self.is_whole {
                return None;
            }
            let near = self.nearest_variable(name);
            problems.push(
                Problem::error(
                    Code::UndeclaredVariable,
                    format!("no file declares a variable `{name}`"),
                )
                .at(at)
                .help(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("declare it: `variables: {{ {name}: {{ default: … }} }}`"),
                }),
            );
            return None;
        };
        variable.is_used = true;
        match &variable.value {
            Value::Known { text, external } if !text.is_empty() => {
                let source = format!("the variable `{name}`, {}", variable.from);
                Some((text.clone(), *external, source))
            }
            Value::Known { external, .. } => {
                let source = format!("the variable `{name}`, {}", variable.from);
                default().or_else(|| Some((Rc::from(""), *external, source)))
            }
            Value::Unknown => default(),
            Value::Missing => default().or_else(|| {
                let message = format!("the variable `{name}` has no value");
                problems.push(
                    Problem::new(Code::VariableWithoutValue, self.rules.valueless, message)
                        .at(at)
                        .related(variable.span, "declared here, without a default")
                        .help(format!("give it one with `--var {name}=…`, or a `default`")),
                );
                None
            }),
        }
    }
}

fn section(root: &mut Node) -> Option<&mut Node> {
    let Kind::Map(entries) = &mut root.kind else {
        return None;
    };
    let found = entries.iter_mut().find(|(key, _)| &*key.name == VARIABLES);
    found.map(|(_, node)| node)
}
