//! Registering and updating deployments.

use super::{Alert, Fault, Landed, moved};
use crate::admin::{Client, Error, retry, wire};
use crate::desired::Address;
use crate::diff::change::ExpectedService;
use crate::live;
use std::time::Duration;

/// After this many lost answers in a row the network is not going to be better.
const ATTEMPTS: u32 = 3;

/// Registers a deployment and makes services private that the registration left public: one unit,
/// since in between they can be called by everyone.
pub async fn register(
    client: &Client,
    request: &wire::Registration,
    expected: &[ExpectedService],
    make_private: &[String],
    alerts: &mut Vec<Alert>,
) -> Result<Landed, Fault> {
    let identity = identity(&request.connection);
    if let Some(found) = find(client, &identity).await.map_err(Fault::failed)? {
        return Err(moved(format!(
            "somebody registered it since the plan was made, as {}: plan again",
            found.id
        )));
    }
    let registered = post(client, request, &identity).await;
    let is_certain = match &registered {
        Ok(_) => true,
        Err(fault) if fault.is_unknown => false,
        Err(_) => return registered.map(|_| Landed::default()),
    };
    // Also when it is not known whether the registration landed: then it may have.
    hide(client, make_private, is_certain, alerts).await;
    let (id, services) = registered?;
    if let Some(alert) = alerts.first() {
        return Err(moved(format!(
            "registered, but {alert}: run `restatectl apply` again, or set `public: false` by hand"
        ))
        .about(&id));
    }
    if let Some(services) = services {
        verify(expected, services).map_err(|message| moved(message).about(&id))?;
    }
    Ok(Landed {
        server_id: Some(id),
        note: None,
    })
}

/// The second half of a unit: tried for its whole time budget, and reported first if it fails.
async fn hide(client: &Client, services: &[String], is_certain: bool, alerts: &mut Vec<Alert>) {
    for service in services {
        let private = wire::Overrides {
            public: Some(false),
            ..wire::Overrides::default()
        };
        match client
            .override_service(service, &private, Some(client.unit_budget()))
            .await
        {
            Ok(answer) if !answer.public => {}
            // Nothing was registered, so there is nothing to hide.
            Err(error) if error.is_not_found() && !is_certain => {}
            Ok(_) => alerts.push(Alert::IsPublic(service.clone())),
            Err(_) if is_certain => alerts.push(Alert::IsPublic(service.clone())),
            Err(_) => alerts.push(Alert::MayBePublic(service.clone())),
        }
    }
}

/// The id, and the services as the server answered, unless the answer was lost.
type Posted = (String, Option<Vec<wire::Service>>);

/// Creating is not retried blindly: after a lost answer the server is read again first.
async fn post(client: &Client, request: &wire::Registration, identity: &str) -> Result<Posted, Fault> {
    let mut attempt = 1;
    loop {
        let error = match client.register(request).await {
            Ok(answer) => return Ok((answer.id, Some(answer.services))),
            Err(error) if error.is_transient() => error,
            Err(error) => return Err(Fault::failed(error)),
        };
        let re_read = retry::within(client.unit_budget(), async || find(client, identity).await).await;
        match re_read {
            Ok(Some(found)) => return Ok((found.id, None)),
            Ok(None) if attempt < ATTEMPTS => attempt += 1,
            Ok(None) => return Err(Fault::failed(error)),
            Err(_) => return Err(Fault::of(error)),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn identity(connection: &wire::Connection) -> String {
    match (&connection.uri, &connection.arn) {
        (Some(uri), _) => Address::stored_uri(uri).identity(),
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
fn verify(expected: &[ExpectedService], services: Vec<wire::Service>) -> Result<(), String> {
    let mut got: Vec<ExpectedService> = services
        .into_iter()
        .map(live::Service::from)
        .map(|service| ExpectedService {
            name: service.name,
            ty: service.ty,
            handlers: service.handlers.into_keys().collect(),
        })
        .collect();
    got.sort_by(|a, b| a.name.cmp(&b.name));
    if got == expected {
        return Ok(());
    }
    Err("registered, but the endpoint no longer serves what the plan was made from: plan again".to_owned())
}

/// Sends every field and reads them back: servers differ in what they do about a field.
pub async fn update(
    client: &Client,
    id: &str,
    request: &wire::Update,
    make_private: &[String],
    alerts: &mut Vec<Alert>,
) -> Result<Landed, Fault> {
    let updated = client
        .update_deployment(id, request)
        .await
        .map_err(|error| Fault::of(error).about(id));
    if updated.as_ref().is_ok_and(|()| true) || updated.as_ref().is_err_and(|fault| fault.is_unknown) {
        hide(client, make_private, updated.is_ok(), alerts).await;
    }
    updated?;
    let deployments = client.deployments().await.map_err(Fault::unknown)?;
    let now = deployments
        .into_iter()
        .map(live::Deployment::from)
        .find(|deployment| deployment.id == id);
    let Some(now) = now else {
        return Err(moved(
            "the deployment is gone: somebody deleted it since the plan was made",
        ));
    };
    let wire::Connection {
        uri,
        use_http_11,
        arn,
        assume_role_arn,
        additional_headers,
    } = &request.connection;
    let address = uri.as_ref().or(arn.as_ref());
    let is_as_sent = address == Some(&now.address.key())
        && use_http_11.is_none_or(|wanted| wanted == now.use_http_11)
        && *assume_role_arn == now.assume_role_arn
        && *additional_headers == now.additional_headers;
    if !is_as_sent {
        return Err(moved(
            "the server accepted the update, but did not keep all of it",
        ));
    }
    Ok(Landed {
        server_id: Some(id.to_owned()),
        note: None,
    })
}
