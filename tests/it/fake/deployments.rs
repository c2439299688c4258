use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Uri};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, json};

use super::{
    Shared,
    discovery::Discovered,
    reply::{Answer, Reply},
    state::{self, Deployment, Registered, Registration, State},
    version::{Prefix, Version},
};

type Headers = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Register {
    #[serde(deserialize_with = "uri")]
    uri: Uri,
    #[serde(default, deserialize_with = "headers")]
    additional_headers: Option<Headers>,
    #[serde(default)]
    use_http_11: bool,
    force: Option<bool>,
    #[serde(default)]
    breaking: bool,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RegisterLambda {
    arn: String,
}

#[derive(Deserialize)]
struct Update {
    #[serde(default, deserialize_with = "optional_uri")]
    uri: Option<Uri>,
    #[serde(default, deserialize_with = "headers")]
    additional_headers: Option<Headers>,
    use_http_11: Option<bool>,
    #[serde(default)]
    overwrite: bool,
    #[serde(default)]
    dry_run: bool,
    #[serde(skip)]
    arn: Option<String>,
}

impl Update {
    fn address(&mut self) -> Result<Option<Uri>, Reply> {
        match &self.arn {
            Some(arn) => Err(lambda_refused(arn)),
            None => self.uri.take().map(absolute).transpose(),
        }
    }
}

/// The form without the key `uri`: the server takes it for a Lambda's.
#[derive(Deserialize)]
struct UpdateLambda {
    arn: Option<String>,
    #[serde(default, deserialize_with = "headers")]
    additional_headers: Option<Headers>,
    #[serde(default)]
    overwrite: bool,
    #[serde(default)]
    dry_run: bool,
}

pub async fn register(shared: &Shared, prefix: Prefix, mut body: Value) -> Answer {
    let (version, cluster_name) = shared.identity();
    let legacy = version.is_legacy(prefix);
    if !version.at_least(6) {
        // Fields that 1.5 does not know, and a `force` that must not be null there.
        forget(&mut body, &["breaking", "metadata"]);
        if body.get("force").is_some_and(Value::is_null) {
            return Err(no_variant("RegisterDeploymentRequest"));
        }
    }
    let Ok(register) = serde_json::from_value::<Register>(body.clone()) else {
        return Err(match serde_json::from_value::<RegisterLambda>(body) {
            Ok(lambda) => lambda_refused(&lambda.arn),
            Err(_) => no_variant("RegisterDeploymentRequest"),
        });
    };
    let uri = absolute(register.uri)?;
    let force = register.force.unwrap_or(legacy);
    // Since 1.6 a known URI is answered from the schema, without asking the endpoint.
    if version.at_least(6) && !force {
        let state = shared.state();
        if let Some(known) = state.at_uri(&uri, false) {
            return untouched(&state, known, legacy);
        }
    }
    let headers = register.additional_headers.unwrap_or_default();
    let found = shared
        .discovery
        .discover(&version, &cluster_name, &uri, register.use_http_11, &headers)
        .await?;
    let deployment = Deployment {
        metadata: register.metadata,
        ..deployment(&version, uri, register.use_http_11, headers, found)?
    };
    let wanted = Registration {
        deployment,
        force,
        breaking: register.breaking,
        dry_run: register.dry_run,
    };
    let mut state = shared.state();
    let (status, deployment) = match state.register(wanted)? {
        Registered::Untouched(deployment) => return untouched(&state, &deployment, legacy),
        Registered::Created(deployment) => (201, deployment),
        Registered::Replaced(deployment) => (if legacy { 201 } else { 200 }, deployment),
    };
    Ok(registered(&state, status, &deployment))
}

/// PUT is 1.5's way; newer servers read the body, and then take it as a PATCH under `/v2` alone.
pub async fn put(shared: &Shared, prefix: Prefix, id: &str, mut body: Value) -> Answer {
    let (version, cluster_name) = shared.identity();
    if version.at_least(6) {
        if version.is_legacy(prefix) {
            return patch(shared, id, body).await;
        }
        parse_update(body)?;
        let why = "PUT deployment is deprecated, use PATCH instead";
        return Err(Reply::error(405, None, why));
    }
    forget(&mut body, &["overwrite"]);
    let mut update = parse_update(complete(body)?)?;
    let Some(uri) = update.address()? else {
        return Err(no_variant("UpdateDeploymentRequest"));
    };
    let use_http_11 = update.use_http_11.unwrap_or(false);
    let headers = update.additional_headers.unwrap_or_default();
    // The endpoint is asked before the id is looked up.
    let found = shared
        .discovery
        .discover(&version, &cluster_name, &uri, use_http_11, &headers)
        .await?;
    let mut state = shared.state();
    let current = state.deployment(id).ok_or_else(|| missing(id))?;
    check_protocol(current, &found)?;
    let mut wanted = Deployment {
        id: current.id.clone(),
        ..deployment(&version, uri, use_http_11, headers, found)?
    };
    merge_services(&state, current, &mut wanted)?;
    let body = state.deployment_details(&wanted);
    if !update.dry_run {
        state.replace(wanted);
    }
    Ok(Reply::json(200, &body))
}

/// Since 1.6. What is not given stays, except that a `uri` resets `use_http_11`. Nothing given is
/// a no-op, `overwrite` or not.
pub async fn patch(shared: &Shared, id: &str, body: Value) -> Answer {
    let (version, cluster_name) = shared.identity();
    let mut update = parse_update(body)?;
    let uri = update.address()?;
    let known = shared.state().deployment(id).cloned();
    let mut wanted = known.ok_or_else(|| missing(id))?;
    if uri.is_none() && update.use_http_11.is_none() && update.additional_headers.is_none() {
        return Ok(Reply::json(200, &shared.state().deployment_details(&wanted)));
    }
    let reset = uri.is_some().then_some(false);
    if let Some(use_http_11) = update.use_http_11.or(reset) {
        wanted.use_http_11 = use_http_11;
    }
    if let Some(uri) = uri {
        wanted.uri = uri;
    }
    if let Some(headers) = update.additional_headers {
        wanted.additional_headers = headers;
    }
    // Even a change of headers alone needs the endpoint to answer.
    let found = shared
        .discovery
        .discover(
            &version,
            &cluster_name,
            &wanted.uri,
            wanted.use_http_11,
            &wanted.additional_headers,
        )
        .await?;
    let mut state = shared.state();
    let current = state.deployment(id).ok_or_else(|| missing(id))?;
    check_protocol(current, &found)?;
    wanted.request_response = found.request_response;
    wanted.sdk_version = found.sdk_version;
    // Without `overwrite` the endpoint's services are not even validated.
    if update.overwrite {
        wanted.services = found.manifest.into_services(&version)?;
        keep_revisions(current, &mut wanted);
    }
    let body = state.deployment_details(&wanted);
    if !update.dry_run {
        state.replace(wanted);
    }
    Ok(Reply::json(200, &body))
}

fn parse_update(body: Value) -> Result<Update, Reply> {
    let refused = || no_variant("UpdateDeploymentRequest");
    let Some(fields) = body.as_object() else {
        return Err(refused());
    };
    if fields.contains_key("uri")
        && let Ok(update) = serde_json::from_value(body.clone())
    {
        return Ok(update);
    }
    let lambda: UpdateLambda = serde_json::from_value(body).map_err(|_| refused())?;
    Ok(Update {
        uri: None,
        additional_headers: lambda.additional_headers,
        use_http_11: None,
        overwrite: lambda.overwrite,
        dry_run: lambda.dry_run,
        arn: lambda.arn,
    })
}

/// 1.5 wants whole updates: no nulls, no half.
fn complete(body: Value) -> Result<Value, Reply> {
    let null = |key: &str| body.get(key).is_some_and(Value::is_null);
    if null("uri") || null("arn") || null("use_http_11") {
        return Err(no_variant("UpdateDeploymentRequest"));
    }
    Ok(body)
}

/// 1.5's PUT takes new handlers and services silently, refuses missing ones, and keeps overrides
/// where the SDK does not say.
fn merge_services(state: &State, current: &Deployment, wanted: &mut Deployment) -> Result<(), Reply> {
    let mut names = current.services.iter().map(|s| &s.name);
    if names.any(|name| wanted.service(name).is_none()) {
        return Err(dissimilar());
    }
    for new in &mut wanted.services {
        if let Some(old) = current.service(&new.name) {
            state.check_compatible(old, new)?;
            new.options.fill_from(&old.options);
        }
    }
    keep_revisions(current, wanted);
    Ok(())
}

/// A service new to the deployment starts at revision 1, also when another one serves a higher.
fn keep_revisions(current: &Deployment, wanted: &mut Deployment) {
    for new in &mut wanted.services {
        if let Some(old) = current.service(&new.name) {
            new.revision = old.revision;
        }
    }
}

fn check_protocol(current: &Deployment, found: &Discovered) -> Result<(), Reply> {
    if found.protocol == current.protocol {
        Ok(())
    } else {
        Err(dissimilar())
    }
}

fn missing(id: &str) -> Reply {
    let why = format!("not found in the schema registry: deployment with id '{id}'");
    Reply::error(404, None, why)
}

fn deployment(
    version: &Version,
    uri: Uri,
    use_http_11: bool,
    additional_headers: Headers,
    found: Discovered,
) -> Result<Deployment, Reply> {
    Ok(Deployment {
        id: state::new_id("dp"),
        uri,
        use_http_11,
        request_response: found.request_response,
        additional_headers,
        metadata: BTreeMap::new(),
        created_at: state::now(),
        protocol: found.protocol,
        sdk_version: found.sdk_version,
        services: found.manifest.into_services(version)?,
    })
}

fn untouched(state: &State, deployment: &Deployment, legacy: bool) -> Answer {
    if legacy {
        let why = format!("deployment {} already exists", deployment.id);
        return Err(Reply::error(409, None, why));
    }
    Ok(registered(state, 200, deployment))
}

fn registered(state: &State, status: u16, deployment: &Deployment) -> Reply {
    let location = format!("deployments/{}", deployment.id);
    Reply::json(status, &state.registration(deployment)).with_header("location", location)
}

fn absolute(uri: Uri) -> Result<Uri, Reply> {
    if uri.scheme().is_some() && uri.authority().is_some() {
        return Ok(uri);
    }
    let why = format!("The provided uri {uri} is not absolute");
    Err(Reply::error(400, None, why))
}

/// No ARN works here, as on a server without credentials.
fn lambda_refused(arn: &str) -> Reply {
    let parts: Vec<_> = arn.split(':').collect();
    if parts.len() == 8 && parts.iter().all(|part| !part.is_empty()) {
        Reply::error(500, Some("META0003"), "no credentials for the Lambda")
    } else {
        Reply::error(400, None, "The request field 'arn' is invalid")
    }
}

fn dissimilar() -> Reply {
    let why = "an update must provide an endpoint with the same services and handlers";
    Reply::error(400, Some("META0016"), why)
}

fn no_variant(what: &str) -> Reply {
    let why = format!("data did not match any variant of untagged enum {what}");
    Reply::unprocessable(why)
}

fn forget(body: &mut Value, fields: &[&str]) {
    if let Some(body) = body.as_object_mut() {
        body.retain(|key, _| !fields.contains(&key.as_str()));
    }
}

fn uri<'de, D: Deserializer<'de>>(from: D) -> Result<Uri, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(D::Error::custom)
}

fn optional_uri<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Uri>, D::Error> {
    Option::<String>::deserialize(from)?
        .map(|text| text.parse().map_err(D::Error::custom))
        .transpose()
}

/// Names come back in lower case.
fn headers<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Headers>, D::Error> {
    let Some(given) = Option::<Headers>::deserialize(from)? else {
        return Ok(None);
    };
    let mut headers = Headers::new();
    for (name, value) in given {
        let name = HeaderName::try_from(name).map_err(D::Error::custom)?;
        HeaderValue::try_from(value.as_str()).map_err(D::Error::custom)?;
        headers.insert(name.to_string(), value);
    }
    Ok(Some(headers))
}

pub fn list(state: &State) -> Reply {
    let deployments = state.deployments.iter();
    let list = state.ordered(deployments.map(|d| state.deployment_summary(d)));
    Reply::json(200, &json!({ "deployments": list }))
}
