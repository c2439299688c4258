//! The six options of a service that can be overridden, in one table: whatever is done with each of
//! them, such as comparing, putting back, exporting and digesting, goes through it.

use crate::duration::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One of the options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceOption {
    Public,
    IdempotencyRetention,
    JournalRetention,
    InactivityTimeout,
    AbortTimeout,
    WorkflowCompletionRetention,
}

/// The names of the options, as the Admin API has them.
pub const NAMES: [&str; 6] = [
    "public",
    "idempotency_retention",
    "journal_retention",
    "inactivity_timeout",
    "abort_timeout",
    "workflow_completion_retention",
];

impl ServiceOption {
    pub const ALL: [Self; 6] = [
        Self::Public,
        Self::IdempotencyRetention,
        Self::JournalRetention,
        Self::InactivityTimeout,
        Self::AbortTimeout,
        Self::WorkflowCompletionRetention,
    ];

    pub const fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// The value of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Setting {
    Public(bool),
    Duration(Duration),
}

/// Values are shown as the server writes them.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public(public) => public.fmt(f),
            Self::Duration(duration) => duration.fmt(f),
        }
    }
}

impl From<Setting> for serde_json::Value {
    fn from(setting: Setting) -> Self {
        match setting {
            Setting::Public(public) => public.into(),
            Setting::Duration(duration) => duration.to_string().into(),
        }
    }
}

/// What a `PATCH /services/{name}` sends. What is not in it is left alone; nothing can be unset.
pub type Overrides = BTreeMap<ServiceOption, Setting>;

/// The six options that can be overridden, as they are in effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Options {
    /// Whether everybody may call it through the ingress.
    pub public: bool,
    /// How long the result of a call with an idempotency key is kept.
    pub idempotency_retention: Option<Duration>,
    /// How long the journal of a finished invocation is kept.
    pub journal_retention: Option<Duration>,
    /// After how long without progress an invocation is suspended.
    pub inactivity_timeout: Option<Duration>,
    /// After how long an invocation is broken off that does not suspend.
    pub abort_timeout: Option<Duration>,
    /// Workflows only. A handler's own value comes before the service's.
    pub workflow_completion_retention: Option<Duration>,
}

impl Options {
    /// The value of an option; `None` when the server tells none.
    pub fn get(&self, option: ServiceOption) -> Option<Setting> {
        let Self {
            public,
            idempotency_retention,
            journal_retention,
            inactivity_timeout,
            abort_timeout,
            workflow_completion_retention,
        } = self;
        let duration = match option {
            ServiceOption::Public => return Some(Setting::Public(*public)),
            ServiceOption::IdempotencyRetention => idempotency_retention,
            ServiceOption::JournalRetention => journal_retention,
            ServiceOption::InactivityTimeout => inactivity_timeout,
            ServiceOption::AbortTimeout => abort_timeout,
            ServiceOption::WorkflowCompletionRetention => workflow_completion_retention,
        };
        duration.map(Setting::Duration)
    }

    /// Takes the value that other options have.
    pub fn take(&mut self, option: ServiceOption, from: &Self) {
        match option {
            ServiceOption::Public => self.public = from.public,
            ServiceOption::IdempotencyRetention => self.idempotency_retention = from.idempotency_retention,
            ServiceOption::JournalRetention => self.journal_retention = from.journal_retention,
            ServiceOption::InactivityTimeout => self.inactivity_timeout = from.inactivity_timeout,
            ServiceOption::AbortTimeout => self.abort_timeout = from.abort_timeout,
            ServiceOption::WorkflowCompletionRetention => {
                self.workflow_completion_retention = from.workflow_completion_retention;
            }
        }
    }

    /// The options that have another value in `other`.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = ServiceOption> + 'a {
        let differs = |option: &ServiceOption| self.get(*option) != other.get(*option);
        ServiceOption::ALL.into_iter().filter(differs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names stand in three places, of which two are derived.
    #[test]
    fn the_table_says_the_same_everywhere() {
        let day = Duration::parse("1d").unwrap();
        let options = Options {
            public: true,
            idempotency_retention: Some(day),
            journal_retention: Some(day),
            inactivity_timeout: Some(day),
            abort_timeout: Some(day),
            workflow_completion_retention: Some(day),
        };
        let json = serde_json::to_value(&options).unwrap();
        let fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, NAMES);
        for option in ServiceOption::ALL {
            assert_eq!(serde_json::to_value(option).unwrap(), option.name());
            assert_eq!(Some(&json[option.name()]), options.get(option).map(Into::into).as_ref());
        }
    }
}
