//! A deployment as a server has it.

use super::address::Address;
use crate::admin::wire;
use crate::secret::Value;
use crate::stack::STACK_MARK;
use std::collections::BTreeMap;

/// A deployment as a server has it.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// `dp_…`, which the server makes up.
    pub id: String,
    pub address: Address,
    /// The URI as it is stored, which may differ from the address in case and query, and carry
    /// userinfo.
    pub stored_uri: Option<Value>,
    /// Headers by their names in lower case.
    pub additional_headers: BTreeMap<String, Value>,
    /// Whether only the names of the headers are known, as in a snapshot.
    pub has_hidden_headers: bool,
    pub use_http_11: bool,
    pub assume_role_arn: Option<String>,
    /// What the server authenticates to the endpoint with, as it tells it: no file manages it, and
    /// a forced registration would drop it [R:1.7.6].
    pub auth: Option<serde_json::Value>,
    pub metadata: BTreeMap<String, String>,
    /// RFC 3339, in UTC, so that it sorts as text.
    pub created_at: String,
    /// The revision of each service, by name.
    pub services: BTreeMap<String, u32>,
}

impl Deployment {
    /// The stack whose mark it carries.
    pub fn stack(&self) -> Option<&str> {
        self.metadata.get(STACK_MARK).map(String::as_str)
    }
}

impl From<wire::Deployment> for Deployment {
    fn from(deployment: wire::Deployment) -> Self {
        let address = match (&deployment.uri, deployment.arn) {
            (_, Some(arn)) => Address::Lambda(arn),
            (uri, None) => Address::stored_uri(uri.as_deref().unwrap_or_default()),
        };
        Self {
            id: deployment.id,
            address,
            stored_uri: deployment.uri.map(Value::sensitive),
            additional_headers: deployment
                .additional_headers
                .into_iter()
                .map(|(name, value)| (name.to_lowercase(), Value::sensitive(value)))
                .collect(),
            has_hidden_headers: false,
            use_http_11: deployment.http_version.as_deref() == Some("HTTP/1.1"),
            assume_role_arn: deployment.assume_role_arn,
            auth: deployment.auth,
            metadata: deployment.metadata,
            created_at: deployment.created_at,
            services: deployment
                .services
                .into_iter()
                .map(|service| (service.name, service.revision))
                .collect(),
        }
    }
}
