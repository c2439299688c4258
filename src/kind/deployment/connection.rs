//! How the server reaches a deployment, what it keeps with it, and what its endpoint serves.

use super::address::Address;
use super::{desired, live};
use crate::admin::wire;
use crate::change::{Field, FieldChange};
use crate::kind::service::live::Service;
use crate::secret::Value;
use crate::server::Server;
use crate::stack::STACK_MARK;
use std::collections::{BTreeMap, BTreeSet};

/// The connection a deployment will have: the file's fields, and the live ones where the file
/// writes none. Every field is set, since servers differ in what they do about those left out.
pub fn connection(entry: &desired::Deployment, live: Option<&live::Deployment>) -> wire::Connection {
    let additional_headers = match (&entry.additional_headers, live) {
        (Some(headers), _) => (headers.value.iter())
            .map(|(name, header)| (name.clone(), header.value.clone()))
            .collect(),
        (None, Some(live)) => live.additional_headers.clone(),
        (None, None) => BTreeMap::new(),
    };
    let use_http_11 = match (&entry.use_http_11, live) {
        (Some(field), _) => field.value,
        (None, live) => live.is_some_and(|live| live.use_http_11),
    };
    let role = match (&entry.assume_role_arn, live) {
        (Some(field), _) => Some(field.value.expose().to_owned()),
        (None, live) => live.and_then(|live| live.assume_role_arn.clone()),
    };
    let address = &entry.address.value;
    // As it is spelled there: to 1.5 another case of the host is another deployment [S:1.5.3].
    let stored = live.filter(|live| live.address.key() == address.key());
    let stored = stored.and_then(|live| live.stored_uri.as_ref());
    let text = stored.map_or_else(|| address.key(), |uri| uri.expose().to_owned());
    wire_connection(address, text, use_http_11, role, additional_headers)
}

/// The connection as it is, for asking the server to discover the endpoint again.
pub fn stored_connection(deployment: &live::Deployment) -> wire::Connection {
    let uri = deployment.stored_uri.as_ref().map(|uri| uri.expose().to_owned());
    wire_connection(
        &deployment.address,
        uri.unwrap_or_else(|| deployment.address.key()),
        deployment.use_http_11,
        deployment.assume_role_arn.clone(),
        deployment.additional_headers.clone(),
    )
}

fn wire_connection(
    address: &Address,
    text: String,
    use_http_11: bool,
    assume_role_arn: Option<String>,
    additional_headers: BTreeMap<String, Value>,
) -> wire::Connection {
    let (uri, arn) = match address {
        Address::Http(_) => (Some(Value::sensitive(text)), None),
        Address::Lambda(_) => (None, Some(text)),
    };
    wire::Connection {
        use_http_11: uri.as_ref().map(|_| use_http_11),
        uri,
        arn,
        assume_role_arn,
        additional_headers,
    }
}

/// The fields of the connection that the file manages and that differ.
pub fn connection_fields(entry: &desired::Deployment, live: &live::Deployment) -> Vec<Field> {
    let desired::Deployment {
        address,
        assume_role_arn,
        additional_headers,
        use_http_11,
        // Not part of the connection.
        span: _,
        name: _,
        metadata: _,
        services: _,
        allow: _,
        is_protected: _,
    } = entry;
    let mut fields = Vec::new();
    // Same identity, so only the scheme can differ: a plain registration would ignore it silently.
    if address.value.key() != live.address.key() {
        let (before, after) = (live.address.key(), address.value.key());
        fields.push(Field::new(&["uri"], Some(before.into()), Some(after.into())));
    }
    if let Some(headers) = additional_headers {
        fields.extend(header_fields(&headers.value, live));
    }
    if let Some(wanted) = use_http_11
        && wanted.value != live.use_http_11
    {
        let (before, after) = (live.use_http_11.into(), wanted.value.into());
        fields.push(Field::new(&["use_http_11"], Some(before), Some(after)));
    }
    if let Some(wanted) = assume_role_arn
        && live.assume_role_arn.as_deref() != Some(wanted.value.expose())
    {
        let before = live.assume_role_arn.clone().map(Value::plain);
        fields.push(Field::of_values(&["assume_role_arn"], before.as_ref(), &wanted.value));
    }
    fields
}

fn header_fields(wanted: &desired::Headers, live: &live::Deployment) -> Vec<Field> {
    let is_hidden = live.has_hidden_headers;
    let live = &live.additional_headers;
    let names: BTreeSet<&String> = wanted.keys().chain(live.keys()).collect();
    let change = |name: &String| match (wanted.get(name), live.get(name)) {
        (Some(wanted), Some(live)) if is_hidden || wanted.value == *live => None,
        (Some(_), Some(_)) => Some(FieldChange::Changed),
        (Some(_), None) => Some(FieldChange::Set),
        (None, _) => Some(FieldChange::Removed),
    };
    names
        .into_iter()
        .filter_map(|name| Some(Field::sensitive(&["additional_headers", name], change(name)?)))
        .collect()
}

/// What the metadata of a registration will be: the file's, or else what is there, and the mark of
/// the stack. `None` where the server keeps none (before 1.6).
pub fn metadata(
    entry: &desired::Deployment,
    stack: Option<&str>,
    live: Option<&live::Deployment>,
    server: &Server,
) -> Option<BTreeMap<String, Value>> {
    let mut metadata: BTreeMap<String, Value> = match (&entry.metadata, live) {
        (Some(written), _) => written.value.clone().into_iter().collect(),
        (None, Some(live)) => {
            let there = live.metadata.iter();
            there
                .map(|(name, text)| (name.clone(), Value::plain(text)))
                .collect()
        }
        (None, None) => BTreeMap::new(),
    };
    let mark = stack.or_else(|| live?.stack());
    metadata.extend(mark.map(|stack| (STACK_MARK.to_owned(), Value::plain(stack))));
    server.keeps_metadata().then_some(metadata)
}

/// The fields of a new deployment.
pub fn registration_fields(
    entry: &desired::Deployment,
    metadata: Option<&BTreeMap<String, Value>>,
) -> Vec<Field> {
    let mut fields = Vec::new();
    for name in entry
        .additional_headers
        .iter()
        .flat_map(|headers| headers.value.keys())
    {
        fields.push(Field::sensitive(&["additional_headers", name], FieldChange::Set));
    }
    if let Some(role) = &entry.assume_role_arn {
        fields.push(Field::of_values(&["assume_role_arn"], None, &role.value));
    }
    for (name, value) in metadata.into_iter().flatten() {
        fields.push(Field::of_values(&["metadata", name], None, value));
    }
    if let Some(field) = &entry.use_http_11 {
        fields.push(Field::new(&["use_http_11"], None, Some(field.value.into())));
    }
    fields
}

/// How the code an endpoint serves differs from what was registered: services, types, handlers and
/// handler options. The six service options are never evidence: a difference there can be an
/// override as well as a change of the SDK's.
pub fn code_differences(
    stored: &BTreeMap<String, Service>,
    fresh: &BTreeMap<String, Service>,
) -> Vec<String> {
    let names: BTreeSet<&String> = stored.keys().chain(fresh.keys()).collect();
    let mut differences = Vec::new();
    for name in names {
        match (stored.get(name), fresh.get(name)) {
            (None, _) => differences.push(format!("service {name} is new")),
            (_, None) => differences.push(format!("service {name} is gone")),
            (Some(before), Some(after)) => {
                if before.ty != after.ty {
                    differences.push(format!(
                        "service {name} is a {} and was a {}",
                        after.ty, before.ty
                    ));
                }
                let handlers: BTreeSet<&String> =
                    before.handlers.keys().chain(after.handlers.keys()).collect();
                for handler in handlers {
                    match (before.handlers.get(handler), after.handlers.get(handler)) {
                        (None, _) => differences.push(format!("handler {name}/{handler} is new")),
                        (_, None) => differences.push(format!("handler {name}/{handler} is gone")),
                        (Some(a), Some(b)) if a != b => {
                            differences.push(format!("handler {name}/{handler} is declared differently"));
                        }
                        (Some(_), Some(_)) => {}
                    }
                }
            }
        }
    }
    differences
}
