//! What apply does for a change: each kind has its own actions.

use crate::kind::{deployment, service, subscription};

/// What to do. Nothing of it is ever shown or stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Deployment(Box<deployment::action::Action>),
    Service(service::action::Action),
    Subscription(subscription::action::Action),
}

impl Action {
    /// The services that an abort in the middle may leave public.
    pub fn keeps_private(&self) -> &[String] {
        match self {
            Self::Deployment(action) => action.keeps_private(),
            Self::Service(_) | Self::Subscription(_) => &[],
        }
    }
}

impl From<deployment::action::Action> for Action {
    fn from(action: deployment::action::Action) -> Self {
        Self::Deployment(Box::new(action))
    }
}

impl From<service::action::Action> for Action {
    fn from(action: service::action::Action) -> Self {
        Self::Service(action)
    }
}

impl From<subscription::action::Action> for Action {
    fn from(action: subscription::action::Action) -> Self {
        Self::Subscription(action)
    }
}
