//! The questions a plan has for the server beyond its lists: dry runs, and what was registered.
//! Which they are is decided here, purely; asking is the shell's.

use super::Discover;
use super::deployment::{connection, connection_fields, stored_connection};
use crate::admin::{Error, wire};
use crate::desired::{self, Desired};
use crate::live::{Live, Service};
use std::collections::{BTreeMap, BTreeSet};

/// One question. Answers are kept under the deployment's identity or server id.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe {
    /// The dry run of a registration, as it will be sent.
    Register {
        identity: String,
        registration: wire::Registration,
    },
    /// The dry run of a forced registration of a deployment that is there: the only way to see
    /// what its endpoint serves now, and what its services are without overrides [S:all].
    Discover {
        id: String,
        registration: wire::Registration,
        /// A change needs it: worth waiting for an endpoint that is not up yet.
        awaited: bool,
    },
    /// The dry run of a connection update.
    Update { id: String, update: wire::Update },
    /// What was registered: the service list has it only where the deployment is the latest.
    Stored { id: String },
}

/// What a dry run of a registration said.
#[derive(Debug, Clone)]
pub struct Dry {
    pub services: BTreeMap<String, Service>,
    /// The server would refuse it as breaking; `services` come from a second dry run that says
    /// that breaking is meant.
    pub refused: Option<Error>,
}

#[derive(Debug, Default)]
pub struct Answers {
    pub registrations: BTreeMap<String, Result<Dry, Error>>,
    pub discoveries: BTreeMap<String, Result<BTreeMap<String, Service>, Error>>,
    pub updates: BTreeMap<String, Result<(), Error>>,
    pub stored: BTreeMap<String, Result<BTreeMap<String, Service>, Error>>,
}

/// What can be asked from the lists alone. `breaking` tells for which entries it is allowed.
pub fn first_round(
    desired: &Desired,
    live: &Live,
    discover: Discover,
    breaking: impl Fn(&desired::Deployment) -> bool,
) -> Vec<Probe> {
    let mut probes = Vec::new();
    for entry in &desired.deployments {
        let identity = entry.address.value.identity();
        let Some(&found) = live.deployments_at(&identity).first() else {
            probes.push(Probe::Register {
                identity,
                registration: registration(entry, live, breaking(entry), true),
            });
            continue;
        };
        let id = found.id.clone();
        let updates = !connection_fields(entry, found).is_empty();
        if updates {
            let update = wire::Update {
                connection: connection(entry, Some(found)),
                dry_run: true,
            };
            probes.push(Probe::Update {
                id: id.clone(),
                update,
            });
        }
        let discovers = match discover {
            Discover::All => true,
            Discover::Changed => updates,
            Discover::None => false,
        };
        if discovers {
            probes.push(rediscovery(id.clone(), connection(entry, Some(found)), updates));
        }
        let is_latest = |service: &String| live.services.get(service).is_some_and(|s| s.deployment_id == id);
        if !found.services.keys().all(is_latest) {
            probes.push(Probe::Stored { id });
        }
    }
    probes
}

/// The deployments of which it matters what they serve without overrides: those whose services a
/// registration takes, to tell which live values are overrides, and those of workflows whose
/// retention differs, to tell whether an override would have an effect.
pub fn second_round(desired: &Desired, live: &Live, answers: &Answers, discover: Discover) -> Vec<Probe> {
    if discover == Discover::None {
        return Vec::new();
    }
    let taken = answers
        .registrations
        .values()
        .flatten()
        .flat_map(|dry| dry.services.keys());
    let workflows = desired.services.values().filter_map(|wanted| {
        let retention = wanted.workflow_completion_retention.as_ref()?;
        let now = live
            .services
            .get(&wanted.name.value)?
            .options
            .workflow_completion_retention;
        (now != Some(retention.value)).then_some(&wanted.name.value)
    });
    let serving: BTreeSet<&str> = taken
        .chain(workflows)
        .filter_map(|name| live.services.get(name))
        .map(|service| service.deployment_id.as_str())
        .filter(|id| !answers.discoveries.contains_key(*id))
        .collect();
    live.deployments
        .iter()
        .filter(|deployment| serving.contains(deployment.id.as_str()))
        .map(|deployment| rediscovery(deployment.id.clone(), stored_connection(deployment), false))
        .collect()
}

/// A registration as it will be sent. 1.5 ignores `breaking` and `metadata` [S:1.5.3].
pub fn registration(
    entry: &desired::Deployment,
    live: &Live,
    breaking: bool,
    dry_run: bool,
) -> wire::Registration {
    wire::Registration {
        connection: connection(entry, None),
        metadata: entry
            .metadata
            .as_ref()
            .filter(|_| live.server.has_patch())
            .map(|metadata| metadata.value.clone()),
        force: false,
        breaking,
        dry_run,
    }
}

fn rediscovery(id: String, connection: wire::Connection, awaited: bool) -> Probe {
    let registration = wire::Registration {
        connection,
        metadata: None,
        force: true,
        breaking: true,
        dry_run: true,
    };
    Probe::Discover {
        id,
        registration,
        awaited,
    }
}
