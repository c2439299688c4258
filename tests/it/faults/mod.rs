//! What goes wrong half-way: lost answers, dead servers, impatient people, other writers.

mod discovery;
mod endpoint;
mod interrupt;
mod killed;
mod register;
mod shown;
mod subscribe;
mod terminal;
mod visibility;

use crate::endpoint::Endpoint;
use crate::fake::Match;
use crate::suite::checkout;
use crate::world::World;
use serde_json::Value;
use std::process::Child;

/// What `shop` subscribes.
const SOURCE: &str = "kafka://main/orders";
const SINK: &str = "service://Checkout/onOrder";

/// The same subscription with an option that makes it a replacement.
const FROM_THE_START: &str = "subscriptions:\n\
     - { source: kafka://main/orders, sink: service://Checkout/onOrder, options: { group.id: g1, auto.offset.reset: earliest } }";

fn shop(world: &World) -> Endpoint {
    world.serves(
        checkout(&["onOrder"]),
        "services: { Checkout: { public: false } }\n\
         subscriptions: [{ source: kafka://main/orders, sink: service://Checkout/onOrder, options: { group.id: g1 } }]",
    )
}

pub fn start(world: &World, args: &[&str]) -> Child {
    world.desk.command(args).spawn().unwrap()
}

pub fn applying(world: &World) -> Child {
    start(world, &["apply", "--yes", "--format", "json"])
}

/// What the first change of a report failed with.
#[track_caller]
fn first_error(report: &Value) -> &str {
    report["changes"][0]["error"]["message"].as_str().unwrap()
}

fn writes(world: &World) -> Vec<String> {
    let requests = world.as_fake().requests();
    requests
        .iter()
        .filter(|r| r.method != "GET" && !r.body.contains("\"dry_run\":true"))
        .map(|r| format!("{} {}", r.method, r.path.trim_start_matches("/v4")))
        .collect()
}

fn times(method: &str, path: &str, skip: usize, times: usize) -> Match {
    Match {
        method: method.to_owned(),
        path_prefix: path.to_owned(),
        skip,
        times,
    }
}

/// The first POST is the plan's dry run.
fn the_registration() -> Match {
    times("POST", "/deployments", 1, 1)
}
