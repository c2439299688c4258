//! Live subscriptions as entries of a file.

use super::kafka_options::GROUP_ID;
use super::diff::on_server;
use super::live::Subscription;
use crate::export::entry::{Exporting, literal};
use crate::kind::deployment::live::Deployment;
use crate::kind::redacted::REDACTED;
use serde_json::Map;
use std::rc::Rc;

/// What the server adds to a subscription by itself [S:all].
const CLIENT_ID: (&str, &str) = ("client.id", "restate");

pub fn export(exporting: &mut Exporting<'_>) {
    let mut subscriptions: Vec<&Subscription> = exporting.live.subscriptions.iter().collect();
    subscriptions.sort_by_cached_key(|subscription| (subscription.key(), subscription.id.clone()));
    for subscription in subscriptions {
        self::subscription(exporting, subscription);
    }
}

fn subscription(exporting: &mut Exporting<'_>, subscription: &Subscription) {
    let sink = subscription.feeds();
    let service = sink
        .as_ref()
        .and_then(|sink| exporting.live.services.get(&sink.service));
    let server = service.and_then(|service| exporting.live.deployment(&service.deployment_id));
    let resource = on_server(subscription);
    if server.and_then(Deployment::stack) != exporting.stack {
        return exporting.leave_out(resource, "the service that it feeds is not of this stack");
    }
    if exporting.has(&subscription.key()) {
        return exporting.leave_out(resource, "it duplicates another one");
    }
    let mut json = Map::new();
    json.insert("source".to_owned(), literal(&subscription.source.to_string()));
    json.insert("sink".to_owned(), literal(&subscription.sink.to_string()));
    let mut options = Map::new();
    for (name, value) in &subscription.options {
        let is_own_group = name == GROUP_ID && subscription.has_own_group();
        let text = value.expose();
        if is_own_group || (name.as_str(), text) == CLIENT_ID {
            continue;
        }
        let is_hidden = text == REDACTED;
        let written = if value.is_sensitive() || is_hidden {
            let Subscription { source, sink, .. } = subscription;
            let what = format!("the option {name} of {source} -> {sink}");
            exporting.supply(
                &subscription.source.to_string(),
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
    exporting.push(subscription.key(), json);
}
