//! Real consumers on a broker that is built for these tests alone.

mod broker;
mod ledger;
mod options;
mod replace;
mod stage;
mod stall;
