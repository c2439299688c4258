//! Which endpoints a run may make the server call.

use crate::pattern::is_like;
use super::address::{Address, HttpAddress};
use std::net::Ipv4Addr;

/// `[SCHEME://]HOST[:PORT][/PATH]` or an ARN. `*` stands for anything within its part: one label of a
/// host, one segment of a path, one part of an ARN; at the start of a host, as in `*.internal`, for any
/// number of labels. What is left out stands for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointPattern {
    Http {
        scheme: Option<String>,
        host: String,
        port: Option<String>,
        /// The segments of the path; `None` for any path.
        path: Option<Vec<String>>,
    },
    Lambda(Vec<String>),
}

impl EndpointPattern {
    /// # Errors
    /// Says what is not understood. A pattern that matches less than was meant would only refuse,
    /// but one that matches more would let pass.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("arn:") {
            return Ok(Self::Lambda(text.split(':').map(str::to_owned).collect()));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_lowercase()), rest),
            None => (None, text),
        };
        if scheme
            .as_ref()
            .is_some_and(|s| !["http", "https", "*"].contains(&s.as_str()))
        {
            return Err("the scheme is `http`, `https` or `*`".to_owned());
        }
        if rest.contains(['@', '?', '#']) {
            return Err("write `[SCHEME://]HOST[:PORT][/PATH]`, without user, query and fragment".to_owned());
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => (&rest[..at], Some(segments(&rest[at..]))),
            None => (rest, None),
        };
        let (host, port) = split_port(authority);
        let is_port = |port: &str| port == "*" || port.parse::<u16>().is_ok();
        if host.is_empty() || !port.is_none_or(is_port) {
            return Err("write `[SCHEME://]HOST[:PORT][/PATH]`, or an ARN".to_owned());
        }
        Ok(Self::Http {
            scheme,
            host: host.to_lowercase(),
            port: port.map(str::to_owned),
            path,
        })
    }

    pub fn matches(&self, address: &Address) -> bool {
        match (self, address) {
            (
                Self::Http {
                    scheme,
                    host,
                    port,
                    path,
                },
                Address::Http(HttpAddress {
                    scheme: its_scheme,
                    authority,
                    path: its_path,
                    ..
                }),
            ) => {
                let (its_host, its_port) = split_port(authority);
                let default = if its_scheme == "https" { "443" } else { "80" };
                let its_port = its_port.unwrap_or(default);
                scheme.as_ref().is_none_or(|scheme| is_like(scheme, its_scheme))
                    && is_host(host, its_host)
                    && port.as_ref().is_none_or(|port| is_like(port, its_port))
                    && path
                        .as_ref()
                        .is_none_or(|path| is_literal(its_path) && all(path, &segments(its_path)))
            }
            (Self::Lambda(parts), Address::Lambda(arn)) => {
                let its: Vec<String> = arn.split(':').map(str::to_owned).collect();
                parts.len() <= its.len() && all(parts, &its[..parts.len()])
            }
            _ => false,
        }
    }
}

fn is_host(pattern: &str, host: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    // `10.0.*.*` means addresses, and `10.0.evil.example` is a name.
    let is_numeric = |name: &str| name.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'*');
    if is_numeric(pattern) && host.parse::<Ipv4Addr>().is_err() {
        return false;
    }
    let labels = |name: &str| name.split('.').map(str::to_owned).collect::<Vec<_>>();
    let its = labels(host);
    match pattern.strip_prefix("*.") {
        Some(domain) => {
            let domain = labels(domain);
            its.len() > domain.len() && all(&domain, &its[its.len() - domain.len()..])
        }
        None => all(&labels(pattern), &its),
    }
}

/// Whoever gets `/a/../b`, in one spelling or another, may take it for `/b`.
fn is_literal(path: &str) -> bool {
    let is_dots = |segment: &str| [".", ".."].contains(&segment);
    !path.contains(['%', '\\', ';']) && !path.split('/').any(is_dots)
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(str::to_owned).collect()
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // The colons of an IPv6 address are within brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn all(patterns: &[String], parts: &[String]) -> bool {
    patterns.len() == parts.len()
        && patterns
            .iter()
            .zip(parts)
            .all(|(pattern, part)| is_like(pattern, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, address: &str) -> bool {
        let address = if address.starts_with("arn:") {
            Address::Lambda(address.to_owned())
        } else {
            Address::parse_uri(address).unwrap()
        };
        EndpointPattern::parse(pattern).unwrap().matches(&address)
    }

    #[test]
    fn a_star_stays_in_its_part() {
        for (pattern, address) in [
            ("https://*.internal:9080", "https://checkout.eu.internal:9080/v2/"),
            ("checkout", "http://Checkout:9080"),
            ("checkout-*.eu.internal", "http://checkout-7.eu.internal"),
            ("10.0.*.*", "http://10.0.3.4:9080"),
            ("https://checkout:443", "https://checkout"),
            ("*", "http://[::1]:9080"),
            ("http://[::1]:9080", "http://[::1]:9080/x"),
            ("http://host/services/*", "http://host/services/a"),
            ("http://host:*/a*c*e", "http://host:1/abcde"),
            (
                "arn:aws:lambda:*:123456789012:function:*",
                "arn:aws:lambda:eu-central-1:123456789012:function:mailer:7",
            ),
        ] {
            assert!(matches(pattern, address), "{pattern} {address}");
        }
        for (pattern, address) in [
            ("https://*.internal:9080", "https://evil.example/.internal:9080"),
            (
                "https://*.internal:9080",
                "https://checkout.internal.evil.example:9080",
            ),
            ("https://*.internal:9080", "http://checkout.internal:9080"),
            ("https://*.internal", "https://internal"),
            ("http://checkout-*:9080", "http://checkout-x.evil.example:9080"),
            ("http://10.0.*.1", "http://10.0.0.0.1"),
            ("http://host/a/*", "http://host/a/.."),
            ("http://host/a/*", "http://host/a/..%2fb"),
            ("http://host/a/*", "http://host/a/%2E%2e"),
            ("http://host/a/*", "http://host/a/%252e"),
            ("http://host/a/*", "http://host/a/..;"),
            ("http://host/a/*", "http://host/a/"),
            ("http://10.0.*.*", "http://10.0.evil.example"),
            ("192.168.1.*", "http://192.168.1.evil"),
            ("https://checkout:9080", "https://checkout:9081"),
            ("http://host/services/*", "http://host/services/a/b"),
            ("http://host/ab*bc", "http://host/abc"),
            (
                "arn:aws:lambda:eu-central-1:123456789012:function:*",
                "arn:aws:lambda:us-east-1:123456789012:function:mailer:7",
            ),
            ("*", "arn:aws:lambda:us-east-1:123456789012:function:mailer:7"),
            ("arn:*", "http://arn:80"),
        ] {
            assert!(!matches(pattern, address), "{pattern} {address}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for pattern in [
            "",
            "https://",
            "ftp://host",
            "https://user@host",
            "host:port",
            "https://host?x",
            ":80",
        ] {
            assert!(EndpointPattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
