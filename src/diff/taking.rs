//! What a registration, new or forced, or an overwrite makes of services: compared with what serves
//! them by then, and predicted for afterwards.

use super::change::{
    Basis, ExpectedService, Field, FieldValue, Refused, Risk, Served, ServiceChange, declaration,
};
use super::visibility::Visibility;
use super::{Predicted, ServedBy, Work, needs, owner, refused, services};
use crate::desired::{Address, Consent, Deployment};
use crate::live::{self, Service};
use std::collections::{BTreeMap, BTreeSet};

/// How a deployment comes to serve.
#[derive(Clone, Copy)]
pub enum By<'a> {
    Registration,
    /// A forced registration: new revisions of all its services.
    Force(&'a live::Deployment),
    /// A PATCH with `overwrite`: the same revisions.
    Overwrite(&'a live::Deployment),
}

/// As it is found out.
pub struct Taking {
    pub fields: Vec<Field>,
    pub services: Vec<ServiceChange>,
    /// By service, the digest of what its endpoint declares.
    declarations: BTreeMap<String, String>,
    pub depends_on: BTreeSet<u32>,
    /// What callers lose, in words.
    pub breaks: Vec<String>,
    visibility: Visibility,
    pub refusals: Vec<Refused>,
    pub risk: Risk,
}

impl Taking {
    pub fn new() -> Self {
        Self {
            fields: Vec::new(),
            services: Vec::new(),
            declarations: BTreeMap::new(),
            depends_on: BTreeSet::new(),
            breaks: Vec::new(),
            visibility: Visibility::default(),
            refusals: Vec::new(),
            risk: Risk::Safe,
        }
    }

    /// The change `id` takes over one service.
    pub fn take(&mut self, work: &mut Work<'_>, entry: &Deployment, id: u32, fresh: &Service, by: By<'_>) {
        let name = &fresh.name;
        let before = work.world.services.remove(name);
        let bumps = before.as_ref().map_or(0, |before| before.bumps);
        let (server, bumps) = match by {
            By::Registration => (ServedBy::Planned(entry.address.value.identity()), bumps + 1),
            By::Force(live) => (ServedBy::Live(live.id.clone()), bumps + 1),
            By::Overwrite(live) => (ServedBy::Live(live.id.clone()), bumps),
        };
        // Each dry run sees only the present: what an earlier change of this plan makes of the
        // service counts on from there.
        let revision = match &before {
            Some(before) if !before.registrations.is_empty() => {
                before.service.revision + (bumps - before.bumps)
            }
            None if work.world.dropped.contains_key(name) => 1,
            _ => fresh.revision,
        };
        self.depends_on.extend(work.world.dropped.get(name));
        let handlers = |service: &Service| service.handlers.keys().cloned().collect::<BTreeSet<_>>();
        let old_handlers = before.as_ref().map(|p| handlers(&p.service)).unwrap_or_default();
        let new_handlers = handlers(fresh);
        let removed: Vec<String> = old_handlers.difference(&new_handlers).cloned().collect();
        let mut registrations = Vec::new();
        if let Some(before) = &before {
            registrations.clone_from(&before.registrations);
            self.depends_on.extend(&before.registrations);
            if before.service.ty != fresh.ty {
                self.breaks.push(format!(
                    "service {name} changes from {} to {}",
                    before.service.ty, fresh.ty
                ));
                self.fields.push(Field::new(
                    &["services", name, "type"],
                    Some(before.service.ty.clone().into()),
                    Some(fresh.ty.clone().into()),
                ));
            }
            if before.server != server {
                self.moves(work, entry, name, &before.server);
            }
            for handler in &removed {
                self.breaks
                    .push(format!("callers lose the handler {name}/{handler}"));
            }
        }
        self.services.push(ServiceChange {
            name: name.clone(),
            ty: fresh.ty.clone(),
            revision_before: before.as_ref().map(|p| p.service.revision),
            revision_after: Some(revision),
            handlers_added: new_handlers.difference(&old_handlers).cloned().collect(),
            handlers_removed: removed,
        });
        self.declarations.insert(name.clone(), declaration(fresh));
        self.visibility.note(work, name, fresh.options.public);
        registrations.push(id);
        let service = Service {
            revision,
            ..fresh.clone()
        };
        let predicted = Predicted {
            service,
            server,
            registrations,
            bumps,
        };
        work.world.services.insert(name.clone(), predicted);
    }

    fn moves(&mut self, work: &Work<'_>, entry: &Deployment, name: &str, from: &ServedBy) {
        let from = match from {
            ServedBy::Live(id) => {
                let live = work.input.live.deployment(id);
                if let Some(mark) = live.and_then(|live| owner::foreign_mark(work, live)) {
                    let (key, what) = (entry.address.value.key(), format!("the service {name}"));
                    let keys = [key.as_str(), name];
                    let refusal = owner::take_over(work, mark, &entry.allow, &keys, &what, "deployment");
                    self.refusals.extend(refusal);
                }
                work.deployment_key(id)
            }
            ServedBy::Planned(identity) => planned_key(work, identity),
        };
        self.fields.push(Field::new(
            &["services", name, "deployment"],
            Some(from.into()),
            Some(entry.address.value.key().into()),
        ));
    }

    /// The change `id` of a live deployment drops a service that it serves: an older revision that
    /// another one has comes back to life, with its own overrides [S:all].
    pub fn drop_service(&mut self, work: &mut Work<'_>, id: u32, name: &str, live: &live::Deployment) {
        let Some(before) = work.world.services.get(name) else {
            return;
        };
        if before.server != ServedBy::Live(live.id.clone()) {
            return;
        }
        let older = (work.input.live.deployments.iter())
            .filter(|other| other.id != live.id)
            .filter_map(|other| Some((other.services.get(name)?, other)))
            .max_by_key(|(revision, _)| **revision)
            .map(|(_, other)| other);
        let stored = older.map(|older| work.input.answers.stored.get(&older.id));
        let back = match stored {
            Some(Some(Ok(services))) => services.get(name).cloned(),
            // Something comes back, and what it is could not be asked.
            Some(_) => {
                work.world.is_incomplete = true;
                self.refusals.push(refused(
                    "not-discovered",
                    format!("what the older revision of {name} is like, which would come back, is not known"),
                    "plan again once the server answers",
                ));
                None
            }
            None => None,
        };
        let handlers = |service: &Service| service.handlers.keys().cloned().collect::<BTreeSet<_>>();
        let old = handlers(&before.service);
        let new = back.as_ref().map(handlers).unwrap_or_default();
        self.breaks.push(match older {
            Some(older) => format!(
                "it no longer exposes the service {name}, of which {} then serves an older revision",
                older.address
            ),
            None => format!("callers lose the service {name}"),
        });
        self.services.push(ServiceChange {
            name: name.to_owned(),
            ty: before.service.ty.clone(),
            revision_before: Some(before.service.revision),
            revision_after: back.as_ref().map(|back| back.revision),
            handlers_added: new.difference(&old).cloned().collect(),
            handlers_removed: old.difference(&new).cloned().collect(),
        });
        if let Some(back) = &back {
            self.visibility.note(work, name, back.options.public);
        }
        let before = work.world.services.remove(name);
        if older.is_none() {
            work.world.dropped.insert(name.to_owned(), id);
        }
        if let (Some(service), Some(older)) = (back, older) {
            let mut registrations = before.map(|before| before.registrations).unwrap_or_default();
            registrations.push(id);
            let predicted = Predicted {
                service,
                server: ServedBy::Live(older.id.clone()),
                registrations,
                bumps: 0,
            };
            work.world.services.insert(name.to_owned(), predicted);
        }
    }

    /// Consent to what callers lose. `refusal`: what the server's own check says, if it has one.
    pub fn ask_breaking(&mut self, work: &Work<'_>, entry: &Deployment, refusal: Option<&str>) -> bool {
        if self.breaks.is_empty() && refusal.is_none() {
            return true;
        }
        self.risk = Risk::Breaking;
        let consented = work.consented(entry, &Consent::Breaking);
        if !consented {
            let why = self.why_breaking(refusal);
            self.refusals.push(needs(
                &Consent::Breaking,
                format!("this is breaking: {why}"),
                "deployment",
            ));
        }
        consented
    }

    /// The revisions that the plan was made with.
    pub fn preconditions(&self) -> impl Iterator<Item = FieldValue> {
        self.services.iter().map(|service| FieldValue {
            path: vec!["services".to_owned(), service.name.clone(), "revision".to_owned()],
            value: service.revision_before.map(Into::into),
        })
    }

    pub fn basis(&self, work: &Work<'_>) -> Basis {
        let names = self.services.iter().map(|service| service.name.as_str());
        Basis {
            declarations: self.declarations.clone(),
            options: names.flat_map(|name| services::before(work, name)).collect(),
        }
    }

    pub fn why_breaking(&self, refusal: Option<&str>) -> String {
        match refusal {
            Some(refusal) if self.breaks.is_empty() => refusal.to_owned(),
            _ => self.breaks.join(", "),
        }
    }

    /// Nobody may take a service away from what is protected, or change the code behind it, but by
    /// registering a new deployment.
    pub fn ask_protected(&mut self, work: &Work<'_>, entry: &Deployment, overwrites: bool) {
        let mut protected = Vec::new();
        for service in &self.services {
            let name = &service.name;
            if work
                .input
                .desired
                .services
                .get(name)
                .is_some_and(|wanted| wanted.is_protected)
            {
                protected.push(format!("the service {name}"));
            }
            // Who serves it at present: what this plan itself registers is not in the way.
            let server = work.input.live.services.get(name).map(|live| &live.deployment_id);
            let server = server.and_then(|id| work.input.live.deployment(id));
            let other = (work.input.desired.deployments.iter())
                .filter(|other| other.is_protected && other.address.value != entry.address.value)
                .find(|other| server.is_some_and(|s| s.address.identity() == other.address.value.identity()));
            protected.extend(other.map(|other| format!("the deployment {}", other.address.value)));
        }
        if entry.is_protected && overwrites {
            protected.push("the deployment itself".to_owned());
        }
        protected.sort();
        protected.dedup();
        if !protected.is_empty() {
            self.refusals.push(refused(
                "protected",
                format!("{} is protected", protected.join(", ")),
                "serve the code at a new address; to change it here, remove `protected: true` first, in a commit of its own",
            ));
        }
    }

    /// Asks for the last consents. `expected`: what the dry run says the deployment will expose.
    pub fn settle(
        &mut self,
        work: &Work<'_>,
        entry: &Deployment,
        expected: &BTreeMap<String, Service>,
    ) -> Served {
        if self.visibility.exposes() {
            self.risk = self.risk.max(Risk::Breaking);
        }
        let exposure = std::mem::take(&mut self.visibility).settle(work, entry);
        self.refusals.extend(exposure.refusals);
        Served {
            expected: Some(expected.values().map(ExpectedService::from).collect()),
            keep_private: exposure.keep_private,
            may_expose: exposure.may_expose,
        }
    }
}

fn planned_key(work: &Work<'_>, identity: &str) -> String {
    work.input
        .desired
        .deployments
        .iter()
        .map(|entry| &entry.address.value)
        .find(|address| address.identity() == identity)
        .map_or_else(|| identity.to_owned(), Address::key)
}
