//! Registering and updating deployments.

use super::visibility::Watch;
use super::{Alert, Fault, Landed, moved};
use crate::admin::{Client, Error, retry, wire};
use crate::desired::Address;
use crate::diff::change::{ExpectedService, Register, Update};
use crate::diff::stored_connection;
use crate::live;
use std::time::Duration;
use tokio::time::Instant;

/// After this many lost answers in a row the network is not going to be better.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// Registers a deployment and makes services private that the registration left public: one unit,
/// since in between they can be called by everyone.
pub async fn register(
    client: &Client,
    register: &Register,
    alerts: &mut Vec<Alert>,
) -> Result<Landed, Fault> {
    let Register {
        request,
        expected,
        keep_private,
        may_expose,
    } = register;
    let names: Vec<&str> = expected.iter().map(|service| service.name.as_str()).collect();
    let identity = identity(&request.connection);
    if let Some(found) = find(client, &identity).await.map_err(Fault::failed)? {
        let message = format!(
            "somebody registered it since the plan was made, as {}: plan again",
            found.id
        );
        return Err(moved(message));
    }
    let watch = Watch::start(client, keep_private, may_expose)
        .await
        .map_err(Fault::failed)?;
    let posted = match post(client, request, &identity).await {
        Ok(posted) => posted,
        Err(fault) if fault.is_unknown => {
            // It may have landed, and may yet.
            watch.hide_expected(client, &names, alerts).await;
            return Err(fault);
        }
        Err(fault) => return Err(fault),
    };
    let about = |fault: Fault| fault.about(&posted.id);
    let services = match posted.services {
        Some(services) => services,
        // What it made of its services is as unknown as whether it landed was.
        None => match client.deployment_services(&posted.id).await {
            Ok(services) => services,
            Err(error) => {
                watch.hide_expected(client, &names, alerts).await;
                return Err(about(Fault::unknown(error)));
            }
        },
    };
    let services: Vec<live::Service> = services.into_iter().map(Into::into).collect();
    let surprises = watch.hide(client, &services, alerts).await;
    if let Some(alert) = alerts.first() {
        let how = "run `restatectl apply` again, or set `public: false` by hand";
        return Err(about(moved(format!("registered, but {alert}: {how}"))));
    }
    if !surprises.is_empty() {
        let names = surprises.join(", ");
        let message = format!(
            "registered; {names} was made private since the plan was made, and stays private: plan again"
        );
        return Err(about(moved(message)));
    }
    verify(expected, &services).map_err(|message| about(moved(message)))?;
    let now = find(client, &identity)
        .await
        .map_err(|error| about(Fault::unknown(error)))?;
    if !now.is_some_and(|now| is_as_sent(&request.connection, &now)) {
        return Err(about(moved(
            "registered, but not with the headers and settings that were sent: plan again",
        )));
    }
    Ok(Landed {
        server_id: Some(posted.id),
        note: None,
    })
}

struct Posted {
    id: String,
    /// As the server answered, unless the answer was lost.
    services: Option<Vec<wire::Service>>,
}

/// Creating is not retried blindly: after a lost answer the server is read again first. Sending it
/// again does no harm then, but a server that is still discovering a slow endpoint may register it
/// long after a gateway gave up, so the end of that is waited for.
async fn post(client: &Client, request: &wire::Registration, identity: &str) -> Result<Posted, Fault> {
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
        match retry::within(client.unit_budget(), async || find(client, identity).await).await {
            Ok(Some(found)) => {
                return Ok(Posted {
                    id: found.id,
                    services: None,
                });
            }
            Ok(None) => {}
            Err(_) => return Err(fault),
        }
        if attempt < ATTEMPTS && error.is_transient() {
            attempt += 1;
            tokio::time::sleep(error.retry_after().unwrap_or_default().max(PAUSE)).await;
        } else if may_have_landed && Instant::now() < deadline {
            return wait_for(client, identity, deadline).await.ok_or(fault);
        } else {
            return Err(fault);
        }
    }
}

async fn wait_for(client: &Client, identity: &str, deadline: Instant) -> Option<Posted> {
    while Instant::now() < deadline {
        if let Ok(Some(found)) = find(client, identity).await {
            return Some(Posted {
                id: found.id,
                services: None,
            });
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
fn verify(expected: &[ExpectedService], services: &[live::Service]) -> Result<(), String> {
    let mut got: Vec<ExpectedService> = services.iter().map(ExpectedService::from).collect();
    got.sort_by(|a, b| a.name.cmp(&b.name));
    if got == expected {
        return Ok(());
    }
    Err("registered, but the endpoint no longer serves what the plan was made from: plan again".to_owned())
}

/// Sends every field and reads them back: servers differ in what they do about a field.
pub async fn update(client: &Client, update: &Update, alerts: &mut Vec<Alert>) -> Result<Landed, Fault> {
    let Update {
        id,
        request,
        before,
        keep_private,
    } = update;
    let now = by_id(client, id).await.map_err(Fault::failed)?;
    if now.map(|now| stored_connection(&now)).as_ref() != Some(before) {
        return Err(moved("the deployment is not what it was when the plan was made: plan again").about(id));
    }
    let watch = Watch::start(client, keep_private, &[])
        .await
        .map_err(Fault::failed)?;
    let updated = client
        .update_deployment(id, request)
        .await
        .map_err(|error| Fault::of(error).about(id));
    if updated.as_ref().err().is_none_or(|fault| fault.is_unknown) {
        let names: Vec<&str> = keep_private.iter().map(String::as_str).collect();
        watch.hide_expected(client, &names, alerts).await;
    }
    updated?;
    if let Some(alert) = alerts.first() {
        return Err(moved(format!("updated, but {alert}")).about(id));
    }
    let now = by_id(client, id)
        .await
        .map_err(|error| Fault::unknown(error).about(id))?;
    if !now.is_some_and(|now| is_as_sent(&request.connection, &now)) {
        return Err(moved("the server accepted the update, but did not keep all of it").about(id));
    }
    Ok(Landed {
        server_id: Some(id.clone()),
        note: None,
    })
}

async fn by_id(client: &Client, id: &str) -> Result<Option<live::Deployment>, Error> {
    let deployments = client.deployments().await?;
    Ok(deployments
        .into_iter()
        .map(live::Deployment::from)
        .find(|deployment| deployment.id == id))
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
