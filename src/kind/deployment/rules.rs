//! Deployments, as the program asks every kind.

use super::{check, diff, export, prune};
use crate::desired::Entries;
use crate::draft::{Draft, View};
use crate::export::entry::Exporting;
use crate::kind::rules::{self, Found, Listed};
use crate::kind::{Key, deployment::desired::Deployment};
use crate::live::Live;
use crate::problem::Problems;
use crate::source::Span;

pub struct Rules;

impl rules::Rules for Rules {
    fn check(&self, entries: &Entries, problems: &mut Problems) {
        check::check(&entries.deployments, problems);
    }

    fn listed<'a>(&self, entries: &'a Entries) -> Vec<Listed<'a>> {
        entries.deployments.iter().map(listed).collect()
    }

    fn live<'a>(&self, live: &'a Live) -> Vec<Found<'a>> {
        let found = live.deployments.iter().map(|deployment| {
            let headers = deployment.additional_headers.values();
            Found {
                key: Key::Deployment(deployment.address.key()),
                id: Some(&deployment.id),
                stack: deployment.stack(),
                values: headers.chain(deployment.address.userinfo()).collect(),
            }
        });
        found.collect()
    }

    fn lists(&self, entries: &Entries, live: &Live, id: &str) -> Option<Span> {
        let identity = live.deployment(id)?.address.identity();
        let mut entries = entries.deployments.iter();
        let entry = entries.find(|entry| entry.address.value.identity() == identity)?;
        Some(entry.span)
    }

    fn is_sensitive(&self, field: &[String], _is_external: bool) -> bool {
        field.first().is_some_and(|field| field == "additional_headers")
    }

    fn owned(&self, view: &View<'_>) -> usize {
        let live = view.input.live.deployments.iter();
        live.filter(|deployment| view.is_ours(deployment)).count()
    }

    fn diff(&self, draft: &mut Draft<'_>) {
        diff::diff(draft);
    }

    fn prune(&self, draft: &mut Draft<'_>) {
        prune::prune(draft);
    }

    fn export(&self, exporting: &mut Exporting<'_>) {
        export::export(exporting);
    }
}

fn listed(entry: &Deployment) -> Listed<'_> {
    let Deployment {
        address,
        name,
        additional_headers,
        services,
        allow,
        is_protected,
        // They are of this kind alone.
        span: _,
        assume_role_arn: _,
        use_http_11: _,
        metadata: _,
    } = entry;
    let headers = additional_headers.iter().flat_map(|headers| headers.value.values());
    let services = services.iter().flat_map(|services| &services.value);
    Listed {
        key: Key::Deployment(address.value.key()),
        name: name.as_ref().map(|name| name.value.as_str()),
        allow,
        is_protected: *is_protected,
        values: headers.map(|header| &header.value).collect(),
        exposes: services.map(|service| service.value.as_str()).collect(),
    }
}
