use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use super::{
    reply::Reply,
    state::{Handler, Options, Payload, RetryPolicy, Service, ServiceType},
    version::Version,
};

/// The answer of an endpoint to `/discover`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub protocol_mode: Option<ProtocolMode>,
    pub min_protocol_version: u32,
    pub max_protocol_version: u32,
    pub services: Vec<ServiceManifest>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProtocolMode {
    BidiStream,
    RequestResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Ty {
    Service,
    VirtualObject,
    Workflow,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum HandlerTy {
    Exclusive,
    Shared,
    Workflow,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum OnMaxAttempts {
    Pause,
    Kill,
}

#[derive(Deserialize)]
pub struct ServiceManifest {
    name: String,
    ty: Ty,
    handlers: Vec<HandlerManifest>,
    #[serde(flatten)]
    common: Common,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HandlerManifest {
    name: String,
    ty: Option<HandlerTy>,
    workflow_completion_retention: Option<u64>,
    input: Option<PayloadManifest>,
    output: Option<PayloadManifest>,
    #[serde(flatten)]
    common: Common,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PayloadManifest {
    #[serde(default)]
    required: bool,
    content_type: Option<String>,
    #[serde(default)]
    set_content_type_if_empty: bool,
    json_schema: Option<Value>,
}

/// What services and handlers have alike. Times are milliseconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Common {
    documentation: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    inactivity_timeout: Option<u64>,
    abort_timeout: Option<u64>,
    journal_retention: Option<u64>,
    idempotency_retention: Option<u64>,
    enable_lazy_state: Option<bool>,
    ingress_private: Option<bool>,
    retry_policy_initial_interval: Option<u64>,
    retry_policy_max_interval: Option<u64>,
    retry_policy_max_attempts: Option<u64>,
    retry_policy_exponentiation_factor: Option<f64>,
    retry_policy_on_max_attempts: Option<OnMaxAttempts>,
}

impl Common {
    fn options(&self) -> Options {
        let millis = |value: Option<u64>| value.map(Duration::from_millis);
        Options {
            public: self.ingress_private.map(|private| !private),
            idempotency_retention: millis(self.idempotency_retention),
            journal_retention: millis(self.journal_retention),
            inactivity_timeout: millis(self.inactivity_timeout),
            abort_timeout: millis(self.abort_timeout),
            workflow_completion_retention: None,
            enable_lazy_state: self.enable_lazy_state,
            retry_policy: RetryPolicy {
                initial_interval: millis(self.retry_policy_initial_interval),
                max_interval: millis(self.retry_policy_max_interval),
                max_attempts: self.retry_policy_max_attempts.map(|n| n.max(1)),
                exponentiation_factor: self.retry_policy_exponentiation_factor,
                on_max_attempts: self.retry_policy_on_max_attempts.map(|on| match on {
                    OnMaxAttempts::Pause => "Pause",
                    OnMaxAttempts::Kill => "Kill",
                }),
            },
        }
    }
}

impl Manifest {
    /// Names the server cannot decode make a 500 without a code.
    pub fn bad_name(&self) -> Option<&str> {
        self.services.iter().find_map(|service| {
            let handlers = service.handlers.iter().map(|h| (h.name.as_str(), ""));
            [(service.name.as_str(), ".-")]
                .into_iter()
                .chain(handlers)
                .find(|(name, extra)| !is_name(name, extra))
                .map(|(name, _)| name)
        })
    }

    /// The services at revision 1. Of two with one name, the last wins; handlers likewise.
    pub fn into_services(self, version: &Version) -> Result<Vec<Service>, Reply> {
        let mut services: Vec<Service> = Vec::new();
        for manifest in self.services {
            let service = manifest.into_service(version)?;
            services.retain(|s| s.name != service.name);
            services.push(service);
        }
        Ok(services)
    }
}

impl ServiceManifest {
    fn into_service(self, version: &Version) -> Result<Service, Reply> {
        let name = self.name;
        let lower = name.to_ascii_lowercase();
        if lower.starts_with("restate") || lower == "openapi" {
            let why = format!("cannot insert/modify service '{name}' as it contains a reserved name");
            return Err(Reply::error(400, Some("META0005"), why));
        }
        let refuse = |why: String| Err(Reply::error(400, None, why));
        // 1.5 knows Pause but wants it enabled in the server's configuration.
        let pauses = |common: &Common| {
            common.retry_policy_on_max_attempts == Some(OnMaxAttempts::Pause) && !version.at_least(6)
        };
        let ty = match self.ty {
            Ty::Service => ServiceType::Service,
            Ty::VirtualObject => ServiceType::VirtualObject,
            Ty::Workflow => ServiceType::Workflow,
        };
        let options = self.common.options();
        let mut handlers: Vec<Handler> = Vec::new();
        for handler in self.handlers {
            let handler_name = &handler.name;
            if pauses(&handler.common) || pauses(&self.common) {
                return refuse(format!("{name} pauses, which is not explicitly enabled"));
            }
            let handler_ty = match (ty, handler.ty) {
                (ServiceType::Service, None | Some(HandlerTy::Shared)) => None,
                (ServiceType::VirtualObject, None | Some(HandlerTy::Exclusive)) => Some("Exclusive"),
                (ServiceType::VirtualObject, Some(HandlerTy::Shared))
                | (ServiceType::Workflow, None | Some(HandlerTy::Shared)) => Some("Shared"),
                (ServiceType::Workflow, Some(HandlerTy::Workflow)) => Some("Workflow"),
                (_, given) => {
                    return refuse(format!(
                        "invalid combination of service type and handler type '({ty:?}, {given:?})'"
                    ));
                }
            };
            if handler.workflow_completion_retention.is_some() && handler_ty != Some("Workflow") {
                return refuse(format!(
                    "{handler_name} sets the workflow_completion_retention, but it's not a WORKFLOW handler"
                ));
            }
            let handler_options = handler.common.options();
            if options.public == Some(false) && handler_options.public == Some(true) {
                return refuse(format!(
                    "The service {name} is private, but the {handler_name} is explicitly set as public."
                ));
            }
            let retention = handler.workflow_completion_retention.map(Duration::from_millis);
            handlers.retain(|known| known.name != handler.name);
            handlers.push(Handler {
                name: handler.name,
                ty: handler_ty,
                documentation: handler.common.documentation,
                metadata: handler.common.metadata,
                options: Options {
                    workflow_completion_retention: retention,
                    ..handler_options
                },
                input: input(handler.input),
                output: output(handler.output),
            });
        }
        Ok(Service {
            name,
            ty,
            revision: 1,
            documentation: self.common.documentation,
            metadata: self.common.metadata,
            options,
            handlers,
        })
    }
}

fn input(payload: Option<PayloadManifest>) -> Payload {
    let Some(payload) = payload else {
        return described("*/*");
    };
    match payload.content_type {
        None if payload.required => described("<invalid rules>"),
        None => described("none"),
        Some(content_type) => content(content_type, payload.json_schema),
    }
}

fn output(payload: Option<PayloadManifest>) -> Payload {
    let Some(payload) = payload else {
        return described("application/json");
    };
    match payload.content_type {
        None => described("none"),
        Some(content_type) if payload.set_content_type_if_empty => {
            content(format!("optional {content_type}"), payload.json_schema)
        }
        Some(content_type) => content(content_type, payload.json_schema),
    }
}

/// A schema's title or type is said instead of the content type.
fn content(content_type: String, json_schema: Option<Value>) -> Payload {
    let word = |key: &str| json_schema.as_ref()?.get(key)?.as_str();
    let description = match (word("title"), word("type")) {
        (Some(title), _) => format!("JSON '{title}'"),
        (None, Some(ty)) => format!("JSON {ty}"),
        (None, None) => content_type,
    };
    Payload {
        description,
        json_schema,
    }
}

fn described(description: &str) -> Payload {
    Payload {
        description: description.into(),
        json_schema: None,
    }
}

/// `^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9_]*$`, services also with dots and dashes.
fn is_name(name: &str, extra: &str) -> bool {
    let mut chars = name.chars();
    let start = match chars.next() {
        Some('_') => chars.next().is_some_and(|c| c.is_ascii_alphanumeric()),
        Some(c) => c.is_ascii_alphabetic(),
        None => false,
    };
    start && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || extra.contains(c))
}
