//! A deployment that should be registered.

use super::address::Address;
use super::file::{self, DEPLOYMENT_CONSENTS};
use crate::code::Code;
use crate::consent::{self, Consent};
use crate::kind::redacted::{REDACTED, redacted_value};
use crate::kind::service::name::check_service_name;
use crate::problem::{Problem, Problems};
use crate::secret::Value;
use crate::source::{is_plausible_name, Map, Read, Span, Spanned, Text, compact, entries, is_true, names_a_secret, pairs};
use crate::stack::STACK_MARK;
use litemap::LiteMap;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The value of a header, at the place of its name.
pub type Header = Spanned<Value>;
/// Headers by their names in lower case, as the server stores them.
pub type Headers = LiteMap<String, Header>;

/// A deployment that should be registered.
#[derive(Debug)]
pub struct Deployment {
    pub span: Span,
    pub name: Option<Spanned<String>>,
    pub address: Spanned<Address>,
    pub assume_role_arn: Option<Spanned<Value>>,
    pub additional_headers: Option<Spanned<Headers>>,
    pub use_http_11: Option<Spanned<bool>>,
    pub metadata: Option<Spanned<LiteMap<String, Value>>>,
    pub services: Option<Spanned<Vec<Spanned<String>>>>,
    pub allow: Vec<Spanned<Consent>>,
    pub is_protected: bool,
}

impl Deployment {
    pub fn build(entry: Spanned<Box<file::Deployment>>, problems: &mut Problems) -> Option<Self> {
        let span = entry.span;
        let file::Deployment {
            name,
            uri,
            arn,
            assume_role_arn,
            additional_headers,
            use_http_11,
            metadata,
            services,
            allow,
            protected,
        } = *entry.value;
        let is_lambda = arn.is_some();
        let address = address(uri, arn, span, problems);
        let mut only = |for_lambda: bool, field: &str, at: Option<Span>| {
            if let Some(at) = at
                && is_lambda != for_lambda
            {
                let with = if for_lambda { "arn" } else { "uri" };
                problems.push(
                    Problem::error(Code::MisplacedField, format!("`{field}` goes with `{with}` only")).at(at),
                );
            }
        };
        only(true, "assume_role_arn", assume_role_arn.as_ref().map(|f| f.span));
        only(false, "use_http_11", use_http_11.as_ref().map(|f| f.span));
        Some(Self {
            span,
            name: plain(name),
            assume_role_arn: role(assume_role_arn, problems),
            additional_headers: headers(additional_headers, address.as_ref(), problems),
            use_http_11: use_http_11.and_then(Read::ok),
            metadata: metadata.map(|read| metadata_values(read, problems)),
            services: services.map(|read| Spanned {
                span: read.span,
                value: entries(Some(read))
                    .filter(|service| {
                        let name = &service.value;
                        check_service_name(name.as_str(), name.quote(), service.span, problems)
                    })
                    .map(|service| service.map(Text::into_string))
                    .collect(),
            }),
            allow: consent::build(allow, &DEPLOYMENT_CONSENTS, problems),
            is_protected: is_true(protected),
            address: address?,
        })
    }

    /// The names by which the command line may call it.
    pub fn names(&self) -> Vec<String> {
        let address = &self.address.value;
        let name = self.name.as_ref().map(|name| name.value.clone());
        [address.key(), address.to_string()].into_iter().chain(name).collect()
    }

    /// The entry as the digest of the desired state has it. `index`: its place among all.
    pub fn canonical(&self, index: usize) -> Json {
        let Self {
            span: _,
            name,
            address,
            assume_role_arn,
            additional_headers,
            use_http_11,
            metadata,
            services,
            allow,
            is_protected,
        } = self;
        let headers = additional_headers.as_ref().map(|headers| {
            (headers.value.keys())
                .map(|name| (name, format!("/deployments/{index}/additional_headers/{name}")))
                .collect::<BTreeMap<_, _>>()
        });
        let text = |field: &Option<Spanned<String>>| field.as_ref().map(|field| field.value.clone());
        json!({
            "name": text(name),
            "address": address.value.key(),
            "assume_role_arn": assume_role_arn.as_ref().map(|role| {
                shown(&role.value, &format!("/deployments/{index}/assume_role_arn"))
            }),
            "additional_headers": headers,
            "use_http_11": use_http_11.as_ref().map(|field| field.value),
            "metadata": metadata.as_ref().map(|metadata| {
                let values = metadata.value.iter();
                let place = |name: &str| format!("/deployments/{index}/metadata/{name}");
                let shown = values.map(|(name, value)| (name, shown(value, &place(name))));
                shown.collect::<BTreeMap<_, _>>()
            }),
            "services": services.as_ref().map(|services| {
                services.value.iter().map(|service| &service.value).collect::<Vec<_>>()
            }),
            "allow": consent::canonical(allow),
            "protected": is_protected,
        })
    }
}

/// A value, or where it is if it is sensitive.
fn shown(value: &Value, place: &str) -> Json {
    let pointer = || json!({ "sensitive": place });
    value.shown().map_or_else(pointer, Json::from)
}

fn address(
    uri: Option<Read<Text>>,
    arn: Option<Read<Text>>,
    entry: Span,
    problems: &mut Problems,
) -> Option<Spanned<Address>> {
    let (text, parse): (_, fn(&str) -> _) = match (uri, arn) {
        (Some(uri), None) => (uri.ok()?, Address::parse_uri),
        (None, Some(arn)) => (arn.ok()?, Address::parse_arn),
        (Some(uri), Some(arn)) => {
            problems.push(
                Problem::error(Code::UriAndArn, "a deployment has either `uri` or `arn`, not both")
                    .at(arn.span)
                    .related(uri.span, "the other one is here")
                    .help("the server would ignore the ARN: make it two entries"),
            );
            return None;
        }
        (None, None) => {
            problems.push(
                Problem::error(Code::MissingField, "a deployment needs `uri` or `arn`")
                    .at(entry)
                    .help("add `uri: http://HOST:PORT`, or the ARN of a Lambda function"),
            );
            return None;
        }
    };
    if text.value.as_str().contains('?') {
        problems.push(
            Problem::warning(Code::UriQuery, "the server ignores the query of a deployment's URI").at(text.span),
        );
    }
    match parse(text.value.as_str()) {
        Ok(address) => {
            if address.is_mutable() {
                let message = "the ARN names an alias or `$LATEST`, behind which the code can change";
                problems.push(
                    Problem::warning(Code::MutableArn, message)
                        .at(text.span)
                        .help("publish a version and write its number: invocations in flight continue on the code they started with"),
                );
            }
            Some(Spanned::new(address, text.span))
        }
        Err(error) => {
            problems.push(
                Problem::error(error.code, error.message)
                    .at(text.span)
                    .help(error.help),
            );
            None
        }
    }
}

/// Reads a role: `arn:aws:iam::ACCOUNT:role/NAME`.
fn role(read: Option<Read<Text>>, problems: &mut Problems) -> Option<Spanned<Value>> {
    let role = read.and_then(Read::ok)?;
    let parts: Vec<&str> = role.value.as_str().split(':').collect();
    let is_role = matches!(parts[..], ["arn", _, "iam", "", account, name] if !account.is_empty() && name.starts_with("role/"));
    if !is_role {
        problems.push(
            Problem::error(Code::InvalidArn, "this is not the ARN of an IAM role")
                .at(role.span)
                .help("write `arn:aws:iam::ACCOUNT:role/NAME`"),
        );
    }
    is_role.then(|| role.map(Text::into_value))
}

/// Headers that are not passed on, or that say how a message is framed (RFC 9110, 7.6.1).
const OF_THE_CONNECTION: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn headers(
    read: Option<Read<Map<Text>>>,
    address: Option<&Spanned<Address>>,
    problems: &mut Problems,
) -> Option<Spanned<Headers>> {
    let is_in_the_open = matches!(address.map(|a| &a.value), Some(Address::Http(http)) if http.scheme == "http" && http.is_public());
    let span = read.as_ref()?.span;
    let mut headers: BTreeMap<String, Header> = BTreeMap::new();
    for (name, value) in pairs(read) {
        let shown = if is_plausible_name(&name.value) {
            format!("the header `{}`", name.value)
        } else {
            // Maybe a secret in the wrong place.
            "this header".to_owned()
        };
        let Ok(parsed) = http::HeaderName::from_bytes(name.value.as_bytes()) else {
            problems.push(
                // It is not quoted: it may be a secret that was written in the wrong place.
                Problem::error(Code::InvalidHeader, "this is not a header name")
                    .at(name.span)
                    .help("write `NAME: VALUE`; a name has letters, digits and `-`"),
            );
            continue;
        };
        if OF_THE_CONNECTION.contains(&parsed.as_str()) {
            let message = format!("{shown} belongs to the connection, which the server makes itself");
            problems.push(
                Problem::error(Code::InvalidHeader, message)
                    .at(name.span)
                    .help("remove it: requests to the endpoint would fail, or not have it"),
            );
            continue;
        }
        let Some(value) = value else {
            // It is not known offline, but that there is such a header.
            let unknown = Spanned::new(Value::sensitive(""), name.span);
            headers.entry(parsed.as_str().to_owned()).or_insert(unknown);
            continue;
        };
        let text = value.value.as_str();
        // What is left of `Bearer ${env:TOKEN}` without a token is told as an empty reference.
        let is_without_token = ["bearer", "basic", "token"].contains(&text.trim().to_lowercase().as_str());
        if text.trim() != text && !is_without_token {
            let message = format!("the value of {shown} has white space at an end");
            problems.push(
                Problem::error(Code::InvalidHeader, message)
                    .at(value.span)
                    .help("write it without; a secret that was copied with its line end has one at its end"),
            );
            continue;
        }
        // Never quote the value: it may be a secret.
        if !value.value.as_str().bytes().all(|b| (0x20..0x7f).contains(&b)) {
            problems.push(
                Problem::error(
                    Code::InvalidHeader,
                    format!("the value of {shown} is not visible ASCII"),
                )
                .at(name.span)
                .help("the server stores other bytes and then cannot show the deployment; encode the value"),
            );
            continue;
        }
        if value.value.as_str() == REDACTED {
            problems.push(redacted_value(value.span));
            continue;
        }
        let key = parsed.as_str().to_owned();
        if let Some(first) = headers.get(&key) {
            problems.push(
                Problem::error(Code::DuplicateKey, format!("{shown} is written twice"))
                    .at(name.span)
                    .related(first.span, "first written here")
                    .help("header names do not depend on case"),
            );
            continue;
        }
        if is_in_the_open && (value.value.is_external() || names_a_secret(&key)) {
            let message = format!("{shown} is sent to a public host over plain http");
            problems.push(
                Problem::warning(Code::SecretOverHttp, message)
                    .at(name.span)
                    .help("everyone on the way can read it: use https"),
            );
        }
        let value = Value::sensitive(value.value.into_string());
        headers.insert(key, Spanned::new(value, name.span));
    }
    Some(Spanned::new(compact(headers), span))
}

fn metadata_values(read: Read<Map<Text>>, problems: &mut Problems) -> Spanned<LiteMap<String, Value>> {
    let mut values = BTreeMap::new();
    let span = read.span;
    for (key, value) in pairs(Some(read)) {
        if key.value == STACK_MARK {
            let message = format!("`{STACK_MARK}` is what restatectl marks deployments with");
            problems.push(
                Problem::error(Code::ReservedMetadata, message)
                    .at(key.span)
                    .help("name the owner with `stack:` at the top of the file"),
            );
        } else if let Some(value) = value {
            values.insert(key.value, value.value.into_value());
        }
    }
    Spanned::new(compact(values), span)
}

fn plain(field: Option<Read<Text>>) -> Option<Spanned<String>> {
    field.and_then(Read::ok).map(|text| text.map(Text::into_string))
}
