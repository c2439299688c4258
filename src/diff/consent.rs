//! Consent: from an entry's `allow:`, or for one run from the command line.

use crate::desired::Consent;
use crate::source::{Span, Spanned};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// `--allow WHAT[=KEY]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandConsent {
    pub what: Consent,
    pub key: Option<String>,
}

/// Answers whether something is allowed, and remembers which consents were needed.
pub struct Consents<'a> {
    command: &'a [CommandConsent],
    used_commands: RefCell<BTreeSet<usize>>,
    used_entries: RefCell<BTreeSet<Span>>,
}

impl<'a> Consents<'a> {
    pub fn new(command: &'a [CommandConsent]) -> Self {
        Self {
            command,
            used_commands: RefCell::default(),
            used_entries: RefCell::default(),
        }
    }

    /// Only ask where the answer matters: the consent then counts as needed.
    pub fn allows(&self, what: Consent, entry: &[Spanned<Consent>], keys: &[&str]) -> bool {
        let mut allowed = false;
        for consent in entry.iter().filter(|consent| consent.value == what) {
            self.used_entries.borrow_mut().insert(consent.span);
            allowed = true;
        }
        for (index, consent) in self.command.iter().enumerate() {
            let covers = consent.key.as_deref().is_none_or(|key| keys.contains(&key));
            if consent.what == what && covers {
                self.used_commands.borrow_mut().insert(index);
                allowed = true;
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
