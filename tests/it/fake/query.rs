//! `/query`, as far as the program asks: it knows one query.

use super::{
    reply::{Answer, Reply},
    state::State,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

impl State {
    pub fn query(&self, body: &Value) -> Answer {
        let Some(invocations) = &self.invocations else {
            return Err(Reply::error(500, None, "node lookup for partition 0 failed"));
        };
        if body["query"] != restatectl::admin::UNFINISHED_INVOCATIONS {
            return Err(Reply::error(500, None, "the fake does not speak SQL"));
        }
        let mut groups: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for invocation in invocations {
            let key = (
                &invocation.pinned_deployment_id,
                &invocation.last_attempt_deployment_id,
                &invocation.service,
            );
            let (n, paused) = groups.entry(key).or_default();
            *n += 1;
            *paused += u64::from(invocation.is_paused);
        }
        let rows = groups.into_iter().map(|((pinned, last, service), (n, paused))| {
            // What is null is left out.
            let mut row = Map::new();
            row.extend(
                pinned
                    .clone()
                    .map(|id| ("pinned_deployment_id".to_owned(), id.into())),
            );
            row.extend(
                last.clone()
                    .map(|id| ("last_attempt_deployment_id".to_owned(), id.into())),
            );
            row.insert("target_service_name".to_owned(), service.clone().into());
            row.insert("n".to_owned(), n.into());
            row.insert("paused".to_owned(), paused.into());
            Value::Object(row)
        });
        Ok(Reply::json(200, &json!({ "rows": self.ordered(rows) })))
    }
}
