//! What somebody asks for, as plain values: from the command line, or from a saved plan.

use crate::ask::Discover;
use crate::cli::{Looking, Planning};
use crate::consent::CommandConsent;
use crate::kind::Kind;
use crate::kind::deployment::endpoint::EndpointPattern;

/// What to plan.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The consents of the run.
    pub allow: Vec<CommandConsent>,
    /// `KIND/KEY` of resources to write again although no difference can be seen.
    pub resend: Vec<String>,
    /// `KIND/KEY` of what to change, with what that needs; everything, if empty.
    pub targets: Vec<String>,
    /// `KIND/KEY` of what to leave out, with what needs it.
    pub exclude: Vec<String>,
    /// Whether everything that the stack owns is to go.
    pub destroy: bool,
}

/// How to look at the server.
#[derive(Debug, Clone)]
pub struct Look {
    pub discover: Discover,
    /// The endpoints that may be asked; all, if empty.
    pub allow_endpoint: Vec<EndpointPattern>,
    /// How many reads and dry runs to make at once.
    pub parallelism: usize,
}

impl Look {
    /// A look that asks no endpoint.
    pub fn without_endpoints() -> Self {
        Self {
            discover: Discover::None,
            allow_endpoint: Vec::new(),
            parallelism: 16,
        }
    }
}

impl From<&Looking> for Look {
    fn from(looking: &Looking) -> Self {
        Self {
            discover: looking.discover.into(),
            allow_endpoint: looking.allow_endpoint.clone(),
            parallelism: usize::from(looking.parallelism),
        }
    }
}

impl From<&Planning> for Wish {
    fn from(planning: &Planning) -> Self {
        Self {
            allow: planning.allow.clone(),
            resend: planning.resend.clone(),
            targets: planning.target.clone(),
            exclude: planning.exclude.clone(),
            destroy: planning.destroy,
        }
    }
}

impl Wish {
    /// The wish that one resource be deleted.
    pub fn to_delete(kind: Kind, name: &str, allow: Vec<CommandConsent>) -> Self {
        Self {
            allow,
            targets: vec![format!("{}/{name}", kind.name())],
            ..Self::default()
        }
    }
}
