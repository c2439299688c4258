//! The questions a plan has for the server beyond its lists: dry runs, and what was registered.
//! Which they are is decided here, purely; asking is the shell's.

use crate::admin::{Error, wire};
use crate::consent::{CommandConsent, Consent};
use crate::desired::Desired;
use crate::kind::Kind;
use crate::kind::deployment::desired::Deployment;
use crate::kind::deployment::{
    code_differences, connection, connection_fields, live, metadata, stored_connection,
};
use crate::kind::service::live::Service;
use crate::kind::service::options::{ServiceOption, Setting};
use crate::live::Live;
use crate::words::counted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Which of the listed deployments are discovered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Discover {
    All,
    /// Those whose connection changes, alone.
    Changed,
    None,
}

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
    /// The dry run of taking over what the endpoint serves now.
    Overwrite { id: String, update: wire::Update },
    /// Which invocations are not completed.
    InFlight,
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

/// What the server said. A dry run that fails is an answer.
#[derive(Debug, Default)]
pub struct Answers {
    /// The dry runs of registrations, by the identity of the entry.
    pub registrations: BTreeMap<String, Result<Dry, Error>>,
    /// What endpoints serve now, by the id of the deployment, as in the maps below.
    pub discoveries: BTreeMap<String, Result<BTreeMap<String, Service>, Error>>,
    pub updates: BTreeMap<String, Result<(), Error>>,
    pub overwrites: BTreeMap<String, Result<BTreeMap<String, Service>, Error>>,
    /// What is in flight; `None` when no change depends on it.
    pub in_flight: Option<Result<InFlight, Error>>,
    pub stored: BTreeMap<String, Result<BTreeMap<String, Service>, Error>>,
}

impl Answers {
    /// Whether something is there by now that the lists do not have: servers before 1.6 refuse the dry run
    /// of an address that is registered, with a 409 that has no code [S:1.5.3].
    pub fn contradict_lists(&self) -> bool {
        let refused = self
            .registrations
            .values()
            .filter_map(|answer| answer.as_ref().err());
        let mut refused = refused.map(|error| (error.http_status(), error.restate_code()));
        refused.any(|refusal| refusal == (Some(409), None))
    }
}

/// The invocations that are not completed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InFlight(Vec<wire::Unfinished>);

impl InFlight {
    pub fn new(rows: Vec<wire::Unfinished>) -> Self {
        Self(rows)
    }

    /// Counts the invocations that run on a deployment: pinned to it, or last tried there without an
    /// answer yet.
    pub fn on_deployment(&self, id: &str) -> Unfinished {
        let is_on = |row: &&wire::Unfinished| {
            [&row.pinned_deployment_id, &row.last_attempt_deployment_id]
                .into_iter()
                .any(|deployment| deployment.as_deref() == Some(id))
        };
        Unfinished::of(self.0.iter().filter(is_on))
    }

    /// Counts the invocations of a service, queued and scheduled ones too.
    pub fn of_service(&self, name: &str) -> Unfinished {
        Unfinished::of(self.0.iter().filter(|row| row.target_service_name == name))
    }
}

/// How many invocations are not completed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unfinished {
    pub n: u64,
    /// How many of them are paused. They do not go on by themselves.
    pub paused: u64,
}

impl Unfinished {
    fn of<'r>(rows: impl Iterator<Item = &'r wire::Unfinished>) -> Self {
        rows.fold(Self::default(), |sum, row| Self {
            n: sum.n + row.n,
            paused: sum.paused + row.paused,
        })
    }
}

/// The number, and what is to be done about those that never end.
impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&counted(self.n, "invocation"))?;
        match self.paused {
            0 => Ok(()),
            paused if paused == self.n => {
                write!(f, ", paused: resume, move or kill what will not end by itself")
            }
            paused => write!(
                f,
                ", {paused} of them paused: resume, move or kill what will not end by itself"
            ),
        }
    }
}

/// What can be asked from the lists alone. `consents`: those of the command line, to ask with what an
/// apply will send; whether they are needed is the diff's to say.
pub fn first_round(
    desired: &Desired,
    live: &Live,
    discover: Discover,
    consents: &[CommandConsent],
) -> Vec<Probe> {
    let stack = desired.stack();
    let mut probes = Vec::new();
    if asks_in_flight(desired, live) {
        probes.push(Probe::InFlight);
    }
    for entry in &desired.entries.deployments {
        let identity = entry.address.value.identity();
        let Some(&found) = live.deployments_at(&identity).first() else {
            probes.push(Probe::Register {
                identity,
                registration: registration(entry, stack, live, may_break(entry, consents), true),
            });
            continue;
        };
        let id = found.id.clone();
        let updates = !connection_fields(entry, found).is_empty();
        if updates {
            let update = wire::Update {
                connection: connection(entry, Some(found)),
                overwrite: false,
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
        if !found
            .services
            .keys()
            .all(|service| live.is_latest(found, service))
        {
            probes.push(Probe::Stored { id });
        }
    }
    probes
}

fn may_break(entry: &Deployment, consents: &[CommandConsent]) -> bool {
    let written = entry
        .allow
        .iter()
        .any(|consent| consent.value == Consent::Breaking);
    written || (consents.iter()).any(|consent| consent.covers(&Consent::Breaking, &entry.names()))
}

/// Whether the plan needs to know which invocations are not completed. What a forced deletion hits is
/// shown too, if it can be told.
fn asks_in_flight(desired: &Desired, live: &Live) -> bool {
    let looks = desired.sections[Kind::Deployment].is_some() && !desired.prune.keeps(Kind::Deployment);
    let entries = desired.entries.deployments.iter();
    let listed: BTreeSet<String> = entries.map(|entry| entry.address.value.identity()).collect();
    let is_unlisted = |live: &live::Deployment| !listed.contains(&live.address.identity());
    looks && live.deployments.iter().any(is_unlisted)
}

/// The questions that the first answers give rise to.
pub fn second_round(desired: &Desired, live: &Live, answers: &Answers, discover: Discover) -> Vec<Probe> {
    let mut probes = baselines(desired, live, answers, discover);
    for entry in &desired.entries.deployments {
        let identity = entry.address.value.identity();
        let Some(&found) = live.deployments_at(&identity).first() else {
            continue;
        };
        let Some(Ok(fresh)) = answers.discoveries.get(&found.id) else {
            continue;
        };
        probes.extend(overwrite(entry, found, fresh, live, answers));
    }
    probes
}

/// The deployments of which it matters what they serve without overrides: those whose services a
/// registration or promotion takes, to tell which live values are overrides, and those of workflows
/// whose retention differs, to tell whether an override would have an effect.
fn baselines(desired: &Desired, live: &Live, answers: &Answers, discover: Discover) -> Vec<Probe> {
    if discover == Discover::None {
        return Vec::new();
    }
    let taken = answers
        .registrations
        .values()
        .flatten()
        .flat_map(|dry| dry.services.keys());
    let listed = desired.entries.deployments.iter().filter_map(|entry| {
        let found = live.deployments_at(&entry.address.value.identity());
        found.first().copied()
    });
    let promoted = listed.flat_map(|found| found.services.keys().filter(|name| !live.is_latest(found, name)));
    let retention = ServiceOption::WorkflowCompletionRetention;
    let workflows = desired.entries.services.values().filter_map(|wanted| {
        let wants: Setting = wanted.wants(retention)?;
        let now = live.services.get(&wanted.name.value)?.options.get(retention);
        (now != Some(wants)).then_some(&wanted.name.value)
    });
    let serving: BTreeSet<&str> = taken
        .chain(promoted)
        .chain(workflows)
        .filter_map(|name| live.services.get(name))
        .map(|service| service.deployment_id.as_str())
        .filter(|id| !answers.discoveries.contains_key(*id))
        .collect();
    live.deployments
        .iter()
        .filter(|deployment| serving.contains(deployment.id.as_str()))
        .map(rediscovery_as_is)
        .collect()
}

/// What the endpoint of a deployment serves now, asked for as the server would ask.
pub fn rediscovery_as_is(deployment: &live::Deployment) -> Probe {
    rediscovery(deployment.id.clone(), stored_connection(deployment), false)
}

/// Where an endpoint serves other code than is registered: what taking it over would make of it,
/// what it would hit, and which older revisions would come back to life.
fn overwrite(
    entry: &Deployment,
    found: &live::Deployment,
    fresh: &BTreeMap<String, Service>,
    live: &Live,
    answers: &Answers,
) -> Vec<Probe> {
    let mut probes = Vec::new();
    if code_differences(&stored(live, answers, found), fresh).is_empty() {
        return probes;
    }
    if answers.in_flight.is_none() {
        probes.push(Probe::InFlight);
    }
    if live.server.patches_deployments() {
        probes.push(Probe::Overwrite {
            id: found.id.clone(),
            update: wire::Update {
                connection: connection(entry, Some(found)),
                overwrite: true,
                dry_run: true,
            },
        });
    }
    for dropped in found.services.keys().filter(|name| !fresh.contains_key(*name)) {
        let others = live.deployments.iter().filter(|other| other.id != found.id);
        let exposing = others.filter(|other| other.services.contains_key(dropped));
        let unknown = exposing.filter(|other| !answers.stored.contains_key(&other.id));
        probes.extend(unknown.map(|other| Probe::Stored { id: other.id.clone() }));
    }
    probes
}

/// What was registered. The service list has it where the deployment is the latest.
pub fn stored(live: &Live, answers: &Answers, deployment: &live::Deployment) -> BTreeMap<String, Service> {
    if let Some(Ok(stored)) = answers.stored.get(&deployment.id) {
        return stored.clone();
    }
    let services = deployment.services.keys();
    services
        .filter_map(|name| Some((name.clone(), live.services.get(name)?.clone())))
        .collect()
}

/// A registration as it will be sent. 1.5 ignores `breaking` and `metadata` [S:1.5.3].
pub fn registration(
    entry: &Deployment,
    stack: Option<&str>,
    live: &Live,
    breaking: bool,
    dry_run: bool,
) -> wire::Registration {
    wire::Registration {
        connection: connection(entry, None),
        metadata: metadata(entry, stack, None, &live.server).filter(|metadata| !metadata.is_empty()),
        auth: None,
        force: false,
        breaking,
        dry_run,
    }
}

fn rediscovery(id: String, connection: wire::Connection, awaited: bool) -> Probe {
    let registration = wire::Registration {
        connection,
        metadata: None,
        auth: None,
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
