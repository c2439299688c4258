//! Whether the server still is what the files say: a plan, read the other way round.

use crate::change::{Change, Field, Op, Resource};
use crate::code::Code;
use crate::finding::{Finding, Guard};
use crate::kind::{Key, Kind};
use crate::plan::{FORMAT_VERSION, Plan, Target};
use crate::problem::Severity;
use crate::source::Origin;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a server differs from the files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "restatectl drift report")]
pub struct Drift {
    /// The version of this form of document.
    pub format_version: String,
    /// Whether there is a difference.
    pub outcome: Outcome,
    /// The server.
    pub target: Target,
    /// The stack of the files.
    pub stack: Option<String>,
    /// An apply would refuse all of it until what needs a person is settled.
    pub apply_is_refused: bool,
    /// What `apply` would mend first, then what `prune` would delete, then what needs a person.
    pub findings: Vec<Drifted>,
    /// How many live resources no file lists, of which pruning would delete what is `extra` or
    /// `superseded`.
    pub unmanaged: u64,
    /// How many findings of each direction; all directions are there.
    pub summary: BTreeMap<Direction, u32>,
}

/// Whether there is a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The server is as the files say.
    InSync,
    /// It is not.
    Drift,
}

/// How the server differs from the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// It is listed, and not there.
    Missing,
    /// It is there, and pruning would delete it.
    Extra,
    /// It is listed and there, with other fields.
    Changed,
    /// Its endpoint does not answer, so what it serves could not be compared.
    Unreachable,
    /// Newer deployments have taken over all its services and nothing runs on it any more, so pruning
    /// would delete it. That comes of rollouts by itself, and is no drift.
    Superseded,
}

impl Direction {
    pub const ALL: [Self; 5] = [
        Self::Missing,
        Self::Extra,
        Self::Changed,
        Self::Unreachable,
        Self::Superseded,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Changed => "changed",
            Self::Unreachable => "unreachable",
            Self::Superseded => "superseded",
        }
    }

    /// # Errors
    /// Says what can be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|direction| direction.name() == text);
        found.ok_or_else(|| "one of missing, extra, changed, unreachable, superseded".to_owned())
    }
}

/// Who can mend a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mend {
    /// The next `apply`.
    Apply,
    /// The next `prune`, or `apply`.
    Prune,
    /// Somebody has to consent, to bring an endpoint back, or to change the files.
    Person,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drifted {
    /// How the server differs.
    pub direction: Direction,
    /// Who can mend it.
    pub mend: Mend,
    /// The resource that differs; null when it is about none in particular.
    pub resource: Option<Resource>,
    /// The fields that differ: `before` is on the server, `after` is in the files.
    pub fields: Vec<Field>,
    /// The place in a file that asks for it, if there is one.
    pub origin: Option<Origin>,
    /// What is different, in words.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Drift {
    /// `plan`: of all files, without a consent of the command line.
    pub fn of(plan: &Plan, show_unmanaged: bool) -> Self {
        let mut findings: Vec<Drifted> = Vec::new();
        let mut stuck: BTreeMap<u32, &Key> = BTreeMap::new();
        let errors = plan.errors_by_key();
        // What an apply would put back is as the files say now.
        for change in plan.changes.iter().filter(|change| !change.is_put_back()) {
            let error = errors.get(&change.resource.key).copied();
            let needed = change.depends_on.iter().find_map(|need| stuck.get(need).copied());
            let drifted = changed(plan, change, error, needed);
            if drifted.mend == Mend::Person {
                stuck.insert(change.id, &change.resource.key);
            }
            findings.push(drifted);
        }
        let changes = plan.changed_keys();
        let told =
            |finding: &Finding| (finding.resource.as_ref()).is_some_and(|about| changes.contains(&about.key));
        let found = plan.findings.iter();
        findings.extend(
            found
                .filter(|finding| matters(finding) && !told(finding))
                .map(found_out),
        );
        let guards = plan.guards.iter().filter(|guard| guard.fails());
        let foreign = guards.filter(|guard| guard.code == Code::ForeignStack && !is_told(plan, guard));
        findings.extend(foreign.map(foreign_stack));
        if show_unmanaged {
            findings.extend(plan.unmanaged.keys().map(unmanaged));
        }
        // Stable: within each, the order of the plan.
        findings.sort_by_key(|finding| finding.mend);
        let mut summary: BTreeMap<Direction, u32> = Direction::ALL.into_iter().map(|d| (d, 0)).collect();
        for finding in &findings {
            *summary.entry(finding.direction).or_default() += 1;
        }
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            outcome: if findings.iter().any(Drifted::is_drift) {
                Outcome::Drift
            } else {
                Outcome::InSync
            },
            target: plan.target.clone(),
            stack: plan.desired.stack.clone(),
            apply_is_refused: plan.is_refused() || plan.has_errors(),
            findings,
            unmanaged: plan.unmanaged.keys().count() as u64,
            summary,
        }
    }

    /// Whether there is something of one of these directions; drift of any, if none is named.
    pub fn counts(&self, directions: &[Direction]) -> bool {
        let counts = |finding: &Drifted| match directions {
            [] => finding.is_drift(),
            directions => directions.contains(&finding.direction),
        };
        self.findings.iter().any(counts)
    }
}

impl Drifted {
    fn is_drift(&self) -> bool {
        self.direction != Direction::Superseded
    }
}

/// `about`: an error about the resource. `needed`: the resource of a change that this one depends on
/// and that needs a person.
fn changed(plan: &Plan, change: &Change, about: Option<&Finding>, needed: Option<&Key>) -> Drifted {
    let resource = &change.resource;
    let is_of_deletions = |guard: &&Guard| guard.fails() && guard.code != Code::ForeignStack;
    let guard = plan.guards.iter().find(is_of_deletions);
    let guard = guard.filter(|_| change.op == Op::Delete);
    let in_the_way = (change.refused.as_ref())
        .map(|refused| (refused.message.clone(), Some(refused.help.clone())))
        .or_else(|| about.map(|finding| (finding.message.clone(), finding.help.clone())))
        .or_else(|| guard.map(|guard| (format!("{}: {}", guard.code, guard.message), guard.help.clone())))
        .or_else(|| needed.map(|needed| (format!("it needs what is to be done about {needed}"), None)));
    let direction = match change.op {
        _ if about.is_some_and(|finding| finding.code == Code::EndpointUnreachable) => Direction::Unreachable,
        Op::Register | Op::Create => Direction::Missing,
        Op::Delete if is_superseded(change) => Direction::Superseded,
        Op::Delete => Direction::Extra,
        Op::Update | Op::Overwrite | Op::Promote | Op::Configure | Op::Replace => Direction::Changed,
    };
    let (message, help) = match &in_the_way {
        Some((message, help)) => (message.clone(), help.clone()),
        None => (what(change), None),
    };
    Drifted {
        direction,
        mend: match direction {
            _ if in_the_way.is_some() => Mend::Person,
            Direction::Superseded => Mend::Prune,
            _ => Mend::Apply,
        },
        resource: Some(resource.clone()),
        fields: change.fields.clone(),
        origin: change.origin.clone(),
        message,
        help,
    }
}

/// No service goes with it: newer deployments serve them all.
fn is_superseded(change: &Change) -> bool {
    change.resource.kind() == Kind::Deployment && change.services.is_empty()
}

/// A deployment of another stack may be told by the change that it would get.
fn is_told(plan: &Plan, guard: &Guard) -> bool {
    plan.changes
        .iter()
        .any(|change| Some(&change.resource) == guard.resource.as_ref())
}

fn what(change: &Change) -> String {
    match change.op {
        Op::Register => "it is not registered".to_owned(),
        Op::Create => "it is not there".to_owned(),
        Op::Delete => match &change.reason {
            Some(_) if is_superseded(change) => "newer deployments serve its services".to_owned(),
            Some(reason) => reason.clone(),
            None => "no file lists it".to_owned(),
        },
        Op::Promote => "another deployment serves what it should serve".to_owned(),
        Op::Overwrite => "its endpoint serves other code than is registered".to_owned(),
        Op::Update | Op::Configure | Op::Replace => "it is not what the file says".to_owned(),
    }
}

/// Warnings are about the files, or about what a change does, except that an endpoint is down, and that
/// something is there twice.
fn matters(finding: &Finding) -> bool {
    finding.severity == Severity::Error
        || finding.code == Code::EndpointUnreachable
        || is_duplicate_of_listed(finding)
}

/// It has the place of the entry that it duplicates.
fn is_duplicate_of_listed(finding: &Finding) -> bool {
    finding.code == Code::DuplicateSubscription && finding.origin.is_some()
}

fn found_out(finding: &Finding) -> Drifted {
    Drifted {
        direction: if finding.code == Code::EndpointUnreachable {
            Direction::Unreachable
        } else if is_duplicate_of_listed(finding) && finding.severity != Severity::Error {
            Direction::Extra
        } else {
            Direction::Changed
        },
        mend: Mend::Person,
        resource: finding.resource.clone(),
        fields: Vec::new(),
        origin: finding.origin.clone(),
        message: finding.message.clone(),
        help: finding.help.clone(),
    }
}

/// A listed deployment that belongs to another stack, where no change tells.
fn foreign_stack(guard: &Guard) -> Drifted {
    Drifted {
        direction: Direction::Changed,
        mend: Mend::Person,
        resource: guard.resource.clone(),
        fields: Vec::new(),
        origin: None,
        message: guard.message.clone(),
        help: guard.help.clone(),
    }
}

fn unmanaged(key: &Key) -> Drifted {
    Drifted {
        direction: Direction::Extra,
        mend: Mend::Person,
        resource: Some(key.clone().into()),
        fields: Vec::new(),
        origin: None,
        message: "no file lists it".to_owned(),
        help: None,
    }
}
