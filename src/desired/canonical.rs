//! The desired state as one canonical value, for its digest: independent of the format of the
//! file, of the order of its maps, and of sensitive values, which are pointers.

use super::{Consent, Deployment, Desired, Prune, PruneDeployments, Safety, Service, Subscription};
use crate::source::Spanned;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

impl Desired {
    pub fn canonical(&self) -> Json {
        let Self {
            deployments,
            services,
            subscriptions,
            stack,
            cluster_name,
            prune,
            safety,
            sections,
            // Said with the entries.
            protected: _,
            emptied_of: _,
            frozen: _,
        } = self;
        let Prune {
            deployments: PruneDeployments { policy, keep, after },
            subscriptions: prune_subscriptions,
        } = prune;
        let Safety { max_deletes } = safety;
        let mut subscriptions: Vec<Json> = subscriptions.iter().map(subscription).collect();
        subscriptions.sort_by_key(ToString::to_string);
        json!({
            "deployments": deployments.iter().enumerate().map(deployment).collect::<Vec<_>>(),
            "services": services.values().map(service).collect::<Vec<_>>(),
            "subscriptions": subscriptions,
            "stack": plain(stack.as_ref()),
            "cluster_name": plain(cluster_name.as_ref()),
            "prune": {
                "deployments": {
                    "policy": format!("{policy:?}"),
                    "keep": keep,
                    "after": after.to_string(),
                },
                "subscriptions": format!("{prune_subscriptions:?}"),
            },
            "safety": { "max_deletes": max_deletes },
            "sections": [sections.deployments.is_some(), sections.subscriptions.is_some()],
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
        is_protected,
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
        "metadata": metadata.as_ref().map(|metadata| metadata.value.iter().collect::<BTreeMap<_, _>>()),
        "services": services.as_ref().map(|services| {
            services.value.iter().map(|service| &service.value).collect::<Vec<_>>()
        }),
        "allow": consents(allow),
        "protected": is_protected,
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
        is_protected,
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
        "protected": is_protected,
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
        is_protected,
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
        "protected": is_protected,
    })
}

fn plain(field: Option<&Spanned<String>>) -> Option<&String> {
    field.map(|field| &field.value)
}

fn consents(allow: &[Spanned<Consent>]) -> Vec<String> {
    let mut words: Vec<_> = allow.iter().map(|consent| consent.value.to_string()).collect();
    words.sort();
    words
}
