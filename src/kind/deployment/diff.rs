//! The listed deployments in listed order: what is registered, and what that does to services.

use super::address::Address;
use super::desired::Deployment;
use super::live;
use super::{existing, recode, register};
use crate::change::Resource;
use crate::code::Code;
use crate::draft::{Draft, Part, View};
use crate::kind::Key;
use crate::problem::{Problem, nearest};
use std::collections::{BTreeMap, BTreeSet};

/// The end state is that of registering the listed deployments in listed order. So each is looked
/// at after the changes of those before it: what they took from it, it takes back.
pub fn diff(draft: &mut Draft<'_>) {
    let input = draft.input();
    let entries = &input.desired.entries.deployments;
    // Which entry is the last listed one for each service, and so should serve it.
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let exposed = exposed_by(&draft.view(), entry);
        let part = exposed
            .as_ref()
            .map(|exposed| check_services(entry, exposed))
            .unwrap_or_default();
        let _ = draft.take(part);
        for name in exposed.into_iter().flatten() {
            last.insert(name, index);
        }
    }
    draft.list_services(last.keys().cloned().collect());
    let mut should_serve: Vec<Vec<String>> = vec![Vec::new(); entries.len()];
    for (name, index) in last {
        should_serve[index].push(name);
    }
    for (entry, should_serve) in entries.iter().zip(should_serve) {
        let identity = entry.address.value.identity();
        let found = input.live.deployments_at(&identity);
        let view = draft.view();
        let part = match found.split_first() {
            None => {
                let mut part = register::register(&view, entry);
                near_address(&view, entry, &mut part);
                part
            }
            Some((&live, others)) => {
                let mut part = existing::diff(&view, entry, live, &should_serve);
                same_address(entry, others, &mut part);
                part
            }
        };
        let _ = draft.take(part);
    }
}

/// The resource of an entry.
pub fn listed(address: &Address) -> Resource {
    Key::Deployment(address.key()).into()
}

/// The resource of a live deployment.
pub fn on_server(live: &live::Deployment) -> Resource {
    Resource::live(Key::Deployment(live.address.key()), &live.id)
}

/// A second deployment beside one that people would take for the same.
fn near_address(view: &View<'_>, entry: &Deployment, part: &mut Part) {
    let near = entry.address.value.nearly();
    for live in &view.input.live.deployments {
        if live.address.nearly() == near {
            let message = format!(
                "`{}` is registered, and to the server `{}` is another deployment",
                live.address, entry.address.value
            );
            let problem = Problem::warning(Code::NearAddress, message).at(entry.address.span);
            let help = "write it exactly as it is registered, unless a second one is meant";
            part.find(problem.help(help), &on_server(live));
        }
    }
}

fn same_address(entry: &Deployment, others: &[&live::Deployment], part: &mut Part) {
    for other in others {
        let message = format!(
            "another deployment is registered on the same address, as {}",
            other.id
        );
        let problem = Problem::warning(Code::DuplicateDeployment, message).at(entry.address.span);
        part.find(problem, &on_server(other));
    }
}

/// The services an entry will expose; `None` when its dry run failed.
fn exposed_by(view: &View<'_>, entry: &Deployment) -> Option<BTreeSet<String>> {
    let identity = entry.address.value.identity();
    let (live, answers) = (view.input.live, view.input.answers);
    let Some(&found) = live.deployments_at(&identity).first() else {
        return match answers.registrations.get(&identity) {
            Some(Ok(dry)) => Some(dry.services.keys().cloned().collect()),
            Some(Err(_)) | None => None,
        };
    };
    Some(match recode::overwritten(view, entry, found) {
        Some(fresh) => fresh.keys().cloned().collect(),
        None => found.services.keys().cloned().collect(),
    })
}

/// `services:` names exactly what must be exposed.
fn check_services(entry: &Deployment, exposed: &BTreeSet<String>) -> Part {
    let mut part = Part::default();
    let Some(wanted) = &entry.services else {
        return part;
    };
    let resource = listed(&entry.address.value);
    for name in wanted.value.iter().filter(|name| !exposed.contains(&name.value)) {
        let message = format!("the endpoint does not expose the service `{}`", name.value);
        let help = match nearest(&name.value, exposed.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it exposes: {}", list(exposed)),
        };
        let problem = Problem::error(Code::ServicesMismatch, message)
            .at(name.span)
            .help(help);
        part.find(problem, &resource);
    }
    let is_listed = |name: &String| wanted.value.iter().any(|wanted| wanted.value == *name);
    for name in exposed.iter().filter(|name| !is_listed(name)) {
        let message = format!("the endpoint exposes the service `{name}`, which `services` does not list");
        let problem = Problem::error(Code::ServicesMismatch, message)
            .at(wanted.span)
            .help("list it, or remove `services`");
        part.find(problem, &resource);
    }
    part
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "no services".to_owned();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
