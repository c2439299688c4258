//! What apply does about a subscription, with the secrets that it takes. Nothing of it is ever shown
//! or stored.

use crate::admin::wire::NewSubscription;

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Create {
        request: NewSubscription,
        /// The ids of those with the same source and sink that the plan was made with.
        known: Vec<String>,
    },
    Replace {
        old: String,
        request: NewSubscription,
        /// The old one, unless the server hides some of it.
        restore: Option<NewSubscription>,
    },
    Delete {
        id: String,
    },
}
