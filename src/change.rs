//! A change as data: what plans show, JSON carries and apply executes.

use crate::code::{Code, CodeName};
use crate::kind::{Key, Kind};
use crate::problem::Problem;
use crate::secret::Value;
use crate::source::Origin;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The operation that a change makes.
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
    /// A new resource that is no deployment.
    Create,
    /// Delete and create, with the same consumer group.
    Replace,
    /// The resource goes.
    Delete,
}

impl Op {
    /// All operations, in the order in which summaries count them.
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

/// What a change may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing that works now stops.
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
    /// The server has accepted a dry run of it.
    Server,
    /// This program alone has checked it.
    Local,
    /// Against what will be there after the changes it depends on.
    After,
}

/// What a change is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Printed", into = "Printed")]
#[schemars(with = "Printed")]
pub struct Resource {
    pub key: Key,
    /// `dp_…` or `sub_…`. It tells apart those of one key, and is a precondition, never identity.
    pub server_id: Option<String>,
}

/// A resource as documents have it.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Resource")]
struct Printed {
    kind: Kind,
    /// A deployment's normalised URI or ARN, a service's name, `SOURCE -> SINK[ @ GROUP]`.
    key: String,
    /// The id that the server has for it, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_id: Option<String>,
}

impl From<Printed> for Resource {
    fn from(printed: Printed) -> Self {
        Self {
            key: Key::parse(printed.kind, &printed.key),
            server_id: printed.server_id,
        }
    }
}

impl From<Resource> for Printed {
    fn from(resource: Resource) -> Self {
        Self {
            kind: resource.kind(),
            key: resource.key.to_string(),
            server_id: resource.server_id,
        }
    }
}

impl From<Key> for Resource {
    fn from(key: Key) -> Self {
        Self { key, server_id: None }
    }
}

impl Resource {
    /// A resource that is on the server, under the id that it has there.
    pub fn live(key: Key, id: &str) -> Self {
        Self {
            key,
            server_id: Some(id.to_owned()),
        }
    }

    pub const fn kind(&self) -> Kind {
        self.key.kind()
    }

    /// Whether it has the same key, whatever the server calls the two.
    pub fn is(&self, other: &Self) -> bool {
        self.key == other.key
    }

    /// What people may call it on the command line, as `KIND/KEY`.
    pub fn names(&self) -> Vec<String> {
        let (kind, key) = (self.kind().name(), &self.key);
        let named = [key.to_string(), key.shown_ends(), key.shown()];
        let id = self.server_id.clone();
        named
            .into_iter()
            .chain(id)
            .map(|name| format!("{kind}/{name}"))
            .collect()
    }
}

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldChange {
    /// The field was not there before.
    Set,
    /// The field has another value than before.
    Changed,
    /// The field is not there afterwards.
    Removed,
    /// The field has the value that it had: on its way, the plan resets it and puts it back.
    Restored,
}

/// One field of a resource that changes. Sensitive values are null on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// The names that lead to the field, from the resource on.
    pub path: Vec<String>,
    /// The value on the server; null when there is none, or when it may not be shown.
    pub before: Option<Json>,
    /// The value that is wanted; null when there is none, or when it may not be shown.
    pub after: Option<Json>,
    /// Whether the values may not be shown.
    pub sensitive: bool,
    pub change: FieldChange,
}

impl Field {
    pub fn new(path: &[&str], before: Option<Json>, after: Option<Json>) -> Self {
        let change = match (&before, &after) {
            (Some(before), Some(after)) if before == after => FieldChange::Restored,
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

    /// A text that comes, or changes. Sensitive if either side is.
    pub fn of_values(path: &[&str], before: Option<&Value>, after: &Value) -> Self {
        if after.is_sensitive() || before.is_some_and(Value::is_sensitive) {
            let change = match before {
                Some(_) => FieldChange::Changed,
                None => FieldChange::Set,
            };
            return Self::sensitive(path, change);
        }
        let json = |value: &Value| value.shown().map(Json::from);
        Self::new(path, before.and_then(json), json(after))
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
    /// The name of the service.
    pub name: String,
    /// `Service`, `VirtualObject` or `Workflow`.
    #[serde(rename = "type")]
    pub ty: String,
    /// Null when nothing serves it now.
    pub revision_before: Option<u32>,
    /// Null when nothing serves it afterwards.
    pub revision_after: Option<u32>,
    /// The handlers that callers gain.
    pub handlers_added: Vec<String>,
    /// The handlers that callers lose.
    pub handlers_removed: Vec<String>,
}

/// Why a change may not be made, and what would let it pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    pub code: CodeName,
    /// Why, in words.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// The consents that would let it pass, as `--allow` takes them; none if consents are not enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            code: problem.code.into(),
            message: problem.message,
            help: problem.help.unwrap_or_default(),
            lacks: problem.lacks.into_iter().collect(),
        }
    }
}

impl Refused {
    /// Joins several refusals of one change to one.
    pub fn of(mut reasons: Vec<Problem>) -> Option<Self> {
        if reasons.len() <= 1 {
            return reasons.pop().map(Self::from);
        }
        // First what no consent on the entry can mend.
        reasons.sort_by_key(|reason| ![Code::Protected, Code::ForeignStack].contains(&reason.code));
        let reasons: Vec<Self> = reasons.into_iter().map(Self::from).collect();
        let join = |part: fn(&Self) -> &str| reasons.iter().map(part).collect::<Vec<_>>().join("; ");
        Some(Self {
            code: reasons[0].code.clone(),
            message: join(|refused| &refused.message),
            help: join(|refused| &refused.help),
            lacks: if reasons.iter().any(|refused| refused.lacks.is_empty()) {
                Vec::new()
            } else {
                let all = reasons.iter().flat_map(|refused| refused.lacks.iter().cloned());
                all.collect::<BTreeSet<_>>().into_iter().collect()
            },
        })
    }
}

/// A field of the server with the value that the plan was computed from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldValue {
    /// The names that lead to the field, from the resource on.
    pub path: Vec<String>,
    /// Its value; null where there is none.
    pub value: Option<Json>,
}

/// What the change was computed from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Precondition {
    /// True when the resource was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absent: Option<bool>,
    /// The revision that the service had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The fields that the change rests on, as they were.
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

/// What a change rests on beside its precondition. A saved plan is compared by it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Basis {
    /// SHA-256 of the code that a deployment has of a service: its type and handlers, by service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub code: BTreeMap<String, String>,
    /// SHA-256 of all that the endpoint declares of a service, by service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub declarations: BTreeMap<String, String>,
    /// The options in effect that the change resets, with their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<FieldValue>,
    /// What the changes before it make of the fields that it sets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reset: Vec<FieldValue>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The place of the change in the order of execution, from 1.
    pub id: u32,
    /// What the change does.
    pub op: Op,
    /// What it may cost.
    pub risk: Risk,
    /// What it is about.
    pub resource: Resource,
    /// The entry that asks for it; null for what no file lists.
    pub origin: Option<Origin>,
    /// Why it is there when nothing in the file asks for it.
    pub reason: Option<String>,
    /// How it was validated.
    pub validated: Validated,
    /// The ids of the changes that have to land first.
    pub depends_on: Vec<u32>,
    /// What becomes of the fields of the resource.
    pub fields: Vec<Field>,
    /// What becomes of services that the deployment exposes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceChange>,
    /// The unfinished invocations that an overwrite or a forced deletion hits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocations: Option<u64>,
    /// The consents that it needed and was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<String>,
    /// Why it is refused; null when it is not.
    pub refused: Option<Refused>,
    /// What must still hold for it to be made.
    pub precondition: Precondition,
}

impl Change {
    /// What it does, in a word: the operation, unless all that it does is to put back what the plan itself
    /// resets.
    pub fn what(&self) -> &'static str {
        if self.is_put_back() {
            "put back"
        } else {
            self.op.name()
        }
    }

    /// Whether everything is in the end as it was.
    pub fn is_put_back(&self) -> bool {
        let mut fields = self.fields.iter().peekable();
        self.op == Op::Configure
            && fields.peek().is_some()
            && fields.all(|field| field.change == FieldChange::Restored)
    }

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
        }
    }
}
