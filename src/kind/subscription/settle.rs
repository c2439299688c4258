//! The server does not notice duplicates, so of identical subscriptions that several writers created at
//! once, one stays: the one with the smallest id, which every writer can tell.

use super::action::Wanted;
use super::kafka_options::GROUP_ID;
use super::live::Subscription;
use crate::admin::{Client, Error};
use crate::landing::Landed;

/// Deletes all but one of those that are identical to the one with this id and were not there when the
/// plan was made, whoever made them. The last of several writers always leaves one.
pub async fn settle(client: &Client, wanted: &Wanted, id: &str) -> Result<Landed, Error> {
    among(client, &list(client).await?, wanted, id).await
}

/// [`settle`] for all that a run has created, before it ends: others may have been slower.
pub async fn settle_all(client: &Client, made: &[(&Wanted, &str)]) -> Result<Vec<Landed>, Error> {
    let mut landed = Vec::new();
    if !made.is_empty() {
        let now = list(client).await?;
        for (wanted, id) in made {
            landed.push(among(client, &now, wanted, id).await?);
        }
    }
    Ok(landed)
}

async fn among(client: &Client, now: &[Subscription], wanted: &Wanted, id: &str) -> Result<Landed, Error> {
    let Some(mine) = now.iter().find(|live| live.id == id) else {
        // Another writer has settled it.
        let theirs = now.iter().filter(|live| is_as_asked(wanted, live));
        return Ok(landed(theirs.map(|live| live.id.as_str()).min().unwrap_or(id)));
    };
    let is_twin = |live: &&Subscription| !wanted.known.contains(&live.id) && is_same(live, mine);
    let mut twins: Vec<&str> = now.iter().filter(is_twin).map(|live| live.id.as_str()).collect();
    twins.sort_unstable();
    let Some((kept, others)) = twins.split_first() else {
        return Ok(landed(id));
    };
    for other in others {
        client.delete_subscription(other).await?;
    }
    let note = format!(
        "somebody created the same one at the same time; {kept} stays, and {} deleted again",
        others.join(", ")
    );
    Ok(Landed {
        note: (!others.is_empty()).then_some(note),
        ..landed(kept)
    })
}

fn landed(id: &str) -> Landed {
    Landed {
        server_id: Some(id.to_owned()),
        note: None,
    }
}

/// The live subscriptions with this source and sink, and with this consumer group if one is asked for.
/// Without one the server chooses, and it may be the Kafka cluster's.
pub fn is_alike(wanted: &Wanted, live: &Subscription) -> bool {
    let request = &wanted.request;
    let group = request.options.get(GROUP_ID);
    live.source.to_string() == request.source
        && live.sink.to_string() == request.sink
        && group.is_none_or(|group| live.group_id() == Some(group.expose()))
}

/// Whether somebody else created it exactly as it is asked for, since the plan was made.
pub fn is_as_asked(wanted: &Wanted, live: &Subscription) -> bool {
    let asked = &wanted.request.options;
    let is_there = |name: &String| live.hides(name) || live.options.get(name) == asked.get(name);
    // The server adds these two itself [S:all].
    let is_added = |name: &str, value: &str| match name {
        GROUP_ID => live.has_own_group() || Some(value) == wanted.cluster_group.as_deref(),
        "client.id" => value == "restate",
        _ => false,
    };
    is_alike(wanted, live)
        && !wanted.known.contains(&live.id)
        && asked.keys().all(is_there)
        && (live.options.iter())
            .all(|(name, value)| asked.contains_key(name) || is_added(name, value.expose()))
}

/// Groups that are the subscriptions' own ids were chosen by nobody: they are the same.
fn is_same(one: &Subscription, other: &Subscription) -> bool {
    let group = |live: &Subscription| live.group_id().filter(|_| !live.has_own_group()).map(str::to_owned);
    let count = |live: &Subscription| live.options.keys().filter(|name| *name != GROUP_ID).count();
    let mut options = one.options.iter().filter(|(name, _)| *name != GROUP_ID);
    (&one.source, &one.sink, group(one)) == (&other.source, &other.sink, group(other))
        && count(one) == count(other)
        && options.all(|(name, value)| other.options.get(name) == Some(value))
}

pub async fn list(client: &Client) -> Result<Vec<Subscription>, Error> {
    let all = client.subscriptions().await?;
    Ok(all.into_iter().map(Subscription::from).collect())
}
