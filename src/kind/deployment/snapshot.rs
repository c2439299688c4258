//! A deployment in a snapshot: the names of its headers, and never their values.

use super::address::Address;
use super::live::Deployment;
use crate::kind::redacted::REDACTED;
use crate::secret::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotDeployment {
    /// The id that the server has for it.
    pub id: String,
    /// The URI without user and password, or the ARN.
    pub address: String,
    /// The names of the headers. Values are not kept.
    pub additional_headers: BTreeSet<String>,
    /// Whether it is called over HTTP/1.1.
    pub use_http_11: bool,
    /// The role that the server takes to call it.
    pub assume_role_arn: Option<String>,
    /// What was registered with it.
    pub metadata: BTreeMap<String, String>,
    /// When it was registered: RFC 3339 in UTC.
    pub created_at: String,
    /// The revision of each service, by name.
    pub services: BTreeMap<String, u32>,
}

impl SnapshotDeployment {
    pub fn of(live: &Deployment) -> Self {
        let Deployment {
            id,
            address,
            stored_uri: _,
            additional_headers,
            has_hidden_headers: _,
            use_http_11,
            assume_role_arn,
            // What the server authenticates with is nobody's business.
            auth: _,
            metadata,
            created_at,
            services,
        } = live;
        Self {
            id: id.clone(),
            address: address.key(),
            additional_headers: additional_headers.keys().cloned().collect(),
            use_http_11: *use_http_11,
            assume_role_arn: assume_role_arn.clone(),
            metadata: metadata.clone(),
            created_at: created_at.clone(),
            services: services.clone(),
        }
    }

    /// The deployment as a plan offline takes it.
    pub fn into_live(self) -> Deployment {
        let is_arn = self.address.starts_with("arn:");
        let headers = self.additional_headers.into_iter();
        Deployment {
            id: self.id,
            address: if is_arn {
                Address::Lambda(self.address)
            } else {
                Address::stored_uri(&self.address)
            },
            stored_uri: None,
            additional_headers: headers.map(|name| (name, Value::sensitive(REDACTED))).collect(),
            has_hidden_headers: true,
            use_http_11: self.use_http_11,
            assume_role_arn: self.assume_role_arn,
            auth: None,
            metadata: self.metadata,
            created_at: self.created_at,
            services: self.services,
        }
    }
}
