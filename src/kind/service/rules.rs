//! Services, as the program asks every kind.

use super::desired::Service;
use super::{diff, export};
use crate::desired::Entries;
use crate::draft::{Draft, View};
use crate::export::entry::Exporting;
use crate::kind::Key;
use crate::kind::rules::{self, Found, Listed};
use crate::live::Live;
use crate::problem::Problems;
use crate::source::Span;

pub struct Rules;

impl rules::Rules for Rules {
    /// One file cannot list a service twice, and what options go together only the server knows.
    fn check(&self, _entries: &Entries, _problems: &mut Problems) {}

    fn listed<'a>(&self, entries: &'a Entries) -> Vec<Listed<'a>> {
        entries.services.values().map(listed).collect()
    }

    fn live<'a>(&self, live: &'a Live) -> Vec<Found<'a>> {
        let found = live.services.values().map(|service| {
            let server = live.deployment(&service.deployment_id);
            Found {
                key: Key::Service(service.name.clone()),
                id: None,
                stack: server.and_then(|server| server.stack()),
                values: Vec::new(),
            }
        });
        found.collect()
    }

    fn lists(&self, entries: &Entries, _live: &Live, id: &str) -> Option<Span> {
        entries.services.get(id).map(|service| service.name.span)
    }

    fn is_sensitive(&self, _field: &[String], _is_external: bool) -> bool {
        false
    }

    /// None: services are never pruned.
    fn owned(&self, _view: &View<'_>) -> usize {
        0
    }

    fn diff(&self, draft: &mut Draft<'_>) {
        diff::diff(draft);
    }

    /// Services come and go with deployments.
    fn prune(&self, _draft: &mut Draft<'_>) {}

    fn export(&self, exporting: &mut Exporting<'_>) {
        export::export(exporting);
    }
}

fn listed(entry: &Service) -> Listed<'_> {
    let Service {
        name,
        allow,
        is_protected,
        // They are of this kind alone, and none is a secret.
        overrides: _,
    } = entry;
    Listed {
        key: Key::Service(name.value.clone()),
        name: None,
        allow,
        is_protected: *is_protected,
        values: Vec::new(),
        exposes: Vec::new(),
    }
}
