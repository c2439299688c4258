//! Asking for consent: from an entry's `allow:`, or for one run from the command line.

use crate::change::Resource;
use crate::code::Code;
use crate::consent::{CommandConsent, Consent};
use crate::problem::Problem;
use crate::source::{Span, Spanned};
use std::collections::BTreeSet;

/// Answers whether something is allowed. To ask changes nothing: what was needed is told by the
/// answers that are handed in with a part.
#[derive(Clone, Copy)]
pub struct Consents<'a> {
    command: &'a [CommandConsent],
}

/// A consent, and what gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    word: String,
    /// The places in `allow:` lists that give it.
    spans: Vec<Span>,
    /// The consents of the command line that give it, by their places there.
    commands: Vec<usize>,
}

impl Given {
    /// The consent as it is written.
    pub fn word(&self) -> &str {
        &self.word
    }
}

impl<'a> Consents<'a> {
    pub fn of(command: &'a [CommandConsent]) -> Self {
        Self { command }
    }

    /// `entry`: its `allow:`. `keys`: what the command line may call it.
    pub fn allows(self, what: &Consent, entry: &[Spanned<Consent>], keys: &[String]) -> Option<Given> {
        let written = entry.iter().filter(|consent| consent.value == *what);
        let spans: Vec<Span> = written.map(|consent| consent.span).collect();
        let commands = self.command.iter().enumerate();
        let commands: Vec<usize> = commands
            .filter_map(|(index, consent)| consent.covers(what, keys).then_some(index))
            .collect();
        (!spans.is_empty() || !commands.is_empty()).then(|| Given {
            word: what.to_string(),
            spans,
            commands,
        })
    }

    /// Up to how many deletions are allowed beyond what the guards let pass.
    pub fn deletes(self) -> Option<(u64, Given)> {
        let commands = self.command.iter().enumerate();
        let given: Vec<(usize, u64)> = commands
            .filter_map(|(index, consent)| match consent {
                CommandConsent::Deletes(n) => Some((index, *n)),
                CommandConsent::To { .. } => None,
            })
            .collect();
        let most = given.iter().map(|(_, n)| *n).max()?;
        let given = Given {
            word: format!("deletes={most}"),
            spans: Vec::new(),
            commands: given.into_iter().map(|(index, _)| index).collect(),
        };
        Some((most, given))
    }

    /// What was written and not needed, as warnings. `listed`: what each entry allows.
    pub fn unused(
        self,
        used: &[Given],
        listed: impl Iterator<Item = (Resource, Vec<Spanned<Consent>>)>,
    ) -> Vec<(Problem, Option<Resource>)> {
        let spans: BTreeSet<Span> = used.iter().flat_map(|given| &given.spans).copied().collect();
        let mut unused = Vec::new();
        for (resource, allow) in listed {
            for consent in allow.into_iter().filter(|consent| !spans.contains(&consent.span)) {
                let message = format!("the consent `{}` was not needed", consent.value);
                let problem = Problem::warning(Code::UnusedAllow, message)
                    .at(consent.span)
                    .help("remove it, so that it cannot allow the next change by accident");
                unused.push((problem, Some(resource.clone())));
            }
        }
        for (index, command) in self.command.iter().enumerate() {
            if !used.iter().any(|given| given.commands.contains(&index)) {
                let message = format!("the consent `--allow {command}` was not needed");
                unused.push((Problem::warning(Code::UnusedAllow, message), None));
            }
        }
        unused
    }
}

/// The refusal for want of consent. `entry` names what carries the `allow:` list.
pub fn needs(consent: &Consent, message: String, entry: &str) -> Problem {
    let word = consent.word();
    let problem = Problem::error(consent.code(), message).lacks(consent.to_string());
    problem.help(format!(
        "if that is meant, add `allow: [{word}]` to the {entry}, or run with `--allow {word}`"
    ))
}

/// The refusal to delete what is protected.
pub fn still_protected(what: &str) -> Problem {
    Problem::error(Code::Protected, format!("{what} is protected"))
        .help("to delete it, remove `protected: true` first, in a commit of its own")
}
