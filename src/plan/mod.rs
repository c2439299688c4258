//! The plan: the ordered changes with everything that was found, as one document.

pub mod graph;
pub mod saved;
pub mod stale;

use crate::desired::Desired;
use crate::diff::change::{Basis, Change, Finding, Guard, GuardStatus, Kind, Waiting, sha256};
use crate::diff::{Discover, Outcome};
use crate::live::Server;
use crate::problem::{Problem, Severity};
use crate::source::Sources;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Of plans and reports. A minor version adds, a major version changes.
pub const FORMAT_VERSION: &str = "1.0";

/// What would change, and on what it was computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "restatectl plan")]
pub struct Plan {
    pub format_version: String,
    pub restatectl_version: String,
    /// RFC 3339, UTC. The only thing in a plan that does not follow from its inputs.
    pub created_at: String,
    pub target: Target,
    pub desired: DesiredFiles,
    /// In the order of execution.
    pub changes: Vec<Change>,
    pub guards: Vec<Guard>,
    pub waiting: Vec<Waiting>,
    pub findings: Vec<Finding>,
    /// The keys of live resources that no file lists, by kind.
    pub unmanaged: BTreeMap<Kind, Vec<String>>,
    /// What the plan is restricted to, with what that needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// How many changes of each operation.
    pub summary: BTreeMap<String, u32>,
    pub inputs: Inputs,
    /// On what changes rest beside their preconditions, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub basis: BTreeMap<u32, Basis>,
    /// SHA-256 of the rest of the document but for the time, which tells when somebody edited it.
    pub digest: String,
}

/// What an apply of the saved plan starts from, so that it computes the same changes again: what is
/// not sensitive has the values that it had, and secrets are looked up anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inputs {
    /// As given with `-f`, or found in the working directory.
    pub paths: Vec<String>,
    pub var_files: Vec<String>,
    /// What references that are not sensitive stood for: by file, and by JSON pointer into it.
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    /// Where the files have what is sensitive and so is not here, in the same way; for people, since an
    /// apply reads the files.
    pub sensitive: BTreeMap<String, BTreeSet<String>>,
    /// The variables given on the command line that a sensitive place needs: they must be given again.
    pub variables: Vec<String>,
    /// The consents of the run.
    pub allow: Vec<String>,
    pub resend: Vec<String>,
    pub destroy: bool,
    pub discover: Discover,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    pub admin_url: String,
    pub cluster_name: Option<String>,
    pub restate_version: String,
    pub admin_api_version: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DesiredFiles {
    pub files: Vec<DesiredFile>,
    /// SHA-256 of the canonical desired state, in which sensitive values are pointers.
    pub digest: String,
    pub stack: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DesiredFile {
    pub path: String,
    pub sha256: String,
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
    /// `created_at`: RFC 3339, from the shell, which has the clock.
    /// `warnings`: what reading the files found, which belongs to the plan's findings.
    pub fn new(
        outcome: Outcome,
        target: Target,
        (sources, desired, warnings): (&Sources, &Desired, &[Problem]),
        targets: &[String],
        inputs: Inputs,
        created_at: String,
    ) -> Self {
        let mut summary = BTreeMap::new();
        for change in &outcome.changes {
            *summary.entry(change.op.name().to_owned()).or_default() += 1;
        }
        let mut findings = outcome.findings;
        findings.extend(warnings.iter().map(|problem| Finding {
            code: problem.code.to_owned(),
            severity: problem.severity,
            message: problem.message.clone(),
            help: problem.help.clone(),
            resource: None,
            origin: problem.span.and_then(|span| sources.origin(span)),
        }));
        findings.sort();
        let mut plan = Self {
            format_version: FORMAT_VERSION.to_owned(),
            restatectl_version: env!("CARGO_PKG_VERSION").to_owned(),
            created_at,
            target,
            desired: desired_files(sources, desired),
            basis: (outcome.changes.iter())
                .filter(|change| change.basis != Basis::default())
                .map(|change| (change.id, change.basis.clone()))
                .collect(),
            changes: outcome.changes,
            guards: outcome.guards,
            waiting: outcome.waiting,
            findings,
            unmanaged: outcome.unmanaged,
            targets: targets.to_vec(),
            summary,
            inputs,
            digest: String::new(),
        };
        plan.digest = saved::digest(serde_json::to_value(&plan).unwrap_or_default());
        plan
    }

    pub fn is_refused(&self) -> bool {
        let fails = |guard: &Guard| guard.status == GuardStatus::Fail;
        self.changes.iter().any(|change| change.refused.is_some()) || self.guards.iter().any(fails)
    }

    /// Something that makes the plan impossible to apply, whoever consents.
    pub fn has_errors(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }
}

fn desired_files(sources: &Sources, desired: &Desired) -> DesiredFiles {
    let canonical = desired.canonical().to_string();
    DesiredFiles {
        files: files_of(sources),
        digest: sha256(&canonical),
        stack: desired.stack.as_ref().map(|stack| stack.value.clone()),
    }
}

pub fn files_of(sources: &Sources) -> Vec<DesiredFile> {
    let files = sources.files().iter();
    files
        .map(|file| DesiredFile {
            path: file.path.clone(),
            sha256: sha256(&file.text),
        })
        .collect()
}

pub fn schema() -> schemars::Schema {
    schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Plan>()
}
