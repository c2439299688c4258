//! One binary for all integration tests, all of which run the real program. Start with `suite`: what
//! the program does, one file per subject, each test on the fake and on real servers of every version.
//!
//! - The stage: `world` is a server, a desk and what holds for every apply; `scene` sets it in a line.
//! - What it stands on: `harness` runs the program, `server` boots Restate, `fake` is a server that
//!   fails on purpose (`conformance` keeps it honest), `endpoint` and `sdk` are what gets deployed,
//!   `kafka` is a broker, `tools` are programs of others.
//! - The rules of the diff, in process, without a server: `rules`.
//! - Files that are tests: `cases` for plans, `bad` for bad input, `examples` and `ci_examples` for what
//!   the repository gives to users.
//! - What goes in: `references` for values from outside, `connect` for which server and with which token.
//! - What goes wrong and what takes time: `faults`, and `drain` for what is in flight.
//! - What comes out: `reports`, `saved` plans, `markdown`, `graph`, `schemas`; `secrets` never do.
//! - What always holds, on random input: `laws` of plans, `roundtrip` of files (`states` makes them),
//!   `determinism` of bytes.
//! - The rest: `about` for the verbs that need nothing, `architecture` for which module uses which.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its scene has failed"
)]

mod about;
mod architecture;
mod bad;
mod cases;
mod ci_examples;
mod conformance;
mod connect;
mod determinism;
mod drain;
mod endpoint;
mod examples;
mod fake;
mod faults;
mod graph;
mod harness;
#[cfg(feature = "kafka")]
mod kafka;
mod laws;
mod markdown;
mod neighbours;
mod picture;
mod references;
mod reports;
mod roundtrip;
mod rules;
mod saved;
mod scene;
mod schemas;
mod sdk;
mod secrets;
mod server;
mod states;
mod suite;
mod tools;
mod whole;
mod world;
