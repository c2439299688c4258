//! The plan: the ordered changes with everything that was found, as one document.

pub mod computed;
pub mod inputs;
pub mod saved;
pub mod stale;

use crate::change::{Basis, Change};
use crate::desired::Desired;
use crate::digest::sha256;
use crate::finding::{Finding, Guard, Waiting};
use crate::kind::{Key, Kind};
use crate::problem::Severity;
use crate::server::Server;
use crate::source::Sources;
use inputs::Inputs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the documents. A minor version adds, a major version changes.
pub const FORMAT_VERSION: &str = "1.0";

/// What would change, and on what it was computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "restatectl plan")]
pub struct Plan {
    /// The version of this form of plan.
    pub format_version: String,
    /// The version of the program that made the plan.
    pub restatectl_version: String,
    /// RFC 3339, UTC. The only thing in a plan that does not follow from its inputs.
    pub created_at: String,
    /// The server that the plan is for.
    pub target: Target,
    /// The files that the plan was made from.
    pub desired: DesiredFiles,
    /// The changes in the order of execution.
    pub changes: Vec<Change>,
    /// The safety rules that the plan was held to.
    pub guards: Vec<Guard>,
    /// What would be deleted and cannot be yet.
    pub waiting: Vec<Waiting>,
    /// What is worth knowing beside the changes.
    pub findings: Vec<Finding>,
    /// The keys of live resources that no file lists, by kind.
    pub unmanaged: Unmanaged,
    /// What the plan is restricted to, with what that needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// How many changes of each operation.
    pub summary: BTreeMap<String, u32>,
    /// What the plan was made with, to make it again.
    pub inputs: Inputs,
    /// What changes rest on beside their preconditions, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub basis: BTreeMap<u32, Basis>,
    /// SHA-256 of the rest of the document but for the time, which tells when somebody edited it.
    pub digest: String,
}

/// A server, as plans and reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The address of the Admin API.
    pub admin_url: String,
    /// The name of the cluster; null when the server did not tell it.
    pub cluster_name: Option<String>,
    /// The version of the server.
    pub restate_version: String,
    /// The version of the Admin API that was spoken.
    pub admin_api_version: u32,
}

/// What the plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DesiredFiles {
    /// The files, in the order in which they were read.
    pub files: Vec<DesiredFile>,
    /// SHA-256 of the canonical desired state, in which sensitive values are pointers.
    pub digest: String,
    /// The stack of the files.
    pub stack: Option<String>,
}

/// A file that a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DesiredFile {
    /// The path, relative to the working directory.
    pub path: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// SHA-256 of what it says, whatever its comments, line ends and the order of its keys. Not there for
    /// a file that has a secret in it, which is compared byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
}

impl Target {
    pub fn new(admin_url: String, server: &Server) -> Self {
        Self {
            admin_url,
            cluster_name: server.cluster_name.clone(),
            restate_version: server.version.clone(),
            admin_api_version: server.api_version,
        }
    }
}

impl Plan {
    pub fn is_refused(&self) -> bool {
        self.changes.iter().any(|change| change.refused.is_some()) || self.guards.iter().any(Guard::fails)
    }

    /// Something that makes the plan impossible to apply, whoever consents.
    pub fn has_errors(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// What was found about each resource, in the order of the findings.
    pub fn findings_by_key(&self) -> BTreeMap<&Key, Vec<&Finding>> {
        let mut findings: BTreeMap<&Key, Vec<&Finding>> = BTreeMap::new();
        for finding in &self.findings {
            if let Some(resource) = &finding.resource {
                findings.entry(&resource.key).or_default().push(finding);
            }
        }
        findings
    }

    /// The errors about each resource, of which the first is told.
    pub fn errors_by_key(&self) -> BTreeMap<&Key, &Finding> {
        let errors = self.findings.iter().rev();
        errors
            .filter(|finding| finding.severity == Severity::Error)
            .filter_map(|finding| Some((&finding.resource.as_ref()?.key, finding)))
            .collect()
    }

    /// The resources that it changes.
    pub fn changed_keys(&self) -> BTreeSet<&Key> {
        self.changes.iter().map(|change| &change.resource.key).collect()
    }
}

/// Live resources that no file lists, by kind. Documents have their keys as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "BTreeMap<Kind, Vec<String>>", into = "BTreeMap<Kind, Vec<String>>")]
#[schemars(with = "BTreeMap<Kind, Vec<String>>", inline)]
pub struct Unmanaged(pub BTreeMap<Kind, Vec<Key>>);

impl From<BTreeMap<Kind, Vec<String>>> for Unmanaged {
    fn from(printed: BTreeMap<Kind, Vec<String>>) -> Self {
        let read = |(kind, keys): (Kind, Vec<String>)| {
            (kind, keys.iter().map(|key| Key::parse(kind, key)).collect())
        };
        Self(printed.into_iter().map(read).collect())
    }
}

impl From<Unmanaged> for BTreeMap<Kind, Vec<String>> {
    fn from(unmanaged: Unmanaged) -> Self {
        let print = |(kind, keys): (Kind, Vec<Key>)| (kind, keys.iter().map(Key::to_string).collect());
        unmanaged.0.into_iter().map(print).collect()
    }
}

impl Unmanaged {
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.values().flatten()
    }
}

fn desired_files(sources: &Sources, desired: &Desired) -> DesiredFiles {
    let canonical = desired.canonical().to_string();
    DesiredFiles {
        files: files_of(sources, desired),
        digest: sha256(&canonical),
        stack: desired.stack().map(str::to_owned),
    }
}

fn files_of(sources: &Sources, desired: &Desired) -> Vec<DesiredFile> {
    let files = (0..).zip(sources.files());
    files
        .map(|(number, file)| DesiredFile {
            path: file.path.clone(),
            sha256: sha256(&file.text),
            meaning: desired.meanings.get(&number).cloned(),
        })
        .collect()
}
