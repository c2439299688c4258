//! Creating, replacing and deleting subscriptions. The server does not notice duplicates, so every create
//! is between two readings of the list.

use super::kafka_options::GROUP_ID;
use super::action::Action;
use super::live::Subscription;
use crate::admin::{Client, Error, retry, wire};
use crate::landing::{Fault, Landed, moved};
use crate::secret::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

pub async fn carry_out(client: &Client, action: &Action) -> Result<Landed, Fault> {
    match action {
        Action::Create { request, known } => create(client, request, known).await,
        Action::Replace {
            old,
            request,
            restore,
        } => replace(client, old, request, restore.as_ref()).await,
        Action::Delete { id } => delete(client, id).await,
    }
}

async fn delete(client: &Client, id: &str) -> Result<Landed, Fault> {
    let deleted = client.delete_subscription(id).await;
    deleted.map_err(|error| Fault::of(error).about(id))?;
    Ok(Landed {
        server_id: Some(id.to_owned()),
        note: None,
    })
}

/// `known`: the ids of those with the same source and sink that the plan was made with.
async fn create(
    client: &Client,
    request: &wire::NewSubscription,
    known: &[String],
) -> Result<Landed, Fault> {
    let before = alike(client, request).await.map_err(Fault::failed)?;
    if let Some(theirs) = before.iter().find(|s| !known.contains(&s.id)) {
        let message = format!(
            "somebody created one since the plan was made, {}: plan again",
            theirs.id
        );
        return Err(moved(message));
    }
    let before = before.into_iter().map(|s| s.id).collect();
    let id = post(client, request, &before, Instant::now()).await?;
    settle(client, request, id, &before).await
}

/// Deletes the old one and at once creates the new one: one unit. The consumer group is the same,
/// so Kafka keeps the offsets, and a run that dies in between is finished by the next.
///
/// `restore`: the old one, to be put back if the server refuses the new one for good.
async fn replace(
    client: &Client,
    old: &str,
    request: &wire::NewSubscription,
    restore: Option<&wire::NewSubscription>,
) -> Result<Landed, Fault> {
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
    let mut fault = match post(client, request, &before, deadline).await {
        Ok(id) => return settle(client, request, id, &before).await,
        Err(fault) => fault,
    };
    let restored = match restore.filter(|_| !fault.is_unknown) {
        Some(restore) => post(client, restore, &before, Instant::now()).await.ok(),
        None => None,
    };
    let why = &fault.error.message;
    fault.error.message = match restored {
        Some(id) => format!("the new subscription could not be created: {why}; the old one is back, as {id}"),
        None => format!(
            "{old} is deleted, and the new subscription could not be created: {why}; until it is, nothing reads the topic. Run `restatectl apply` again: the offsets are kept"
        ),
    };
    Err(fault)
}

/// Posts until it is there: [`ATTEMPTS`] times, and for as long as the deadline allows. After a lost
/// answer the list tells whether it is there already.
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
        let re_read = retry::within(client.unit_budget(), async || alike(client, request).await).await;
        let Ok(now) = re_read else {
            return Err(Fault::of(error));
        };
        if let Some(created) = now.into_iter().find(|s| !before.contains(&s.id)) {
            return Ok(created.id);
        }
        let is_soon = error.retry_after().is_none_or(|wait| wait < client.unit_budget());
        if !is_soon || (attempt >= ATTEMPTS && Instant::now() >= deadline) {
            return Err(Fault::of(error));
        }
        attempt += 1;
        tokio::time::sleep(error.retry_after().unwrap_or_default().max(PAUSE)).await;
    }
}

/// Settles who stays of two that were created at once: the creator of the one with the greater id
/// deletes it.
async fn settle(
    client: &Client,
    request: &wire::NewSubscription,
    id: String,
    before: &BTreeSet<String>,
) -> Result<Landed, Fault> {
    let now = alike(client, request)
        .await
        .map_err(|error| Fault::unknown(error).about(&id))?;
    let mine = now.iter().find(|s| s.id == id);
    // Groups that are the subscriptions' own ids were chosen by nobody: they are the same.
    let group = |s: &Subscription| s.group_id().filter(|_| !s.has_own_group()).map(str::to_owned);
    let theirs = now.iter().find(|other| {
        other.id < id && !before.contains(&other.id) && mine.is_some_and(|mine| group(mine) == group(other))
    });
    let Some(theirs) = theirs else {
        return Ok(Landed {
            server_id: Some(id),
            note: None,
        });
    };
    client.delete_subscription(&id).await.map_err(Fault::failed)?;
    let theirs = theirs.id.clone();
    let note =
        format!("somebody created the same one at the same time; {theirs} stays, {id} was deleted again");
    Ok(Landed {
        server_id: Some(theirs),
        note: Some(note),
    })
}

/// The live subscriptions with this source and sink, and with this consumer group if one is asked
/// for. Without one the server chooses, and it may be the Kafka cluster's.
async fn alike(client: &Client, request: &wire::NewSubscription) -> Result<Vec<Subscription>, Error> {
    let group = request.options.get(GROUP_ID).map(Value::expose);
    let all = list(client).await?;
    Ok(all
        .into_iter()
        .filter(|s| s.source.to_string() == request.source && s.sink.to_string() == request.sink)
        .filter(|s| group.is_none_or(|group| s.group_id() == Some(group)))
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
