//! Asks the server everything that a plan needs: its lists at once, then the dry runs.

use crate::admin::{Client, Error, wire};
use crate::cli::{Looking, Planning};
use crate::desired::{Address, Consent, Desired, Duration, EndpointPattern};
use crate::diff::probe::{Answers, Dry, InFlight, Probe, first_round, rediscovery_as_is, second_round};
use crate::diff::{Consents, Discover};
use crate::live::{Deployment, Live, Server, Service};
use crate::render::Printer;
use futures_util::stream::{self, StreamExt};
use std::collections::BTreeMap;
use tokio::time::Instant;

/// What is there.
///
/// # Errors
/// When a list cannot be read.
pub async fn live(client: &mut Client, printer: &Printer) -> Result<Live, Error> {
    let live = lists(client).await?;
    printer.note(&format!(
        "{} is Restate {}, Admin API version {}: {} deployments, {} services, {} subscriptions",
        client.url(),
        live.server.version,
        live.server.api_version,
        live.deployments.len(),
        live.services.len(),
        live.subscriptions.len(),
    ));
    for value in live.sensitive_values() {
        client.masker().learn(value);
    }
    Ok(live)
}

/// What the server says to the questions of a plan. A dry run that fails is an answer.
pub async fn answers(
    client: &Client,
    desired: &Desired,
    live: &Live,
    planning: &Planning,
    wait_endpoints: Duration,
    printer: &Printer,
) -> Answers {
    let looking = &planning.looking;
    let discover = Discover::from(looking.discover);
    // Asked here only to send what apply will send; whether it is needed is the diff's to say.
    let consents = Consents::new(&planning.allow);
    let breaking = |entry: &crate::desired::Deployment| {
        let (key, shown) = (entry.address.value.key(), entry.address.value.to_string());
        let name = entry.name.as_ref().map_or("", |name| name.value.as_str());
        consents.allows(&Consent::Breaking, &entry.allow, &[&key, &shown, name])
    };
    let asking = Asking {
        deadline: Instant::now() + wait_endpoints.to_std(),
        parallelism: usize::from(looking.parallelism),
        ..asking(client, live)
    };
    let mut answers = Answers::default();
    let mut probes = first_round(desired, live, discover, breaking);
    probes.retain(|probe| may_ask(probe, &looking.allow_endpoint));
    printer.note(&format!("{} dry runs and look-ups", probes.len()));
    asking.all(probes, &mut answers).await;
    let mut probes = second_round(desired, live, &answers, discover);
    probes.retain(|probe| may_ask(probe, &looking.allow_endpoint));
    asking.all(probes, &mut answers).await;
    answers
}

/// Listed addresses that may not be asked have ended the run; what others serve is asked only to
/// tell overrides from what the SDK declares, and without it more is taken for an override.
fn may_ask(probe: &Probe, allowed: &[EndpointPattern]) -> bool {
    let Probe::Discover { registration, .. } = probe else {
        return true;
    };
    let wire::Connection { uri, arn, .. } = &registration.connection;
    let address = match (uri, arn) {
        (Some(uri), _) => Address::stored_uri(uri.expose()),
        (None, arn) => Address::Lambda(arn.clone().unwrap_or_default()),
    };
    allowed.is_empty() || allowed.iter().any(|pattern| pattern.matches(&address))
}

/// What was registered, where the service list does not have it.
pub async fn stored(client: &Client, live: &Live) -> Answers {
    let is_superseded = |d: &&Deployment| !d.services.keys().all(|name| live.is_latest(d, name));
    let superseded = live.deployments.iter().filter(is_superseded);
    let probes = superseded.map(|d| Probe::Stored { id: d.id.clone() }).collect();
    let mut answers = Answers::default();
    asking(client, live).all(probes, &mut answers).await;
    answers
}

/// What the endpoints of deployments serve without overrides, by letting the server discover them
/// again without changing anything.
pub async fn discovered(client: &Client, live: &Live, looking: &Looking) -> Answers {
    let mut answers = Answers::default();
    let latest = live.deployments.iter();
    let latest = latest.filter(|d| d.services.keys().any(|name| live.is_latest(d, name)));
    let mut probes: Vec<Probe> = latest.map(rediscovery_as_is).collect();
    probes.retain(|probe| may_ask(probe, &looking.allow_endpoint));
    asking(client, live).all(probes, &mut answers).await;
    answers
}

fn asking<'a>(client: &'a Client, live: &Live) -> Asking<'a> {
    Asking {
        client,
        deadline: Instant::now(),
        has_breaking: live.server.has_patch(),
        parallelism: 16,
    }
}

async fn lists(client: &mut Client) -> Result<Live, Error> {
    let (version, api_version) = client.negotiate().await?;
    let client = &*client;
    let (health, deployments, services, subscriptions) = tokio::join!(
        client.cluster_health(),
        client.deployments(),
        client.services(),
        client.subscriptions(),
    );
    let server = Server {
        version,
        api_version,
        cluster_name: health.ok().map(|health| health.cluster_name),
    };
    Ok(Live::new(
        server,
        deployments?.into_iter().map(Into::into).collect(),
        by_name(services?),
        subscriptions?.into_iter().map(Into::into).collect(),
    ))
}

fn by_name(services: Vec<wire::Service>) -> BTreeMap<String, Service> {
    services
        .into_iter()
        .map(|service| (service.name.clone(), service.into()))
        .collect()
}

enum Answer {
    Register(String, Result<Dry, Error>),
    Discover(String, Result<BTreeMap<String, Service>, Error>),
    Update(String, Result<(), Error>),
    Overwrite(String, Result<BTreeMap<String, Service>, Error>),
    InFlight(Result<InFlight, Error>),
    Stored(String, Result<BTreeMap<String, Service>, Error>),
}

struct Asking<'a> {
    client: &'a Client,
    /// Until when endpoints that are not up are tried again.
    deadline: Instant,
    /// Older servers do not know `breaking`; only `force` lets a dry run through (1.5).
    has_breaking: bool,
    parallelism: usize,
}

impl Asking<'_> {
    async fn all(&self, probes: Vec<Probe>, answers: &mut Answers) {
        let mut found = stream::iter(probes)
            .map(|probe| self.one(probe))
            .buffer_unordered(self.parallelism);
        while let Some(answer) = found.next().await {
            match answer {
                Answer::Register(identity, answer) => drop(answers.registrations.insert(identity, answer)),
                Answer::Discover(id, answer) => drop(answers.discoveries.insert(id, answer)),
                Answer::Update(id, answer) => drop(answers.updates.insert(id, answer)),
                Answer::Overwrite(id, answer) => drop(answers.overwrites.insert(id, answer)),
                Answer::InFlight(answer) => answers.in_flight = Some(answer),
                Answer::Stored(id, answer) => drop(answers.stored.insert(id, answer)),
            }
        }
    }

    async fn one(&self, probe: Probe) -> Answer {
        match probe {
            Probe::Register {
                identity,
                registration,
            } => {
                let answer = self.waiting(async || self.dry_run(&registration).await).await;
                Answer::Register(identity, answer)
            }
            Probe::Discover {
                id,
                registration,
                awaited,
            } => {
                let ask = async || self.client.register(&registration).await;
                let answer = if awaited {
                    self.waiting(ask).await
                } else {
                    ask().await
                };
                Answer::Discover(id, answer.map(|dry| by_name(dry.services)))
            }
            Probe::Update { id, update } => {
                let answer = self
                    .waiting(async || self.client.update_deployment(&id, &update).await)
                    .await;
                Answer::Update(id, answer.map(drop))
            }
            Probe::Overwrite { id, update } => {
                let answer = self.client.update_deployment(&id, &update).await;
                Answer::Overwrite(id, answer.map(by_name))
            }
            Probe::InFlight => {
                let answer = self.client.unfinished_invocations().await;
                Answer::InFlight(answer.map(InFlight::new))
            }
            Probe::Stored { id } => {
                let answer = self.client.deployment_services(&id).await;
                Answer::Stored(id, answer.map(by_name))
            }
        }
    }

    /// What the server would refuse as breaking is asked for once more as if it were meant, to
    /// show what it would do.
    async fn dry_run(&self, registration: &wire::Registration) -> Result<Dry, Error> {
        let (refused, answer) = match self.client.register(registration).await {
            Err(error) if error.is_breaking() => {
                let meant = wire::Registration {
                    breaking: true,
                    force: !self.has_breaking,
                    ..registration.clone()
                };
                (Some(error), self.client.register(&meant).await)
            }
            answer => (None, answer),
        };
        answer.map(|dry| Dry {
            services: by_name(dry.services),
            refused,
        })
    }

    async fn waiting<T>(&self, ask: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
        loop {
            match ask().await {
                Err(error) if error.is_endpoint_failure() && Instant::now() < self.deadline => {
                    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                }
                answer => return answer,
            }
        }
    }
}
