//! The desired state as one canonical value, for its digest: independent of the format of the
//! file, of the order of its maps, and of sensitive values, which are pointers.

use super::{Consent, Deployment, Desired, Service, Subscription};
use crate::source::Spanned;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

impl Desired {
    pub fn canonical(&self) -> Json {
        let Self {
            deployments,
            services,
            subscriptions,
        } = self;
        let mut subscriptions: Vec<Json> = subscriptions.iter().map(subscription).collect();
        subscriptions.sort_by_key(ToString::to_string);
        json!({
            "deployments": deployments.iter().enumerate().map(deployment).collect::<Vec<_>>(),
            "services": services.values().map(service).collect::<Vec<_>>(),
            "subscriptions": subscriptions,
        })
    }
}

fn deployment((index, entry): (usize, &Deployment)) -> Json {
    let Deployment {
        span: _,
        name,
        address,
        assume_role_arn,
        additional_headers,
        use_http_11,
        metadata,
        services,
        allow,
    } = entry;
    let headers = additional_headers.as_ref().map(|headers| {
        (headers.value.keys())
            .map(|name| (name, format!("/deployments/{index}/additional_headers/{name}")))
            .collect::<BTreeMap<_, _>>()
    });
    json!({
        "name": plain(name.as_ref()),
        "address": address.value.key(),
        "assume_role_arn": plain(assume_role_arn.as_ref()),
        "additional_headers": headers,
        "use_http_11": use_http_11.as_ref().map(|field| field.value),
        "metadata": metadata.as_ref().map(|metadata| &metadata.value),
        "services": services.as_ref().map(|services| {
            services.value.iter().map(|service| &service.value).collect::<Vec<_>>()
        }),
        "allow": consents(allow),
    })
}

fn service(service: &Service) -> Json {
    let Service {
        name,
        public,
        idempotency_retention,
        journal_retention,
        inactivity_timeout,
        abort_timeout,
        workflow_completion_retention,
        allow,
    } = service;
    let duration = |field: &Option<Spanned<super::Duration>>| field.as_ref().map(|f| f.value.to_string());
    json!({
        "name": name.value,
        "public": public.as_ref().map(|field| field.value),
        "idempotency_retention": duration(idempotency_retention),
        "journal_retention": duration(journal_retention),
        "inactivity_timeout": duration(inactivity_timeout),
        "abort_timeout": duration(abort_timeout),
        "workflow_completion_retention": duration(workflow_completion_retention),
        "allow": consents(allow),
    })
}

fn subscription(subscription: &Subscription) -> Json {
    let Subscription {
        span: _,
        source,
        sink,
        options,
        shown_group: _,
        allow,
    } = subscription;
    let key = subscription.key();
    let options: BTreeMap<&String, Json> = options
        .iter()
        .map(|(name, option)| {
            let shown = option.value.shown();
            let pointer = || json!({ "sensitive": format!("/subscriptions/{key}/options/{name}") });
            (name, shown.map_or_else(pointer, Json::from))
        })
        .collect();
    json!({
        "source": source.value.to_string(),
        "sink": sink.value.to_string(),
        "options": options,
        "allow": consents(allow),
    })
}

fn plain(field: Option<&Spanned<String>>) -> Option<&String> {
    field.map(|field| &field.value)
}

fn consents(allow: &[Spanned<Consent>]) -> Vec<&'static str> {
    let mut words: Vec<_> = allow.iter().map(|consent| consent.value.word()).collect();
    words.sort_unstable();
    words
}
