//! The plan in the making. The kinds look at a [`View`] of it, which they cannot change, and hand in
//! [`Part`]s, which the [`Draft`] takes: so what a function reads and what comes of it is in its
//! signature.

pub mod consent;
pub mod owner;
pub mod world;

use crate::action::Action;
use crate::ask::Answers;
use crate::change::{Basis, Change, Refused, Resource};
use crate::consent::CommandConsent;
use crate::desired::Desired;
use crate::finding::{Finding, Waiting};
use crate::kind::{Key, Kind};
use crate::live::Live;
use crate::pattern::is_like;
use crate::problem::Problem;
use crate::source::{Origin, Sources, Span};
use consent::{Consents, Given};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use world::{Effects, World};

/// What a plan is computed from.
pub struct Input<'a> {
    pub desired: &'a Desired,
    pub live: &'a Live,
    pub answers: &'a Answers,
    pub sources: &'a Sources,
    pub consents: &'a [CommandConsent],
    /// `KIND/KEY` of resources to write again although no difference can be seen.
    pub resend: &'a [String],
    pub targets: Targets<'a>,
    /// `KIND/KEY` of what is left out.
    pub exclude: &'a [String],
    /// How much this run has deleted already, of what counts.
    pub deleted: u64,
    /// The server is a snapshot of this time, and no endpoint is asked.
    pub offline: Option<&'a str>,
    /// The time at which the server was read.
    pub now: Timestamp,
}

impl Input<'_> {
    /// Whether `--resend` names this.
    pub fn is_resent(&self, key: &Key) -> bool {
        let names = || Resource::from(key.clone()).names();
        !self.resend.is_empty() && names().iter().any(|name| self.resend.contains(name))
    }

    pub fn origin(&self, span: Span) -> Option<Origin> {
        self.sources.origin(span)
    }
}

/// Whether one of the patterns is for one of the names that something has.
pub fn names_one(patterns: &[String], names: &[String]) -> bool {
    let is_meant = |pattern: &String| names.iter().any(|name| is_like(pattern, name));
    patterns.iter().any(is_meant)
}

/// The resources to change, as `KIND/KEY`, with all that they need.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a> {
    All,
    Only(&'a [String]),
    /// What is deleted and needs nothing but other deletions.
    Deletions,
    /// What a plan touches that was made before: what goes is decided as it was then, among all.
    Again(&'a [String]),
}

/// One change, with what it takes to make it.
#[derive(Debug, Clone)]
pub struct Step {
    pub change: Change,
    /// What the step rests on beside the precondition of the change.
    pub basis: Basis,
    /// `None` where what to do is not known, which is told as an error or a refusal.
    pub action: Option<Action>,
    /// Whether it is a deletion that counts towards what a run may delete.
    pub counts: bool,
}

impl Step {
    pub fn new(change: Change, action: Option<Action>) -> Self {
        Self {
            change,
            basis: Basis::default(),
            action,
            counts: false,
        }
    }
}

/// What can be seen of the plan so far.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub input: &'a Input<'a>,
    /// What callers will see after the steps so far.
    pub world: &'a World,
    pub steps: &'a [Step],
    pub consents: Consents<'a>,
}

impl View<'_> {
    pub fn stack(&self) -> Option<&str> {
        self.input.desired.stack()
    }

    /// The key of a live deployment, for messages.
    pub fn deployment_key(&self, id: &str) -> String {
        let found = self.input.live.deployment(id);
        found.map_or_else(|| id.to_owned(), |deployment| deployment.address.key())
    }

    /// Whether a deletion of it may be in the plan at all.
    pub fn may_go(&self, resource: &Resource) -> bool {
        let Targets::Only(targets) = self.input.targets else {
            return true;
        };
        names_one(targets, &resource.names())
    }
}

/// What one look at a resource has brought.
#[must_use = "what is not taken into the draft is lost"]
#[derive(Default)]
pub struct Part {
    pub step: Option<Step>,
    /// The consents that it needed and was given.
    pub given: Vec<Given>,
    /// What the step does to what callers see.
    pub effects: Effects,
    pub findings: Vec<(Problem, Resource)>,
    /// Why a listed resource of another stack may not be changed at all.
    pub foreign: Option<(Problem, Resource)>,
}

impl Part {
    pub fn find(&mut self, problem: Problem, about: &Resource) {
        self.findings.push((problem, about.clone()));
    }
}

/// Consents that were asked for: what was given, and what is refused for want of the rest.
#[derive(Default)]
pub struct Asked {
    pub given: Vec<Given>,
    pub refusals: Vec<Problem>,
}

impl Asked {
    /// Keeps a consent, or the refusal. Returns whether it was allowed.
    pub fn take(&mut self, answer: Result<Given, Problem>) -> bool {
        match answer {
            Ok(given) => self.given.push(given),
            Err(problem) => {
                self.refusals.push(problem);
                return false;
            }
        }
        true
    }

    pub fn refused(self) -> (Vec<Given>, Option<Refused>) {
        (self.given, Refused::of(self.refusals))
    }
}

/// The plan so far.
pub struct Draft<'a> {
    input: &'a Input<'a>,
    world: World,
    drafted: Drafted,
}

/// What a draft comes to.
#[derive(Default)]
pub struct Drafted {
    /// The steps in the order of execution. The id of each is its place, from 1.
    pub steps: Vec<Step>,
    pub findings: Vec<Finding>,
    pub waiting: Vec<Waiting>,
    /// The live resources that no entry lists.
    pub unmanaged: BTreeMap<Kind, Vec<Key>>,
    /// Why listed resources that belong to another stack may not be changed.
    pub foreign: Vec<(Problem, Resource)>,
    /// The consents that were needed.
    pub used: Vec<Given>,
}

impl<'a> Draft<'a> {
    pub fn new(input: &'a Input<'a>) -> Self {
        Self {
            input,
            world: World::of(input.live),
            drafted: Drafted::default(),
        }
    }

    pub fn input(&self) -> &'a Input<'a> {
        self.input
    }

    pub fn view(&self) -> View<'_> {
        View {
            input: self.input,
            world: &self.world,
            steps: &self.drafted.steps,
            consents: Consents::of(self.input.consents),
        }
    }

    /// Returns the id of the step, if it has one.
    pub fn take(&mut self, part: Part) -> Option<u32> {
        let Part {
            step,
            given,
            effects,
            findings,
            foreign,
        } = part;
        let id = step.map(|mut step| {
            let id = u32::try_from(self.drafted.steps.len() + 1).unwrap_or(u32::MAX);
            let consents: BTreeSet<&str> = given.iter().map(Given::word).collect();
            step.change.id = id;
            step.change.consents = consents.into_iter().map(str::to_owned).collect();
            self.drafted.steps.push(step);
            id
        });
        self.world.take(id.unwrap_or_default(), effects);
        self.drafted.used.extend(given);
        for (problem, about) in findings {
            self.find(problem, Some(about));
        }
        self.drafted.foreign.extend(foreign);
        id
    }

    pub fn find(&mut self, problem: Problem, about: Option<Resource>) {
        let finding = Finding::new(problem, about, self.input.sources);
        self.drafted.findings.push(finding);
    }

    /// Adds a finding at a place that is resolved already.
    pub fn find_at(&mut self, problem: Problem, about: Resource, origin: Option<Origin>) {
        let finding = Finding::new(problem, Some(about), self.input.sources);
        self.drafted.findings.push(Finding { origin, ..finding });
    }

    /// A live resource that stays although no file lists it.
    pub fn leave(&mut self, key: Key) {
        self.drafted.unmanaged.entry(key.kind()).or_default().push(key);
    }

    pub fn wait(&mut self, waiting: Waiting) {
        self.drafted.waiting.push(waiting);
    }

    /// The services that listed deployments expose.
    pub fn list_services(&mut self, names: BTreeSet<String>) {
        self.world.list(names);
    }

    /// Records that a subscription feeds a service after this plan.
    pub fn feed(&mut self, service: &str, subscription: Key) {
        self.world.feed(service, subscription);
    }

    pub fn finish(self) -> (World, Drafted) {
        (self.world, self.drafted)
    }
}
