//! Consent: from an entry's `allow:`, or for one run from the command line.

use crate::desired::Consent;
use crate::source::{Span, Spanned};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

/// `--allow WHAT[=KEY]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandConsent {
    /// For one resource, or for all.
    To { what: Consent, key: Option<String> },
    /// Of as many resources.
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
        match (Consent::parse(text), Consent::parse(word)) {
            (Some(what), _) => Ok(Self::To { what, key: None }),
            (None, Some(what)) => Ok(Self::To { what, key }),
            (None, None) => Err(
                "one of breaking, overwrite, promote, expose, regroup, take-over=STACK, deletes=N".to_owned(),
            ),
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

/// Answers whether something is allowed, and remembers which consents were needed.
pub struct Consents<'a> {
    command: &'a [CommandConsent],
    used_commands: RefCell<BTreeSet<usize>>,
    used_entries: RefCell<BTreeSet<Span>>,
    /// Those that were given since the last change.
    given: RefCell<BTreeSet<String>>,
}

impl<'a> Consents<'a> {
    pub fn new(command: &'a [CommandConsent]) -> Self {
        Self {
            command,
            used_commands: RefCell::default(),
            used_entries: RefCell::default(),
            given: RefCell::default(),
        }
    }

    /// Only ask where the answer matters: the consent then counts as needed.
    pub fn allows(&self, what: &Consent, entry: &[Spanned<Consent>], keys: &[&str]) -> bool {
        let mut allowed = false;
        for consent in entry.iter().filter(|consent| consent.value == *what) {
            self.used_entries.borrow_mut().insert(consent.span);
            allowed = true;
        }
        for (index, consent) in self.command.iter().enumerate() {
            let covers = match consent {
                CommandConsent::To { what: given, key } => {
                    given == what && key.as_deref().is_none_or(|key| keys.contains(&key))
                }
                CommandConsent::Deletes(_) => false,
            };
            if covers {
                self.used_commands.borrow_mut().insert(index);
                allowed = true;
            }
        }
        if allowed {
            self.given.borrow_mut().insert(what.to_string());
        }
        allowed
    }

    /// The consents that were asked for and given since the last call, for the change they are for.
    pub fn take_given(&self) -> Vec<String> {
        self.given.take().into_iter().collect()
    }

    /// Up to how many deletions are allowed beyond what the guards let pass. Counts as needed.
    pub fn deletes(&self) -> Option<u64> {
        let mut allowed = None;
        for (index, consent) in self.command.iter().enumerate() {
            if let CommandConsent::Deletes(n) = consent {
                self.used_commands.borrow_mut().insert(index);
                allowed = allowed.max(Some(*n));
            }
        }
        allowed
    }

    pub fn is_unused(&self, consent: &Spanned<Consent>) -> bool {
        !self.used_entries.borrow().contains(&consent.span)
    }

    pub fn unused_commands(&self) -> Vec<&CommandConsent> {
        let used = self.used_commands.borrow();
        (self.command.iter().enumerate())
            .filter(|(index, _)| !used.contains(index))
            .map(|(_, consent)| consent)
            .collect()
    }
}
