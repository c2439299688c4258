//! Creating, replacing and deleting subscriptions. The server does not notice duplicates, so every create
//! is between two readings of the list.

use super::action::{Action, Wanted};
use super::live::Subscription;
use super::settle;
use crate::admin::{Client, Error, retry, wire};
use crate::landing::{Fault, Landed, moved};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

pub async fn carry_out(client: &Client, action: &Action) -> Result<Landed, Fault> {
    match action {
        Action::Create(wanted) => create(client, wanted).await,
        Action::Replace {
            old,
            wanted,
            restore,
        } => replace(client, old, wanted, restore.as_ref()).await,
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

async fn create(client: &Client, wanted: &Wanted) -> Result<Landed, Fault> {
    let before = alike(client, wanted).await.map_err(Fault::failed)?;
    if let Some(theirs) = of_others(client, wanted, &before).await? {
        return Ok(theirs);
    }
    if let Some(theirs) = before.iter().find(|s| !wanted.known.contains(&s.id)) {
        let message = format!(
            "somebody created one with other options since the plan was made, {}: plan again",
            theirs.id
        );
        return Err(moved(message));
    }
    let before = before.into_iter().map(|s| s.id).collect();
    let id = post(client, wanted, &before, Instant::now()).await?;
    settle(client, wanted, id).await
}

/// What somebody else created since the plan was made, exactly as it is wanted.
async fn of_others(
    client: &Client,
    wanted: &Wanted,
    now: &[Subscription],
) -> Result<Option<Landed>, Fault> {
    let theirs = now.iter().filter(|live| settle::is_as_asked(wanted, live));
    match theirs.map(|live| &live.id).min() {
        Some(id) => Ok(Some(settle(client, wanted, id.clone()).await?.by_others())),
        None => Ok(None),
    }
}

/// Deletes the old one and at once creates the new one: one unit. The consumer group is the same,
/// so Kafka keeps the offsets, and a run that dies in between is finished by the next.
///
/// `restore`: the old one, to be put back if the server refuses the new one for good.
async fn replace(
    client: &Client,
    old: &str,
    wanted: &Wanted,
    restore: Option<&wire::NewSubscription>,
) -> Result<Landed, Fault> {
    let all = settle::list(client).await.map_err(Fault::failed)?;
    let is_there = all.iter().any(|s| s.id == old);
    // Somebody else may be done with it, or between its two halves.
    if !is_there {
        if let Some(theirs) = of_others(client, wanted, &all).await? {
            return Ok(theirs);
        }
        let is_other = |live: &&Subscription| {
            let ends = (live.source.to_string(), live.sink.to_string());
            ends == (wanted.request.source.clone(), wanted.request.sink.clone())
                && !wanted.known.contains(&live.id)
        };
        if let Some(other) = all.iter().find(is_other) {
            let message = format!("somebody replaced it otherwise since the plan was made, by {}: plan again", other.id);
            return Err(moved(message).about(&other.id));
        }
    }
    let before: BTreeSet<String> = all.into_iter().map(|s| s.id).collect();
    if is_there && let Err(error) = client.delete_subscription(old).await {
        return Err(Fault::of(error).about(old));
    }
    let deadline = Instant::now() + client.unit_budget();
    let mut fault = match post(client, wanted, &before, deadline).await {
        Ok(id) => return settle(client, wanted, id).await,
        Err(fault) => fault,
    };
    let restored = match restore.filter(|_| !fault.is_unknown) {
        Some(restore) => {
            let old = Wanted {
                request: restore.clone(),
                ..wanted.clone()
            };
            post(client, &old, &before, Instant::now()).await.ok()
        }
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
    wanted: &Wanted,
    before: &BTreeSet<String>,
    deadline: Instant,
) -> Result<String, Fault> {
    let mut attempt = 1;
    loop {
        let error = match client.create_subscription(&wanted.request).await {
            Ok(created) => return Ok(created.id),
            Err(error) if error.is_transient() || error.is_unknown_outcome() => error,
            Err(error) => return Err(Fault::failed(error)),
        };
        let re_read = retry::within(client.unit_budget(), async || alike(client, wanted).await).await;
        let Ok(now) = re_read else {
            return Err(Fault::of(error));
        };
        if let Some(created) = now.into_iter().find(|s| !before.contains(&s.id)) {
            return Ok(created.id);
        }
        let is_soon = error.retry_after().is_none_or(|wait| wait < client.unit_budget());
        let is_final = !error.is_transient();
        if is_final || !is_soon || (attempt >= ATTEMPTS && Instant::now() >= deadline) {
            return Err(Fault::of(error));
        }
        attempt += 1;
        tokio::time::sleep(error.retry_after().unwrap_or_default().max(PAUSE)).await;
    }
}

/// Reads the list again: of several that were created at once, one stays.
async fn settle(client: &Client, wanted: &Wanted, id: String) -> Result<Landed, Fault> {
    let settled = settle::settle(client, wanted, &id).await;
    settled.map_err(|error| Fault::unknown(error).about(&id))
}

async fn alike(client: &Client, wanted: &Wanted) -> Result<Vec<Subscription>, Error> {
    let all = settle::list(client).await?;
    Ok(all.into_iter().filter(|live| settle::is_alike(wanted, live)).collect())
}
