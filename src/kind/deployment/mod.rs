//! Deployments: an address that serves services.
//!
//! What is registered is found by its address. A change of its connection, of the code behind it, and
//! of who serves are three different things to a server, and each has a file here.

pub mod action;
pub mod address;
pub mod apply;
pub mod check;
mod connection;
mod decommission;
pub mod delete;
pub mod desired;
pub mod diff;
pub mod discovery;
pub mod endpoint;
mod existing;
pub mod export;
pub mod file;
pub mod live;
pub mod prune;
mod recode;
mod register;
pub mod rules;
pub mod snapshot;
mod taking;
mod visibility;
pub mod watch;
pub mod words;

pub use connection::{code_differences, connection, connection_fields, metadata, stored_connection};
