//! Live resources in the shape of the file.

use super::{Entry, Export, LeftOut, Supply};
use crate::desired::{Address, STACK_MARK};
use crate::diff::change::{Kind, Resource};
use crate::diff::code_differences;
use crate::diff::probe::Answers;
use crate::live::{Deployment, Live, Options, REDACTED, Service, Subscription};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What the server adds to a subscription by itself [S:all].
const CLIENT_ID: (&str, &str) = ("client.id", "restate");

pub struct Entries<'a> {
    live: &'a Live,
    answers: &'a Answers,
    stack: Option<&'a str>,
    export: Export,
}

impl<'a> Entries<'a> {
    pub fn new(live: &'a Live, answers: &'a Answers, stack: Option<&'a str>) -> Self {
        Self {
            live,
            answers,
            stack,
            export: Export {
                stack: stack.map(str::to_owned),
                entries: Vec::new(),
                left_out: Vec::new(),
                supply: BTreeMap::new(),
                notes: Vec::new(),
            },
        }
    }

    pub fn collect(mut self) -> Export {
        for deployment in self.deployments() {
            self.deployment(deployment);
        }
        for service in self.live.services.values() {
            self.service(service);
        }
        let mut subscriptions: Vec<&Subscription> = self.live.subscriptions.iter().collect();
        subscriptions.sort_by_key(|subscription| (subscription.key(), &subscription.id));
        for subscription in subscriptions {
            self.subscription(subscription);
        }
        self.export
    }

    fn left_out(&mut self, resource: Resource, why: &str) {
        let why = why.to_owned();
        self.export.left_out.push(LeftOut { resource, why });
    }

    /// Those that serve something, in an order in which the last that exposes a service serves it.
    fn deployments(&mut self) -> Vec<&'a Deployment> {
        let mut oldest_first: Vec<&Deployment> = self.live.deployments.iter().rev().collect();
        oldest_first.retain(|deployment| {
            let resource = Resource::new(Kind::Deployment, deployment.address.key()).with_id(&deployment.id);
            let newest = self.live.deployments_at(&deployment.address.identity());
            let why = if deployment.stack() != self.stack {
                match deployment.stack() {
                    Some(stack) => format!("it belongs to the stack {stack}: `export --stack {stack}`"),
                    None => "it belongs to no stack".to_owned(),
                }
            } else if !deployment
                .services
                .keys()
                .any(|name| self.live.is_latest(deployment, name))
            {
                "superseded: it is the latest for no service".to_owned()
            } else if newest.first().is_some_and(|newest| newest.id != deployment.id) {
                "a newer one is registered on the same address".to_owned()
            } else {
                return true;
            };
            self.left_out(resource, &why);
            false
        });
        let mut ordered: Vec<&Deployment> = Vec::new();
        while !oldest_first.is_empty() {
            // It may come next if none of those left is superseded by it.
            let may_come = |candidate: &&Deployment| {
                let mut latest_of = candidate
                    .services
                    .keys()
                    .filter(|name| self.live.is_latest(candidate, name));
                let others = oldest_first.iter().filter(|other| other.id != candidate.id);
                !latest_of.any(|name| others.clone().any(|other| other.services.contains_key(name)))
            };
            // No order says what is there if they supersede each other.
            let next = oldest_first.iter().position(may_come).unwrap_or(0);
            ordered.push(oldest_first.remove(next));
        }
        ordered
    }

    fn deployment(&mut self, deployment: &Deployment) {
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
        if !deployment.additional_headers.is_empty() {
            let headers = deployment.additional_headers.iter().map(|(name, value)| {
                let what = format!("the header {name} of {}", deployment.address);
                let value = Some(Rc::from(value.expose()));
                (
                    name.clone(),
                    self.supply(&deployment.address.to_string(), name, what, value),
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
        if let Some(Ok(fresh)) = self.answers.discoveries.get(&deployment.id) {
            let registered = deployment.services.keys().filter_map(|name| {
                let service = self.live.services.get(name)?;
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
                self.export.notes.push(format!(
                    "{} serves other code than is registered: a plan says so",
                    deployment.address
                ));
            }
        }
        self.push(Kind::Deployment, deployment.address.key(), json);
    }

    fn service(&mut self, service: &Service) {
        let server = self.live.deployment(&service.deployment_id);
        if server.and_then(Deployment::stack) != self.stack {
            return;
        }
        let discovered = self.answers.discoveries.get(&service.deployment_id);
        let declared = discovered.and_then(|fresh| fresh.as_ref().ok()?.get(&service.name));
        let json = if let Some(declared) = declared {
            overrides(&service.options, &declared.options)
        } else {
            self.export.notes.push(format!(
                "the endpoint of {} was not asked or did not answer, so which of its options are overrides is not known, but for `public: false`",
                service.name
            ));
            let private = (!service.options.public).then(|| ("public".to_owned(), false.into()));
            private.into_iter().collect()
        };
        if !json.is_empty() {
            self.push(Kind::Service, service.name.clone(), json);
        }
    }

    fn subscription(&mut self, subscription: &Subscription) {
        let sink = subscription.feeds();
        let service = sink
            .as_ref()
            .and_then(|sink| self.live.services.get(&sink.service));
        let server = service.and_then(|service| self.live.deployment(&service.deployment_id));
        let resource = Resource::new(Kind::Subscription, subscription.key()).with_id(&subscription.id);
        if server.and_then(Deployment::stack) != self.stack {
            return self.left_out(resource, "the service that it feeds is not of this stack");
        }
        let is_double = |entry: &Entry| entry.kind == Kind::Subscription && entry.key == subscription.key();
        if self.export.entries.iter().any(is_double) {
            return self.left_out(resource, "it duplicates another one");
        }
        let mut json = Map::new();
        json.insert("source".to_owned(), literal(&subscription.source));
        json.insert("sink".to_owned(), literal(&subscription.sink));
        let mut options = Map::new();
        for (name, value) in &subscription.options {
            let is_own_group = name == "group.id" && subscription.has_own_group();
            let text = value.expose();
            if is_own_group || (name.as_str(), text) == CLIENT_ID {
                continue;
            }
            let is_hidden = text == REDACTED;
            let written = if value.is_sensitive() || is_hidden {
                let Subscription { source, sink, .. } = subscription;
                let what = format!("the option {name} of {source} -> {sink}");
                self.supply(
                    &subscription.source,
                    name,
                    what,
                    (!is_hidden).then(|| Rc::from(text)),
                )
            } else {
                literal(text)
            };
            options.insert(name.clone(), written);
        }
        if !options.is_empty() {
            json.insert("options".to_owned(), options.into());
        }
        self.push(Kind::Subscription, subscription.key(), json);
    }

    fn push(&mut self, kind: Kind, key: String, json: Map<String, Json>) {
        let json = json.into();
        self.export.entries.push(Entry { kind, key, json });
    }

    /// A reference to an environment variable of its own.
    fn supply(&mut self, whose: &str, name: &str, what: String, value: Option<Rc<str>>) -> Json {
        let whose = whose.split_once("://").map_or(whose, |(_, rest)| rest);
        let words: Vec<String> = format!("secret {whose} {name}")
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_uppercase)
            .collect();
        let base = words.join("_");
        let supply = &mut self.export.supply;
        let numbered = (2..).map(|n| format!("{base}_{n}"));
        let free = std::iter::once(base.clone())
            .chain(numbered)
            .find(|name| !supply.contains_key(name));
        let variable = free.unwrap_or(base);
        let reference = format!("${{env:{variable}}}");
        supply.insert(variable, Supply { what, value });
        reference.into()
    }
}

/// What a service has beyond what its SDK declares.
fn overrides(now: &Options, declared: &Options) -> Map<String, Json> {
    let pairs = now.fields().into_iter().zip(declared.fields());
    let other = pairs.filter(|((_, now), (_, declared))| now != declared);
    other
        .filter_map(|((name, now), _)| Some((name.to_owned(), now?)))
        .collect()
}

/// No reference, whatever it holds.
fn literal(text: &str) -> Json {
    text.replace("${", "$${").into()
}
