//! Kafka subscriptions: the records of a topic invoke a handler.
//!
//! The server never dedupes them and cannot change one, and a consumer group is what offsets are kept
//! under. So entries are paired with live ones first, then compared.

pub mod action;
pub mod apply;
pub mod check;
mod clusters;
pub mod desired;
pub mod diff;
pub mod ends;
pub mod export;
pub mod file;
mod groups;
pub mod kafka;
pub mod kafka_options;
pub mod live;
mod pairing;
pub mod prune;
pub mod rules;
pub mod settle;
pub mod snapshot;
pub mod words;
