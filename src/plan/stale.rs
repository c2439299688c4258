//! Whether a plan that was made before still is what would be done now.
//!
//! The same changes are computed once more, from the same files and the server as it is, restricted
//! to what the plan touches and what that depends on. Each planned change is still to be done; or the
//! server is as it wants it, and it is done already; or it is half of something that was broken off, and
//! is finished. So a run that was killed is resumed by the same plan. Anything else has moved.

use super::Plan;
use super::computed::{Computed, Ready};
use crate::change::{Basis, Change, Field, Op, Resource, ServiceChange};
use crate::code::Code;
use crate::finding::Finding;
use crate::kind::rules::{has_key, is_live};
use crate::live::Live;
use crate::problem::Problem;
use crate::source::Sources;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// A resource that is not what the plan was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Moved {
    pub resource: Resource,
    /// What moved, in words.
    pub message: String,
    /// The fields that are not what they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<MovedField>,
}

/// A field that is not what it was. Null where there is nothing, and for sensitive values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MovedField {
    /// The names that lead to the field, from the resource on.
    pub path: Vec<String>,
    /// The value when the plan was made.
    pub planned_before: Option<Json>,
    /// The value now.
    pub live_now: Option<Json>,
    /// The value that the files want.
    pub wanted: Option<Json>,
    /// Whether the values may not be shown.
    pub sensitive: bool,
}

/// What has become of a plan.
#[derive(Debug)]
pub enum Standing {
    /// The plan still holds; its actions are computed now.
    AsPlanned(Box<Ready>),
    Done,
    Stale(Vec<Moved>),
    /// What is planned holds, but something of now is wrong or refused.
    InTheWay,
}

/// What to restrict the second computation to: everything that the plan changes, but for what it
/// deletes and is gone.
pub fn targets(plan: &Plan, live: &Live) -> Vec<String> {
    let changes = plan.changes.iter();
    let mut targets: Vec<String> = changes.filter_map(|change| target(change, live)).collect();
    targets.sort();
    targets.dedup();
    targets
}

/// What to restrict a computation to that is about what the plan waits for, as far as it is there still.
pub fn waiting(plan: &Plan, live: &Live) -> Vec<String> {
    let waiting = plan.waiting.iter().map(|waiting| &waiting.resource);
    let there = waiting.filter(|resource| is_live(resource, live));
    let id = |resource: &Resource| {
        resource
            .server_id
            .clone()
            .unwrap_or_else(|| resource.key.to_string())
    };
    there
        .map(|resource| format!("{}/{}", resource.kind().name(), id(resource)))
        .collect()
}

/// The target that a change is, for planning it again. Of several that a plan deletes only the id tells
/// which, unless somebody made it anew; what is to be there has its key.
fn target(change: &Change, live: &Live) -> Option<String> {
    let Resource { key, server_id } = &change.resource;
    let kind = key.kind().name();
    let by_key = Some(format!("{kind}/{key}"));
    match server_id {
        Some(id) if change.op == Op::Delete && is_live(&change.resource, live) => {
            Some(format!("{kind}/{id}"))
        }
        _ if change.op == Op::Delete => by_key.filter(|_| has_key(key, live)),
        _ => by_key,
    }
}

/// Compares the plan with what was computed now, and gives it the actions of now.
pub fn renew(plan: &Plan, now: &Computed, live: &Live) -> Standing {
    let (mut moved, mut done, mut failed) = (Vec::new(), Vec::new(), BTreeSet::new());
    let errors = now.plan.errors_by_key();
    let mut rest: Vec<&Change> = now.plan.changes.iter().collect();
    let mut renewed: BTreeMap<u32, &Change> = BTreeMap::new();
    for planned in &plan.changes {
        let is_same = |other: &&Change| {
            other.op == planned.op
                && other.resource.is(&planned.resource)
                && (planned.op != Op::Delete || other.resource.server_id == planned.resource.server_id)
        };
        // The other half of one that was broken off in the middle.
        let is_half = |other: &&Change| {
            planned.op == Op::Replace && other.op == Op::Create && other.resource.is(&planned.resource)
        };
        let found = rest.iter().position(is_same);
        let half = || rest.iter().position(is_half);
        let found = found.or_else(half).map(|at| rest.remove(at));
        let needs_failed = planned.depends_on.iter().any(|need| failed.contains(need));
        if needs_failed || (errors.contains_key(&planned.resource.key) && !is_gone(planned, live)) {
            // Why, the errors of now say; once that is mended the plan holds again.
            failed.insert(planned.id);
            continue;
        }
        if let Some(found) = found {
            if found.op == planned.op {
                let follows_done = |done: &&Change| planned.depends_on.contains(&done.id);
                let is_resumed = done.iter().any(follows_done);
                moved.extend(differences((plan, planned), (&now.plan, found), is_resumed));
            }
            renewed.insert(planned.id, found);
            continue;
        }
        let absent = match why_not(planned, &now.plan, live) {
            Absent::Done => other_code(planned, plan, live).map_or(Absent::Done, Absent::Moved),
            moved @ Absent::Moved(_) => moved,
        };
        match absent {
            Absent::Done => done.push(planned),
            Absent::Moved(message) => moved.push(Moved {
                resource: planned.resource.clone(),
                message,
                fields: Vec::new(),
            }),
        }
    }
    for new in rest {
        if !moved.iter().any(|moved| moved.resource.is(&new.resource)) {
            moved.push(Moved {
                resource: new.resource.clone(),
                message: format!("the plan does not have it, and now it needs: {}", new.op.name()),
                fields: new.fields.iter().map(unplanned).collect(),
            });
        }
    }
    if moved.is_empty() && done.len() == plan.changes.len() && !now.plan.has_errors() {
        return Standing::Done;
    }
    if !moved.is_empty() {
        moved.sort_by(|a, b| a.resource.cmp(&b.resource));
        return Standing::Stale(moved);
    }
    match ready(plan, now, &renewed) {
        Some(ready) => Standing::AsPlanned(Box::new(ready)),
        None => Standing::InTheWay,
    }
}

/// The plan as it was reviewed, with what there is to do now.
fn ready(plan: &Plan, now: &Computed, renewed: &BTreeMap<u32, &Change>) -> Option<Ready> {
    if now.plan.has_errors() || now.plan.is_refused() {
        return None;
    }
    let mut plan = plan.clone();
    let (changes, done) = plan
        .changes
        .into_iter()
        .partition(|change| renewed.contains_key(&change.id));
    plan.changes = changes;
    tell(&mut plan, done);
    let mut actions = Vec::new();
    for change in &mut plan.changes {
        let found = renewed.get(&change.id)?;
        change.invocations = found.invocations;
        actions.push(now.action(found)?.clone());
    }
    Ready::of(plan, actions, now.counted)
}

/// Says what is done already.
fn tell(plan: &mut Plan, done: Vec<Change>) {
    for change in done {
        if let Some(n) = plan.summary.get_mut(change.op.name()) {
            *n -= 1;
        }
        let message = format!("planned: {}; now it is done already", change.op.name());
        let problem = Problem::info(Code::DoneAlready, message);
        let finding = Finding::new(problem, Some(change.resource), &Sources::default());
        plan.findings.push(finding);
    }
    plan.summary.retain(|_, n| *n > 0);
    plan.findings.sort();
}

/// How what is registered differs from what the plan saw, for a change that nothing is left to do of. An
/// endpoint that an old pod answers serves what was registered before, and then there is nothing to do
/// either.
fn other_code(planned: &Change, plan: &Plan, live: &Live) -> Option<String> {
    let code = &plan.basis.get(&planned.id)?.code;
    code.iter().find_map(|(name, digest)| {
        let service = live.services.get(name)?;
        let server = live.deployment(&service.deployment_id)?;
        let is_its = server.address.key() == planned.resource.key.to_string();
        (is_its && service.code() != *digest).then(|| {
            let op = planned.op.name();
            format!(
                "planned: {op}; now its endpoint and the server have other code of {name} than was planned"
            )
        })
    })
}

/// Why a planned change would not be made now.
enum Absent {
    Done,
    Moved(String),
}

/// Whether a service that the change configures, and no change registers, is not there.
fn is_gone(planned: &Change, live: &Live) -> bool {
    planned.op == Op::Configure && planned.depends_on.is_empty() && !is_live(&planned.resource, live)
}

fn why_not(planned: &Change, now: &Plan, live: &Live) -> Absent {
    let resource = &planned.resource;
    let op = planned.op.name();
    if planned.op == Op::Delete {
        let waiting = now.waiting.iter();
        let mut waiting = waiting.filter(|waiting| waiting.resource.server_id == resource.server_id);
        return match waiting.next() {
            _ if !is_live(resource, live) => Absent::Done,
            Some(waiting) => Absent::Moved(format!("planned: {op}; now: {}", waiting.message)),
            None => Absent::Moved(format!("planned: {op}; now it is not to be deleted")),
        };
    }
    if let Some(other) = now.changes.iter().find(|other| other.resource.is(resource)) {
        return Absent::Moved(format!("planned: {op}; now it needs: {}", other.op.name()));
    }
    if is_gone(planned, live) {
        return Absent::Moved(format!("planned: {op}; now nothing serves it"));
    }
    Absent::Done
}

/// How a change differs from what was planned. Each comes with the plan that it is of. `is_resumed`: a
/// change that it follows has landed already.
fn differences(planned: (&Plan, &Change), now: (&Plan, &Change), is_resumed: bool) -> Option<Moved> {
    let basis_of = |(plan, change): (&Plan, &Change)| plan.basis.get(&change.id).cloned().unwrap_or_default();
    let (basis, basis_now) = (basis_of(planned), basis_of(now));
    let ((_, planned), (_, now)) = (planned, now);
    let Change {
        op,
        risk,
        resource,
        fields,
        services,
        consents,
        refused,
        precondition,
        // These follow from the files, which are the same, or from the rest.
        id: _,
        origin: _,
        reason: _,
        validated: _,
        depends_on: _,
        invocations,
    } = planned;
    let moved = |message: String, fields: Vec<MovedField>| {
        Some(Moved {
            resource: resource.clone(),
            message,
            fields,
        })
    };
    // What the changes before it have made of them already.
    let reset = if is_resumed { &basis.reset[..] } else { &[] };
    let is_reset = |path: &[String], value: &Option<Json>| {
        let mut resets = reset.iter();
        resets.any(|reset| reset.path == path && reset.value == *value)
    };
    let mut different = moved_fields(fields, &now.fields, is_reset);
    different.extend(moved_preconditions(
        (planned, &basis),
        (now, &basis_now),
        &different,
        is_reset,
    ));
    if !different.is_empty() {
        return moved("it is not what it was".to_owned(), different);
    }
    // They come and go, but that there are any at all is what was consented to.
    let hit = (invocations.unwrap_or(0), now.invocations.unwrap_or(0));
    let message = moved_id(resource, &now.resource)
        .or_else(|| moved_declaration(&basis, &basis_now))
        .or_else(|| moved_services(services, &now.services))
        .or_else(|| {
            let refused = now.refused.as_ref().filter(|_| refused.is_none())?;
            Some(format!("now it is refused: {}", refused.message))
        })
        .or_else(|| {
            // After what the plan depends on, its revision is the one that the plan made.
            let revisions = Some((precondition.revision, now.precondition.revision));
            let (planned, now) = revisions.filter(|_| !is_resumed)?;
            moved_revision(planned, now)
        })
        .or_else(|| {
            (hit.0 == 0 && hit.1 > 0).then(|| format!("nothing ran on it, and now something does: {}", hit.1))
        })
        .or_else(|| {
            let is_other = *consents != now.consents || *risk != now.risk;
            is_other.then(|| format!("{} means something else now: plan again", op.name()))
        });
    moved(message?, Vec::new())
}

fn moved_id(planned: &Resource, now: &Resource) -> Option<String> {
    let id = |resource: &Resource| resource.server_id.clone().unwrap_or_else(|| "none".to_owned());
    (planned.server_id != now.server_id).then(|| format!("it was {}, and is {} now", id(planned), id(now)))
}

fn moved_declaration(planned: &Basis, now: &Basis) -> Option<String> {
    let is_other = |name: &&String| planned.declarations.get(*name) != now.declarations.get(*name);
    let name = now.declarations.keys().find(is_other)?;
    Some(format!("service {name} is not what its endpoint served"))
}

fn moved_revision(planned: Option<u32>, now: Option<u32>) -> Option<String> {
    let text = |revision: Option<u32>| revision.map_or_else(|| "none".to_owned(), |n| n.to_string());
    (planned != now).then(|| format!("it had revision {}, and has {} now", text(planned), text(now)))
}

/// `is_reset`: whether a field has this value since the plan's own changes made it so.
fn moved_fields(
    planned: &[Field],
    now: &[Field],
    is_reset: impl Fn(&[String], &Option<Json>) -> bool,
) -> Vec<MovedField> {
    let find = |fields: &[Field], path: &[String]| fields.iter().find(|field| field.path == path).cloned();
    let mut moved: Vec<MovedField> = planned
        .iter()
        .filter_map(|planned| match find(now, &planned.path) {
            Some(now) if now == *planned => None,
            Some(now) if now.after == planned.after && is_reset(&now.path, &now.before) => None,
            // It is as wanted already.
            None => None,
            Some(now) => Some(MovedField {
                path: planned.path.clone(),
                planned_before: planned.before.clone(),
                live_now: now.before.clone(),
                wanted: planned.after.clone(),
                sensitive: planned.sensitive,
            }),
        })
        .collect();
    moved.extend(
        now.iter()
            .filter(|now| find(planned, &now.path).is_none())
            .map(unplanned),
    );
    moved
}

/// What the change was computed from, beside the fields that it changes: what it resets on the way.
fn moved_preconditions(
    (planned, basis): (&Change, &Basis),
    (now, basis_now): (&Change, &Basis),
    told: &[MovedField],
    is_reset: impl Fn(&[String], &Option<Json>) -> bool,
) -> Vec<MovedField> {
    let before = planned.precondition.fields.iter().chain(&basis.options);
    let is_wanted = |path: &[String]| planned.fields.iter().any(|field| field.path == path);
    let is_left = |path: &[String]| now.fields.iter().any(|field| field.path == path);
    // What is as wanted already is not what it was, either.
    let before = before.filter(|before| !is_wanted(&before.path) || is_left(&before.path));
    let moved = before.filter_map(|before| {
        let mut fields = now.precondition.fields.iter().chain(&basis_now.options);
        let now = fields.find(|now| now.path == before.path && now.value != before.value)?;
        if is_reset(&now.path, &now.value) {
            return None;
        }
        let is_told = told.iter().any(|field| field.path == before.path);
        let wanted = planned.fields.iter().find(|field| field.path == before.path);
        (!is_told).then(|| MovedField {
            path: before.path.clone(),
            planned_before: before.value.clone(),
            live_now: now.value.clone(),
            wanted: wanted.and_then(|field| field.after.clone()),
            sensitive: false,
        })
    });
    moved.collect()
}

/// A field that was as wanted when the plan was made.
fn unplanned(now: &Field) -> MovedField {
    MovedField {
        path: now.path.clone(),
        planned_before: now.after.clone(),
        live_now: now.before.clone(),
        wanted: now.after.clone(),
        sensitive: now.sensitive,
    }
}

fn moved_services(planned: &[ServiceChange], now: &[ServiceChange]) -> Option<String> {
    for before in planned {
        let Some(after) = now.iter().find(|after| after.name == before.name) else {
            return Some(format!("its endpoint no longer serves {}", before.name));
        };
        let text = |revision: Option<u32>| revision.map_or_else(|| "none".to_owned(), |n| n.to_string());
        if after.revision_before != before.revision_before {
            return Some(format!(
                "service {} had revision {}, and has {} now",
                before.name,
                text(before.revision_before),
                text(after.revision_before)
            ));
        }
        if after != before {
            return Some(format!("service {} is not what its endpoint served", before.name));
        }
    }
    let new = now
        .iter()
        .find(|after| !planned.iter().any(|before| before.name == after.name))?;
    Some(format!("service {} is affected now as well", new.name))
}
