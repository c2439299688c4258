//! A deployment that keeps a ledger of the records it was given.

#![expect(clippy::unused_async, reason = "the SDK takes async handlers only")]

use restate_sdk::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeBounds;
use std::sync::{Arc, Mutex};

/// Two handlers that do the same.
pub struct Orders(pub Ledger);

#[restate_sdk::service]
impl Orders {
    #[handler]
    async fn take(&self, ctx: Context<'_>, record: u64) -> Result<(), HandlerError> {
        self.0.enter("take", record, ctx.invocation_id());
        Ok(())
    }

    #[handler]
    async fn accept(&self, ctx: Context<'_>, record: u64) -> Result<(), HandlerError> {
        self.0.enter("accept", record, ctx.invocation_id());
        Ok(())
    }
}

#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<BTreeSet<Entry>>>);

/// An invocation that the server tries again is one entry.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    record: u64,
    handler: &'static str,
    invocation: String,
}

impl Ledger {
    fn enter(&self, handler: &'static str, record: u64, invocation: &str) {
        let entry = Entry {
            record,
            handler,
            invocation: invocation.to_owned(),
        };
        self.0.lock().unwrap().insert(entry);
    }

    /// How many times the handler was invoked.
    pub fn invoked(&self, handler: &str) -> usize {
        let entries = self.0.lock().unwrap();
        entries.iter().filter(|entry| entry.handler == handler).count()
    }

    /// How many of these records were handled.
    pub fn handled(&self, records: impl RangeBounds<u64>) -> usize {
        self.times().range(records).count()
    }

    /// How many records were handled more than once.
    pub fn repeated(&self) -> usize {
        self.times().values().filter(|times| **times > 1).count()
    }

    /// How many times each record was handled.
    fn times(&self) -> BTreeMap<u64, usize> {
        let mut times = BTreeMap::new();
        for entry in self.0.lock().unwrap().iter() {
            *times.entry(entry.record).or_default() += 1;
        }
        times
    }
}
