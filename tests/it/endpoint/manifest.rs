//! What an endpoint says of itself: its services, their handlers, and the options of both.

use serde_json::{Map, Value, json};

#[derive(Clone, Debug, Default)]
pub struct Manifest {
    services: Vec<Service>,
    request_response: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Service,
    VirtualObject,
    Workflow,
}

#[derive(Clone, Debug)]
pub struct Service {
    name: String,
    kind: Kind,
    handlers: Vec<Handler>,
    options: Map<String, Value>,
}

#[derive(Clone, Debug)]
pub struct Handler {
    name: String,
    shared: bool,
    options: Map<String, Value>,
}

impl Manifest {
    pub fn new() -> Manifest {
        Manifest::default()
    }

    #[must_use]
    pub fn service(mut self, service: Service) -> Manifest {
        self.services.push(service);
        self
    }

    /// Declares that invocations are answered in one go, as Lambda and HTTP/1.1 endpoints do.
    #[must_use]
    pub fn request_response(mut self) -> Manifest {
        self.request_response = true;
        self
    }

    /// Leaves out what the given version of the format does not know.
    pub fn to_json(&self, schema_version: u8) -> Value {
        let mode = if self.request_response {
            "REQUEST_RESPONSE"
        } else {
            "BIDI_STREAM"
        };
        let services: Vec<Value> = self
            .services
            .iter()
            .map(|service| service.to_json(schema_version))
            .collect();
        json!({
            "protocolMode": mode,
            "minProtocolVersion": 5,
            "maxProtocolVersion": 6,
            "services": services,
        })
    }
}

/// A manifest of one service.
impl From<Service> for Manifest {
    fn from(service: Service) -> Manifest {
        Manifest::new().service(service)
    }
}

impl<const N: usize> From<[Service; N]> for Manifest {
    fn from(services: [Service; N]) -> Manifest {
        services.into_iter().fold(Manifest::new(), Manifest::service)
    }
}

impl Service {
    pub fn new(name: &str, kind: Kind) -> Service {
        Service {
            name: name.to_owned(),
            kind,
            handlers: Vec::new(),
            options: Map::new(),
        }
    }

    /// Exclusive on a virtual object, the run handler on a workflow.
    #[must_use]
    pub fn handler(mut self, handler: impl Into<Handler>) -> Service {
        self.handlers.push(handler.into());
        self
    }

    #[must_use]
    pub fn shared_handler(mut self, handler: impl Into<Handler>) -> Service {
        self.handlers.push(Handler {
            shared: true,
            ..handler.into()
        });
        self
    }

    fn to_json(&self, schema_version: u8) -> Value {
        let (ty, default_handler_type) = match self.kind {
            Kind::Service => ("SERVICE", None),
            Kind::VirtualObject => ("VIRTUAL_OBJECT", Some("EXCLUSIVE")),
            Kind::Workflow => ("WORKFLOW", Some("WORKFLOW")),
        };
        let handlers: Vec<Value> = self
            .handlers
            .iter()
            .map(|handler| {
                let mut json = known_options(&handler.options, schema_version);
                json.insert("name".to_owned(), handler.name.as_str().into());
                let ty = if handler.shared {
                    Some("SHARED")
                } else {
                    default_handler_type
                };
                if let Some(ty) = ty {
                    json.insert("ty".to_owned(), ty.into());
                }
                Value::Object(json)
            })
            .collect();
        let mut json = known_options(&self.options, schema_version);
        json.insert("name".to_owned(), self.name.as_str().into());
        json.insert("ty".to_owned(), ty.into());
        json.insert("handlers".to_owned(), handlers.into());
        Value::Object(json)
    }
}

impl Handler {
    pub fn new(name: &str) -> Handler {
        Handler {
            name: name.to_owned(),
            shared: false,
            options: Map::new(),
        }
    }

    /// Only for the run handler of a workflow.
    #[must_use]
    pub fn workflow_completion_retention_ms(self, milliseconds: u64) -> Handler {
        self.option("workflowCompletionRetention", milliseconds)
    }

    #[must_use]
    pub fn input_schema(self, schema: &Value) -> Handler {
        self.option(
            "input",
            json!({ "required": true, "contentType": "application/json", "jsonSchema": schema }),
        )
    }
}

impl From<&str> for Handler {
    fn from(name: &str) -> Handler {
        Handler::new(name)
    }
}

/// What can be set on services and on handlers alike.
pub trait Options: Sized {
    fn fields(&mut self) -> &mut Map<String, Value>;

    /// Any field of the manifest, by the name it has there.
    #[must_use]
    fn option(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields().insert(field.to_owned(), value.into());
        self
    }

    #[must_use]
    fn ingress_private(self, private: bool) -> Self {
        self.option("ingressPrivate", private)
    }

    #[must_use]
    fn idempotency_retention_ms(self, milliseconds: u64) -> Self {
        self.option("idempotencyRetention", milliseconds)
    }

    #[must_use]
    fn journal_retention_ms(self, milliseconds: u64) -> Self {
        self.option("journalRetention", milliseconds)
    }

    #[must_use]
    fn inactivity_timeout_ms(self, milliseconds: u64) -> Self {
        self.option("inactivityTimeout", milliseconds)
    }

    #[must_use]
    fn abort_timeout_ms(self, milliseconds: u64) -> Self {
        self.option("abortTimeout", milliseconds)
    }

    #[must_use]
    fn documentation(self, text: &str) -> Self {
        self.option("documentation", text)
    }

    #[must_use]
    fn metadata(mut self, key: &str, value: &str) -> Self {
        self.fields().entry("metadata").or_insert_with(|| json!({}))[key] = value.into();
        self
    }
}

impl Options for Service {
    fn fields(&mut self) -> &mut Map<String, Value> {
        &mut self.options
    }
}

impl Options for Handler {
    fn fields(&mut self) -> &mut Map<String, Value> {
        &mut self.options
    }
}

fn known_options(options: &Map<String, Value>, schema_version: u8) -> Map<String, Value> {
    let introduced_in = |field: &str| match field {
        "input" | "output" => 1,
        "documentation" | "metadata" => 2,
        field if field.starts_with("retryPolicy") => 4,
        _ => 3,
    };
    options
        .iter()
        .filter(|(field, _)| introduced_in(field) <= schema_version)
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect()
}
