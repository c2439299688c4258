//! Subscriptions, as the program asks every kind.

use super::desired::{Subscription, is_sensitive_value};
use super::pairing::entry_for;
use super::{check, diff, export, prune};
use crate::desired::Entries;
use crate::draft::{Draft, View};
use crate::export::entry::Exporting;
use crate::kind::rules::{self, Found, Listed};
use crate::live::Live;
use crate::problem::Problems;
use crate::source::Span;

pub struct Rules;

impl rules::Rules for Rules {
    fn check(&self, entries: &Entries, problems: &mut Problems) {
        check::check(&entries.subscriptions, problems);
    }

    fn listed<'a>(&self, entries: &'a Entries) -> Vec<Listed<'a>> {
        entries.subscriptions.iter().map(listed).collect()
    }

    fn live<'a>(&self, live: &'a Live) -> Vec<Found<'a>> {
        let found = live.subscriptions.iter().map(|subscription| {
            let server = subscription
                .feeds()
                .and_then(|sink| live.server_of(&sink.service));
            Found {
                key: subscription.key(),
                id: Some(&subscription.id),
                stack: server.and_then(|server| server.stack()),
                values: subscription.options.values().collect(),
            }
        });
        found.collect()
    }

    fn lists(&self, entries: &Entries, live: &Live, id: &str) -> Option<Span> {
        entry_for(&entries.subscriptions, live, id).map(|entry| entry.span)
    }

    fn is_sensitive(&self, field: &[String], is_external: bool) -> bool {
        match field {
            [field, name, ..] if field == "options" => is_sensitive_value(name, is_external),
            _ => false,
        }
    }

    fn owned(&self, view: &View<'_>) -> usize {
        let sinks = view.input.live.subscriptions.iter().filter_map(|live| live.feeds());
        sinks.filter(|sink| view.is_sink_ours(&sink.service)).count()
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

fn listed(entry: &Subscription) -> Listed<'_> {
    let Subscription {
        options,
        allow,
        is_protected,
        // They make the key.
        source: _,
        sink: _,
        shown_group: _,
        // It is of this kind alone.
        span: _,
    } = entry;
    Listed {
        key: entry.key(),
        name: None,
        allow,
        is_protected: *is_protected,
        values: options.values().map(|option| &option.value).collect(),
        exposes: Vec::new(),
    }
}
