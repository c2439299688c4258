//! Endpoints that are not there yet, or slow.

use super::start;
use crate::endpoint::{Behaviour, Endpoint};
use crate::harness::Ran;
use crate::scene::Entry;
use crate::suite::service;
use crate::world::{World, findings};
use std::time::Duration;

#[test]
fn endpoints_that_are_not_up_yet_are_waited_for() {
    let world = World::real("1.7.12");
    let mut early = Endpoint::start(service("Mail"));
    let (port, uri) = (early.port(), early.url());
    early.stop();
    world.lists([&uri], "");
    let child = start(&world, &["apply", "--yes"]);
    std::thread::sleep(Duration::from_secs(2));
    let _late = Endpoint::start_on(port, service("Mail"));
    Ran::of(child).expect(0);
    assert_eq!(world.service("Mail")["revision"], 1);
}

#[test]
fn updates_wait_for_their_endpoint_too() {
    let world = World::real("1.7.12");
    let mut early = Endpoint::start(service("Mail"));
    let (port, uri) = (early.port(), early.url());
    world.register(&uri);
    early.stop();
    world.lists(
        [Entry::from(&uri).with("additional_headers: { x-a: some-value }")],
        "",
    );
    let child = start(&world, &["apply", "--yes", "--wait-endpoints", "20s"]);
    std::thread::sleep(Duration::from_secs(2));
    let _late = Endpoint::start_on(port, service("Mail"));
    Ran::of(child).expect(0);
}

#[test]
fn a_slow_endpoint_is_bounded_by_the_discovery_timeout() {
    let world = World::real("1.7.12");
    let endpoint = Endpoint::start(service("Mail"));
    endpoint.behave(Behaviour::Slow(Duration::from_secs(30)));
    world.lists([&endpoint], "");
    let plan = world.plan_with(&["--discovery-timeout", "1s"], 1);
    assert_eq!(findings(&plan), ["endpoint-unreachable"]);
    endpoint.behave(Behaviour::Slow(Duration::from_millis(1500)));
    world.apply();
}
