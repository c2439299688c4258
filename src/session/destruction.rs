//! From what the files say to what is to go.

use super::files::ReadFiles;
use super::wish::Wish;
use crate::code::Code;
use crate::config::DeploymentPolicy;
use crate::consent::{CommandConsent, Consent};
use crate::duration::Duration;
use crate::error::{Exit, Failure};
use crate::kind::Kind;
use crate::kind::rules::found;
use crate::live::Live;
use crate::problem::Problem;
use crate::source::{Span, Spanned};

/// Everything that the stack owns is to go.
///
/// # Errors
/// When no stack is named: without one it would be everything on the server.
pub fn of_stack(read: ReadFiles) -> Result<ReadFiles, Failure> {
    let Some(stack) = &read.desired.stack else {
        let problem = Problem::error(
            Code::DestroyWithoutStack,
            "`--destroy` deletes what a stack owns, and the file names none",
        )
        .help("name the owner at the top of the file: `stack: NAME`");
        return Err(refused(problem, read));
    };
    let at = stack.span;
    Ok(ReadFiles {
        desired: read.desired.emptied(at),
        ..read
    })
}

/// Only the target of the wish is to go. Returns also the target by its id, which only one has.
///
/// # Errors
/// When a file lists it, or when it belongs to a stack that is not to be taken over.
pub fn of_one(
    read: ReadFiles,
    live: &Live,
    wish: &Wish,
    force: bool,
    after: Option<Duration>,
) -> Result<(ReadFiles, Vec<String>), Failure> {
    let is_named = |name: &String| wish.targets.contains(name);
    let named: Vec<_> = found(live)
        .filter(|found| found.resource().names().iter().any(is_named))
        .collect();
    if named.len() > 1 {
        let ids: Vec<&str> = named.iter().filter_map(|found| found.id).collect();
        let message = format!("that names {}: {}", named.len(), ids.join(", "));
        let problem =
            Problem::error(Code::AmbiguousName, message).help("name the one that is meant by its id");
        return Err(refused(problem, read));
    }
    let Some(named) = named.first() else {
        if wish.targets.iter().any(|name| name.contains('*')) {
            let problem = Problem::error(
                Code::Usage,
                "nothing has a name with `*` in it: `delete` takes one resource",
            );
            let problem = problem.help("`restatectl prune` deletes all that no file lists");
            return Err(Failure {
                sources: read.sources,
                ..Failure::usage(problem)
            });
        }
        // Nothing of that name is there; what is planned then says so.
        return Ok((emptied(read, None, force, after), wish.targets.clone()));
    };
    let kind = named.key.kind();
    // A kind without ids is known by its key.
    let id = named.id.map_or_else(|| named.key.to_string(), str::to_owned);
    if let Some(at) = kind.rules().lists(&read.desired.entries, live, &id) {
        let problem = Problem::error(
            Code::StillListed,
            "the file lists it, so the next apply would create it again",
        )
        .at(at)
        .help("remove it from the file; with `prune` the next apply deletes it");
        return Err(refused(problem, read));
    }
    let mut read = emptied(read, Some(kind), force, after);
    let mark = named.stack;
    if mark != read.desired.stack() {
        // Pruning for nobody does not touch what carries a mark, and the other way round.
        if let Some(mark) = mark.filter(|mark| !takes_over(wish, mark)) {
            let message = format!("it belongs to the stack {mark}");
            let help = format!("leave it to that stack's file, or run with `--allow take-over={mark}`");
            return Err(refused(
                Problem::error(Code::ForeignStack, message).help(help),
                read,
            ));
        }
        read.desired.stack = mark.map(|mark| Spanned::new(mark.to_owned(), Span::default()));
    }
    Ok((read, vec![format!("{}/{id}", kind.name())]))
}

/// The desired state as if the files listed nothing. `only`: the kind of what is to go.
fn emptied(read: ReadFiles, only: Option<Kind>, force: bool, after: Option<Duration>) -> ReadFiles {
    let mut desired = read.desired.emptied(Span::default());
    if let Some(only) = only {
        desired.prune = desired.prune.only(only);
        if force && only == Kind::Deployment {
            desired.prune.deployments.policy = DeploymentPolicy::Force;
        }
    }
    if let Some(after) = after {
        desired.prune.deployments.after = after;
    }
    ReadFiles { desired, ..read }
}

fn takes_over(wish: &Wish, mark: &str) -> bool {
    let taken = Consent::TakeOver(mark.to_owned());
    (wish.allow.iter()).any(|consent| matches!(consent, CommandConsent::To { what, .. } if *what == taken))
}

/// Whether a consent is one to take over.
pub fn is_take_over(consent: &CommandConsent) -> bool {
    matches!(
        consent,
        CommandConsent::To {
            what: Consent::TakeOver(_),
            ..
        }
    )
}

fn refused(problem: Problem, read: ReadFiles) -> Failure {
    Failure {
        exit: Exit::Refused,
        problems: vec![problem],
        sources: read.sources,
    }
}
