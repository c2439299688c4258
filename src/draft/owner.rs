//! Whose a resource is: a deployment's mark says it, and services and subscriptions belong to whom
//! the deployment behind them belongs.

use super::View;
use super::consent::Given;
use super::world::ServedBy;
use crate::code::Code;
use crate::consent::Consent;
use crate::kind::deployment::live::Deployment;
use crate::problem::Problem;
use crate::source::Spanned;

/// What may allow a change of what belongs to others.
#[derive(Clone, Copy)]
pub struct Allowing<'a> {
    pub allow: &'a [Spanned<Consent>],
    /// What the command line may call the entry.
    pub keys: &'a [String],
    /// What messages call the entry that has the `allow:` list.
    pub entry: &'a str,
}

impl<'a> View<'a> {
    /// The other stack whose mark a deployment carries.
    pub fn foreign_mark<'l>(&self, live: &'l Deployment) -> Option<&'l str> {
        live.stack().filter(|mark| Some(*mark) != self.stack())
    }

    /// Whether pruning may touch it: with a stack what carries its mark, without one what carries
    /// none.
    pub fn is_ours(&self, live: &Deployment) -> bool {
        live.stack() == self.stack()
    }

    /// The live deployment that serves a service after the steps so far, if it keeps its mark: one
    /// that this plan registers, also by force, gets ours.
    fn marked_server_of(&self, service: &str) -> Option<&'a Deployment> {
        let predicted = self.world.get(service)?;
        match &predicted.server {
            ServedBy::Live(_) if predicted.bumps > 0 && self.stack().is_some() => None,
            ServedBy::Live(id) => self.input.live.deployment(id),
            ServedBy::Planned(_) => None,
        }
    }

    /// Whether a subscription that feeds this service is ours to delete.
    pub fn is_sink_ours(&self, service: &str) -> bool {
        if self.world.get(service).is_none() {
            // Nobody's, as far as can be told.
            return self.stack().is_none();
        }
        self.marked_server_of(service)
            .is_none_or(|live| self.is_ours(live))
    }

    /// Whether what belongs to another stack may be changed. `what`: for messages.
    ///
    /// # Errors
    /// The refusal.
    pub fn take_over(&self, stack: &str, what: &str, allowing: Allowing<'_>) -> Result<Given, Problem> {
        let Allowing { allow, keys, entry } = allowing;
        let consent = Consent::TakeOver(stack.to_owned());
        self.consents.allows(&consent, allow, keys).ok_or_else(|| {
            let problem = Problem::error(Code::ForeignStack, format!("{what} belongs to the stack {stack}"));
            problem.lacks(consent.to_string()).help(format!(
                "leave it to that stack's file; if it is to be taken over, add `allow: [{consent}]` to the {entry}, or run with `--allow {consent}`"
            ))
        })
    }

    /// The same for a change of a service, or of a subscription that feeds it. `None` where it does
    /// not belong to others.
    pub fn take_over_service(&self, service: &str, allowing: Allowing<'_>) -> Option<Result<Given, Problem>> {
        let mark = self
            .marked_server_of(service)
            .and_then(|live| self.foreign_mark(live))?;
        Some(self.take_over(mark, &format!("the service {service}"), allowing))
    }

    /// The reason why a deletion is ours to make.
    pub fn reason_to_delete(&self) -> String {
        match self.stack() {
            Some(stack) => format!("not in the file; owned by stack {stack}"),
            None => "not in the file".to_owned(),
        }
    }
}
