//! What came of a write: whether it landed, and how certain that is.

use crate::admin::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a change came to.
#[derive(Debug, Default)]
pub struct Landed {
    pub server_id: Option<String>,
    /// A remark on a change that is done.
    pub note: Option<String>,
}

impl Landed {
    /// Says that somebody else made the change since the plan was made, exactly as it is wanted.
    #[must_use]
    pub fn by_others(self) -> Self {
        Self {
            note: self
                .note
                .or_else(|| Some("done already, by somebody else".to_owned())),
            ..self
        }
    }
}

/// Why a change did not land, and whether that is certain.
#[derive(Debug)]
pub struct Fault {
    pub error: ChangeError,
    pub is_unknown: bool,
    pub server_id: Option<String>,
}

impl Fault {
    /// A change that failed with an error, which is as certain as the error is.
    pub fn of(error: Error) -> Self {
        Self {
            is_unknown: error.is_unknown_outcome(),
            ..Self::failed(error)
        }
    }

    /// A change that has had no effect, for certain.
    pub fn failed(error: Error) -> Self {
        Self {
            error: error.into(),
            is_unknown: false,
            server_id: None,
        }
    }

    /// A change that may have had its effect.
    pub fn unknown(error: Error) -> Self {
        Self {
            is_unknown: true,
            ..Self::failed(error)
        }
    }

    #[must_use]
    pub fn about(mut self, server_id: &str) -> Self {
        self.server_id = Some(server_id.to_owned());
        self
    }
}

/// The server is not what the plan was computed from, or not what it should have become.
pub fn moved(message: impl Into<String>) -> Fault {
    Fault {
        error: ChangeError::of(message),
        is_unknown: false,
        server_id: None,
    }
}

/// An alert leads the report: a service that must be private can be called by everyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    IsPublic(String),
    MayBePublic(String),
}

impl std::fmt::Display for Alert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::IsPublic(service) => write!(f, "service {service} IS PUBLIC"),
            Self::MayBePublic(service) => write!(f, "service {service} MAY BE PUBLIC"),
        }
    }
}

/// Why a change is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeError {
    /// Why, in words.
    pub message: String,
    /// Restate's own code of the error, such as `META0003`.
    pub restate_code: Option<String>,
    /// The status of the answer, if there was one.
    pub http_status: Option<u16>,
}

impl ChangeError {
    /// An error that the server did not send.
    pub fn of(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            restate_code: None,
            http_status: None,
        }
    }
}

impl From<Error> for ChangeError {
    fn from(error: Error) -> Self {
        Self {
            restate_code: error.restate_code().map(str::to_owned),
            http_status: error.http_status(),
            message: error.message,
        }
    }
}
