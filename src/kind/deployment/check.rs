//! Rules across listed deployments, for which a file alone is enough.

use super::address::Address;
use super::desired::Deployment;
use crate::code::Code;
use crate::problem::{Problem, Problems};
use crate::source::Span;
use std::collections::BTreeMap;

pub fn check(deployments: &[Deployment], problems: &mut Problems) {
    addresses(deployments, problems);
    services_twice(deployments, problems);
}

fn addresses(deployments: &[Deployment], problems: &mut Problems) {
    let mut addresses: BTreeMap<String, Span> = BTreeMap::new();
    let mut names: BTreeMap<&str, Span> = BTreeMap::new();
    for deployment in deployments {
        let (address, span) = (&deployment.address.value, deployment.address.span);
        if let Some(first) = addresses.insert(address.identity(), span) {
            problems.push(
                Problem::error(Code::DuplicateDeployment, format!("`{address}` is listed twice"))
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
                    Code::DuplicateName,
                    format!("two deployments are named `{}`", name.value),
                )
                .at(name.span)
                .related(first, "first used here"),
            );
        }
    }
    let mut near: BTreeMap<String, &Deployment> = BTreeMap::new();
    for deployment in deployments {
        let (address, span) = (&deployment.address.value, deployment.address.span);
        let Some(twin) = near.insert(address.nearly(), deployment) else { continue };
        let other = &twin.address;
        if other.value.identity() == address.identity() {
            continue;
        }
        let is_slash = |address: &Address| matches!(address, Address::Http(http) if http.path.ends_with('/'));
        let problem = if is_slash(&other.value) == is_slash(address) {
            let message = format!("`{address}` differs from `{}` only by the port that goes without saying", other.value);
            Problem::warning(Code::NearAddress, message)
        } else {
            let message = format!("`{address}` differs from `{}` only by a slash at the end", other.value);
            Problem::warning(Code::TrailingSlash, message)
        };
        problems.push(
            problem
                .at(span)
                .related(other.span, "the other entry")
                .help("to the server these are two deployments"),
        );
    }
}

fn services_twice(deployments: &[Deployment], problems: &mut Problems) {
    for services in deployments.iter().filter_map(|d| d.services.as_ref()) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for service in &services.value {
            if let Some(first) = seen.insert(&service.value, service.span) {
                problems.push(
                    Problem::error(
                        Code::DuplicateService,
                        format!("service `{}` is listed twice", service.value),
                    )
                    .at(service.span)
                    .related(first, "first listed here"),
                );
            }
        }
    }
}

/// What only the place of the server tells. `server`: its admin address.
pub fn against_server(deployments: &[Deployment], server: &str, problems: &mut Problems) {
    let is_remote = matches!(Address::parse_uri(server), Ok(Address::Http(http)) if !http.is_this_machine());
    let local = deployments.iter().map(|deployment| &deployment.address);
    let local =
        local.filter(|address| matches!(&address.value, Address::Http(http) if http.is_this_machine()));
    for address in local.filter(|_| is_remote) {
        let message = format!(
            "`{}` is this machine, and the server is on another",
            address.value
        );
        problems.push(
            Problem::warning(Code::LocalhostEndpoint, message)
                .at(address.span)
                .help("the server resolves it, so it would look on its own machine: write the address that reaches the endpoint from there"),
        );
    }
}
