//! Asks the server everything that a plan needs: its lists at once, then the dry runs.

use super::printer::Printer;
use super::wish::Look;
use crate::admin::{Client, Error, wire};
use crate::ask::{Answers, Discover, Dry, InFlight, Probe, first_round, rediscovery_as_is, second_round};
use crate::consent::CommandConsent;
use crate::desired::Desired;
use crate::draft::names_one;
use crate::duration::Duration;
use crate::kind::Kind;
use crate::kind::deployment::address::Address;
use crate::kind::deployment::endpoint::EndpointPattern;
use crate::kind::deployment::live::Deployment;
use crate::kind::deployment::{desired, discovery};
use crate::kind::rules::secrets_of_server;
use crate::kind::service::live::Service;
use crate::kind::subscription::live::clusters;
use crate::live::Live;
use crate::server::Server;
use futures_util::stream::{self, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// How often an endpoint that is not up is asked, and how often that is told.
const ASK_EVERY: std::time::Duration = std::time::Duration::from_millis(500);
const TELL_EVERY: std::time::Duration = std::time::Duration::from_secs(10);
const NAME_ATTEMPTS: u32 = 3;
const NAME_PAUSE: std::time::Duration = std::time::Duration::from_millis(200);

/// What is there.
///
/// # Errors
/// When a list cannot be read.
pub async fn live(client: &mut Client, printer: &Printer) -> Result<Live, Error> {
    let live = lists(client, printer).await?;
    let counts = Kind::ALL.iter().map(|kind| {
        let n = kind.rules().live(&live).len();
        format!("{n} {}s", kind.name())
    });
    printer.note(&format!(
        "{} is Restate {}, Admin API version {}: {}",
        client.url(),
        live.server.version,
        live.server.api_version,
        counts.collect::<Vec<_>>().join(", "),
    ));
    for value in secrets_of_server(&live) {
        client.masker().learn(value);
    }
    Ok(live)
}

/// Listed addresses that may not be asked have ended the run; what others serve is asked only to
/// tell overrides from what the SDK declares, and without it more is taken for an override.
fn may_ask(probe: &Probe, allowed: &[EndpointPattern]) -> bool {
    let Probe::Discover { registration, .. } = probe else {
        return true;
    };
    let address = address_of(&registration.connection);
    allowed.is_empty() || allowed.iter().any(|pattern| pattern.matches(&address))
}

fn address_of(connection: &wire::Connection) -> Address {
    match (&connection.uri, &connection.arn) {
        (Some(uri), _) => Address::stored_uri(uri.expose()),
        (None, arn) => Address::Lambda(arn.clone().unwrap_or_default()),
    }
}

async fn lists(client: &mut Client, printer: &Printer) -> Result<Live, Error> {
    let (version, api_version) = client.negotiate().await?;
    let client = &*client;
    let server = Server {
        version,
        api_version,
        cluster_name: None,
    };
    let kafka_clusters = async {
        Ok::<_, Error>(if server.lists_kafka_clusters() {
            Some(client.kafka_clusters().await?)
        } else {
            None
        })
    };
    let (cluster_name, deployments, services, subscriptions, kafka_clusters) = tokio::join!(
        cluster_name(client, printer),
        client.deployments(),
        client.services(),
        client.subscriptions(),
        kafka_clusters,
    );
    Ok(Live::new(
        Server {
            cluster_name,
            ..server
        },
        deployments?.into_iter().map(Into::into).collect(),
        by_name(services?),
        subscriptions?.into_iter().map(Into::into).collect(),
        kafka_clusters?.map(clusters),
    ))
}

/// Tried again whatever the answer was: a plan that does not know its cluster can be neither saved nor
/// taken up.
async fn cluster_name(client: &Client, printer: &Printer) -> Option<String> {
    let mut attempt = 1;
    loop {
        let error = match client.cluster_health().await {
            Ok(health) => return Some(health.cluster_name),
            Err(error) => error,
        };
        if attempt == NAME_ATTEMPTS || error.is_not_found() {
            printer.warn(&format!("the name of the cluster could not be read: {error}"));
            return None;
        }
        attempt += 1;
        tokio::time::sleep(NAME_PAUSE).await;
    }
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

/// Asks the server what plans need to know.
pub struct Asking<'a> {
    client: &'a Client,
    /// The time until which endpoints that are not up are tried again.
    deadline: Instant,
    /// Whether a dry run can be told that breaking is meant; elsewhere only `force` lets it through.
    knows_breaking: bool,
    look: &'a Look,
    printer: &'a Printer,
    /// The identities of those that nobody waits for.
    left_out: BTreeSet<String>,
}

impl<'a> Asking<'a> {
    pub fn new(
        client: &'a Client,
        live: &Live,
        look: &'a Look,
        wait_endpoints: Duration,
        printer: &'a Printer,
    ) -> Self {
        Self {
            client,
            deadline: Instant::now() + wait_endpoints.to_std(),
            knows_breaking: live.server.knows_breaking(),
            look,
            printer,
            left_out: BTreeSet::new(),
        }
    }

    /// Does not wait for the endpoints of entries that are left out.
    #[must_use]
    pub fn leaving_out(self, exclude: &[String], desired: &Desired) -> Self {
        let is_left_out = |entry: &&desired::Deployment| {
            let names = entry.names();
            let names: Vec<String> = names.iter().map(|name| format!("deployment/{name}")).collect();
            names_one(exclude, &names)
        };
        let entries = desired.entries.deployments.iter().filter(is_left_out);
        Self {
            left_out: entries.map(|entry| entry.address.value.identity()).collect(),
            ..self
        }
    }

    /// What the server says to the questions of a plan. A dry run that fails is an answer.
    pub async fn for_plan(&self, desired: &Desired, live: &Live, consents: &[CommandConsent]) -> Answers {
        let discover = self.look.discover;
        let mut answers = Answers::default();
        let probes = first_round(desired, live, discover, consents);
        self.printer
            .note(&format!("{} dry runs and look-ups", probes.len()));
        self.all(probes, &mut answers).await;
        let probes = second_round(desired, live, &answers, discover);
        self.all(probes, &mut answers).await;
        answers
    }

    /// What was registered, where the service list does not have it.
    pub async fn stored(&self, live: &Live) -> Answers {
        let is_superseded = |d: &&Deployment| !d.services.keys().all(|name| live.is_latest(d, name));
        let superseded = live.deployments.iter().filter(is_superseded);
        let probes = superseded.map(|d| Probe::Stored { id: d.id.clone() }).collect();
        let mut answers = Answers::default();
        self.all(probes, &mut answers).await;
        answers
    }

    /// What the endpoints of deployments serve without overrides, by letting the server discover them
    /// again without changing anything.
    pub async fn discovered(&self, live: &Live) -> Answers {
        let mut answers = Answers::default();
        if self.look.discover == Discover::None {
            return answers;
        }
        let latest = live.deployments.iter();
        let latest = latest.filter(|d| d.services.keys().any(|name| live.is_latest(d, name)));
        let probes = latest.map(rediscovery_as_is).collect();
        self.all(probes, &mut answers).await;
        answers
    }

    async fn all(&self, mut probes: Vec<Probe>, answers: &mut Answers) {
        probes.retain(|probe| may_ask(probe, &self.look.allow_endpoint));
        let mut found = stream::iter(probes)
            .map(|probe| self.one(probe))
            .buffer_unordered(self.look.parallelism);
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
                let address = address_of(&registration.connection);
                let answer = self
                    .waiting(&address, async || self.dry_run(&registration).await)
                    .await;
                Answer::Register(identity, answer)
            }
            Probe::Discover {
                id,
                registration,
                awaited,
            } => {
                let ask = async || self.client.register(&registration).await;
                let address = address_of(&registration.connection);
                let answer = if awaited {
                    self.waiting(&address, ask).await
                } else {
                    self.patiently(&address, ask()).await
                };
                Answer::Discover(id, answer.map(|dry| by_name(dry.services)))
            }
            Probe::Update { id, update } => {
                let ask = async || self.client.update_deployment(&id, &update).await;
                let answer = self.waiting(&address_of(&update.connection), ask).await;
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
                    force: !self.knows_breaking,
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

    /// Says that it takes its time, where nobody would know for what.
    async fn patiently<T>(&self, address: &Address, answer: impl Future<Output = T>) -> T {
        let mut answer = std::pin::pin!(answer);
        loop {
            tokio::select! {
                answer = &mut answer => return answer,
                () = tokio::time::sleep(TELL_EVERY / 2) => {
                    self.printer.progress(&format!("still waiting for the server to discover {address}"));
                }
            }
        }
    }

    async fn waiting<T>(
        &self,
        address: &Address,
        ask: impl AsyncFn() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut told: Option<Instant> = None;
        loop {
            let error = match self.patiently(address, ask()).await {
                Err(error) if error.is_endpoint_failure() && !discovery::is_final(&error) => error,
                answer => return answer,
            };
            let now = Instant::now();
            if now >= self.deadline || self.left_out.contains(&address.identity()) {
                return Err(error);
            }
            if told.is_none_or(|told| now - told >= TELL_EVERY) {
                told = Some(now);
                let left = (self.deadline - now).as_secs() + 1;
                let why = discovery::message(&error);
                self.printer
                    .progress(&format!("waiting for {address}, for up to {left} s more: {why}"));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}
