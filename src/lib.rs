//! restatectl: a declarative config reconciler for Restate.
//!
//! ```text
//! text ─► source ─► config ─► desired ─┐
//!                                      ├─► diff ─► plan ─► apply ─► events
//! HTTP ─► admin ──► live ──────────────┘                     ▲
//!                                         render ◄───────────┘ (reads everything, decides nothing)
//! ```
//!
//! Data flows down this list; a module uses only those above it, which a test enforces. `source`
//! to `plan` but for the client in `admin` are the core: no IO, no async, no clock, no environment.
//! What the server does that one would not expect is noted where the code rests on it, with the
//! versions on which it was seen: `[S:all]` is 1.5.3, 1.6.2 and 1.7.12; `[R:v]` was read in the
//! source of v.

pub mod explain;

pub mod problem;

pub mod secret;

pub mod source;

pub mod config;

pub mod desired;

pub mod check;

pub mod load;

pub mod admin;

pub mod live;

pub mod diff;

pub mod plan;

pub mod drift;

pub mod snapshot;

pub mod export;

pub mod apply;

pub mod cli;

pub mod error;

pub mod render;

pub mod cmd;
