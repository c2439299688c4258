//! Consent to what is refused otherwise.

use super::entries;
use crate::problem::{Problem, Problems, nearest};
use crate::source::{Read, Spanned, Text};
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

    /// As it is written in `allow:` and after `--allow`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once('=') {
            Some(("take-over", stack)) if !stack.is_empty() => Some(Self::TakeOver(stack.to_owned())),
            _ => Self::PLAIN.into_iter().find(|consent| consent.word() == text),
        }
    }

    /// Without the stack that is taken over.
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
                "unknown-value",
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
