//! Desired state × live state × the server's dry runs → changes. Pure: the same inputs give the
//! same changes, whatever order files and answers came in.

mod guards;
mod leave_out;
mod names;
mod select;

use crate::change::Resource;
use crate::code::Code;
use crate::draft::consent::Consents;
use crate::draft::{Draft, Drafted, Input, Step, View};
use crate::finding::{Finding, Guard, Waiting};
use crate::kind::rules::listed;
use crate::kind::{Key, Kind, rules};
use crate::problem::{Problem, nearest};
use crate::source::Spanned;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What a plan is made of.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The changes in the order of execution.
    pub steps: Vec<Step>,
    /// What was found beside the changes, sorted.
    pub findings: Vec<Finding>,
    pub guards: Vec<Guard>,
    /// What would be deleted and cannot be yet, sorted.
    pub waiting: Vec<Waiting>,
    /// The live resources that no entry lists, sorted.
    pub unmanaged: BTreeMap<Kind, Vec<Key>>,
}

impl Outcome {
    /// Live resources are told of in the server's words, which may repeat what is a secret to the files.
    /// `mask` hides those.
    #[must_use]
    pub fn masked(mut self, mask: impl Fn(&str) -> String) -> Self {
        let in_place = |text: &mut String| *text = mask(text);
        let key = |resource: &mut Resource| resource.key = resource.key.masked(&mask);
        let value = |value: &mut Option<Json>| {
            if let Some(Json::String(text)) = value {
                in_place(text);
            }
        };
        for change in self.steps.iter_mut().map(|step| &mut step.change) {
            // The key of an entry is as the file writes it.
            if change.origin.is_none() {
                key(&mut change.resource);
            }
            if let Some(refused) = &mut change.refused {
                in_place(&mut refused.message);
                in_place(&mut refused.help);
                refused.lacks.iter_mut().for_each(in_place);
            }
            let fields = change.fields.iter_mut();
            fields.for_each(|field| {
                value(&mut field.before);
                value(&mut field.after);
            });
            let fields = change.precondition.fields.iter_mut();
            fields.for_each(|field| value(&mut field.value));
        }
        for waiting in &mut self.waiting {
            key(&mut waiting.resource);
            in_place(&mut waiting.message);
        }
        for finding in &mut self.findings {
            if finding.origin.is_none() {
                finding.resource.iter_mut().for_each(key);
            }
            in_place(&mut finding.message);
            finding.help.iter_mut().for_each(in_place);
        }
        for guard in &mut self.guards {
            in_place(&mut guard.message);
            guard.help.iter_mut().for_each(in_place);
            guard.lacks.iter_mut().for_each(in_place);
        }
        for key in self.unmanaged.values_mut().flatten() {
            *key = key.masked(&mask);
        }
        self
    }
}

/// Makes the plan: what the entries ask for in the order of creation, then what goes in the opposite
/// order, of that what was asked for, and whether it may be.
pub fn diff(input: &Input<'_>) -> Outcome {
    let mut draft = Draft::new(input);
    for problem in remarks(input) {
        draft.find(problem, None);
    }
    for kind in Kind::ALL {
        kind.rules().diff(&mut draft);
    }
    for kind in Kind::ALL.iter().rev() {
        kind.rules().prune(&mut draft);
    }
    let (world, mut drafted) = draft.finish();
    select::targets(input, &mut drafted);
    leave_out::excluded(input, &mut drafted);
    let view = View {
        input,
        world: &world,
        steps: &drafted.steps,
        consents: Consents::of(input.consents),
    };
    let (guards, given) = guards::check(&view, &drafted.foreign);
    drafted.used.extend(given);
    finish(input, drafted, guards)
}

/// Remarks that do not depend on the changes.
fn remarks(input: &Input<'_>) -> Vec<Problem> {
    let mut remarks = Vec::new();
    let server = &input.live.server;
    if let Some(stack) = input.desired.stack.as_ref().filter(|_| !server.keeps_metadata()) {
        let message = format!(
            "Restate {} does not keep the metadata that marks what a stack owns",
            server.version
        );
        let problem = Problem::error(Code::StackUnsupported, message).at(stack.span);
        remarks.push(problem.help("remove `stack`, or upgrade to Restate 1.6"));
    }
    if let Some(taken) = input.offline {
        let message = format!(
            "this is a plan against a snapshot of {taken}: no endpoint was asked, and the values of headers and hidden options were not compared"
        );
        remarks.push(Problem::info(Code::Offline, message));
    }
    remarks.extend(unknown_resends(input));
    remarks
}

fn unknown_resends(input: &Input<'_>) -> Vec<Problem> {
    let kinds = Kind::ALL.iter().filter(|kind| kind.words().can_be_resent);
    let listed = kinds.flat_map(|kind| kind.rules().listed(&input.desired.entries));
    let listed = listed.map(|entry| Resource::from(entry.key).names());
    let keys: Vec<String> = listed.flatten().collect();
    let unknown = input.resend.iter().filter(|resend| !keys.contains(resend));
    unknown
        .map(|resend| {
            let message = format!("`--resend {resend}` names nothing in the file that can be written again");
            let problem = Problem::error(Code::UnknownResend, message);
            match nearest(resend, keys.iter().map(String::as_str)) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem
                    .help("write `subscription/KEY`, with the key of an entry of the file as plans show it"),
            }
        })
        .collect()
}

/// Sorts what documents have sorted, and adds the consents that were not needed.
fn finish(input: &Input<'_>, drafted: Drafted, guards: Vec<Guard>) -> Outcome {
    let Drafted {
        steps,
        mut findings,
        mut waiting,
        mut unmanaged,
        foreign: _,
        used,
    } = drafted;
    let allowing = listed(&input.desired.entries).map(|entry: rules::Listed<'_>| {
        let allow: Vec<Spanned<_>> = entry.allow.to_vec();
        (Resource::from(entry.key), allow)
    });
    let unused = Consents::of(input.consents).unused(&used, allowing);
    findings.extend(
        unused
            .into_iter()
            .map(|(problem, about)| Finding::new(problem, about, input.sources)),
    );
    findings.sort();
    waiting.sort();
    for keys in unmanaged.values_mut() {
        keys.sort();
    }
    Outcome {
        steps,
        findings,
        guards,
        waiting,
        unmanaged,
    }
}
