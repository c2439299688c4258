//! Deleting: what made it right to delete is looked at once more right before.

use super::action::Delete;
use super::live;
use crate::admin::{Client, Error};
use crate::ask::InFlight;
use crate::kind::subscription::live::Subscription;
use crate::landing::{Fault, Landed, moved};

fn gone(id: &str) -> Landed {
    Landed {
        server_id: Some(id.to_owned()),
        note: None,
    }
}

/// Check and deletion are not atomic on any server: an invocation that starts in between runs on
/// another deployment, or fails and is retried there, since this one is not the latest.
pub async fn delete(client: &Client, deletion: &Delete) -> Result<Landed, Fault> {
    let id = &deletion.id;
    if by_id(client, id).await.map_err(Fault::failed)?.is_none() {
        return Ok(Landed {
            note: Some("somebody deleted it already".to_owned()),
            ..gone(id)
        });
    }
    if let Some(why) = still_needed(client, deletion).await? {
        return Err(moved(format!("not deleted: {why}")).about(id));
    }
    let deleted = client.delete_deployment(id).await;
    deleted.map_err(|error| Fault::of(error).about(id))?;
    Ok(gone(id))
}

async fn still_needed(client: &Client, deletion: &Delete) -> Result<Option<String>, Fault> {
    let Delete {
        id,
        services,
        only_if_drained,
    } = deletion;
    let latest = client.services().await.map_err(Fault::failed)?;
    let serves: Vec<&str> = (latest.iter())
        .filter(|service| service.deployment_id == *id)
        .map(|service| service.name.as_str())
        .collect();
    if let Some(name) = serves
        .iter()
        .find(|name| !services.iter().any(|going| going == **name))
    {
        return Ok(Some(format!("it serves {name} now")));
    }
    if !serves.is_empty() {
        let deployments = client.deployments().await.map_err(Fault::failed)?;
        for other in deployments.into_iter().map(live::Deployment::from) {
            let older = serves.iter().find(|name| other.services.contains_key(**name));
            if let Some(name) = older.filter(|_| other.id != *id) {
                return Ok(Some(format!(
                    "{} would serve an older revision of {name}",
                    other.address
                )));
            }
        }
        let subscriptions = client.subscriptions().await.map_err(Fault::failed)?;
        for subscription in subscriptions.into_iter().map(Subscription::from) {
            let sink = subscription.feeds();
            if let Some(sink) = sink.filter(|sink| serves.contains(&sink.service.as_str())) {
                return Ok(Some(format!("{} feeds {}", subscription.id, sink.service)));
            }
        }
    }
    if *only_if_drained {
        let unfinished = client.unfinished_invocations().await.map_err(Fault::failed)?;
        let in_flight = InFlight::new(unfinished);
        let on_it = in_flight.on_deployment(id);
        if on_it.n > 0 {
            return Ok(Some(format!("something runs on it now ({on_it})")));
        }
        let queued = serves.iter().find(|name| in_flight.of_service(name).n > 0);
        if let Some(name) = queued {
            let n = in_flight.of_service(name);
            return Ok(Some(format!("{name} is not done now ({n})")));
        }
    }
    Ok(None)
}

/// The live deployment with this id, if there is one.
pub async fn by_id(client: &Client, id: &str) -> Result<Option<live::Deployment>, Error> {
    let deployments = client.deployments().await?;
    Ok(deployments
        .into_iter()
        .map(live::Deployment::from)
        .find(|deployment| deployment.id == id))
}
