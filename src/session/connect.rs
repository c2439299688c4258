//! A client for the server that is meant.

use super::outside::Surroundings;
use super::place::{Place, place, variable};
use super::printer::Printer;
use crate::admin::{Client, Settings, tls};
use crate::cli::Connection;
use crate::code::Code;
use crate::error::Failure;
use crate::kind::deployment::address::is_this_machine;
use crate::problem::Problem;
use crate::secret::{Masker, Value};
use crate::source::interpolate::Outside;
use crate::source::reference::{self, Part, RefKind, Reference};
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;

/// # Errors
/// When the settings do not name a server, or would show a token to the network.
pub fn connect(args: &Connection, printer: &Printer) -> Result<Client, Failure> {
    let Place { url, token, why } = place(args)?;
    if args.environment.is_some() && why.starts_with("given by `RESTATE_") {
        printer.warn(&format!(
            "the address is {why}, so `--environment` is not looked at"
        ));
    }
    let address = Address::parse(&url).map_err(|problem| said_by(problem, &why))?;
    printer.note(&format!("the server is {}, {why}", address.shown()));
    let headers = args
        .header
        .iter()
        .map(|text| header(text))
        .collect::<Result<Vec<_>, _>>()?;
    let carries_secret = token.is_some() || !headers.is_empty();
    if let Address::Http { scheme, host, .. } = &address
        && carries_secret
        && scheme == "http"
        && !address.is_loopback()
        && !args.insecure_http
    {
        return Err(Problem::error(Code::InsecureHttp, format!("the token or a header would be sent to {host} over plain http, for everyone on the way to read"))
            .help("use https, or `--insecure-http` if the network itself is trusted")
            .into());
    }
    let masker = Masker::default();
    for (_, value) in &headers {
        masker.learn(value);
    }
    let (is_loopback, shown) = (address.is_loopback(), address.shown());
    let (base, socket) = match address {
        Address::Http { base, .. } => (base, None),
        Address::Socket(path) => ("http://localhost".to_owned(), Some(path)),
    };
    let settings = Settings {
        base,
        socket,
        shown,
        why,
        token,
        headers,
        certificates: certificates(args.ca_cert.as_ref())?,
        connect_timeout: args.connect_timeout.to_std(),
        timeout: args.timeout.to_std(),
        discovery_timeout: args.discovery_timeout.to_std(),
        is_loopback,
        trace: printer.trace(),
    };
    Ok(Client::new(settings, masker)?)
}

/// The address of the server, if the settings name one that can be used.
pub fn server(args: &Connection) -> Option<String> {
    place(args).ok().map(|place| place.url)
}

/// What named the address is a part of what is wrong with it.
fn said_by(problem: Problem, why: &str) -> Problem {
    Problem {
        message: format!("{}; it is {why}", problem.message),
        ..problem
    }
}

/// An admin address.
enum Address {
    Http {
        /// Without a slash at its end.
        base: String,
        scheme: String,
        host: String,
    },
    Socket(PathBuf),
}

impl Address {
    /// It is not quoted where it is none, as it may hold a password.
    fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |message: &str, help: &str| Problem::error(Code::AdminUrl, message).help(help);
        let none = |what: &str| {
            let message = format!("the admin URL {what}");
            wrong(
                &message,
                "write it with its scheme, such as `http://127.0.0.1:9070`",
            )
        };
        if text.trim() != text {
            return Err(none("has white space at an end"));
        }
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let is_path = !path.is_empty();
            let socket = is_path.then(|| Self::Socket(path.into()));
            return socket.ok_or_else(|| none("names no socket"));
        }
        let uri: http::Uri = text
            .parse()
            .map_err(|_| none("is not the address of an admin API"))?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(none("is not the address of an admin API"));
        };
        if authority.as_str().contains('@') {
            return Err(wrong(
                "the admin URL contains a user name or password",
                "use `RESTATE_AUTH_TOKEN`, or `--header` for a gateway",
            ));
        }
        let has_port = authority
            .as_str()
            .rsplit_once(':')
            .is_some_and(|(_, end)| !end.ends_with(']'));
        if has_port && authority.port_u16().is_none_or(|port| port == 0) {
            return Err(none("has a port that is none"));
        }
        if uri.query().is_some() {
            return Err(none("has a query"));
        }
        let base = text.split('#').next().unwrap_or(text).trim_end_matches('/');
        if let Some(api) = base.strip_suffix("/ui") {
            return Err(wrong(
                "the admin URL is that of the web UI",
                &format!(
                    "the admin API is beside it: leave `/ui` out, so that it ends with `{}`",
                    tail(api)
                ),
            ));
        }
        Ok(Self::Http {
            base: base.to_owned(),
            scheme: scheme.to_owned(),
            host: uri.host().unwrap_or_default().to_owned(),
        })
    }

    fn is_loopback(&self) -> bool {
        match self {
            Self::Http { host, .. } => is_this_machine(host.trim_start_matches('[').trim_end_matches(']')),
            Self::Socket(_) => true,
        }
    }

    /// As plans and messages name it.
    fn shown(&self) -> String {
        match self {
            Self::Http { base, .. } => format!("{base}/"),
            Self::Socket(path) => format!("unix:{}", path.display()),
        }
    }
}

/// The end of an address, which is enough to tell what is meant.
fn tail(address: &str) -> &str {
    address.rsplit_once('/').map_or(address, |(_, tail)| tail)
}

/// Reads `NAME=VALUE`, with references in the value as a file may have them.
fn header(text: &str) -> Result<(http::HeaderName, Value), Problem> {
    let bad = |why: &str| {
        Problem::error(Code::BadHeader, format!("`--header`: {why}"))
            .help("write `--header 'NAME=${env:VARIABLE}'`")
    };
    let (name, value) = text.split_once('=').ok_or_else(|| bad("there is no `=`"))?;
    let name = name
        .trim()
        .parse()
        .map_err(|_| bad(&format!("`{name}` is not a header name")))?;
    let parts = reference::parse(value).map_err(|malformed| bad(&malformed.message).help(malformed.help))?;
    let mut value = String::new();
    for part in parts {
        match part {
            Part::Literal(text) => value.push_str(text),
            Part::Reference(reference) => value.push_str(&stands_for(reference, &bad)?),
        }
    }
    if value.contains(|c: char| c.is_control()) {
        let message = format!("the value of `{name}` has a line break or another control character in it");
        return Err(bad(&message).help("look at the variable or file that it comes from"));
    }
    if value.trim() != value {
        return Err(bad(&format!("the value of `{name}` has white space at an end")));
    }
    Ok((name, Value::sensitive(value)))
}

/// What a reference in a header stands for.
fn stands_for(reference: Reference<'_>, bad: &impl Fn(&str) -> Problem) -> Result<String, Problem> {
    let Reference {
        kind, name, default, ..
    } = reference;
    let found = match kind {
        RefKind::Env if default.is_some() => std::env::var(name).ok(),
        RefKind::Env => variable(name)?,
        RefKind::File => Surroundings::default()
            .file(0, name)?
            .map(|text| text.to_string()),
        RefKind::Var => return Err(bad(&format!("`${{var:{name}}}` is known to files alone"))),
    };
    let found = found.filter(|value| !value.is_empty());
    let what = match kind {
        RefKind::Env => format!("the environment variable `{name}` is not set"),
        RefKind::File | RefKind::Var => format!("there is no file `{name}`, or it is empty"),
    };
    found
        .or_else(|| default.map(str::to_owned))
        .ok_or_else(|| bad(&what))
}

fn certificates(path: Option<&PathBuf>) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let shown = path.display();
    let bad = |why: String| {
        let message = format!("`{shown}`, given by `--ca-cert`, cannot be used as a certificate: {why}");
        Problem::error(Code::CaCert, message)
    };
    let bytes = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let found = tls::certificates(&bytes).map_err(bad)?;
    if found.is_empty() {
        return Err(bad("it holds none in PEM form".to_owned()));
    }
    Ok(found)
}
