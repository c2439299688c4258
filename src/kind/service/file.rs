//! A service's overrides as the file writes them.

use crate::duration::PATTERN;
use crate::kind::words::consents;
use crate::source::{Read, Text};
use schemars::JsonSchema;
use serde::Deserialize;

/// The pattern of names that the server accepts at discovery.
pub const SERVICE_NAME: &str = "^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9._-]*$";

/// Overrides of one service's options. They win over what the SDK declares for the service, until
/// the next registration, which resets them: restatectl puts them back in the same apply.
///
/// Durations are strings such as `90s`, `1h 30m`, `7 days` or `PT2M`; a day has 24 hours.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Whether the ingress accepts requests for the service.
    pub public: Option<Read<bool>>,

    /// How long the results of requests with an idempotency key are kept.
    #[schemars(regex(pattern = PATTERN), extend("examples" = ["7 days"]))]
    pub idempotency_retention: Option<Read<Text>>,

    /// How long journals are kept after an invocation completed.
    #[schemars(regex(pattern = PATTERN), extend("examples" = ["1d"]))]
    pub journal_retention: Option<Read<Text>>,

    /// How long an invocation may be inactive before it is asked to suspend.
    #[schemars(regex(pattern = PATTERN), extend("examples" = ["PT2M"]))]
    pub inactivity_timeout: Option<Read<Text>>,

    /// How long a suspending invocation may take before it is aborted.
    #[schemars(regex(pattern = PATTERN), extend("examples" = ["10m"]))]
    pub abort_timeout: Option<Read<Text>>,

    /// How long the result of a workflow is kept. Only for workflows.
    #[schemars(regex(pattern = PATTERN), extend("examples" = ["30d"]))]
    pub workflow_completion_retention: Option<Read<Text>>,

    /// Consent to what is refused otherwise.
    #[schemars(transform = service_consents)]
    pub allow: Option<Read<Vec<Read<Text>>>>,

    /// No plan is accepted that changes who serves it but by a new registration.
    pub protected: Option<Read<bool>>,
}

/// What a service's entry can consent to.
pub const SERVICE_CONSENTS: [(&str, &str); 1] = [("expose", "A private service becomes public.")];


fn service_consents(schema: &mut schemars::Schema) {
    consents(schema, &SERVICE_CONSENTS);
}
