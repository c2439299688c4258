//! One binary for all integration tests: `harness` runs the real program, `server` boots real
//! Restate servers, `fake` is a server that fails on purpose, `endpoint` and `sdk` are what gets
//! deployed, `kafka` has a broker. The rest is a file per subject.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its scene has failed"
)]

mod about;
mod architecture;
mod bad;
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
mod references;
mod reports;
mod roundtrip;
mod saved;
mod scene;
mod schemas;
mod sdk;
mod secrets;
mod server;
mod states;
mod suite;
mod tools;
mod world;
