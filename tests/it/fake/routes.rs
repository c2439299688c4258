use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Request, Shared, deployments, duration,
    reply::{Answer, Reply},
    state::{self, ServiceType, State},
    version::{Prefix, Version},
};

/// Larger bodies are refused.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

#[derive(Deserialize)]
struct ServicePatch {
    #[serde(default)]
    public: Option<bool>,
    #[serde(default, deserialize_with = "duration::optional")]
    idempotency_retention: Option<Duration>,
    #[serde(default, deserialize_with = "duration::optional")]
    workflow_completion_retention: Option<Duration>,
    #[serde(default, deserialize_with = "duration::optional")]
    journal_retention: Option<Duration>,
    #[serde(default, deserialize_with = "duration::optional")]
    inactivity_timeout: Option<Duration>,
    #[serde(default, deserialize_with = "duration::optional")]
    abort_timeout: Option<Duration>,
}

/// The path without its `/vN`, or the answer to a prefix this server does not serve.
pub fn split_prefix<'p>(version: &Version, path: &'p str) -> Result<(Prefix, &'p str), Reply> {
    let Some((number, rest)) = prefix(path) else {
        return Ok((Prefix::None, path));
    };
    let (min, max) = version.admin_api_range();
    if version.has_prefixes() && number == 1 && min > 1 {
        let why = format!(
            "Unsupported Admin API version V1. This server supports versions between V{min} and V{max}."
        );
        return Err(Reply::text(400, why));
    }
    if !version.has_prefixes() || !(min..=max).contains(&number) {
        return Err(Reply::empty(404));
    }
    Ok((Prefix::V(number), rest))
}

/// `/v2/deployments` as 2 and `/deployments`.
pub fn prefix(path: &str) -> Option<(u8, &str)> {
    let rest = path.strip_prefix("/v")?;
    let digit = rest.chars().next()?.to_digit(10)?;
    let rest = rest.get(1..).filter(|rest| rest.starts_with('/'))?;
    Some((u8::try_from(digit).ok()?, rest))
}

pub async fn handle(shared: &Shared, request: &Request) -> Reply {
    let version = shared.identity().0;
    let (prefix, path) = match split_prefix(&version, &request.path) {
        Ok(split) => split,
        Err(reply) => return reply,
    };
    let answer = route(shared, prefix, path, request).await;
    answer.unwrap_or_else(|refusal| refusal)
}

async fn route(shared: &Shared, prefix: Prefix, path: &str, request: &Request) -> Answer {
    let version = shared.identity().0;
    let segments: Vec<String> = path.split('/').skip(1).map(percent_decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if segments.contains(&"") {
        return Ok(Reply::empty(404));
    }
    // HEAD is served like GET, without the body.
    let method = match request.method.as_str() {
        "HEAD" => "GET",
        method => method,
    };
    let json_body = || parse_body(request);
    let ok = |body: Value| Ok(Reply::json(200, &body));
    let kafka = version.at_least(7);
    match (method, segments.as_slice()) {
        ("POST", ["deployments"]) => deployments::register(shared, prefix, json_body()?).await,
        ("PATCH", ["deployments", id]) if version.at_least(6) => {
            check_id("dp", id)?;
            deployments::patch(shared, id, json_body()?).await
        }
        ("PUT", ["deployments", id]) if version.at_least(2) => {
            check_id("dp", id)?;
            deployments::put(shared, prefix, id, json_body()?).await
        }
        _ => {
            let mut state = shared.state();
            match (method, segments.as_slice()) {
                ("GET", ["health"]) => Ok(Reply::empty(200)),
                ("GET", ["version"]) => ok(version_information(&state)),
                ("GET", ["cluster-health"]) => ok(json!({
                    "cluster_name": state.cluster_name,
                    "metadata_cluster_health": { "members": [1] },
                })),
                ("GET", ["deployments"]) => Ok(deployments::list(&state)),
                ("GET", ["deployments", id]) => {
                    check_id("dp", id)?;
                    let found = state.deployment(id).ok_or_else(|| missing(id))?;
                    ok(state.deployment_details(found))
                }
                ("DELETE", ["deployments", id]) => {
                    check_id("dp", id)?;
                    if !flag(request, "force")? {
                        return Ok(Reply::empty(501));
                    }
                    let removed = state.remove_deployment(id);
                    removed.then(|| Reply::empty(202)).ok_or_else(|| missing(id))
                }
                ("GET", ["services"]) => {
                    let services = state.active_services().into_iter();
                    let list: Vec<_> = services.map(|(d, s)| state.service(d, s)).collect();
                    ok(json!({ "services": list }))
                }
                ("GET", ["services", name]) => {
                    let (deployment, service) = state.active(name).ok_or_else(|| missing(name))?;
                    ok(state.service(deployment, service))
                }
                ("PATCH", ["services", name]) => patch_service(&mut state, name, json_body()?),
                ("GET", ["services", name, "handlers"]) => {
                    let (deployment, service) = state.active(name).ok_or_else(|| missing(name))?;
                    ok(json!({ "handlers": state.handlers(deployment, service) }))
                }
                ("GET", ["services", name, "handlers", handler]) => {
                    let (deployment, service) = state.active(name).ok_or_else(|| missing(name))?;
                    let handler = service.handler(handler).ok_or_else(|| missing(handler))?;
                    ok(state.handler(deployment, service, handler))
                }
                ("POST", ["subscriptions"]) => state.subscribe(json_body()?),
                ("GET", ["subscriptions"]) => {
                    let source = query(request, "source")?;
                    let sink = query(request, "sink")?;
                    ok(state.subscriptions(source.as_deref(), sink.as_deref()))
                }
                ("GET", ["subscriptions", id]) => {
                    check_id("sub", id)?;
                    let found = state.subscriptions.iter().find(|s| s.id == *id);
                    ok(state.subscription(found.ok_or_else(|| missing(id))?))
                }
                ("DELETE", ["subscriptions", id]) => {
                    check_id("sub", id)?;
                    let found = state.subscriptions.iter().position(|s| s.id == *id);
                    state.subscriptions.remove(found.ok_or_else(|| missing(id))?);
                    Ok(Reply::empty(202))
                }
                ("POST", ["query"]) => state.query(&json_body()?),
                ("GET", ["kafka-clusters"]) if kafka => ok(state.clusters()),
                ("POST", ["kafka-clusters"]) if kafka => state.add_cluster(json_body()?),
                ("GET", ["kafka-clusters", name]) if kafka => {
                    state.cluster_details(name, flag(request, "include_subscriptions")?)
                }
                ("PATCH", ["kafka-clusters", name]) if kafka => state.update_cluster(name, json_body()?),
                ("DELETE", ["kafka-clusters", name]) if kafka => {
                    state.remove_cluster(name, flag(request, "force")?)
                }
                (_, path) if is_route(path, kafka) => Ok(Reply::empty(405)),
                _ => Ok(Reply::empty(404)),
            }
        }
    }
}

fn is_route(path: &[&str], kafka: bool) -> bool {
    match path {
        [
            "health" | "version" | "cluster-health" | "deployments" | "services" | "subscriptions" | "query",
        ]
        | ["deployments" | "services" | "subscriptions", _]
        | ["services", _, "handlers"]
        | ["services", _, "handlers", _] => true,
        ["kafka-clusters"] | ["kafka-clusters", _] => kafka,
        _ => false,
    }
}

fn version_information(state: &State) -> Value {
    let version = &state.version;
    let (min, max) = version.admin_api_range();
    let mut out = json!({
        "version": version.text,
        "min_admin_api_version": min,
        "max_admin_api_version": max,
    });
    if version.at_least(5) {
        out["ingress_endpoint"] = json!("http://127.0.0.1:8080/");
    }
    if version.at_least(7) {
        out["features"] = json!({ "vqueues": false });
    }
    out
}

/// All or nothing; no new revision; handlers keep what the SDK declared for them.
fn patch_service(state: &mut State, name: &str, body: Value) -> Answer {
    let patch: ServicePatch = serde_json::from_value(body).map_err(Reply::unprocessable)?;
    let has_timeouts = state.version.at_least(2);
    let has_journal_retention = state.version.at_least(5);
    let service = state.active_mut(name).ok_or_else(|| missing(name))?;
    let ServicePatch {
        public,
        idempotency_retention,
        workflow_completion_retention,
        journal_retention,
        inactivity_timeout,
        abort_timeout,
    } = patch;
    if workflow_completion_retention.is_some() && service.ty != ServiceType::Workflow {
        let why = "modifying retention time for service type Service is unsupported";
        return Err(Reply::error(400, None, why));
    }
    // There is no unset: null and absent change nothing.
    let known = service.options.clone();
    let options = &mut service.options;
    options.public = public.or(known.public);
    options.idempotency_retention = idempotency_retention.or(known.idempotency_retention);
    options.workflow_completion_retention =
        workflow_completion_retention.or(known.workflow_completion_retention);
    if has_timeouts {
        options.inactivity_timeout = inactivity_timeout.or(known.inactivity_timeout);
        options.abort_timeout = abort_timeout.or(known.abort_timeout);
    }
    if has_journal_retention {
        options.journal_retention = journal_retention.or(known.journal_retention);
    }
    let (deployment, service) = state.active(name).ok_or_else(|| missing(name))?;
    Ok(Reply::json(200, &state.service(deployment, service)))
}

fn missing(what: &str) -> Reply {
    Reply::error(404, None, format!("The requested '{what}' does not exist"))
}

fn check_id(kind: &str, id: &str) -> Result<(), Reply> {
    if state::is_id(kind, id) {
        return Ok(());
    }
    Err(Reply::text(400, "Invalid URL: bad format"))
}

fn parse_body(request: &Request) -> Result<Value, Reply> {
    let content_type = request.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_json = media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    if !is_json {
        let why = "Expected request with `Content-Type: application/json`";
        return Err(Reply::text(415, why));
    }
    if request.body.len() >= BODY_LIMIT {
        return Err(Reply::text(413, "length limit exceeded"));
    }
    serde_json::from_str(&request.body).map_err(|error| {
        let why = format!("Failed to parse the request body as JSON: {error}");
        Reply::text(400, why)
    })
}

/// The one value of a query parameter.
fn query(request: &Request, key: &str) -> Result<Option<String>, Reply> {
    let mut values = request.query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name == key).then(|| percent_decoded(&value.replace('+', " ")))
    });
    let value = values.next();
    if values.next().is_some() {
        let why = format!("Failed to deserialize query string: duplicate field `{key}`");
        return Err(Reply::text(400, why));
    }
    Ok(value)
}

fn flag(request: &Request, key: &str) -> Result<bool, Reply> {
    let value = query(request, key)?;
    value.map_or(Ok(false), |value| value.parse()).map_err(|_| {
        let why = format!("Failed to deserialize query string: {key}: not `true` or `false`");
        Reply::text(400, why)
    })
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
