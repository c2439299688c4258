//! What a plan tells beside its changes: findings, guards, and what waits.

use crate::change::Resource;
use crate::code::{Code, CodeName};
use crate::problem::{Problem, Severity};
use crate::source::{Origin, Sources};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something worth knowing that is not a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    pub code: CodeName,
    pub severity: Severity,
    /// What was found, in words.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// What it is about; null when it is about the plan as a whole.
    pub resource: Option<Resource>,
    /// The place in a file that it is about, if there is one.
    pub origin: Option<Origin>,
}

impl Finding {
    /// A problem, with what it is about and where that is.
    pub fn new(problem: Problem, about: Option<Resource>, sources: &Sources) -> Self {
        Self {
            code: problem.code.into(),
            severity: problem.severity,
            message: problem.message,
            help: problem.help,
            resource: about,
            origin: problem.span.and_then(|span| sources.origin(span)),
        }
    }
}

/// A safety rule and whether the plan passes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Guard {
    pub code: CodeName,
    pub status: GuardStatus,
    /// What the rule found, in words.
    pub message: String,
    /// What would let the plan pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The consent that would let it pass, as `--allow` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
    /// The resource that the rule is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
}

impl Guard {
    pub fn passing(code: Code, message: String) -> Self {
        Self {
            code: code.into(),
            status: GuardStatus::Pass,
            message,
            help: None,
            lacks: None,
            resource: None,
        }
    }

    pub fn failing(problem: Problem, about: Option<Resource>) -> Self {
        Self {
            code: problem.code.into(),
            status: GuardStatus::Fail,
            message: problem.message,
            help: problem.help,
            lacks: problem.lacks,
            resource: about,
        }
    }

    pub fn fails(&self) -> bool {
        self.status == GuardStatus::Fail
    }
}

/// Whether a plan passes a safety rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuardStatus {
    Pass,
    Fail,
}

/// What would be deleted and cannot be yet. It is no change and no drift.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// What is to be deleted.
    pub resource: Resource,
    /// What it waits for.
    pub reason: WaitingFor,
    /// How many unfinished invocations need the resource.
    pub invocations: u64,
    /// How many of them are paused: they do not end by themselves.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub paused: u64,
    /// What it waits for, in words.
    pub message: String,
}

/// What a deletion waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitingFor {
    /// Invocations run on it, or will.
    Draining,
    /// Another one has served its services for less than `after`.
    Settling,
    /// It still serves a service that somebody needs.
    Serving,
    /// It is one of the newest drained ones, which stay for a rollback.
    Kept,
    /// Whether invocations run on it could not be found out.
    Unknown,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}
