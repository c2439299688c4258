//! Live deployments as entries of a file.

use super::address::Address;
use super::code_differences;
use super::diff::on_server;
use super::live::Deployment;
use crate::export::entry::{Exporting, literal};
use crate::kind::Key;
use crate::kind::service::live::Service;
use crate::stack::STACK_MARK;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::rc::Rc;

pub fn export(exporting: &mut Exporting<'_>) {
    for deployment in ordered(exporting) {
        self::deployment(exporting, deployment);
    }
}

/// The deployments that serve something, in an order in which the last that exposes a service serves
/// it.
fn ordered<'a>(exporting: &mut Exporting<'a>) -> Vec<&'a Deployment> {
    let mut oldest_first: Vec<&Deployment> = exporting.live.deployments.iter().rev().collect();
    oldest_first.retain(|deployment| {
        let resource = on_server(deployment);
        let newest = exporting.live.deployments_at(&deployment.address.identity());
        let why = if deployment.stack() != exporting.stack {
            match deployment.stack() {
                Some(stack) => format!("it belongs to the stack {stack}: `export --stack {stack}`"),
                None => "it belongs to no stack".to_owned(),
            }
        } else if !deployment
            .services
            .keys()
            .any(|name| exporting.live.is_latest(deployment, name))
        {
            "superseded: it is the latest for no service".to_owned()
        } else if newest.first().is_some_and(|newest| newest.id != deployment.id) {
            "a newer one is registered on the same address".to_owned()
        } else {
            return true;
        };
        exporting.leave_out(resource, why);
        false
    });
    let mut ordered: Vec<&Deployment> = Vec::new();
    while !oldest_first.is_empty() {
        // It may come next if none of those left is superseded by it.
        let may_come = |candidate: &&Deployment| {
            let mut latest_of = candidate
                .services
                .keys()
                .filter(|name| exporting.live.is_latest(candidate, name));
            let others = oldest_first.iter().filter(|other| other.id != candidate.id);
            !latest_of.any(|name| others.clone().any(|other| other.services.contains_key(name)))
        };
        // No order says what is there if they supersede each other.
        let next = oldest_first.iter().position(may_come).unwrap_or(0);
        ordered.push(oldest_first.remove(next));
    }
    ordered
}

fn deployment(exporting: &mut Exporting<'_>, deployment: &Deployment) {
    let address = &deployment.address;
    let mut json = Map::new();
    let (field, address) = match address {
        Address::Http(_) => ("uri", address.key()),
        Address::Lambda(arn) => ("arn", arn.clone()),
    };
    json.insert(field.to_owned(), literal(&address));
    if let Some(role) = &deployment.assume_role_arn {
        json.insert("assume_role_arn".to_owned(), literal(role));
    }
    // Not by its address, which has the version in it where every one has an address of its own.
    let is_latest = |name: &&String| exporting.live.is_latest(deployment, name);
    let serves = deployment.services.keys().find(is_latest).cloned();
    let whose = serves.unwrap_or_else(|| deployment.address.to_string());
    if !deployment.additional_headers.is_empty() {
        let headers = deployment.additional_headers.iter().map(|(name, value)| {
            let what = format!("the header {name} of {}", deployment.address);
            let value = Some(Rc::from(value.expose()));
            (
                name.clone(),
                exporting.supply(&whose, name, what, value),
            )
        });
        let headers: Map<String, Json> = headers.collect();
        json.insert("additional_headers".to_owned(), headers.into());
    }
    if deployment.use_http_11 && field == "uri" {
        json.insert("use_http_11".to_owned(), true.into());
    }
    let metadata = deployment.metadata.iter().filter(|(name, _)| *name != STACK_MARK);
    let metadata: Map<String, Json> = metadata
        .map(|(name, text)| (name.clone(), literal(text)))
        .collect();
    if !metadata.is_empty() {
        json.insert("metadata".to_owned(), metadata.into());
    }
    if let Some(Ok(fresh)) = exporting.answers.discoveries.get(&deployment.id) {
        let registered = deployment.services.keys().filter_map(|name| {
            let service = exporting.live.services.get(name)?;
            (service.deployment_id == deployment.id).then(|| (name.clone(), service.clone()))
        });
        let registered: BTreeMap<String, Service> = registered.collect();
        let of_those = fresh.iter().filter(|(name, _)| {
            !deployment.services.contains_key(*name) || registered.contains_key(*name)
        });
        let of_those = of_those
            .map(|(name, service)| (name.clone(), service.clone()))
            .collect();
        if !code_differences(&registered, &of_those).is_empty() {
            exporting.note(format!(
                "{} serves other code than is registered: a plan says so",
                deployment.address
            ));
        }
    }
    exporting.push(Key::Deployment(deployment.address.key()), json);
}
