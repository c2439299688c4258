//! A service as a server has it.
//!
//! Values of options are *effective*: the server fills in its defaults, clamps retentions to its
//! maximum and zeroes what does not apply. It does not say which of them are overrides.

use super::options::{Options, ServiceOption};
use crate::admin::wire;
use crate::digest;
use crate::duration::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The latest revision of a service, or one that was registered before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// The name of the service.
    pub name: String,
    /// `Service`, `VirtualObject` or `Workflow`.
    pub ty: String,
    /// The id of the deployment that serves it.
    pub deployment_id: String,
    /// The revision; each registration makes another.
    pub revision: u32,
    pub options: Options,
    /// Its handlers, by name.
    pub handlers: BTreeMap<String, Handler>,
    /// The options that the server says it stored but does not apply: those named by an `info`
    /// RT0021 (request/response mode) or RT0022 (clamped). 1.6 and later; 1.5 is silent.
    pub not_applied: BTreeSet<String>,
}

/// A handler's declaration, without its `public`, which follows the service's override
/// [S:all].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Handler {
    /// Whether it is exclusive, shared or of a workflow.
    pub ty: Option<String>,
    /// Everything else that the server tells of the service, by name.
    pub declared: BTreeMap<String, serde_json::Value>,
}

impl Service {
    /// SHA-256 of what an endpoint declares of it: type, options and handlers, whatever the order.
    pub fn declaration(&self) -> String {
        let Self {
            ty,
            options,
            handlers,
            // Not of the endpoint's making.
            name: _,
            deployment_id: _,
            revision: _,
            not_applied: _,
        } = self;
        digest::of_json(serde_json::json!({ "ty": ty, "options": options, "handlers": handlers }))
    }

    /// SHA-256 of its type and handlers, which no override changes.
    pub fn code(&self) -> String {
        digest::of_json(serde_json::json!({ "ty": self.ty, "handlers": self.handlers }))
    }

    /// Whether the server says that it does not apply what it stored for the option.
    pub fn does_not_apply(&self, option: ServiceOption) -> bool {
        self.not_applied.contains(option.name())
    }

    pub fn handler_names(&self) -> BTreeSet<String> {
        self.handlers.keys().cloned().collect()
    }
}

impl From<wire::Service> for Service {
    fn from(service: wire::Service) -> Self {
        let duration = |text: Option<String>| text.and_then(|text| Duration::parse(&text).ok());
        let retentions = [
            "idempotency_retention",
            "journal_retention",
            "workflow_completion_retention",
            "inactivity_timeout",
        ];
        let not_applied = service
            .info
            .iter()
            .filter(|info| ["RT0021", "RT0022"].contains(&info.code.as_str()))
            .flat_map(|info| retentions.into_iter().filter(|name| info.message.contains(name)))
            .map(str::to_owned)
            .collect();
        Self {
            name: service.name,
            ty: service.ty,
            deployment_id: service.deployment_id,
            revision: service.revision,
            options: Options {
                public: service.public,
                idempotency_retention: duration(service.idempotency_retention),
                journal_retention: duration(service.journal_retention),
                inactivity_timeout: duration(service.inactivity_timeout),
                abort_timeout: duration(service.abort_timeout),
                workflow_completion_retention: duration(service.workflow_completion_retention),
            },
            handlers: service
                .handlers
                .into_iter()
                .map(|handler| {
                    let declared = handler
                        .rest
                        .into_iter()
                        .filter(|(name, value)| {
                            !["public", "info"].contains(&name.as_str()) && !value.is_null()
                        })
                        .collect();
                    (
                        handler.name,
                        Handler {
                            ty: handler.ty,
                            declared,
                        },
                    )
                })
                .collect(),
            not_applied,
        }
    }
}
