//! Registering, promoting, overwriting and updating deployments.

use super::action::{Action, Existing, ExpectedService, Register, Served};
use super::address::Address;
use super::delete::{by_id, delete};
use super::watch::Watch;
use super::{live, stored_connection};
use crate::admin::{Client, Error, retry, wire};
use crate::kind::service::live::Service;
use crate::landing::{Alert, Fault, Landed, moved};
use crate::secret::Value;
use crate::stack::STACK_MARK;
use std::time::Duration;
use tokio::time::Instant;

/// How often a registration is sent: after so many lost answers in a row the network is not going to be
/// better.
const ATTEMPTS: u32 = 3;
const CONFLICT: u16 = 409;
const PAUSE: Duration = Duration::from_millis(200);

pub async fn carry_out(client: &Client, action: &Action, alerts: &mut Vec<Alert>) -> Result<Landed, Fault> {
    match action {
        Action::Register(register) => self::register(client, register, alerts).await,
        Action::Promote { is, request } => promote(client, is, request, alerts).await,
        Action::Update { is, request } => update(client, is, request, alerts).await,
        Action::Delete(deletion) => delete(client, deletion).await,
    }
}

/// Registers a deployment and makes services private that the registration left public: one unit,
/// since in between they can be called by everyone.
async fn register(
    client: &Client,
    register: &Register,
    alerts: &mut Vec<Alert>,
) -> Result<Landed, Fault> {
    let Register { request, outcome } = register;
    let identity = identity(&request.connection);
    let found = find(client, &identity).await.map_err(Fault::failed)?;
    let unit = Unit::start(client, outcome, &request.connection, true).await?;
    if let Some(found) = found {
        if !is_as_asked(request, &found) {
            let message = format!(
                "somebody registered it otherwise since the plan was made, as {}: plan again",
                found.id
            );
            return Err(moved(message).about(&found.id));
        }
        return unit.finish_of_others(found.id, alerts).await;
    }
    let is_there = async || Ok(find(client, &identity).await?.map(|found| found.id));
    let posted = post(client, request, is_there).await;
    // Servers before 1.6 answer so when somebody else was faster [S:1.5.3].
    if let Err(fault) = &posted
        && fault.error.http_status == Some(CONFLICT)
        && let Ok(Some(found)) = find(client, &identity).await
        && is_as_asked(request, &found)
    {
        return unit.finish_of_others(found.id, alerts).await;
    }
    unit.finish(posted, alerts).await
}

/// Registers what is there once more, by force: it becomes the latest for all its services, with
/// what its endpoint serves now.
async fn promote(
    client: &Client,
    is: &Existing,
    request: &wire::Registration,
    alerts: &mut Vec<Alert>,
) -> Result<Landed, Fault> {
    let before = unchanged(client, is).await?;
    let unit = Unit::start(client, &is.outcome, &request.connection, true).await?;
    if before.created_at != is.created_at {
        is_latest(client, is).await?;
        return unit.finish_of_others(before.id, alerts).await;
    }
    let is_there = async || {
        let now = by_id(client, &is.id).await?;
        Ok(now
            .filter(|now| now.created_at != before.created_at)
            .map(|now| now.id))
    };
    let posted = post(client, request, is_there).await;
    unit.finish(posted, alerts).await
}

/// Sends every field and reads them back: servers differ in what they do about a field.
async fn update(
    client: &Client,
    is: &Existing,
    request: &wire::Update,
    alerts: &mut Vec<Alert>,
) -> Result<Landed, Fault> {
    let now = by_id(client, &is.id).await.map_err(Fault::failed)?;
    let is_sent = |now: &live::Deployment| !request.overwrite && is_as_sent(&request.connection, now);
    if let Some(now) = now.filter(is_sent) {
        let unit = Unit::start(client, &is.outcome, &request.connection, false).await?;
        return unit.finish_of_others(now.id, alerts).await;
    }
    unchanged(client, is).await?;
    let unit = Unit::start(client, &is.outcome, &request.connection, false).await?;
    let updated = client.update_deployment(&is.id, request).await;
    let posted = updated
        .map_err(|error| Fault::of(error).about(&is.id))
        .map(|services| Posted {
            id: is.id.clone(),
            services: Some(services),
        });
    unit.finish(posted, alerts).await
}

/// Somebody else may have made it the latest, and then another one.
async fn is_latest(client: &Client, is: &Existing) -> Result<(), Fault> {
    let services = client.services().await.map_err(Fault::failed)?;
    let expected = is.outcome.expected.iter().flatten();
    let serves = |name: &str| (services.iter()).any(|now| now.name == name && now.deployment_id == is.id);
    let mut taken = expected.filter(|service| !serves(&service.name));
    match taken.next() {
        None => Ok(()),
        Some(service) => {
            let message = format!("somebody let another deployment serve {} since the plan was made: plan again", service.name);
            Err(moved(message).about(&is.id))
        }
    }
}

/// A write and the `public: false` of the services it touches.
struct Unit<'a> {
    client: &'a Client,
    outcome: &'a Served,
    sent: &'a wire::Connection,
    watch: Watch,
    /// The deployment becomes the latest for all its services.
    takes_all: bool,
}

impl<'a> Unit<'a> {
    async fn start(
        client: &'a Client,
        outcome: &'a Served,
        sent: &'a wire::Connection,
        takes_all: bool,
    ) -> Result<Self, Fault> {
        let watch = Watch::start(client, &outcome.keep_private, &outcome.may_expose).await;
        Ok(Self {
            client,
            outcome,
            sent,
            watch: watch.map_err(Fault::failed)?,
            takes_all,
        })
    }

    /// The write of somebody else did it; whether it is what this plan wants is looked at all the same.
    async fn finish_of_others(self, id: String, alerts: &mut Vec<Alert>) -> Result<Landed, Fault> {
        let landed = self.finish(Ok(Posted { id, services: None }), alerts).await;
        landed.map(Landed::by_others)
    }

    async fn finish(self, posted: Result<Posted, Fault>, alerts: &mut Vec<Alert>) -> Result<Landed, Fault> {
        let Self {
            client,
            outcome,
            sent,
            watch,
            takes_all,
        } = self;
        let expected = outcome.expected.as_deref().unwrap_or_default();
        let mut touched: Vec<&str> = expected.iter().map(|service| service.name.as_str()).collect();
        touched.extend(outcome.keep_private.iter().map(String::as_str));
        touched.sort_unstable();
        touched.dedup();
        let posted = match posted {
            Ok(posted) => posted,
            Err(fault) => {
                if fault.is_unknown {
                    // It may have landed, and may yet.
                    watch.hide_expected(client, &touched, true, alerts).await;
                }
                return Err(fault);
            }
        };
        let about = |fault: Fault| fault.about(&posted.id);
        let services = match posted.services {
            Some(services) => services,
            // What it made of its services is as unknown as whether it landed was.
            None => match client.deployment_services(&posted.id).await {
                Ok(services) => services,
                Err(error) => {
                    watch.hide_expected(client, &touched, false, alerts).await;
                    return Err(about(Fault::unknown(error)));
                }
            },
        };
        let services: Vec<Service> = services.into_iter().map(Into::into).collect();
        let mut surprises = Vec::new();
        if takes_all {
            surprises.extend(watch.hide(client, &services, alerts).await);
        }
        // An older revision of a service that it no longer exposes may be back; and after an
        // overwrite others may serve some of what it exposes.
        let is_its = |name: &&str| takes_all && services.iter().any(|service| service.name == *name);
        if !touched.iter().all(is_its) {
            let now = match client.services().await {
                Ok(now) => now,
                Err(error) => {
                    watch.hide_expected(client, &touched, false, alerts).await;
                    return Err(about(Fault::unknown(error)));
                }
            };
            let now: Vec<Service> = now.into_iter().map(Into::into).collect();
            surprises.extend(watch.hide(client, &now, alerts).await);
        }
        if let Some(alert) = alerts.first() {
            let how = "run `restatectl apply` again, or set `public: false` by hand";
            return Err(about(moved(format!("done, but {alert}: {how}"))));
        }
        if !surprises.is_empty() {
            let names = surprises.join(", ");
            let message = format!(
                "done; {names} was made private since the plan was made, and stays private: plan again"
            );
            return Err(about(moved(message)));
        }
        if let Some(expected) = &outcome.expected {
            verify(expected, &services).map_err(|message| about(moved(message)))?;
        }
        let now = by_id(client, &posted.id)
            .await
            .map_err(|error| about(Fault::unknown(error)))?;
        if !now.is_some_and(|now| is_as_sent(sent, &now)) {
            return Err(about(moved(
                "the server accepted it, but not with the headers and settings that were sent: plan again",
            )));
        }
        Ok(Landed {
            server_id: Some(posted.id),
            note: None,
        })
    }
}

/// The deployment, if it still is what the plan was made with.
async fn unchanged(client: &Client, is: &Existing) -> Result<live::Deployment, Fault> {
    let now = by_id(client, &is.id).await.map_err(Fault::failed)?;
    let now = now.filter(|now| stored_connection(now) == is.before);
    now.ok_or_else(|| {
        moved("the deployment is not what it was when the plan was made: plan again").about(&is.id)
    })
}

struct Posted {
    id: String,
    /// The services in the server's answer; `None` when the answer was lost.
    services: Option<Vec<wire::Service>>,
}

/// Creating is not retried blindly: after a lost answer the server is read again first. Sending it
/// again does no harm then, but a server that is still discovering a slow endpoint may register it
/// long after a gateway gave up, so the end of that is waited for.
///
/// `is_there`: the id, once it has landed.
async fn post(
    client: &Client,
    request: &wire::Registration,
    is_there: impl AsyncFn() -> Result<Option<String>, Error>,
) -> Result<Posted, Fault> {
    let deadline = Instant::now() + client.discovery_timeout();
    let mut may_have_landed = false;
    let mut attempt = 1;
    loop {
        let error = match client.register(request).await {
            Ok(answer) => {
                return Ok(Posted {
                    id: answer.id,
                    services: Some(answer.services),
                });
            }
            Err(error) => error,
        };
        may_have_landed |= error.is_unknown_outcome();
        let fault = Fault {
            is_unknown: may_have_landed,
            ..Fault::failed(error.clone())
        };
        if !error.is_transient() && !may_have_landed {
            return Err(fault);
        }
        match retry::within(client.unit_budget(), async || is_there().await).await {
            Ok(Some(id)) => return Ok(Posted { id, services: None }),
            Ok(None) => {}
            Err(_) => return Err(fault),
        }
        let is_soon = error.retry_after().is_none_or(|wait| wait < client.unit_budget());
        if attempt < ATTEMPTS && error.is_transient() && is_soon {
            attempt += 1;
            tokio::time::sleep(error.retry_after().unwrap_or_default().max(PAUSE)).await;
        } else if may_have_landed && error.is_transient() && Instant::now() < deadline {
            return wait_for(is_there, deadline).await.ok_or(fault);
        } else {
            return Err(fault);
        }
    }
}

async fn wait_for(
    is_there: impl AsyncFn() -> Result<Option<String>, Error>,
    deadline: Instant,
) -> Option<Posted> {
    while Instant::now() < deadline {
        if let Ok(Some(id)) = is_there().await {
            return Some(Posted { id, services: None });
        }
        tokio::time::sleep(PAUSE * 5).await;
    }
    None
}

fn identity(connection: &wire::Connection) -> String {
    match (&connection.uri, &connection.arn) {
        (Some(uri), _) => Address::stored_uri(uri.expose()).identity(),
        (None, arn) => arn.clone().unwrap_or_default(),
    }
}

async fn find(client: &Client, identity: &str) -> Result<Option<live::Deployment>, Error> {
    let deployments = client.deployments().await?;
    Ok(deployments
        .into_iter()
        .map(live::Deployment::from)
        .find(|deployment| deployment.address.identity() == *identity))
}

/// A 200 can mean that nothing happened [S:1.6.2, 1.7.12], and an endpoint can change between the
/// dry run and the registration.
fn verify(expected: &[ExpectedService], services: &[Service]) -> Result<(), String> {
    let mut got: Vec<ExpectedService> = services.iter().map(ExpectedService::from).collect();
    got.sort_by(|a, b| a.name.cmp(&b.name));
    if got == expected {
        return Ok(());
    }
    Err("done, but the endpoint no longer serves what the plan was made from: plan again".to_owned())
}

/// Whether somebody else registered it exactly as this request would have.
fn is_as_asked(request: &wire::Registration, found: &live::Deployment) -> bool {
    let mark = request.metadata.as_ref().and_then(|all| all.get(STACK_MARK));
    is_as_sent(&request.connection, found)
        && mark.map(Value::expose) == found.stack()
        && request.auth == found.auth
}

fn is_as_sent(sent: &wire::Connection, now: &live::Deployment) -> bool {
    let wire::Connection {
        uri,
        use_http_11,
        arn,
        assume_role_arn,
        additional_headers,
    } = sent;
    let address = uri
        .as_ref()
        .map(|uri| Address::stored_uri(uri.expose()).key())
        .or_else(|| arn.clone());
    address == Some(now.address.key())
        && use_http_11.is_none_or(|wanted| wanted == now.use_http_11)
        && *assume_role_arn == now.assume_role_arn
        && *additional_headers == now.additional_headers
}
