//! What can go wrong in a call, told apart by what is known about its outcome.

use crate::code::Code;
use std::fmt;

/// A failed call. The message is masked and printable.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    pub kind: ErrorKind,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ErrorKind {
    /// No connection was made: the request has had no effect.
    Unreachable,
    /// The connection broke or timed out after the request was sent: it may have had its effect.
    Lost,
    /// The server refused the credentials (401, 403).
    Refused {
        http_status: u16,
        /// Whether a token was sent.
        has_token: bool,
    },
    /// The server answered with an error. `restate_code` such as `META0003`.
    Status {
        http_status: u16,
        restate_code: Option<String>,
        retry_after: Option<std::time::Duration>,
        /// It has the server's own form: JSON with a message, or its own text for 400, 415 and 422 [S:all].
        /// Anything else may be from whatever is in between.
        is_servers: bool,
    },
    /// No connection was made, because of how it is to be encrypted.
    Tls {
        help: &'static str,
    },
    /// What answered is not a Restate Admin API, or not one this program can use.
    NotRestate,
    TooOld,
    TooNew,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub fn http_status(&self) -> Option<u16> {
        match self.kind {
            ErrorKind::Refused { http_status, .. } | ErrorKind::Status { http_status, .. } => {
                Some(http_status)
            }
            ErrorKind::Unreachable
            | ErrorKind::Lost
            | ErrorKind::Tls { .. }
            | ErrorKind::NotRestate
            | ErrorKind::TooOld
            | ErrorKind::TooNew => None,
        }
    }

    pub fn restate_code(&self) -> Option<&str> {
        match &self.kind {
            ErrorKind::Status { restate_code, .. } => restate_code.as_deref(),
            _ => None,
        }
    }

    /// How long the server asks to be left alone.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        match self.kind {
            ErrorKind::Status { retry_after, .. } => retry_after,
            _ => None,
        }
    }

    /// The code of the problem that this error is reported as.
    pub fn code(&self) -> Code {
        match &self.kind {
            ErrorKind::Unreachable => Code::ServerUnreachable,
            ErrorKind::Lost => Code::ConnectionLost,
            ErrorKind::Tls { .. } => Code::Tls,
            ErrorKind::Refused { .. } => Code::TokenRefused,
            ErrorKind::NotRestate => Code::NotRestate,
            ErrorKind::TooOld => Code::ServerTooOld,
            ErrorKind::TooNew => Code::ServerTooNew,
            ErrorKind::Status { .. } => Code::ServerError,
        }
    }

    pub fn help(&self) -> Option<&'static str> {
        match self.kind {
            ErrorKind::Unreachable => Some(
                "is the server up, and is `--admin-url` or `RESTATE_ADMIN_URL` its admin address (port 9070)?",
            ),
            ErrorKind::Tls { help } => Some(help),
            ErrorKind::Lost => Some("run the command again: it reads the server before it writes"),
            ErrorKind::Refused { has_token: true, .. } => Some(
                "look at the variable that holds the token: it may be that of another server, expired, or one that may only read",
            ),
            ErrorKind::Refused { .. } => {
                Some("set `RESTATE_AUTH_TOKEN`, or name the variable that holds the token with `--token-env`")
            }
            ErrorKind::NotRestate => Some("the admin address is usually port 9070; 8080 is the ingress"),
            ErrorKind::TooOld => Some("upgrade the server to Restate 1.5 or later"),
            ErrorKind::TooNew => Some("upgrade restatectl"),
            ErrorKind::Status { .. } => None,
        }
    }

    /// The request may or may not have had its effect: re-read before deciding. Only an error in the server's
    /// own form is certain. A 500 whose retries were exhausted has always meant "not applied" in tests
    /// [S:all], but that is no promise.
    pub fn is_unknown_outcome(&self) -> bool {
        match self.kind {
            // Restate itself refuses nobody, and redirects nowhere.
            ErrorKind::Lost | ErrorKind::Refused { .. } | ErrorKind::NotRestate => true,
            ErrorKind::Status {
                http_status,
                ref restate_code,
                is_servers,
                ..
            } => {
                // It has not been looked at, whoever says so.
                let is_too_many = http_status == 429;
                let is_vague = http_status == 500 && restate_code.is_none();
                !is_too_many && (!is_servers || is_gateway(http_status) || is_vague)
            }
            ErrorKind::Unreachable | ErrorKind::Tls { .. } | ErrorKind::TooOld | ErrorKind::TooNew => false,
        }
    }

    /// Another try may succeed, where trying again does no harm.
    pub fn is_transient(&self) -> bool {
        match self.kind {
            ErrorKind::Unreachable | ErrorKind::Lost => true,
            ErrorKind::Status {
                http_status,
                ref restate_code,
                ..
            } => {
                let exhausted = restate_code.is_none() && self.message.contains("exhausted");
                http_status == 429 || is_gateway(http_status) || (http_status == 500 && exhausted)
            }
            _ => false,
        }
    }

    /// The server could not discover the deployment: the endpoint's fault, though it says 500.
    pub fn is_endpoint_failure(&self) -> bool {
        self.restate_code() == Some("META0003")
    }

    /// The server refuses the change unless it is told that breaking is intended.
    pub fn is_breaking(&self) -> bool {
        self.http_status() == Some(409) && self.restate_code() == Some("META0006")
    }

    /// A 404 in the server's own form: that of a gateway says nothing of what is there.
    pub fn is_not_found(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Status {
                http_status: 404,
                is_servers: true,
                ..
            }
        )
    }
}

fn is_gateway(status: u16) -> bool {
    [502, 503, 504].contains(&status)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// 1.6 and later write the code twice in front of a message that also has it as a field.
pub(super) fn strip_codes(message: &str) -> String {
    let mut rest = message;
    while let Some((code, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        let is_code = code.starts_with("META") || code.starts_with("RT");
        if !is_code {
            break;
        }
        rest = after.trim_start();
    }
    rest.to_owned()
}
