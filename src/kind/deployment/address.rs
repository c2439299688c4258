//! The address of a deployment, which is its identity.

use crate::code::Code;
use crate::secret::{Value, steers_terminal};
use std::fmt;
use std::net::IpAddr;

/// The address at which a deployment is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Address {
    Http(HttpAddress),
    /// The whole ARN, with version or alias.
    Lambda(String),
}

/// An HTTP address, host in lower case, without query and fragment: the server ignores both
/// [S:all].
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAddress {
    pub scheme: String,
    /// User and password of a deployment that others registered; a file cannot have them. They are part
    /// of the identity.
    userinfo: Option<Value>,
    pub authority: String,
    /// The path, at least `/`. It is kept literally: the server tells `/a`, `/a/` and `/%61` apart.
    pub path: String,
}

/// Why a text is not an address. The code is that of the problem to report.
#[derive(Debug, PartialEq, Eq)]
pub struct AddressError {
    pub code: Code,
    pub message: String,
    pub help: &'static str,
}

/// Whether a host, without port and brackets, is the machine itself that resolves it.
pub fn is_this_machine(host: &str) -> bool {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return ip.is_loopback() || ip.is_unspecified();
    }
    let host = host.to_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

impl HttpAddress {
    /// The host without port and brackets.
    fn host(&self) -> &str {
        let host = match self.authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => &self.authority,
        };
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether whoever resolves the address reaches its own machine.
    pub fn is_this_machine(&self) -> bool {
        is_this_machine(self.host())
    }

    /// Whether it is reached over the internet, as far as its name tells.
    pub fn is_public(&self) -> bool {
        match self.host().parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => {
                let is_shared = ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1]);
                !(self.is_this_machine() || ip.is_private() || ip.is_link_local() || is_shared)
            }
            Ok(IpAddr::V6(ip)) => {
                !(self.is_this_machine() || ip.is_unique_local() || ip.is_unicast_link_local())
            }
            Err(_) => {
                let private = [
                    "localhost",
                    "local",
                    "internal",
                    "intranet",
                    "private",
                    "lan",
                    "home",
                    "corp",
                    "svc",
                    "arpa",
                    "test",
                    "example",
                    "invalid",
                ];
                let last = self.host().rsplit_once('.').map(|(_, last)| last);
                last.is_some_and(|last| !private.contains(&last))
            }
        }
    }
}

/// Whether a character may be in a URI, by RFC 3986.
fn is_of_uri(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c)
}

impl Address {
    /// What addresses have in common that people take for one, though the server does not: they differ by
    /// a slash at the end, or by a port that is the scheme's own.
    pub fn nearly(&self) -> String {
        match self {
            Self::Http(http) => {
                let own_port = if http.scheme == "https" { ":443" } else { ":80" };
                let authority = http.authority.strip_suffix(own_port).unwrap_or(&http.authority);
                let path = http.path.strip_suffix('/').unwrap_or(&http.path);
                format!("{authority}{path}")
            }
            Self::Lambda(arn) => arn.clone(),
        }
    }

    /// # Errors
    /// When the URI is not absolute HTTP, or carries userinfo.
    pub fn parse_uri(text: &str) -> Result<Self, AddressError> {
        let invalid = |message: String| AddressError {
            code: Code::InvalidUri,
            message,
            help: "write the whole address, such as `http://checkout.internal:9080`",
        };
        if let Some((at, wrong)) = text.char_indices().find(|(_, c)| !is_of_uri(*c)) {
            let at = text[..at].chars().count() + 1;
            let wrong = if steers_terminal(wrong) {
                wrong.escape_default().to_string()
            } else {
                wrong.to_string()
            };
            return Err(invalid(format!("this is not a URI: `{wrong}`, its character {at}, cannot be in one")));
        }
        let uri: http::Uri = text
            .parse()
            .map_err(|e| invalid(format!("this is not a URI: {e}")))?;
        // `localhost:9080` parses, as an authority without a scheme; the server answers 400.
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(invalid("the URI has no scheme".to_owned()));
        };
        let scheme = scheme.to_lowercase();
        if !["http", "https"].contains(&scheme.as_str()) {
            return Err(invalid("Restate can call `http` and `https` only".to_owned()));
        }
        if authority.as_str().contains('@') {
            return Err(AddressError {
                code: Code::UriUserinfo,
                message: "the URI contains a user name or password".to_owned(),
                help: "the server stores it, shows it to everyone and never sends it: use `additional_headers`",
            });
        }
        if authority.host().is_empty() {
            return Err(invalid("the URI has no host".to_owned()));
        }
        let port = authority.as_str()[authority.host().len()..].strip_prefix(':');
        if port.is_some_and(|port| port.parse::<u16>().unwrap_or(0) == 0) {
            return Err(invalid("the port is none: it is a number from 1 to 65535".to_owned()));
        }
        Ok(Self::Http(HttpAddress {
            scheme,
            userinfo: None,
            authority: authority.as_str().to_lowercase(),
            path: uri.path().to_owned(),
        }))
    }

    /// A URI as a server stores it, which may be one that a file could not have.
    pub fn stored_uri(text: &str) -> Self {
        let uri: http::Uri = text.parse().unwrap_or_default();
        let authority = uri
            .authority()
            .map(http::uri::Authority::as_str)
            .unwrap_or_default();
        let (userinfo, authority) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(Value::sensitive(userinfo)), host),
            None => (None, authority),
        };
        Self::Http(HttpAddress {
            scheme: uri.scheme_str().unwrap_or("http").to_lowercase(),
            userinfo,
            authority: authority.to_lowercase(),
            path: uri.path().to_owned(),
        })
    }

    /// # Errors
    /// When the ARN is not that of a Lambda function with a version or alias.
    pub fn parse_arn(text: &str) -> Result<Self, AddressError> {
        let parts: Vec<&str> = text.split(':').collect();
        let lambda = parts.len() == 8 && parts[0] == "arn" && parts[2] == "lambda" && parts[5] == "function";
        let unqualified = parts.len() == 7 && parts[2] == "lambda";
        if lambda && parts.iter().all(|part| !part.is_empty()) {
            return Ok(Self::Lambda(text.to_owned()));
        }
        Err(AddressError {
            code: Code::InvalidArn,
            message: if unqualified {
                "the ARN has no version or alias".to_owned()
            } else {
                "this is not the ARN of a Lambda function".to_owned()
            },
            help: "write `arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION`",
        })
    }

    /// Whether the code behind an ARN can change: an alias, or `$LATEST`.
    pub fn is_mutable(&self) -> bool {
        match self {
            Self::Http(_) => false,
            Self::Lambda(arn) => {
                let version = arn.rsplit_once(':').map_or("", |(_, version)| version);
                !version.bytes().all(|b| b.is_ascii_digit())
            }
        }
    }

    /// What the server knows a deployment by: host, port and path, or the ARN. The scheme is not
    /// part of it [S:1.6.2, 1.7.12].
    pub fn identity(&self) -> String {
        match self {
            Self::Http(http) => {
                let userinfo = http
                    .userinfo
                    .as_ref()
                    .map(|userinfo| format!("{}@", userinfo.expose()));
                format!("{}{}{}", userinfo.unwrap_or_default(), http.authority, http.path)
            }
            Self::Lambda(arn) => arn.clone(),
        }
    }

    pub fn userinfo(&self) -> Option<&Value> {
        match self {
            Self::Http(http) => http.userinfo.as_ref(),
            Self::Lambda(_) => None,
        }
    }

    /// The key in plans and reports: the normalised URI, or the ARN. Userinfo is not shown.
    pub fn key(&self) -> String {
        match self {
            Self::Http(http) => {
                let hidden = if http.userinfo.is_some() { "***@" } else { "" };
                format!("{}://{hidden}{}{}", http.scheme, http.authority, http.path)
            }
            Self::Lambda(arn) => arn.clone(),
        }
    }
}

/// Addresses are shown as [`Address::key`], without the `/` of a bare host.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(http) if http.path == "/" => write!(f, "{}://{}", http.scheme, http.authority),
            Self::Http(_) | Self::Lambda(_) => f.write_str(&self.key()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;
    use crate::code::Code;

    fn key(text: &str) -> Result<String, Code> {
        Address::parse_uri(text).map(|a| a.key()).map_err(|e| e.code)
    }

    #[test]
    fn normalises_as_the_server_identifies() {
        assert_eq!(key("HTTP://Host:9080"), Ok("http://host:9080/".to_owned()));
        assert_eq!(key("https://host/a/?x=1#f"), Ok("https://host/a/".to_owned()));
        assert_eq!(key("http://host/./a"), Ok("http://host/./a".to_owned()));
    }

    #[test]
    fn tells_public_hosts_from_others() {
        let public = |text: &str| match Address::parse_uri(text) {
            Ok(Address::Http(http)) => http.is_public(),
            _ => panic!("{text}"),
        };
        for text in [
            "http://checkout.example.com:9080",
            "http://8.8.8.8",
            "http://[2001:db8::1]:1",
        ] {
            assert!(public(text), "{text}");
        }
        for text in [
            "http://checkout:9080",
            "http://checkout.shop.svc.cluster.local",
            "http://checkout.internal",
            "http://10.1.2.3:1",
            "http://100.64.1.1",
            "http://127.0.0.1:1",
            "http://[::1]:1",
            "http://[fd00::1]",
        ] {
            assert!(!public(text), "{text}");
        }
    }

    #[test]
    fn refuses_what_the_server_cannot_call() {
        for text in ["localhost:9080", "host", "/path", "ftp://host", "http://", ""] {
            assert_eq!(key(text), Err(Code::InvalidUri), "{text}");
        }
        assert_eq!(key("http://user:pw@host"), Err(Code::UriUserinfo));
    }

    #[test]
    fn userinfo_of_others_tells_deployments_apart_and_is_not_shown() {
        let stored = Address::stored_uri("http://Bob:S3cret@Host:1/x");
        assert_eq!(stored.key(), "http://***@host:1/x");
        assert_eq!(stored.identity(), "Bob:S3cret@host:1/x");
        assert!(!format!("{stored:?} {stored}").contains("S3cret"));
    }

    #[test]
    fn an_arn_needs_its_version() {
        let arn = "arn:aws:lambda:eu-central-1:123456789012:function:mailer";
        assert!(Address::parse_arn(arn).is_err_and(|e| e.message.contains("version")));
        assert!(Address::parse_arn(&format!("{arn}:7")).is_ok());
        assert!(Address::parse_arn(&format!("{arn}:")).is_err());
    }
}
