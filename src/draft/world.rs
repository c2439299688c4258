//! What callers will see: each service as predicted after the steps so far.

use crate::kind::Key;
use crate::kind::deployment::live::Deployment;
use crate::kind::service::live::Service;
use crate::kind::service::options::Options;
use crate::live::Live;
use std::collections::{BTreeMap, BTreeSet};

/// The services, and who and what has to do with them.
pub struct World {
    services: BTreeMap<String, Predicted>,
    /// The services that nothing serves any more, and the step that drops them: revisions start
    /// anew then [S:all].
    dropped: BTreeMap<String, u32>,
    /// A dry run failed, so that more services may come than are known.
    is_incomplete: bool,
    /// What live deployments expose after the step that takes over other code of theirs, by id.
    recoded: BTreeMap<String, (u32, BTreeSet<String>)>,
    /// The services that listed deployments expose.
    listed: BTreeSet<String>,
    /// A subscription that feeds the service after this plan.
    feeds: BTreeMap<String, Key>,
}

/// A service after the steps so far.
#[derive(Debug, Clone)]
pub struct Predicted {
    pub service: Service,
    pub server: ServedBy,
    /// The steps that reset its overrides, in order.
    pub registrations: Vec<u32>,
    /// How many new revisions this plan makes of it.
    pub bumps: u32,
}

/// Which deployment new invocations of a service go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServedBy {
    /// A deployment of the server, by its id.
    Live(String),
    /// A deployment that is yet to be registered, by the identity of its entry.
    Planned(String),
}

impl ServedBy {
    pub fn is(&self, deployment: &Deployment) -> bool {
        matches!(self, Self::Live(id) if *id == deployment.id)
    }
}

/// What one step does to what callers see.
#[derive(Default)]
pub struct Effects {
    /// Services that it serves from then on.
    pub taken: Vec<Taken>,
    /// Services that it serves no more, and who serves them then.
    pub dropped: Vec<(String, Left)>,
    /// Options that it resets without a new revision.
    pub reset: Vec<(String, Options)>,
    /// The id of the deployment of which it takes over other code, and what that exposes then.
    pub recoded: Option<(String, BTreeSet<String>)>,
    /// More services may come of it than are known.
    pub is_incomplete: bool,
}

/// A service as somebody serves it from now on.
pub struct Taken {
    pub service: Service,
    pub server: ServedBy,
    pub bumps: u32,
}

/// Who serves a service once it is dropped.
pub enum Left {
    /// An older revision comes back to life.
    Older(Box<Taken>),
    /// Something comes back, and what it is is not known.
    Unknown,
    Nobody,
}

impl World {
    pub fn of(live: &Live) -> Self {
        let services = live.services.iter().map(|(name, service)| {
            let predicted = Predicted {
                service: service.clone(),
                server: ServedBy::Live(service.deployment_id.clone()),
                registrations: Vec::new(),
                bumps: 0,
            };
            (name.clone(), predicted)
        });
        Self {
            services: services.collect(),
            dropped: BTreeMap::new(),
            is_incomplete: false,
            recoded: BTreeMap::new(),
            listed: BTreeSet::new(),
            feeds: BTreeMap::new(),
        }
    }

    pub fn get(&self, service: &str) -> Option<&Predicted> {
        self.services.get(service)
    }

    pub fn services(&self) -> impl Iterator<Item = (&str, &Predicted)> {
        self.services
            .iter()
            .map(|(name, predicted)| (name.as_str(), predicted))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(String::as_str)
    }

    /// The step that leaves a service without anybody who serves it.
    pub fn dropped_by(&self, service: &str) -> Option<u32> {
        self.dropped.get(service).copied()
    }

    /// Whether more services may come than are known.
    pub fn is_incomplete(&self) -> bool {
        self.is_incomplete
    }

    /// The steps that a change of a service has to come after.
    pub fn registrations_of(&self, service: &str) -> Vec<u32> {
        self.get(service)
            .map(|predicted| predicted.registrations.clone())
            .unwrap_or_default()
    }

    pub fn exposes(&self, deployment: &Deployment, service: &str) -> bool {
        match self.recoded.get(&deployment.id) {
            Some((_, exposed)) => exposed.contains(service),
            None => deployment.services.contains_key(service),
        }
    }

    /// The steps that take over other code of live deployments, by the id of the deployment, with what
    /// they expose then.
    pub fn recoded(&self) -> impl Iterator<Item = (&str, u32, &BTreeSet<String>)> {
        self.recoded
            .iter()
            .map(|(id, (step, exposed))| (id.as_str(), *step, exposed))
    }

    /// Whether a listed deployment exposes the service.
    pub fn lists(&self, service: &str) -> bool {
        self.listed.contains(service)
    }

    /// A subscription that feeds the service.
    pub fn feeder(&self, service: &str) -> Option<&Key> {
        self.feeds.get(service)
    }

    pub(super) fn list(&mut self, names: BTreeSet<String>) {
        self.listed = names;
    }

    pub(super) fn feed(&mut self, service: &str, subscription: Key) {
        self.feeds.insert(service.to_owned(), subscription);
    }

    /// What the step with this id does.
    pub(super) fn take(&mut self, id: u32, effects: Effects) {
        let Effects {
            taken,
            dropped,
            reset,
            recoded,
            is_incomplete,
        } = effects;
        for taken in taken {
            let before = self.services.remove(&taken.service.name);
            self.serve(id, taken, before);
        }
        for (name, left) in dropped {
            let before = self.services.remove(&name);
            match left {
                Left::Older(older) => self.serve(id, *older, before),
                Left::Unknown => {}
                Left::Nobody => drop(self.dropped.insert(name, id)),
            }
        }
        for (name, options) in reset {
            if let Some(predicted) = self.services.get_mut(&name) {
                predicted.service.options = options;
                predicted.registrations.push(id);
            }
        }
        self.recoded
            .extend(recoded.map(|(deployment, exposed)| (deployment, (id, exposed))));
        self.is_incomplete |= is_incomplete;
    }

    fn serve(&mut self, id: u32, taken: Taken, before: Option<Predicted>) {
        let Taken {
            service,
            server,
            bumps,
        } = taken;
        let mut registrations = before.map(|before| before.registrations).unwrap_or_default();
        registrations.push(id);
        let name = service.name.clone();
        let predicted = Predicted {
            service,
            server,
            registrations,
            bumps,
        };
        self.services.insert(name, predicted);
    }
}
