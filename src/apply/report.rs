//! What an apply did, change by change.

use crate::change::{Change, Op, Resource};
use crate::code::Code;
use crate::finding::{Finding, Guard};
use crate::landing::{Alert, ChangeError, Fault, Landed};
use crate::plan::stale::Moved;
use crate::plan::{FORMAT_VERSION, Plan, Target};
use crate::problem::{Problem, Severity};
use crate::source::Sources;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an apply did, and how certain that is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "restatectl apply report")]
pub struct Report {
    /// The version of this form of report.
    pub format_version: String,
    /// How the apply ended.
    pub outcome: Outcome,
    /// What must be looked at first, such as a private service that is public now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<String>,
    /// The errors of a plan that could not be applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What is not as the plan was made from, so that it was not applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Moved>,
    /// The server.
    pub target: Target,
    /// The stack of the files.
    pub stack: Option<String>,
    /// What came of each change of the plan, in its order.
    pub changes: Vec<ChangeResult>,
    /// How many changes of each status; all statuses are there.
    pub summary: BTreeMap<Status, u32>,
}

/// How an apply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything landed.
    Complete,
    /// The server was as the files say.
    NothingToDo,
    /// Some of it did not land, or may not have.
    Incomplete,
    /// A safety rule refused the plan; nothing was changed.
    Refused,
    /// The saved plan no longer holds; nothing was changed.
    Stale,
    /// Somebody interrupted it.
    Interrupted,
    /// There was no plan to apply; nothing was changed.
    Failed,
}

/// What came of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It landed.
    Done,
    /// It had no effect, for certain.
    Failed,
    /// A change that this one depends on did not land.
    Blocked,
    /// No request was sent for it.
    NotAttempted,
    /// It may or may not have landed; the next plan tells.
    Unknown,
}

impl Status {
    pub const ALL: [Self; 5] = [
        Self::Done,
        Self::Failed,
        Self::Blocked,
        Self::NotAttempted,
        Self::Unknown,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::NotAttempted => "not attempted",
            Self::Unknown => "unknown",
        }
    }
}

/// What came of one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeResult {
    /// The id of the change in the plan.
    pub id: u32,
    pub op: Op,
    pub resource: Resource,
    pub status: Status,
    /// The id that the server has for the resource, once it has one.
    pub server_id: Option<String>,
    /// Why it did not land.
    pub error: Option<ChangeError>,
    /// A remark on a change that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ChangeResult {
    pub fn may_have_landed(&self) -> bool {
        matches!(self.status, Status::Done | Status::Unknown)
    }

    pub fn new(change: &Change, status: Status) -> Self {
        Self {
            id: change.id,
            op: change.op,
            resource: change.resource.clone(),
            status,
            server_id: None,
            error: None,
            note: None,
        }
    }

    pub(super) fn of(change: &Change, outcome: Result<Landed, Fault>) -> Self {
        match outcome {
            Ok(Landed { server_id, note }) => Self {
                server_id,
                note,
                ..Self::new(change, Status::Done)
            },
            Err(fault) => Self {
                server_id: fault.server_id,
                error: Some(fault.error),
                ..Self::new(
                    change,
                    if fault.is_unknown {
                        Status::Unknown
                    } else {
                        Status::Failed
                    },
                )
            },
        }
    }
}

impl Report {
    pub(super) fn new(
        plan: &Plan,
        changes: Vec<ChangeResult>,
        alerts: &[Alert],
        was_interrupted: bool,
    ) -> Self {
        let all_done = changes.iter().all(|result| result.status == Status::Done);
        let outcome = match () {
            () if changes.is_empty() => Outcome::NothingToDo,
            () if all_done && alerts.is_empty() => Outcome::Complete,
            () if was_interrupted => Outcome::Interrupted,
            () => Outcome::Incomplete,
        };
        Self::with_outcome(outcome, plan, changes, alerts)
    }

    /// Whether nothing landed, for certain.
    pub fn is_untouched(&self) -> bool {
        !self.changes.iter().any(ChangeResult::may_have_landed)
    }

    /// Adds what a later run did, whose outcome becomes that of both.
    pub fn extend(&mut self, next: Self) {
        let offset = u32::try_from(self.changes.len()).unwrap_or(u32::MAX);
        self.changes
            .extend(next.changes.into_iter().map(|change| ChangeResult {
                id: change.id + offset,
                ..change
            }));
        for (status, n) in next.summary {
            *self.summary.entry(status).or_default() += n;
        }
        self.alerts.extend(next.alerts);
        self.outcome = next.outcome;
    }

    /// A report of an apply that attempted nothing, with the reasons.
    pub fn not_attempted(outcome: Outcome, plan: &Plan) -> Self {
        let result = |change: &Change| ChangeResult {
            error: change.refused.as_ref().map(|refused| {
                let (code, message, help) = (&refused.code, &refused.message, &refused.help);
                ChangeError::of(format!("refused ({code}): {message}; {help}"))
            }),
            ..ChangeResult::new(change, Status::NotAttempted)
        };
        let changes = plan.changes.iter().map(result).collect();
        let errors = plan
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        let guards = plan.guards.iter().filter(|guard| guard.fails()).map(failed);
        let waiting = plan.waiting.iter().map(|waiting| {
            let problem = Problem::info(Code::Draining, &waiting.message);
            Finding::new(problem, Some(waiting.resource.clone()), &Sources::default())
        });
        Self {
            findings: errors.cloned().chain(guards).chain(waiting).collect(),
            ..Self::with_outcome(outcome, plan, changes, &[])
        }
    }

    /// A report of a plan that no longer is what would be done.
    pub fn stale(plan: &Plan, moved: Vec<Moved>) -> Self {
        Self {
            moved,
            ..Self::not_attempted(Outcome::Stale, plan)
        }
    }

    /// Adds what stood in the way of looking at the plan.
    pub fn blame(&mut self, problems: &[Problem]) {
        let problems = problems.iter().cloned();
        // Their places have been told with the files.
        let found = problems.map(|problem| Finding::new(problem, None, &Sources::default()));
        self.findings.extend(found);
    }

    fn with_outcome(outcome: Outcome, plan: &Plan, changes: Vec<ChangeResult>, alerts: &[Alert]) -> Self {
        let mut summary: BTreeMap<Status, u32> = Status::ALL.into_iter().map(|status| (status, 0)).collect();
        for result in &changes {
            *summary.entry(result.status).or_default() += 1;
        }
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            outcome,
            alerts: alerts.iter().map(ToString::to_string).collect(),
            findings: Vec::new(),
            moved: Vec::new(),
            target: plan.target.clone(),
            stack: plan.desired.stack.clone(),
            changes,
            summary,
        }
    }
}

/// A guard that fails, as a finding.
fn failed(guard: &Guard) -> Finding {
    Finding {
        code: guard.code.clone(),
        severity: Severity::Error,
        message: guard.message.clone(),
        help: guard.help.clone(),
        resource: None,
        origin: None,
    }
}
