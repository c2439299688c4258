//! Why a server cannot discover an endpoint. It says so in words alone [S:all].

use super::desired::Deployment;
use crate::admin::{Error, ErrorKind};

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Nothing listens there.
    Refused,
    /// The name stands for no address.
    NoSuchHost,
    /// One side speaks https and the other does not.
    NoTls,
    Certificate,
    /// 401 or 403.
    Denied,
    Redirects,
    /// 404: it is something else, or somewhere else on that host.
    NotThere,
    OtherStatus,
    /// META0014.
    OnlyHttp1,
    OnlyHttp2,
    /// It accepts connections and does not answer.
    Silent,
    /// The connection was closed, as by one that does not understand HTTP/2.
    Closed,
    NoCredentials,
    NoPermission,
    NoFunction,
    Other,
}

fn cause(error: &Error) -> Cause {
    let text = error.message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match () {
        () if error.restate_code() == Some("META0014") => Cause::OnlyHttp1,
        () if error.kind == ErrorKind::Lost && has(&["did not answer within"]) => Cause::Silent,
        () if has(&["status code '401", "status code '403"]) => Cause::Denied,
        () if has(&["status code '3"]) => Cause::Redirects,
        () if has(&["status code '404"]) => Cause::NotThere,
        () if has(&["status code '"]) => Cause::OtherStatus,
        () if has(&["credentials", "credential provider"]) => Cause::NoCredentials,
        () if has(&["accessdenied", "not authorized"]) => Cause::NoPermission,
        () if has(&["resourcenotfound", "function not found"]) => Cause::NoFunction,
        () if has(&["failed to lookup address", "dns error"]) => Cause::NoSuchHost,
        () if has(&["connection refused"]) => Cause::Refused,
        () if has(&["certificate", "unknownissuer"]) => Cause::Certificate,
        () if has(&["corrupt message", "invalidcontenttype"]) => Cause::NoTls,
        () if has(&["invalid http version", "http version parsed", "received unexpected message from connection"]) => Cause::OnlyHttp2,
        () if has(&["connection closed", "operation was canceled"]) => Cause::Closed,
        () => Cause::Other,
    }
}

/// Whether an error says something of the endpoint, and not of the server.
pub fn is_about_endpoint(error: &Error) -> bool {
    error.is_endpoint_failure() || matches!(cause(error), Cause::OnlyHttp1 | Cause::Silent)
}

/// Whether to ask again is of no use: the endpoint is up, and has decided.
pub fn is_final(error: &Error) -> bool {
    matches!(
        cause(error),
        Cause::Denied
            | Cause::Redirects
            | Cause::OnlyHttp1
            | Cause::OnlyHttp2
            | Cause::NoTls
            | Cause::NoCredentials
            | Cause::NoPermission
    )
}

/// What the server said, without the headers of an answer and without what its cloud library prints.
pub fn message(error: &Error) -> String {
    let text = &error.message;
    let text = match (text.find(" Response headers: {"), text.find("}. Body: ")) {
        (Some(start), Some(end)) if start < end => {
            let body = text[end + "}. Body: ".len()..].trim();
            let is_page = body.trim_start_matches('`').starts_with('<');
            let is_code = body.starts_with('(') && body.ends_with(')');
            let body = if is_page || is_code || body.is_empty() {
                String::new()
            } else {
                format!(" It said: {body}")
            };
            format!("{}{body}", &text[..start])
        }
        _ => text.clone(),
    };
    let cut = ["(DispatchFailure", " Attempted:", "\n"].into_iter().filter_map(|noise| text.find(noise));
    let is_of_cloud = text.contains("lambda service");
    match cut.min().filter(|_| is_of_cloud) {
        Some(at) => text[..at].trim_end_matches([' ', '.']).to_owned(),
        None => text,
    }
}

/// The one thing to do.
pub fn help(error: &Error, entry: &Deployment) -> String {
    let left_out = || {
        let name = entry.name.as_ref().map(|name| name.value.clone());
        let name = name.unwrap_or_else(|| entry.address.value.key());
        format!("`--exclude 'deployment/{name}'` goes on without it")
    };
    let waits = || format!("`--wait-endpoints 30s` waits for it, {}", left_out());
    match cause(error) {
        Cause::Refused => format!("nothing listens there, as the server sees it: start the endpoint, or correct the port; {}", waits()),
        Cause::NoSuchHost => format!("the server cannot resolve the host: correct it, or write the name that the server knows it by; {}", waits()),
        Cause::NoTls => "the endpoint does not speak https: write `http://`".to_owned(),
        Cause::Certificate => "the server does not trust the endpoint's certificate: give the endpoint one that the server's system trusts".to_owned(),
        Cause::Denied => "the endpoint is up, and asks for something else: correct `additional_headers`, or, if it checks signatures, give it the server's identity key".to_owned(),
        Cause::Redirects => match location(error) {
            Some(to) => format!("the endpoint redirects to {to}, which the server does not follow: write the address that answers itself"),
            None => "the server does not follow redirects: write the address that answers itself".to_owned(),
        },
        Cause::NotThere => format!("something answers there that is no Restate service: correct the path, under which `/discover` must answer; {}", left_out()),
        Cause::OtherStatus => format!("look into the endpoint's log; {}", waits()),
        Cause::OnlyHttp1 => "the endpoint speaks HTTP/1.1 only: write `use_http_11: true`".to_owned(),
        Cause::OnlyHttp2 => "the endpoint speaks HTTP/2 only: remove `use_http_11: true`".to_owned(),
        Cause::Silent => format!("the server waits for the endpoint, which seems to accept connections and not to answer; `--discovery-timeout` says for how long, and {}", left_out()),
        Cause::Closed if entry.use_http_11.is_none() => format!("it hung up: an endpoint that speaks HTTP/1.1 only needs `use_http_11: true`; otherwise {}", waits()),
        Cause::NoCredentials => "the server has no AWS credentials: give them to the server, by its role or its environment".to_owned(),
        Cause::NoPermission => "let the server's role call `lambda:InvokeFunction`, or name one that may with `assume_role_arn`".to_owned(),
        Cause::NoFunction => "there is no function, version or alias of that name: publish it, or correct the ARN".to_owned(),
        Cause::Closed | Cause::Other => format!("is the endpoint up, and can the server reach it at this address? {}", waits()),
    }
}

/// Where an answer redirects to, out of the headers that the server prints.
fn location(error: &Error) -> Option<&str> {
    let (_, rest) = error.message.split_once("\"location\": \"")?;
    Some(rest.split_once('"')?.0)
}
