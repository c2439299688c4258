use std::time::Duration;

/// Which requests a fault meets.
#[derive(Clone, Debug)]
pub struct Match {
    /// `*` meets every method.
    pub method: String,
    /// Without the `/vN` prefix: a fault does not care which one the client chose.
    pub path_prefix: String,
    /// So many matching requests pass first.
    pub skip: usize,
    /// So many then meet the fault.
    pub times: usize,
}

impl Match {
    /// The first matching request.
    pub fn first(method: &str, path_prefix: &str) -> Self {
        Self {
            method: method.into(),
            path_prefix: path_prefix.into(),
            skip: 0,
            times: 1,
        }
    }

    fn meets(&self, method: &str, path: &str) -> bool {
        (self.method == "*" || self.method == method) && path.starts_with(&self.path_prefix)
    }
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This answer, without processing the request.
    Status(u16, Vec<(String, String)>, String),
    /// 200 with a login page, as a proxy gives; not processed.
    Html,
    /// 401; not processed.
    Unauthorized,
    /// The connection closes; not processed.
    DropBefore,
    /// Processed, then the connection closes without an answer.
    DropAfter,
    /// The 500 of a lost race for the schema; not processed.
    RetriesExhausted,
    /// Processed after a while.
    Delay(Duration),
    /// 307 to this location; not processed.
    Redirect(String),
    /// Processed; half of the answer's body, declared complete.
    MalformedJson,
    /// Processed; half of the answer's body, then the connection closes.
    Truncated,
}

/// The armed faults, oldest first.
#[derive(Debug, Default)]
pub struct Faults(Vec<(Match, Fault)>);

impl Faults {
    pub fn arm(&mut self, on: Match, fault: Fault) {
        self.0.push((on, fault));
    }

    /// The oldest fault this request meets. A skip counts for every fault that would have met it.
    pub fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        let mut taken = None;
        for (on, fault) in &mut self.0 {
            if !on.meets(method, path) {
            } else if on.skip > 0 {
                on.skip -= 1;
            } else if taken.is_none() && on.times > 0 {
                on.times -= 1;
                taken = Some(fault.clone());
            }
        }
        self.0.retain(|(on, _)| on.times > 0);
        taken
    }
}
