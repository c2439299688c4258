//! From what the files say to what is to go.

use super::read::ReadFiles;
use crate::cli::Planning;
use crate::desired::{Consent, DeploymentPolicy, Desired, SubscriptionPolicy};
use crate::diff::CommandConsent;
use crate::diff::change::{Kind, Resource};
use crate::error::{Exit, Failure};
use crate::live::{Deployment, Live, Subscription};
use crate::problem::Problem;
use crate::source::{Span, Spanned};

/// # Errors
/// When no stack is named: without one it would be everything on the server.
pub fn of_stack(read: ReadFiles) -> Result<ReadFiles, Failure> {
    let Some(stack) = &read.desired.stack else {
        let problem = Problem::error(
            "destroy-without-stack",
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

/// Only the target of the planning is to go.
///
/// # Errors
/// When a file lists it, or when it belongs to a stack that is not to be taken over.
///
/// Returns also the target by its id, which only one has.
pub fn of_one(
    read: ReadFiles,
    live: &Live,
    planning: &Planning,
    force: bool,
) -> Result<(ReadFiles, Vec<String>), Failure> {
    let is_named = |kind: &str, names: &[&str]| {
        names
            .iter()
            .any(|name| planning.target.contains(&format!("{kind}/{name}")))
    };
    let is_deployment = |deployment: &&Deployment| {
        let (key, shown) = (deployment.address.key(), deployment.address.to_string());
        is_named("deployment", &[&deployment.id, &key, &shown])
    };
    let is_subscription = |subscription: &&Subscription| {
        let key = subscription.key();
        let shown = Resource::new(Kind::Subscription, &key).shown();
        is_named("subscription", &[&subscription.id, &key, &shown])
    };
    let deployments: Vec<_> = live.deployments.iter().filter(is_deployment).collect();
    let subscriptions: Vec<_> = live.subscriptions.iter().filter(is_subscription).collect();
    let ids = deployments.iter().map(|d| d.id.as_str());
    let ids: Vec<&str> = ids.chain(subscriptions.iter().map(|s| s.id.as_str())).collect();
    if ids.len() > 1 {
        let problem = Problem::error(
            "ambiguous-name",
            format!("that names {}: {}", ids.len(), ids.join(", ")),
        )
        .help("name the one that is meant by its id");
        return Err(refused(problem, read));
    }
    let target = match (ids.first(), deployments.is_empty()) {
        (Some(id), false) => vec![format!("deployment/{id}")],
        (Some(id), true) => vec![format!("subscription/{id}")],
        (None, _) => planning.target.clone(),
    };
    let (deployment, subscription) = (deployments.first().copied(), subscriptions.first().copied());
    if let Some(at) = listed(&read.desired, deployment, subscription) {
        let problem = Problem::error(
            "still-listed",
            "the file lists it, so the next apply would create it again",
        )
        .at(at)
        .help("remove it from the file; with `prune` the next apply deletes it");
        return Err(refused(problem, read));
    }
    let server = subscription
        .and_then(Subscription::feeds)
        .and_then(|sink| live.deployment(&live.services.get(&sink.service)?.deployment_id));
    let mark = deployment.or(server).and_then(Deployment::stack);
    let mut desired = read.desired.emptied(Span::default());
    let ours = desired.stack.as_ref().map(|stack| stack.value.as_str());
    if mark != ours {
        // Pruning for nobody does not touch what carries a mark, and the other way round.
        let is_allowed = mark.is_none_or(|mark| takes_over(planning, mark));
        if !is_allowed {
            let mark = mark.unwrap_or_default();
            let problem = Problem::error("foreign-stack", format!("it belongs to the stack {mark}")).help(
                format!("leave it to that stack's file, or run with `--allow take-over={mark}`"),
            );
            return Err(refused(problem, ReadFiles { desired, ..read }));
        }
        desired.stack = mark.map(|mark| Spanned::new(mark.to_owned(), Span::default()));
    }
    if subscription.is_some() {
        desired.prune.deployments.policy = DeploymentPolicy::Keep;
    } else {
        desired.prune.subscriptions = SubscriptionPolicy::Keep;
    }
    if force && subscription.is_none() {
        desired.prune.deployments.policy = DeploymentPolicy::Force;
    }
    Ok((ReadFiles { desired, ..read }, target))
}

fn takes_over(planning: &Planning, mark: &str) -> bool {
    let taken = Consent::TakeOver(mark.to_owned());
    (planning.allow.iter())
        .any(|consent| matches!(consent, CommandConsent::To { what, .. } if *what == taken))
}

pub fn is_take_over(consent: &CommandConsent) -> bool {
    matches!(
        consent,
        CommandConsent::To {
            what: Consent::TakeOver(_),
            ..
        }
    )
}

/// Where a file lists one of them.
fn listed(
    desired: &Desired,
    deployment: Option<&Deployment>,
    subscription: Option<&Subscription>,
) -> Option<Span> {
    let entry = deployment.and_then(|deployment| {
        let identity = deployment.address.identity();
        let mut entries = desired.deployments.iter();
        entries.find(|entry| entry.address.value.identity() == identity)
    });
    let written = subscription.and_then(|live| {
        desired.subscriptions.iter().find(|entry| {
            entry.source.value.to_string() == live.source
                && entry.sink.value.to_string() == live.sink
                && entry
                    .group_id()
                    .is_none_or(|group| live.group_id() == Some(group))
        })
    });
    entry.map(|entry| entry.span).or(written.map(|entry| entry.span))
}

fn refused(problem: Problem, read: ReadFiles) -> Failure {
    Failure {
        exit: Exit::Refused,
        problems: vec![problem],
        sources: read.sources,
    }
}
