//! Creating and replacing subscriptions. The server does not notice duplicates, so every create
//! is between two readings of the list.

use super::{Fault, Landed, moved};
use crate::admin::{Client, Error, retry, wire};
use crate::live::Subscription;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

const ATTEMPTS: u32 = 3;

pub async fn create(client: &Client, request: &wire::NewSubscription) -> Result<Landed, Fault> {
    let before = same(client, request).await.map_err(Fault::failed)?;
    if let Some(theirs) = before.first() {
        return Err(moved(format!(
            "somebody created it since the plan was made, as {}: plan again",
            theirs.id
        )));
    }
    let id = post(client, request, &BTreeSet::new(), Instant::now()).await?;
    settle(client, request, id, &BTreeSet::new()).await
}

/// Deletes the old one and at once creates the new one: one unit. The consumer group is the same,
/// so Kafka keeps the offsets, and a run that dies in between is finished by the next.
pub async fn replace(client: &Client, old: &str, request: &wire::NewSubscription) -> Result<Landed, Fault> {
    let all = list(client).await.map_err(Fault::failed)?;
    if !all.iter().any(|s| s.id == old) {
        return Err(moved(
            "the subscription is gone: somebody deleted or replaced it since the plan was made; plan again",
        ));
    }
    let before: BTreeSet<String> = all.into_iter().map(|s| s.id).collect();
    if let Err(error) = client.delete_subscription(old).await {
        return Err(Fault::of(error).about(old));
    }
    let deadline = Instant::now() + client.unit_budget();
    match post(client, request, &before, deadline).await {
        Ok(id) => settle(client, request, id, &before).await,
        Err(mut fault) => {
            fault.error.message = format!(
                "{old} is deleted, and the new subscription could not be created: {}; run `restatectl apply` again, the offsets are kept",
                fault.error.message
            );
            Err(fault)
        }
    }
}

/// Posts until it is there: at least [`ATTEMPTS`] times, and for as long as the deadline allows.
/// After a lost answer the list tells whether it is there already.
async fn post(
    client: &Client,
    request: &wire::NewSubscription,
    before: &BTreeSet<String>,
    deadline: Instant,
) -> Result<String, Fault> {
    let mut attempt = 1;
    loop {
        let error = match client.create_subscription(request).await {
            Ok(created) => return Ok(created.id),
            Err(error) if error.is_transient() => error,
            Err(error) => return Err(Fault::failed(error)),
        };
        let re_read = retry::within(client.unit_budget(), async || same(client, request).await).await;
        let Ok(now) = re_read else {
            return Err(Fault::of(error));
        };
        if let Some(created) = now.into_iter().find(|s| !before.contains(&s.id)) {
            return Ok(created.id);
        }
        if attempt >= ATTEMPTS && Instant::now() >= deadline {
            return Err(Fault::failed(error));
        }
        attempt += 1;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Of two that were created at once, the one with the greater id is deleted by its creator.
async fn settle(
    client: &Client,
    request: &wire::NewSubscription,
    id: String,
    before: &BTreeSet<String>,
) -> Result<Landed, Fault> {
    let now = same(client, request).await.map_err(Fault::unknown)?;
    let theirs = now
        .into_iter()
        .map(|s| s.id)
        .find(|other| *other < id && !before.contains(other));
    let Some(theirs) = theirs else {
        return Ok(Landed {
            server_id: Some(id),
            note: None,
        });
    };
    client.delete_subscription(&id).await.map_err(Fault::failed)?;
    let note =
        format!("somebody created the same one at the same time; {theirs} stays, {id} was deleted again");
    Ok(Landed {
        server_id: Some(theirs),
        note: Some(note),
    })
}

/// The live subscriptions of this source and sink, and of the same consumer group if one is asked for.
async fn same(client: &Client, request: &wire::NewSubscription) -> Result<Vec<Subscription>, Error> {
    let all = list(client).await?;
    let group = request.options.get("group.id").map(crate::secret::Value::expose);
    Ok(all
        .into_iter()
        .filter(|s| s.source == request.source && s.sink == request.sink)
        .filter(|s| match group {
            Some(group) => s.group_id() == Some(group),
            None => s.has_own_group(),
        })
        .collect())
}

async fn list(client: &Client) -> Result<Vec<Subscription>, Error> {
    Ok(client
        .subscriptions()
        .await?
        .into_iter()
        .map(Subscription::from)
        .collect())
}
