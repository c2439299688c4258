//! The suite that every server passes: the fake, and the real ones it stands in for.

mod deployments;
mod drift;
mod endpoints;
mod export;
mod overrides;
mod ownership;
mod prune;
mod recode;
mod saved;
mod services;
mod subscriptions;

/// Runs each test on the fake and on real servers, each with a server of its own.
macro_rules! on_every_server {
    ($($test:ident),+ $(,)?) => {
        on_every_server! { @on fake_1_7, World::fake("1.7.12"), $($test),+ }
        on_every_server! { @on fake_1_5, World::fake("1.5.3"), $($test),+ }
        on_every_server! { @on restate_1_7, World::real("1.7.12"), $($test),+ }
        on_every_server! { @on restate_1_6, World::real("1.6.2"), $($test),+ }
        on_every_server! { @on restate_1_5, World::real("1.5.3"), $($test),+ }
    };
    (@on $server:ident, $world:expr, $($test:ident),+) => {
        mod $server {
            use crate::world::World;
            $(#[test] fn $test() { super::$test(&$world); })+
        }
    };
}
pub(crate) use on_every_server;

use crate::endpoint::{Endpoint, Kind, Service};
use crate::world::World;

/// A virtual object, as shops have them.
pub fn checkout(handlers: &[&str]) -> Service {
    let service = Service::new("Checkout", Kind::VirtualObject);
    handlers
        .iter()
        .fold(service, |service, handler| service.handler(*handler))
}

pub fn service(name: &str) -> Service {
    Service::new(name, Kind::Service).handler("run")
}

pub fn workflow(name: &str) -> Service {
    Service::new(name, Kind::Workflow).handler("run")
}

/// An endpoint, and a file that lists it and overrides some options of its service.
pub fn private_checkout(world: &World, handlers: &[&str]) -> Endpoint {
    world.serves(
        checkout(handlers),
        "services: { Checkout: { public: false, idempotency_retention: 7 days } }",
    )
}
