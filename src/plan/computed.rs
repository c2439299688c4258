//! A plan that was computed in this run. What is shown of it is a document; what can be done is here
//! alone, so no plan that was read from a file can be carried out as it is.

use super::inputs::Inputs;
use super::{FORMAT_VERSION, Plan, Target, Unmanaged, desired_files, saved};
use crate::action::Action;
use crate::change::{Basis, Change};
use crate::desired::Desired;
use crate::diff::Outcome;
use crate::finding::Finding;
use crate::problem::Problem;
use crate::source::Sources;
use std::collections::BTreeMap;

/// A plan with what it takes to carry it out.
#[derive(Debug)]
pub struct Computed {
    pub plan: Plan,
    /// What apply does for each change, in the order of the changes.
    actions: Vec<Option<Action>>,
    /// How many of its deletions count towards what a run may delete.
    pub counted: u64,
}

/// What a plan was computed from, and how.
pub struct Origins<'a> {
    pub target: Target,
    pub sources: &'a Sources,
    pub desired: &'a Desired,
    /// What reading the files found, which belongs to the plan's findings.
    pub warnings: &'a [Problem],
    pub targets: &'a [String],
    pub inputs: Inputs,
    /// When the plan was made: RFC 3339, from the shell, which has the clock.
    pub created_at: String,
}

impl Computed {
    pub fn new(outcome: Outcome, origins: Origins<'_>) -> Self {
        let Origins {
            target,
            sources,
            desired,
            warnings,
            targets,
            inputs,
            created_at,
        } = origins;
        let Outcome {
            steps,
            mut findings,
            guards,
            waiting,
            unmanaged,
        } = outcome;
        let counted = steps.iter().filter(|step| step.counts).count() as u64;
        let (mut changes, mut actions, mut basis) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut summary = BTreeMap::new();
        for step in steps {
            *summary.entry(step.change.op.name().to_owned()).or_default() += 1;
            if step.basis != Basis::default() {
                basis.insert(step.change.id, step.basis);
            }
            changes.push(step.change);
            actions.push(step.action);
        }
        let warnings = warnings.iter().cloned();
        findings.extend(warnings.map(|problem| Finding::new(problem, None, sources)));
        findings.sort();
        let mut plan = Plan {
            format_version: FORMAT_VERSION.to_owned(),
            restatectl_version: env!("CARGO_PKG_VERSION").to_owned(),
            created_at,
            target,
            desired: desired_files(sources, desired),
            changes,
            guards,
            waiting,
            findings,
            unmanaged: Unmanaged(unmanaged),
            targets: targets.to_vec(),
            summary,
            inputs,
            basis,
            digest: String::new(),
        };
        plan.digest = saved::digest(serde_json::to_value(&plan).unwrap_or_default());
        Self {
            plan,
            actions,
            counted,
        }
    }

    /// What to do for one of its changes.
    pub fn action(&self, change: &Change) -> Option<&Action> {
        let at = usize::try_from(change.id).ok()?.checked_sub(1)?;
        self.actions.get(at)?.as_ref()
    }

    /// The plan as it can be carried out. `None` for one that has errors or is refused: of what is
    /// wrong with a change it is not known what to do about it.
    pub fn ready(self) -> Option<Ready> {
        if self.plan.has_errors() || self.plan.is_refused() {
            return None;
        }
        let actions: Option<Vec<Action>> = self.actions.into_iter().collect();
        Some(Ready {
            plan: self.plan,
            actions: actions?,
            counted: self.counted,
        })
    }
}

/// A plan that can be carried out: nothing in it is wrong or refused.
#[derive(Debug, Clone)]
pub struct Ready {
    plan: Plan,
    /// What apply does for each change, in the order of the changes.
    actions: Vec<Action>,
    counted: u64,
}

impl Ready {
    /// A plan as it was reviewed, with the actions of now. `None` when one is missing.
    pub fn of(plan: Plan, actions: Vec<Action>, counted: u64) -> Option<Self> {
        (plan.changes.len() == actions.len()).then_some(Self {
            plan,
            actions,
            counted,
        })
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many of its deletions count towards what a run may delete.
    pub fn counted(&self) -> u64 {
        self.counted
    }

    /// Every change with what to do, in the order of execution.
    pub fn steps(&self) -> impl Iterator<Item = (&Change, &Action)> {
        self.plan.changes.iter().zip(&self.actions)
    }
}
