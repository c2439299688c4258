//! A desired-state file of what is on a server.
//!
//! What is written is read again and planned against the server it came from: an entry that would
//! change something, since the file's format cannot say what is there, is left out and told. So a
//! plan of an export is empty by construction.

pub mod entry;
mod print;

use crate::ask::Answers;
use crate::change::{Op, Resource};
use crate::code::Code;
use crate::config;
use crate::desired::Desired;
use crate::diff;
use crate::draft::{Input, Targets};
use crate::kind::Kind;
use crate::live::Live;
use crate::load::{Given, load};
use crate::problem::{Problem, Problems, Severity};
use crate::source::interpolate::{Outside, Rules};
use crate::source::{Format, SourceFile, Sources};
use entry::{Entry, Export, Exporting, LeftOut, Supply};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::rc::Rc;

pub use print::{about, file, files, text};

/// `answers`: what the endpoints serve without overrides, where that could be found out. `stack`: only
/// what carries its mark.
pub fn export(live: &Live, answers: &Answers, stack: Option<&str>) -> Export {
    let mut exporting = Exporting::new(live, answers, stack);
    for kind in Kind::ALL {
        kind.rules().export(&mut exporting);
    }
    let mut export = exporting.finish();
    loop {
        let wrong = wrong(&export, live);
        let before = export.entries.len();
        for (resource, why) in wrong {
            let is_it = |entry: &Entry| entry.key == resource.key;
            if let Some(at) = export.entries.iter().position(is_it) {
                export.entries.remove(at);
                export.left_out.push(LeftOut { resource, why });
            }
        }
        if export.entries.len() == before {
            break;
        }
    }
    export.drop_unused_supplies();
    export
}

impl Export {
    /// All that is on the server is in it, as far as can be told.
    pub fn is_whole(&self) -> bool {
        self.left_out.is_empty() && self.notes.is_empty()
    }

    /// Servers tell what they were told: a secret may have been put where none belongs. `mask` hides
    /// those; metadata that has one is left out.
    pub fn mask(&mut self, mask: impl Fn(&str) -> String) {
        for entry in &mut self.entries {
            let Some(metadata) = entry.json.get_mut("metadata").and_then(Json::as_object_mut) else {
                continue;
            };
            let is_secret = |value: &Json| value.as_str().is_some_and(|text| mask(text) != text);
            let secret: Vec<String> = metadata
                .iter()
                .filter(|(_, value)| is_secret(value))
                .map(|(name, _)| name.clone())
                .collect();
            for name in secret {
                metadata.shift_remove(&name);
                self.notes.push(format!(
                    "the metadata {name} of {} is not here, since it has the value of a header",
                    entry.key
                ));
            }
            let is_empty = metadata.is_empty();
            if let (true, Some(entry)) = (is_empty, entry.json.as_object_mut()) {
                entry.shift_remove("metadata");
            }
        }
    }

    fn drop_unused_supplies(&mut self) {
        let written: String = self.entries.iter().map(|entry| entry.json.to_string()).collect();
        self.supply
            .retain(|name, _| written.contains(&format!("${{env:{name}}}")));
    }
}

/// The entries that would not leave everything as it is, and why.
fn wrong(export: &Export, live: &Live) -> Vec<(Resource, String)> {
    let mut wrong = Vec::new();
    for entry in &export.entries {
        if let Err(problem) = read(export, std::slice::from_ref(entry)) {
            wrong.push((entry.key.clone().into(), problem.message));
        }
    }
    if !wrong.is_empty() {
        return wrong;
    }
    let (sources, desired) = match read(export, &export.entries) {
        Ok(read) => read,
        // Two that are there and that one file cannot have: the last goes.
        Err(problem) => {
            let last = export.entries.last();
            return last
                .map(|entry| (entry.key.clone().into(), problem.message))
                .into_iter()
                .collect();
        }
    };
    // What the endpoints serve now is not what is on the server.
    let answers = Answers::default();
    let outcome = diff::diff(&Input {
        desired: &desired,
        live,
        answers: &answers,
        sources: &sources,
        consents: &[],
        resend: &[],
        targets: Targets::All,
        exclude: &[],
        deleted: 0,
        offline: Some(""),
        now: jiff::Timestamp::UNIX_EPOCH,
    });
    let changes = outcome.steps.into_iter().map(|step| step.change).map(|change| {
        let why = match (change.op, change.refused) {
            (Op::Promote, Some(refused)) => refused
                .message
                .replace("the file says that it serves", "listed, it would have to serve"),
            (_, Some(refused)) => refused.message,
            (op, None) => format!("the file would ask for: {}", op.name()),
        };
        (change.resource, why)
    });
    let errors = outcome
        .findings
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error);
    let errors = errors.filter_map(|finding| Some((finding.resource?, finding.message)));
    changes.chain(errors).collect()
}

/// # Errors
/// The first error of a file with these entries.
fn read(export: &Export, entries: &[Entry]) -> Result<(Sources, Desired), Problem> {
    let mut sources = config::sources();
    let text = print::document(export, entries).to_string();
    let file = sources.add(SourceFile::new("export.json".to_owned(), text, Format::Json));
    let mut problems = Problems::default();
    let rules = Rules {
        unset: Severity::Error,
        valueless: Severity::Error,
        token_variables: &[],
    };
    let mut supplies = Supplies(&export.supply);
    let desired = load(
        &mut sources,
        &[file],
        &Given::default(),
        &mut supplies,
        rules,
        &mut problems,
    );
    let error = problems
        .into_sorted()
        .into_iter()
        .find(|problem| problem.severity == Severity::Error);
    match (desired, error) {
        (Some(desired), None) => Ok((sources, desired)),
        (_, error) => Err(error.unwrap_or_else(|| Problem::error(Code::Internal, "it cannot be read"))),
    }
}

struct Supplies<'a>(&'a BTreeMap<String, Supply>);

impl Outside for Supplies<'_> {
    fn env(&mut self, name: &str) -> Result<Option<Rc<str>>, Problem> {
        let supply = self.0.get(name);
        Ok(supply.map(|supply| supply.value.clone().unwrap_or_else(|| Rc::from("hidden"))))
    }

    fn file(&mut self, _: u32, _: &str) -> Result<Option<Rc<str>>, Problem> {
        Ok(None)
    }
}
