//! Rules across resources, for which a file alone is enough.

use crate::desired::{
    Address, Deployment, DeploymentPolicy, Desired, Sections, Subscription, SubscriptionPolicy,
};
use crate::problem::{Problem, Problems};
use crate::source::Span;
use std::collections::BTreeMap;

pub fn check(desired: &Desired, problems: &mut Problems) {
    deployments(&desired.deployments, problems);
    services_twice(&desired.deployments, problems);
    subscriptions(&desired.subscriptions, problems);
    empty_sections(desired, problems);
}

/// An empty section says that there should be none, and nothing follows from it.
fn empty_sections(desired: &Desired, problems: &mut Problems) {
    let Sections {
        deployments,
        subscriptions,
    } = desired.sections;
    let sections = [
        (
            deployments,
            desired.prune.deployments.policy == DeploymentPolicy::Keep,
            "deployments",
            "deployments: { policy: drained }",
        ),
        (
            subscriptions,
            desired.prune.subscriptions == SubscriptionPolicy::Keep,
            "subscriptions",
            "subscriptions: delete",
        ),
    ];
    for (section, is_kept, name, policy) in sections {
        if let Some(section) = section.filter(|section| section.is_empty && is_kept) {
            let message = format!("`{name}` is empty, and live ones are kept");
            problems.push(
                Problem::warning("empty-without-prune", message)
                    .at(section.span)
                    .help(format!(
                        "remove the section, or delete them with `prune: {{ {policy} }}`"
                    )),
            );
        }
    }
}

/// What only the place of the server tells. `server`: its admin address.
pub fn against_server(desired: &Desired, server: &str, problems: &mut Problems) {
    let is_remote = matches!(Address::parse_uri(server), Ok(Address::Http(http)) if !http.is_this_machine());
    let local = desired.deployments.iter().map(|deployment| &deployment.address);
    let local =
        local.filter(|address| matches!(&address.value, Address::Http(http) if http.is_this_machine()));
    for address in local.filter(|_| is_remote) {
        let message = format!(
            "`{}` is this machine, and the server is on another",
            address.value
        );
        problems.push(
            Problem::warning("localhost-endpoint", message)
                .at(address.span)
                .help("the server resolves it, so it would look on its own machine: write the address that reaches the endpoint from there"),
        );
    }
}

fn deployments(deployments: &[Deployment], problems: &mut Problems) {
    let mut addresses: BTreeMap<String, Span> = BTreeMap::new();
    let mut names: BTreeMap<&str, Span> = BTreeMap::new();
    for deployment in deployments {
        let (address, span) = (&deployment.address.value, deployment.address.span);
        if let Some(first) = addresses.insert(address.identity(), span) {
            problems.push(
                Problem::error("duplicate-deployment", format!("`{address}` is listed twice"))
                    .at(span)
                    .related(first, "first listed here")
                    .help("the server knows a deployment by host, port and path; scheme and query do not tell two apart"),
            );
        }
        if let Some(name) = &deployment.name
            && let Some(first) = names.insert(&name.value, name.span)
        {
            problems.push(
                Problem::error(
                    "duplicate-name",
                    format!("two deployments are named `{}`", name.value),
                )
                .at(name.span)
                .related(first, "first used here"),
            );
        }
    }
    for deployment in deployments {
        let (address, span) = (&deployment.address.value, deployment.address.span);
        let Address::Http(http) = address else { continue };
        let Some(without) = http.path.strip_suffix('/').filter(|path| !path.is_empty()) else {
            continue;
        };
        if let Some(twin) = addresses.get(&format!("{}{without}", http.authority)) {
            problems.push(
                Problem::warning(
                    "trailing-slash",
                    format!("`{address}` differs from another entry only by its trailing slash"),
                )
                .at(span)
                .related(*twin, "the other entry")
                .help("to the server these are two deployments"),
            );
        }
    }
}

fn services_twice(deployments: &[Deployment], problems: &mut Problems) {
    for services in deployments.iter().filter_map(|d| d.services.as_ref()) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for service in &services.value {
            if let Some(first) = seen.insert(&service.value, service.span) {
                problems.push(
                    Problem::error(
                        "duplicate-service",
                        format!("service `{}` is listed twice", service.value),
                    )
                    .at(service.span)
                    .related(first, "first listed here"),
                );
            }
        }
    }
}

fn subscriptions(subscriptions: &[Subscription], problems: &mut Problems) {
    let mut keys: BTreeMap<String, Span> = BTreeMap::new();
    let mut groups: BTreeMap<(String, &str), &Subscription> = BTreeMap::new();
    for subscription in subscriptions {
        let key = subscription.key();
        let group = subscription.group_id();
        let identity = format!(
            "{} {} {group:?}",
            subscription.source.value, subscription.sink.value
        );
        if let Some(first) = keys.insert(identity, subscription.span) {
            problems.push(
                Problem::error(
                    "duplicate-subscription",
                    format!("the subscription `{key}` is listed twice"),
                )
                .at(subscription.span)
                .related(first, "first listed here")
                .help(
                    "the server would deliver every record twice; remove one, or give it another `group.id`",
                ),
            );
            continue;
        }
        let Some(group) = group else {
            problems.push(
                Problem::warning("no-group-id", format!("the subscription `{key}` has no `group.id`"))
                    .at(subscription.span)
                    .help("without one the server uses the subscription's own id, and a replacement would lose or repeat records; write `options: { group.id: NAME }`, a different name for each environment that shares the Kafka cluster"),
            );
            continue;
        };
        let shared = groups.insert((subscription.source.value.to_string(), group), subscription);
        if let Some(first) = shared {
            problems.push(
                Problem::error(
                    "group-shared",
                    format!(
                        "two subscriptions of `{}` share the consumer group `{}`",
                        subscription.source.value,
                        subscription.shown_group.as_deref().unwrap_or_default(),
                    ),
                )
                .at(subscription.span)
                .related(first.span, "the other one")
                .help("each record would reach only one of the two sinks; give each its own `group.id`"),
            );
        }
    }
}
