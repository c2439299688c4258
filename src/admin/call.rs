//! One call: the request, and what its failure says.

use super::error::{Error, ErrorKind, strip_codes};
use super::{Client, tls, trace, wire};
use crate::secret::printable;
use reqwest::{Method, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error as _;
use std::time::Duration;
use tokio::time::Instant;

/// No server has as much to say.
const LARGEST_ANSWER: usize = 256 << 20;

impl Client {
    /// What answers at the address, where it is not an Admin API.
    pub(super) fn explain_first_contact(&self, error: Error) -> Error {
        let (url, why) = (self.url(), &self.why);
        let other = |what: &str| {
            let message = format!("{url} is not a Restate Admin API: {what}; the address is {why}");
            Error::new(ErrorKind::NotRestate, message)
        };
        match error.kind {
            ErrorKind::Status { http_status: 400, .. } if error.message.contains("bad path") => {
                other("it is the ingress, through which services are called")
            }
            ErrorKind::Status { http_status, .. } if http_status < 500 && http_status != 429 => {
                other(&format!("`/version` answered {http_status}"))
            }
            ErrorKind::NotRestate => other(&error.message),
            // TLS says so in bytes of its own, and the endpoints of services in HTTP/2: as an answer,
            // or before they are asked.
            ErrorKind::Lost
                if self.base.starts_with("http:")
                    && (error.message.contains("HTTP")
                        || error.message.contains("received unexpected message")) =>
            {
                let message = format!("{url} answers, but not in HTTP/1.1; the address is {why}");
                let help = "write `https://` if it expects that; and is it the admin port, 9070, and not that of an endpoint?";
                Error::new(ErrorKind::Tls { help }, message)
            }
            _ => Error {
                message: format!("{}; the address is {why}", error.message),
                ..error
            },
        }
    }

    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        timeout: Duration,
    ) -> Result<T, Error> {
        let is_read = method == Method::GET;
        let text = self.send(method, path, body, timeout).await?;
        serde_json::from_slice(&text).map_err(|_| {
            let found = if trace::looks_like_json(&text) {
                "other or incomplete JSON".to_owned()
            } else {
                let start = self.clean(&String::from_utf8_lossy(&text));
                if is_markup(&start) {
                    "a page for browsers".to_owned()
                } else {
                    format!("`{}`", start.chars().take(60).collect::<String>())
                }
            };
            let message = format!("`{path}` did not answer with the JSON of an Admin API: {found}");
            // An answer to a write that cannot be read does not say that nothing was written.
            let kind = if is_read {
                ErrorKind::NotRestate
            } else {
                ErrorKind::Lost
            };
            Error::new(kind, message)
        })
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        timeout: Duration,
    ) -> Result<Vec<u8>, Error> {
        let url = format!("{}{}{path}", self.base, self.prefix);
        let started = Instant::now();
        // [S:all]
        let is_deletion = method == Method::DELETE;
        let asked = format!("{method} {}{path}", self.prefix);
        self.trace.request(&asked, body, &self.masker);
        let mut request = self
            .http
            .request(method, url)
            .timeout(timeout)
            .header(header::ACCEPT, "application/json");
        if let Some(body) = body {
            request = request.json(body);
        }
        let failed = |error| {
            let error = self.transport_error(error, timeout);
            self.trace.failure(&asked, started.elapsed(), &error);
            error
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = header(header::RETRY_AFTER).and_then(|value| value.parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        let location = header(header::LOCATION).map(|to| self.clean(to));
        let mut text = Vec::new();
        let mut response = response;
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            text.extend_from_slice(&chunk);
            if text.len() > LARGEST_ANSWER {
                let message = format!("{asked} was answered with more than {} MiB", LARGEST_ANSWER >> 20);
                return Err(Error::new(ErrorKind::Lost, message));
            }
        }
        self.trace
            .response(&asked, status, started.elapsed(), &text, &self.masker);
        if is_deletion && status.is_success() && status != StatusCode::ACCEPTED {
            let message = format!("{asked} was answered with {status}, and the server itself says 202");
            Err(Error::new(ErrorKind::Lost, message))
        } else if status.is_success() {
            Ok(text)
        } else {
            let answer = Answer {
                asked: &asked,
                status,
                text: &text,
                retry_after,
                location,
            };
            Err(self.status_error(answer))
        }
    }

    fn transport_error(&self, error: reqwest::Error, timeout: Duration) -> Error {
        let (connect, timed_out) = (error.is_connect(), error.is_timeout());
        let error = error.without_url();
        // Later, a write may have landed.
        if connect && let Some(error) = self.tls_error(&error) {
            return error;
        }
        let mut cause: &dyn std::error::Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let cause = self.clean(&cause.to_string());
        if connect || cause.contains("builder error") {
            Error::new(
                ErrorKind::Unreachable,
                format!("cannot connect to {}: {cause}", self.url()),
            )
        } else if timed_out {
            Error::new(
                ErrorKind::Lost,
                format!("{} did not answer within {} s", self.url(), timeout.as_secs()),
            )
        } else {
            Error::new(
                ErrorKind::Lost,
                format!("the connection to {} broke: {cause}", self.url()),
            )
        }
    }

    /// What is wrong with the encryption, if that is what is wrong.
    fn tls_error(&self, error: &reqwest::Error) -> Option<Error> {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
        let error = loop {
            let now = cause?;
            if let Some(found) = now.downcast_ref::<rustls::Error>() {
                break found;
            }
            // An IO error does not name what it wraps as its source, but that one's.
            let wrapped = now
                .downcast_ref::<std::io::Error>()
                .and_then(std::io::Error::get_ref);
            cause = wrapped.map(|wrapped| wrapped as _).or_else(|| now.source());
        };
        let (what, help) = match tls::explain(error, self.has_certificates) {
            Some(explained) => explained,
            None if matches!(error, rustls::Error::InvalidMessage(_)) => (
                "it does not speak https".to_owned(),
                "write `http://`, if the network between is trusted; or is this another port?",
            ),
            None => (
                self.clean(&error.to_string()),
                "does it speak https, and is this the right port?",
            ),
        };
        let message = format!("cannot connect to {}: {what}", self.url());
        Some(Error::new(ErrorKind::Tls { help }, message))
    }

    /// Errors come as JSON, as plain text, or with an empty body [S:all]; those of gateways as a page.
    fn status_error(&self, answer: Answer<'_>) -> Error {
        let Answer {
            asked,
            status,
            text,
            retry_after,
            location,
        } = answer;
        let http_status = status.as_u16();
        if status.is_redirection() {
            let to = location.map_or_else(|| "elsewhere".to_owned(), |to| format!("to {to}"));
            return Error::new(
                ErrorKind::NotRestate,
                format!(
                    "{} redirects {asked} {to} ({status}), which is not followed",
                    self.url()
                ),
            );
        }
        if [401, 403].contains(&http_status) {
            let has_token = self.has_token;
            return Error::new(
                ErrorKind::Refused {
                    http_status,
                    has_token,
                },
                format!("{} refused {asked} ({status})", self.url()),
            );
        }
        let kind = |restate_code, is_servers| ErrorKind::Status {
            http_status,
            restate_code,
            retry_after,
            is_servers,
        };
        // Masked before it is cut: half a secret would no longer be recognised.
        let cleaned = |text: &str| -> String { self.clean(text.trim()).chars().take(1000).collect() };
        let body = serde_json::from_slice::<wire::ErrorBody>(text);
        if let Ok(wire::ErrorBody {
            message,
            restate_code,
        }) = body
            && !message.trim().is_empty()
        {
            let message = cleaned(&strip_codes(&message));
            let message = match &restate_code {
                Some(code) => format!("{message} ({code})"),
                None => message,
            };
            return Error::new(kind(restate_code, true), message);
        }
        let text = String::from_utf8_lossy(text);
        let is_own = status.is_client_error() && http_status != 429;
        let wait = retry_after.map_or_else(String::new, |wait| {
            format!(" (it asks to wait {} s)", wait.as_secs())
        });
        let is_servers = [400, 415, 422].contains(&http_status) && !text.is_empty() && !is_markup(&text);
        let message = match cleaned(&text) {
            text if text.is_empty() || is_markup(&text) => format!("{asked} answered {status}{wait}"),
            text if is_own => text,
            text => format!("{asked} answered {status}{wait}: {text}"),
        };
        Error::new(kind(None, is_servers), message)
    }

    fn clean(&self, text: &str) -> String {
        printable(&self.masker.mask(text))
    }
}

/// An answer that is no success.
struct Answer<'a> {
    /// Method and path.
    asked: &'a str,
    status: StatusCode,
    text: &'a [u8],
    retry_after: Option<Duration>,
    /// Where it redirects to.
    location: Option<String>,
}

/// A page for browsers says nothing.
fn is_markup(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('<') || text.to_ascii_lowercase().contains("<html")
}
