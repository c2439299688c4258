//! Consent to what is refused otherwise.

use crate::code::Code;
use crate::problem::{Problem, Problems, nearest};
use crate::source::{Read, Spanned, Text, entries};
use serde_json::Value as Json;
use std::fmt;

/// Everything that is refused unless somebody consents to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consent {
    /// Service types change, or callers lose handlers or services.
    Breaking,
    /// The endpoint serves other code than is registered.
    Overwrite,
    /// A registered deployment becomes the latest again.
    Promote,
    /// A private service becomes public.
    Expose,
    /// A subscription changes its consumer group.
    Regroup,
    /// A resource that carries the mark of this other stack is changed.
    TakeOver(String),
}

impl Consent {
    const PLAIN: [Self; 5] = [
        Self::Breaking,
        Self::Overwrite,
        Self::Promote,
        Self::Expose,
        Self::Regroup,
    ];

    /// Reads a consent as it is written in `allow:` and after `--allow`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once('=') {
            Some(("take-over", stack)) if !stack.is_empty() => Some(Self::TakeOver(stack.to_owned())),
            _ => Self::PLAIN.into_iter().find(|consent| consent.word() == text),
        }
    }

    /// The code of the refusal that lacks this consent.
    pub fn code(&self) -> Code {
        match self {
            Self::Breaking => Code::Breaking,
            Self::Overwrite => Code::Overwrite,
            Self::Promote => Code::Promote,
            Self::Expose => Code::Expose,
            Self::Regroup => Code::Regroup,
            Self::TakeOver(_) => Code::ForeignStack,
        }
    }

    /// The word before `=`: a consent to take over goes without its stack.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Breaking => "breaking",
            Self::Overwrite => "overwrite",
            Self::Promote => "promote",
            Self::Expose => "expose",
            Self::Regroup => "regroup",
            Self::TakeOver(_) => "take-over",
        }
    }
}

impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakeOver(stack) => write!(f, "take-over={stack}"),
            plain => f.write_str(plain.word()),
        }
    }
}

/// `--allow WHAT[=KEY]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandConsent {
    /// The consent for one resource, or for all when there is no key.
    To { what: Consent, key: Option<String> },
    /// Consent to delete so many resources.
    Deletes(u64),
}

impl CommandConsent {
    /// # Errors
    /// Says what can be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (word, key) = match text.split_once('=') {
            Some((word, key)) => (word, Some(key.to_owned())),
            None => (text, None),
        };
        if word == "deletes" {
            let n = key.and_then(|n| n.parse().ok());
            return n
                .map(Self::Deletes)
                .ok_or_else(|| "write `deletes=N`, with a number".to_owned());
        }
        if key.as_ref().is_some_and(String::is_empty) {
            return Err("nothing stands behind the `=`: write WHAT, or WHAT=KEY".to_owned());
        }
        match (Consent::parse(text), Consent::parse(word)) {
            (Some(what), _) => Ok(Self::To { what, key: None }),
            (None, Some(what)) => Ok(Self::To { what, key }),
            (None, None) => Err(
                "one of breaking, overwrite, promote, expose, regroup, take-over=STACK, deletes=N".to_owned(),
            ),
        }
    }
}

impl CommandConsent {
    /// Whether it allows this for a resource that may be called by these names.
    pub fn covers(&self, what: &Consent, names: &[String]) -> bool {
        match self {
            Self::To { what: given, key } => {
                given == what && key.as_ref().is_none_or(|key| names.contains(key))
            }
            Self::Deletes(_) => false,
        }
    }
}

impl fmt::Display for CommandConsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::To { what, key: Some(key) } => write!(f, "{what}={key}"),
            Self::To { what, key: None } => what.fmt(f),
            Self::Deletes(n) => write!(f, "deletes={n}"),
        }
    }
}

/// The consents of one entry. `words`: those that an entry of its kind can give.
pub fn build(
    read: Option<Read<Vec<Read<Text>>>>,
    words: &[(&str, &str)],
    problems: &mut Problems,
) -> Vec<Spanned<Consent>> {
    let mut consents = Vec::new();
    for word in entries(read) {
        let found = Consent::parse(word.value.as_str());
        let fits = |consent: &Consent| {
            matches!(consent, Consent::TakeOver(_)) || words.iter().any(|(word, _)| *word == consent.word())
        };
        if let Some(consent) = found.filter(fits) {
            consents.push(Spanned::new(consent, word.span));
            continue;
        }
        let shown = word.value.quote();
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let allowed = format!("`{}`, `take-over=STACK`", all.join("`, `"));
        problems.push(
            Problem::error(
                Code::UnknownValue,
                format!("`{shown}` is not one of the values allowed here"),
            )
            .at(word.span)
            .help(match nearest(shown, all) {
                Some(near) => format!("did you mean `{near}`? Allowed: {allowed}"),
                None => format!("allowed: {allowed}"),
            }),
        );
    }
    consents
}

/// An `allow:` list as the digest of the desired state has it.
pub fn canonical(allow: &[Spanned<Consent>]) -> Json {
    let mut words: Vec<_> = allow.iter().map(|consent| consent.value.to_string()).collect();
    words.sort();
    words.into()
}
