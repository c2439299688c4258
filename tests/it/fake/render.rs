use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    duration,
    state::{Deployment, Handler, Options, RetryPolicy, Service, ServiceType, State},
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Answers hold effective values: what was set, else the server's defaults, clamped.
impl State {
    pub fn deployment_summary(&self, deployment: &Deployment) -> Value {
        let services = self.ordered(
            deployment
                .services
                .iter()
                .map(|service| json!({ "name": service.name, "revision": service.revision })),
        );
        Self::deployment_with(deployment, services)
    }

    pub fn deployment_details(&self, deployment: &Deployment) -> Value {
        Self::deployment_with(deployment, self.services_of(deployment))
    }

    /// The answer to a registration.
    pub fn registration(&self, deployment: &Deployment) -> Value {
        Fields::default()
            .put("id", &deployment.id)
            .put("services", self.services_of(deployment))
            .protocol(deployment)
            .done()
    }

    fn services_of(&self, deployment: &Deployment) -> Vec<Value> {
        let services = deployment.services.iter();
        self.ordered(services.map(|service| self.service(deployment, service)))
    }

    fn deployment_with(deployment: &Deployment, services: Vec<Value>) -> Value {
        let protocol_type = if deployment.request_response {
            "RequestResponse"
        } else {
            "BidiStream"
        };
        let http_version = if deployment.use_http_11 {
            "HTTP/1.1"
        } else {
            "HTTP/2.0"
        };
        Fields::default()
            .put("id", &deployment.id)
            .put("uri", deployment.uri.to_string())
            .put("protocol_type", protocol_type)
            .put("http_version", http_version)
            .map("additional_headers", &deployment.additional_headers)
            .map("metadata", &deployment.metadata)
            .put("created_at", format!("{:.9}", deployment.created_at))
            .protocol(deployment)
            .put("services", services)
            .done()
    }

    pub fn service(&self, deployment: &Deployment, service: &Service) -> Value {
        let options = &service.options;
        let v15 = self.version.at_least(5);
        let inactivity = options.inactivity_timeout.unwrap_or(MINUTE);
        let inactivity = if self.ignores_inactivity(deployment) {
            Duration::ZERO
        } else {
            inactivity
        };
        let abort = if self.version.at_least(6) {
            10 * MINUTE
        } else {
            MINUTE
        };
        // A handler's retention hides the one that PATCH sets.
        let of_handler = service
            .handlers
            .iter()
            .find_map(|h| h.options.workflow_completion_retention);
        let completion = of_handler
            .or(options.workflow_completion_retention)
            .unwrap_or(DAY);
        let completion = (service.ty == ServiceType::Workflow).then_some(completion);
        let journal = options.journal_retention.unwrap_or(DAY);
        let lazy = options.enable_lazy_state.unwrap_or(false);
        let idempotency = options.idempotency_retention.unwrap_or(DAY);
        Fields::default()
            .put("name", &service.name)
            .put("ty", format!("{:?}", service.ty))
            .put("handlers", self.handlers(deployment, service))
            .some("documentation", service.documentation.as_ref())
            .map("metadata", &service.metadata)
            .put("deployment_id", &deployment.id)
            .put("revision", service.revision)
            .put("public", service.is_public())
            .put("idempotency_retention", self.echo(idempotency))
            .some("workflow_completion_retention", self.echo_some(completion))
            .some("journal_retention", v15.then(|| self.echo(self.clamp(journal))))
            .put("inactivity_timeout", self.echo(inactivity))
            .put("abort_timeout", self.echo(options.abort_timeout.unwrap_or(abort)))
            .some("enable_lazy_state", v15.then_some(lazy))
            .some(
                "retry_policy",
                v15.then(|| self.service_retry_policy(&options.retry_policy)),
            )
            .info(self.info(deployment, options, Some(journal), "service"))
            .done()
    }

    pub fn handlers(&self, deployment: &Deployment, service: &Service) -> Vec<Value> {
        let handlers = service.handlers.iter();
        self.ordered(handlers.map(|handler| self.handler(deployment, service, handler)))
    }

    /// Fields that only the SDK can set; a PATCH of the service changes `public` alone, and that
    /// only where the handler does not say.
    pub fn handler(&self, deployment: &Deployment, service: &Service, handler: &Handler) -> Value {
        let options = &handler.options;
        let journal = options.journal_retention;
        let inactivity = options
            .inactivity_timeout
            .filter(|_| !self.ignores_inactivity(deployment));
        let policy = self.handler_retry_policy(&options.retry_policy);
        Fields::default()
            .put("name", &handler.name)
            .some("ty", handler.ty)
            .some("documentation", handler.documentation.as_ref())
            .map("metadata", &handler.metadata)
            .some(
                "idempotency_retention",
                self.echo_some(options.idempotency_retention),
            )
            .some(
                "journal_retention",
                self.echo_some(journal.map(|r| self.clamp(r))),
            )
            .some("inactivity_timeout", self.echo_some(inactivity))
            .some("abort_timeout", self.echo_some(options.abort_timeout))
            .some("enable_lazy_state", options.enable_lazy_state)
            .put("public", options.public.unwrap_or(service.is_public()))
            .put("input_description", &handler.input.description)
            .put("output_description", &handler.output.description)
            .some("input_json_schema", handler.input.json_schema.as_ref())
            .some("output_json_schema", handler.output.json_schema.as_ref())
            .some("retry_policy", self.version.at_least(5).then_some(policy))
            .info(self.info(deployment, options, journal, "handler"))
            .done()
    }

    fn service_retry_policy(&self, policy: &RetryPolicy) -> Value {
        let (initial, max, attempts, on_max) = if self.version.at_least(6) {
            (500, 60_000, Some(70), "Pause")
        } else {
            (50, 10_000, None, "Kill")
        };
        let time = |value: Option<Duration>, default: u64| {
            self.echo(value.unwrap_or(Duration::from_millis(default)))
        };
        json!({
            "initial_interval": time(policy.initial_interval, initial),
            "exponentiation_factor": policy.exponentiation_factor.unwrap_or(2.0),
            "max_attempts": policy.max_attempts.or(attempts),
            "max_interval": time(policy.max_interval, max),
            "on_max_attempts": policy.on_max_attempts.unwrap_or(on_max),
        })
    }

    /// Only what the SDK set, except that 1.6 and later always show `max_attempts`.
    fn handler_retry_policy(&self, policy: &RetryPolicy) -> Value {
        let always = self.version.at_least(6) || policy.max_attempts.is_some();
        Fields::default()
            .some("initial_interval", self.echo_some(policy.initial_interval))
            .some("exponentiation_factor", policy.exponentiation_factor)
            .some("max_attempts", always.then_some(policy.max_attempts))
            .some("max_interval", self.echo_some(policy.max_interval))
            .some("on_max_attempts", policy.on_max_attempts)
            .done()
    }

    /// 1.6 and later say which declared values have no effect.
    fn info(
        &self,
        deployment: &Deployment,
        options: &Options,
        retention: Option<Duration>,
        what: &str,
    ) -> Vec<Value> {
        let mut info = Vec::new();
        if !self.version.at_least(6) {
            return info;
        }
        if let Some(timeout) = options.inactivity_timeout
            && deployment.request_response
        {
            let timeout = self.echo(timeout);
            let message = format!(
                "The configured inactivity_timeout {timeout} will not be applied because the {what} is exposed in Request/Response mode."
            );
            info.push(json!({ "code": "RT0021", "message": message }));
        }
        if retention.is_some_and(|retention| self.clamp(retention) != retention) {
            let message = "The configured journal_retention is clamped to the maximum server limit.";
            info.push(json!({ "code": "RT0022", "message": message }));
        }
        info
    }

    fn ignores_inactivity(&self, deployment: &Deployment) -> bool {
        deployment.request_response && self.version.at_least(6)
    }

    fn clamp(&self, retention: Duration) -> Duration {
        self.max_journal_retention
            .map_or(retention, |max| retention.min(max))
    }

    fn echo_some(&self, value: Option<Duration>) -> Option<String> {
        value.map(|value| self.echo(value))
    }

    fn echo(&self, value: Duration) -> String {
        if self.version.at_least(4) {
            duration::friendly(value)
        } else {
            duration::humantime(value)
        }
    }
}

/// An object in the server's field order, without the fields it leaves out.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(mut self, key: &str, value: impl Serialize) -> Self {
        self.0.insert(key.into(), json!(value));
        self
    }

    fn some(self, key: &str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    fn map(self, key: &str, map: &BTreeMap<String, String>) -> Self {
        self.some(key, Some(map).filter(|map| !map.is_empty()))
    }

    fn info(self, info: Vec<Value>) -> Self {
        self.some("info", Some(info).filter(|info| !info.is_empty()))
    }

    fn protocol(self, deployment: &Deployment) -> Self {
        let (min, max) = deployment.protocol;
        self.put("min_protocol_version", min)
            .put("max_protocol_version", max)
            .some("sdk_version", deployment.sdk_version.as_ref())
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}
