//! What a registration, new or forced, or an overwrite makes of services: compared with what serves
//! them by then, and predicted for afterwards.

use super::action::{Action, ExpectedService, Served};
use super::address::Address;
use super::desired::Deployment;
use super::live;
use super::visibility::Visibility;
use crate::change::{Basis, Change, Field, FieldValue, Risk, ServiceChange};
use crate::code::Code;
use crate::consent::Consent;
use crate::draft::consent::needs;
use crate::draft::owner::Allowing;
use crate::draft::world::{Effects, Left, Predicted, ServedBy, Taken};
use crate::draft::{Asked, Part, Step, View};
use crate::kind::service::basis::in_effect;
use crate::kind::service::live::Service;
use crate::problem::Problem;
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

/// What is known so far of what one change makes of the services of its deployment.
pub struct Taking {
    fields: Vec<Field>,
    services: Vec<ServiceChange>,
    /// The digest of what the endpoint declares, by service.
    declarations: BTreeMap<String, String>,
    /// The digest of the code that it will have, by service.
    code: BTreeMap<String, String>,
    pub depends_on: BTreeSet<u32>,
    /// What callers lose that they have now, in words.
    pub breaks: Vec<String>,
    /// What they would get from one change of this plan and lose by this one, in words: nobody misses it,
    /// but the server does not know that.
    pub undoes: Vec<String>,
    visibility: Visibility,
    pub asked: Asked,
    pub risk: Risk,
    pub effects: Effects,
}

impl Default for Taking {
    fn default() -> Self {
        Self {
            fields: Vec::new(),
            services: Vec::new(),
            declarations: BTreeMap::new(),
            code: BTreeMap::new(),
            depends_on: BTreeSet::new(),
            breaks: Vec::new(),
            undoes: Vec::new(),
            visibility: Visibility::default(),
            asked: Asked::default(),
            risk: Risk::Safe,
            effects: Effects::default(),
        }
    }
}

impl Taking {
    /// Takes over one service.
    pub fn take(&mut self, view: &View<'_>, entry: &Deployment, fresh: &Service, by: By<'_>) {
        let name = &fresh.name;
        let before = view.world.get(name);
        let bumps = before.map_or(0, |before| before.bumps);
        let (server, bumps) = match by {
            By::Registration => (ServedBy::Planned(entry.address.value.identity()), bumps + 1),
            By::Force(live) => (ServedBy::Live(live.id.clone()), bumps + 1),
            By::Overwrite(live) => (ServedBy::Live(live.id.clone()), bumps),
        };
        // Each dry run sees only the present: what an earlier change of this plan makes of the
        // service counts on from there.
        let revision = match before {
            Some(before) if !before.registrations.is_empty() => {
                before.service.revision + (bumps - before.bumps)
            }
            None if view.world.dropped_by(name).is_some() => 1,
            _ => fresh.revision,
        };
        self.depends_on.extend(view.world.dropped_by(name));
        let old_handlers = before
            .map(|before| before.service.handler_names())
            .unwrap_or_default();
        let new_handlers = fresh.handler_names();
        let removed: Vec<String> = old_handlers.difference(&new_handlers).cloned().collect();
        if let Some(before) = before {
            self.replaces(view, entry, before, fresh, &server);
            let now = view.input.live.services.get(name);
            for handler in &removed {
                let is_there = now.is_some_and(|now| now.handlers.contains_key(handler));
                self.loses(is_there, format!("callers lose the handler {name}/{handler}"));
            }
        }
        self.services.push(ServiceChange {
            name: name.clone(),
            ty: fresh.ty.clone(),
            revision_before: before.map(|before| before.service.revision),
            revision_after: Some(revision),
            handlers_added: new_handlers.difference(&old_handlers).cloned().collect(),
            handlers_removed: removed,
        });
        self.declarations.insert(name.clone(), fresh.declaration());
        self.code.insert(name.clone(), fresh.code());
        self.visibility.note(view, name, fresh.options.public);
        let service = Service {
            revision,
            ..fresh.clone()
        };
        self.effects.taken.push(Taken {
            service,
            server,
            bumps,
        });
    }

    fn replaces(
        &mut self,
        view: &View<'_>,
        entry: &Deployment,
        before: &Predicted,
        fresh: &Service,
        server: &ServedBy,
    ) {
        let name = &fresh.name;
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
        if before.server != *server {
            self.moves(view, entry, name, &before.server);
        }
    }

    /// `is_there`: whether callers have now what they lose.
    fn loses(&mut self, is_there: bool, what: String) {
        if is_there {
            self.breaks.push(what);
        } else {
            self.undoes.push(what);
        }
    }

    fn moves(&mut self, view: &View<'_>, entry: &Deployment, name: &str, from: &ServedBy) {
        let from = match from {
            ServedBy::Live(id) => {
                let live = view.input.live.deployment(id);
                if let Some(mark) = live.and_then(|live| view.foreign_mark(live)) {
                    let mut keys = entry.names();
                    keys.push(name.to_owned());
                    let allowing = Allowing {
                        allow: &entry.allow,
                        keys: &keys,
                        entry: "deployment",
                    };
                    let answer = view.take_over(mark, &format!("the service {name}"), allowing);
                    self.asked.take(answer);
                }
                view.deployment_key(id)
            }
            ServedBy::Planned(identity) => planned_key(view, identity),
        };
        self.fields.push(Field::new(
            &["services", name, "deployment"],
            Some(from.into()),
            Some(entry.address.value.key().into()),
        ));
    }

    /// A live deployment drops a service that it serves: an older revision that another one has comes
    /// back to life, with its own overrides [S:all].
    pub fn drop_service(&mut self, view: &View<'_>, name: &str, live: &live::Deployment) {
        let Some(before) = view.world.get(name).filter(|before| before.server.is(live)) else {
            return;
        };
        let older = (view.input.live.deployments.iter())
            .filter(|other| other.id != live.id)
            .filter_map(|other| Some((other.services.get(name)?, other)))
            .max_by_key(|(revision, _)| **revision)
            .map(|(_, other)| other);
        let stored = older.map(|older| view.input.answers.stored.get(&older.id));
        let back = match stored {
            Some(Some(Ok(services))) => services.get(name),
            // Something comes back, and what it is could not be asked.
            Some(_) => {
                self.effects.is_incomplete = true;
                let message =
                    format!("what the older revision of {name} is like, which would come back, is not known");
                let refusal = Problem::error(Code::NotDiscovered, message);
                self.asked
                    .refusals
                    .push(refusal.help("plan again once the server answers"));
                None
            }
            None => None,
        };
        let old = before.service.handler_names();
        let new = back.map(Service::handler_names).unwrap_or_default();
        let lost = match older {
            Some(older) => format!(
                "it no longer exposes the service {name}, of which {} then serves an older revision",
                older.address
            ),
            None => format!("callers lose the service {name}"),
        };
        self.loses(view.input.live.services.contains_key(name), lost);
        self.services.push(ServiceChange {
            name: name.to_owned(),
            ty: before.service.ty.clone(),
            revision_before: Some(before.service.revision),
            revision_after: back.map(|back| back.revision),
            handlers_added: new.difference(&old).cloned().collect(),
            handlers_removed: old.difference(&new).cloned().collect(),
        });
        if let Some(back) = back {
            self.visibility.note(view, name, back.options.public);
        }
        let left = match (older, back) {
            (Some(older), Some(service)) => Left::Older(Box::new(Taken {
                service: service.clone(),
                server: ServedBy::Live(older.id.clone()),
                bumps: 0,
            })),
            (Some(_), None) => Left::Unknown,
            (None, _) => Left::Nobody,
        };
        self.effects.dropped.push((name.to_owned(), left));
    }

    /// Asks for a consent that is needed. `refusal`: what to say without it.
    pub fn ask(
        &mut self,
        view: &View<'_>,
        entry: &Deployment,
        what: &Consent,
        refusal: impl FnOnce() -> Problem,
    ) -> bool {
        let given = view.consents.allows(what, &entry.allow, &entry.names());
        self.asked.take(given.ok_or_else(refusal))
    }

    /// Consent to what callers lose. `refusal`: what the server's own check says, if it has one.
    pub fn ask_breaking(&mut self, view: &View<'_>, entry: &Deployment, refusal: Option<&str>) -> bool {
        if self.breaks.is_empty() && refusal.is_none() {
            return true;
        }
        self.risk = Risk::Breaking;
        let message = format!("this is breaking: {}", self.why_breaking(refusal));
        self.ask(view, entry, &Consent::Breaking, || {
            needs(&Consent::Breaking, message, "deployment")
        })
    }

    /// The change with all that was found out about its services.
    pub fn into_part(mut self, view: &View<'_>, part: Part, change: Change, action: Option<Action>) -> Part {
        let basis = self.basis(view);
        let (given, refused) = self.asked.refused();
        let mut fields = change.fields;
        fields.append(&mut self.fields);
        let change = Change {
            risk: self.risk,
            depends_on: self.depends_on.into_iter().collect(),
            fields,
            services: self.services,
            refused,
            ..change
        };
        Part {
            step: Some(Step {
                basis,
                ..Step::new(change, action.map(Into::into))
            }),
            given,
            effects: self.effects,
            ..part
        }
    }

    /// The revisions that the plan was made with.
    pub fn preconditions(&self) -> impl Iterator<Item = FieldValue> {
        self.services.iter().map(|service| FieldValue {
            path: vec!["services".to_owned(), service.name.clone(), "revision".to_owned()],
            value: service.revision_before.map(Into::into),
        })
    }

    fn basis(&self, view: &View<'_>) -> Basis {
        let names = self.services.iter().map(|service| service.name.as_str());
        Basis {
            declarations: self.declarations.clone(),
            code: self.code.clone(),
            options: names
                .flat_map(|name| in_effect(view.input.live, name))
                .collect(),
            reset: Vec::new(),
        }
    }

    pub fn why_breaking(&self, refusal: Option<&str>) -> String {
        match refusal {
            Some(refusal) if self.breaks.is_empty() => refusal.to_owned(),
            None if self.breaks.is_empty() => self.undoes.join(", "),
            _ => self.breaks.join(", "),
        }
    }

    /// Nobody may take a service away from what is protected, or change the code behind it, but by
    /// registering a new deployment.
    pub fn ask_protected(&mut self, view: &View<'_>, entry: &Deployment, overwrites: bool) {
        let (live, entries) = (view.input.live, &view.input.desired.entries);
        let mut protected = Vec::new();
        for service in &self.services {
            let name = &service.name;
            if entries
                .services
                .get(name)
                .is_some_and(|wanted| wanted.is_protected)
            {
                protected.push(format!("the service {name}"));
            }
            // Who serves it at present: what this plan itself registers is not in the way.
            let server = live.server_of(name);
            let other = (entries.deployments.iter())
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
            let message = format!("{} is protected", protected.join(", "));
            self.asked.refusals.push(Problem::error(Code::Protected, message).help(
                "serve the code at a new address; to change it here, remove `protected: true` first, in a commit of its own",
            ));
        }
    }

    /// Asks for the last consents. `expected`: what the dry run says the deployment will expose.
    pub fn settle(
        &mut self,
        view: &View<'_>,
        entry: &Deployment,
        expected: &BTreeMap<String, Service>,
    ) -> Served {
        if self.visibility.exposes() {
            self.risk = self.risk.max(Risk::Breaking);
        }
        let visibility = std::mem::take(&mut self.visibility);
        Served {
            expected: Some(expected.values().map(ExpectedService::from).collect()),
            ..visibility.settle(view, entry, &mut self.asked)
        }
    }
}

fn planned_key(view: &View<'_>, identity: &str) -> String {
    let entries = &view.input.desired.entries.deployments;
    let mut addresses = entries.iter().map(|entry| &entry.address.value);
    let found = addresses.find(|address| address.identity() == identity);
    found.map_or_else(|| identity.to_owned(), Address::key)
}
