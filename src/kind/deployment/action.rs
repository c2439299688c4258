//! What apply does about a deployment, with the secrets that it takes. Nothing of it is ever shown or
//! stored.

use crate::admin::wire;
use crate::kind::service::live::Service;

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Register(Register),
    /// A forced registration of what is there.
    Promote {
        is: Existing,
        request: wire::Registration,
    },
    /// A change of the connection, or with `overwrite` of the code too.
    Update { is: Existing, request: wire::Update },
    Delete(Delete),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Register {
    pub request: wire::Registration,
    pub outcome: Served,
}

/// A registered deployment, as the plan was made with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Existing {
    pub id: String,
    pub before: wire::Connection,
    /// When it was registered: a forced registration gives it a new time [S:all].
    pub created_at: String,
    pub outcome: Served,
}

/// What a change makes of the services of its deployment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Served {
    /// What the dry run said the services will be. `None` where they stay what they are.
    pub expected: Option<Vec<ExpectedService>>,
    /// The services that the file wants private.
    pub keep_private: Vec<String>,
    /// The private services that somebody consented to expose.
    pub may_expose: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    pub id: String,
    /// The services that go with it: nothing else may serve them by then.
    pub services: Vec<String>,
    /// Whether an invocation that needs it stops the deletion: not under `policy: force`.
    pub only_if_drained: bool,
}

/// A service as the dry run said it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedService {
    pub name: String,
    pub ty: String,
    pub handlers: Vec<String>,
}

impl From<&Service> for ExpectedService {
    fn from(service: &Service) -> Self {
        Self {
            name: service.name.clone(),
            ty: service.ty.clone(),
            handlers: service.handlers.keys().cloned().collect(),
        }
    }
}

impl Action {
    /// The services that an abort in the middle may leave public.
    pub fn keeps_private(&self) -> &[String] {
        match self {
            Self::Register(register) => &register.outcome.keep_private,
            Self::Promote { is, .. } | Self::Update { is, .. } => &is.outcome.keep_private,
            Self::Delete(_) => &[],
        }
    }
}
