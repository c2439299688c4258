//! What apply does about a subscription, with the secrets that it takes. Nothing of it is ever shown
//! or stored.

use crate::admin::wire::NewSubscription;

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Create(Wanted),
    Replace {
        old: String,
        wanted: Wanted,
        /// The old one, unless the server hides some of it.
        restore: Option<NewSubscription>,
    },
    Delete {
        id: String,
    },
}

/// A subscription that is to be there.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub request: NewSubscription,
    /// The ids of those with the same source and sink that the plan was made with.
    pub known: Vec<String>,
    /// The group that the Kafka cluster gives to subscriptions that write none.
    pub cluster_group: Option<String>,
}

impl Action {
    /// The subscription that is there once this is done.
    pub fn wanted(&self) -> Option<&Wanted> {
        match self {
            Self::Create(wanted) | Self::Replace { wanted, .. } => Some(wanted),
            Self::Delete { .. } => None,
        }
    }
}
