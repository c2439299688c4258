//! A change as data: what plans show, JSON carries and apply executes.

use crate::admin::wire;
use crate::live;
use crate::problem::Severity;
use crate::source::Origin;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Deployment,
    Service,
    Subscription,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Service => "service",
            Self::Subscription => "subscription",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// A new deployment.
    Register,
    /// The connection of a deployment: scheme, headers, role, HTTP version.
    Update,
    /// The endpoint serves other code than is registered.
    Overwrite,
    /// A registered deployment is not the latest for a service it should serve.
    Promote,
    /// Overrides of a service.
    Configure,
    Create,
    /// Delete and create, with the same consumer group.
    Replace,
    Delete,
}

impl Op {
    pub const ALL: [Self; 8] = [
        Self::Register,
        Self::Update,
        Self::Overwrite,
        Self::Promote,
        Self::Configure,
        Self::Create,
        Self::Replace,
        Self::Delete,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Update => "update",
            Self::Overwrite => "overwrite",
            Self::Promote => "promote",
            Self::Configure => "configure",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Delete => "delete",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    Safe,
    /// Clients or in-flight work may fail.
    Breaking,
    /// Something is deleted or read again.
    Destructive,
}

/// How a change was validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Validated {
    /// By a dry run of the server.
    Server,
    /// By this program alone.
    Local,
    /// Against what will be there after the changes it depends on.
    After,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    pub kind: Kind,
    /// A deployment's normalised URI or ARN, a service's name, `SOURCE -> SINK[ @ GROUP]`.
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_id: Option<String>,
}

impl Resource {
    pub fn new(kind: Kind, key: impl Into<String>) -> Self {
        Self {
            kind,
            key: key.into(),
            server_id: None,
        }
    }

    /// The key as people read it: no slash where a URI has no path, and an arrow to the handler.
    pub fn shown(&self) -> String {
        let key = &self.key;
        match self.kind {
            Kind::Deployment => match key.strip_suffix('/') {
                Some(bare) if bare.matches('/').count() == 2 => bare.to_owned(),
                _ => key.clone(),
            },
            Kind::Service => key.clone(),
            Kind::Subscription => key.replace(" -> service://", " → "),
        }
    }

    /// The service that a subscription feeds, if its sink is one.
    pub fn feeds(&self) -> Option<&str> {
        let sink = self.key.split(" -> service://").nth(1)?;
        sink.split('/').next()
    }

    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.server_id = Some(id.to_owned());
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldChange {
    /// Was not there.
    Set,
    Changed,
    Removed,
}

/// One field of a resource that changes. Sensitive values are null on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    pub path: Vec<String>,
    pub before: Option<Json>,
    pub after: Option<Json>,
    pub sensitive: bool,
    pub change: FieldChange,
}

impl Field {
    pub fn new(path: &[&str], before: Option<Json>, after: Option<Json>) -> Self {
        let change = match (&before, &after) {
            (None, _) => FieldChange::Set,
            (Some(_), None) => FieldChange::Removed,
            (Some(_), Some(_)) => FieldChange::Changed,
        };
        Self {
            path: path.iter().map(|&part| part.to_owned()).collect(),
            before,
            after,
            sensitive: false,
            change,
        }
    }

    pub fn sensitive(path: &[&str], change: FieldChange) -> Self {
        Self {
            sensitive: true,
            change,
            ..Self::new(path, None, None)
        }
    }
}

/// What a registration does to one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceChange {
    pub name: String,
    /// `Service`, `VirtualObject` or `Workflow`.
    #[serde(rename = "type")]
    pub ty: String,
    /// Null when nothing serves it now.
    pub revision_before: Option<u32>,
    /// Null when nothing serves it afterwards.
    pub revision_after: Option<u32>,
    pub handlers_added: Vec<String>,
    pub handlers_removed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    pub code: String,
    pub message: String,
    pub help: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldValue {
    pub path: Vec<String>,
    pub value: Option<Json>,
}

/// What the change was computed from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Precondition {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absent: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldValue>,
}

impl Precondition {
    /// The values that the fields had. Sensitive ones are left out.
    pub fn of(fields: &[Field]) -> Self {
        let values = fields
            .iter()
            .filter(|field| !field.sensitive)
            .map(|field| FieldValue {
                path: field.path.clone(),
                value: field.before.clone(),
            });
        Self {
            fields: values.collect(),
            ..Self::default()
        }
    }

    pub fn absent() -> Self {
        Self {
            absent: Some(true),
            ..Self::default()
        }
    }
}

/// On what a change rests beside its precondition.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Basis {
    /// By service, SHA-256 of all that its endpoint declares of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub declarations: BTreeMap<String, String>,
    /// The options in effect that it resets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<FieldValue>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// From 1, in the order of execution.
    pub id: u32,
    pub op: Op,
    pub risk: Risk,
    pub resource: Resource,
    /// Where the file asks for it.
    pub origin: Option<Origin>,
    /// Why it is there when nothing in the file asks for it.
    pub reason: Option<String>,
    pub validated: Validated,
    pub depends_on: Vec<u32>,
    pub fields: Vec<Field>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceChange>,
    /// The unfinished invocations that an overwrite or a forced deletion hits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocations: Option<u64>,
    /// The consents that it needed and was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<String>,
    pub refused: Option<Refused>,
    pub precondition: Precondition,
    /// A plan has it beside its changes.
    #[serde(skip)]
    pub basis: Basis,
    /// What to do, with the secrets it takes; nothing of it is ever shown or stored.
    #[serde(skip)]
    pub action: Option<Action>,
}

impl Change {
    /// A change without details. Its id is given when it gets its place in a plan.
    pub fn new(op: Op, resource: Resource, origin: Option<Origin>) -> Self {
        Self {
            id: 0,
            op,
            risk: Risk::Safe,
            resource,
            origin,
            reason: None,
            validated: Validated::Local,
            depends_on: Vec::new(),
            fields: Vec::new(),
            services: Vec::new(),
            invocations: None,
            consents: Vec::new(),
            refused: None,
            precondition: Precondition::default(),
            basis: Basis::default(),
            action: None,
        }
    }
}

/// What apply does for a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Register(Register),
    /// A forced registration of what is there.
    Promote {
        is: Existing,
        request: wire::Registration,
    },
    /// Of the connection, or with `overwrite` of the code too.
    Update {
        is: Existing,
        request: wire::Update,
    },
    Configure {
        service: String,
        overrides: wire::Overrides,
    },
    Create {
        request: wire::NewSubscription,
        /// The ids of those with the same source and sink that the plan was made with.
        known: Vec<String>,
    },
    Replace {
        old: String,
        request: wire::NewSubscription,
        /// The old one, unless the server hides some of it.
        restore: Option<wire::NewSubscription>,
    },
    DeleteSubscription {
        id: String,
    },
    DeleteDeployment(DeleteDeployment),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Register {
    pub request: wire::Registration,
    pub outcome: Served,
}

/// A deployment that the plan was made with.
#[derive(Debug, Clone, PartialEq)]
pub struct Existing {
    pub id: String,
    pub before: wire::Connection,
    pub outcome: Served,
}

/// What a change makes of the services of its deployment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Served {
    /// What the dry run said the services will be. `None` where they stay what they are.
    pub expected: Option<Vec<ExpectedService>>,
    /// The services that the file wants private.
    pub keep_private: Vec<String>,
    /// The private services that somebody consented to expose.
    pub may_expose: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteDeployment {
    pub id: String,
    /// The services that go with it: nothing else may serve them by then.
    pub services: Vec<String>,
    /// Not under `policy: force`.
    pub only_if_drained: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedService {
    pub name: String,
    pub ty: String,
    pub handlers: Vec<String>,
}

impl From<&live::Service> for ExpectedService {
    fn from(service: &live::Service) -> Self {
        Self {
            name: service.name.clone(),
            ty: service.ty.clone(),
            handlers: service.handlers.keys().cloned().collect(),
        }
    }
}

/// Of type, options and handlers, whatever the order.
pub fn declaration(service: &live::Service) -> String {
    let live::Service {
        ty,
        options,
        handlers,
        // Not of the endpoint's making.
        name: _,
        deployment_id: _,
        revision: _,
        not_applied: _,
    } = service;
    let mut declared = serde_json::json!({ "ty": ty, "options": options, "handlers": handlers });
    declared.sort_all_objects();
    sha256(&declared.to_string())
}

/// In hexadecimal digits.
pub fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let digits = digest.iter();
    digits.fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Something worth knowing that is not a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    pub code: String,
    pub severity: Severity,
    pub message: String,
    pub help: Option<String>,
    pub resource: Option<Resource>,
    pub origin: Option<Origin>,
}

/// A safety rule and whether the plan passes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Guard {
    pub code: String,
    pub status: GuardStatus,
    pub message: String,
    /// What would let it pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuardStatus {
    Pass,
    Fail,
}

/// What would be deleted and cannot be yet. It is no change and no drift.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    pub resource: Resource,
    pub reason: WaitingFor,
    /// Unfinished ones that need the resource.
    pub invocations: u64,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitingFor {
    /// Invocations run on it, or will.
    Draining,
    /// Another one has served its services for less than `after`.
    Settling,
    /// It still serves a service that somebody needs.
    Serving,
    /// It is one of the newest drained ones, which stay for a rollback.
    Kept,
    /// Whether invocations run on it could not be found out.
    Unknown,
}
