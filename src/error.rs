//! How a run can end: the exit codes, and failures that end it early.

use crate::admin;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::source::Sources;

/// The exit codes, which scripts may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; nothing to do; in sync.
    Done = 0,
    /// An error, and nothing was changed.
    Error = 1,
    /// `plan --detailed-exitcode`: there are changes.
    Changes = 2,
    /// Apply incomplete, or an outcome unknown.
    Incomplete = 3,
    /// The server moved since the plan was made; nothing was changed.
    Stale = 4,
    /// Refused by a safety rule; nothing was changed.
    Refused = 5,
    Usage = 64,
    /// Ctrl-C or SIGTERM.
    Interrupted = 130,
}

impl Exit {
    /// What a plan comes to. Errors come before refusals: nobody can consent to them.
    pub fn of(plan: &Plan) -> Self {
        if plan.has_errors() {
            Self::Error
        } else if plan.is_refused() {
            Self::Refused
        } else {
            Self::Done
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Ends a run before it changed anything. Carries the sources that its problems point into.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub problems: Vec<Problem>,
    pub sources: Sources,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self {
            exit: Exit::Error,
            problems: vec![problem],
            sources: Sources::default(),
        }
    }
}

impl From<admin::Error> for Failure {
    fn from(error: admin::Error) -> Self {
        let problem = Problem::error(error.code(), error.message.clone());
        match error.help() {
            Some(help) => problem.help(help),
            None => problem,
        }
        .into()
    }
}

impl Failure {
    pub fn usage(problem: Problem) -> Self {
        Self {
            exit: Exit::Usage,
            ..problem.into()
        }
    }
}
