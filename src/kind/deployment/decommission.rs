//! Which of the deployments that no file lists can go, and what keeps the others.
//!
//! One that is not the latest for any service goes once it is drained: nothing unfinished runs on
//! it, each of its services was superseded a while ago, and it is not among those that are kept for a
//! rollback. One that is the latest for a service goes only if the service goes altogether: no
//! listed deployment exposes it, nothing feeds or configures it, none of its invocations is
//! unfinished, and every deployment that has a revision of it goes in this plan, the oldest first.
//! Otherwise an older revision would come back to life, with its own overrides [S:all].

use super::live;
use crate::admin::Error;
use crate::ask::{InFlight, Unfinished};
use crate::finding::WaitingFor;
use crate::config::DeploymentPolicy;
use crate::desired::PruneDeployments;
use crate::draft::{Input, View};
use crate::draft::world::ServedBy;
use crate::duration::Duration;
use crate::live::Live;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of the candidates for deletion.
pub struct Decommission<'a> {
    live: &'a Live,
    candidates: Vec<&'a live::Deployment>,
    /// The ids of the candidates.
    ids: BTreeSet<&'a str>,
    prune: PruneDeployments,
    in_flight: Option<&'a Result<InFlight, Error>>,
    now: Timestamp,
    /// The id of the deployment that serves each service after this plan, unless the plan registers it.
    served: BTreeMap<&'a str, Option<String>>,
    /// The services that go altogether.
    going: BTreeSet<&'a str>,
    /// The services of candidates that stay, with the reason.
    staying: BTreeMap<&'a str, Verdict>,
    verdicts: BTreeMap<&'a str, Option<Verdict>>,
}

/// Why a candidate stays.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub reason: WaitingFor,
    pub invocations: Unfinished,
    pub message: String,
}

impl Verdict {
    fn new(reason: WaitingFor, message: String) -> Self {
        Self {
            reason,
            invocations: Unfinished::default(),
            message,
        }
    }
}

impl<'a> Decommission<'a> {
    pub fn new(
        input: &'a Input<'a>,
        view: &View<'_>,
        candidates: Vec<&'a live::Deployment>,
    ) -> Self {
        let live = input.live;
        let mut decommission = Self {
            live,
            ids: candidates.iter().map(|candidate| candidate.id.as_str()).collect(),
            candidates,
            prune: input.desired.prune.deployments,
            in_flight: input.answers.in_flight.as_ref(),
            now: input.now,
            served: BTreeMap::new(),
            going: BTreeSet::new(),
            staying: BTreeMap::new(),
            verdicts: BTreeMap::new(),
        };
        let names: BTreeSet<&'a str> = (decommission.candidates.iter())
            .flat_map(|candidate| candidate.services.keys().map(String::as_str))
            .collect();
        for name in names {
            let predicted = view.world.get(name);
            let by = predicted.and_then(|predicted| match &predicted.server {
                ServedBy::Live(id) => Some(id.clone()),
                ServedBy::Planned(_) => None,
            });
            decommission.served.insert(name, by);
            match decommission.why_stays(view, name) {
                None => drop(decommission.going.insert(name)),
                Some(why) => drop(decommission.staying.insert(name, why)),
            }
        }
        decommission
    }

    /// What is known of a service before it is known which deployments go.
    fn why_stays(&self, view: &View<'_>, name: &str) -> Option<Verdict> {
        let serving = |message: String| Some(Verdict::new(WaitingFor::Serving, message));
        if view.world.lists(name) {
            return serving(format!("a listed deployment exposes {name}"));
        }
        if view.input.desired.entries.services.contains_key(name) {
            return serving(format!("the file configures {name}"));
        }
        if let Some(subscription) = view.world.feeder(name) {
            return serving(format!("{subscription} feeds {name}"));
        }
        let is_candidate = |id: &str| self.ids.contains(id);
        let others = (self.live.deployments.iter())
            .find(|other| view.world.exposes(other, name) && !is_candidate(&other.id));
        if let Some(other) = others {
            return serving(format!("{} has a revision of {name} and stays", other.address));
        }
        if self.prune.policy == DeploymentPolicy::Force {
            return None;
        }
        match self.in_flight {
            Some(Ok(in_flight)) => {
                let unfinished = in_flight.of_service(name);
                (unfinished.n > 0).then(|| Verdict {
                    invocations: unfinished,
                    ..Verdict::new(WaitingFor::Draining, format!("draining {name} ({unfinished})"))
                })
            }
            other => Some(Verdict::new(WaitingFor::Unknown, unknown(other))),
        }
    }

    /// Some stay because others do, until nothing changes any more.
    pub fn settle(&mut self) {
        loop {
            self.verdicts = self.judge();
            let held: Vec<(&'a str, Verdict)> = (self.going.iter())
                .filter_map(|name| Some((*name, self.holder(name)?)))
                .chain(self.crossed())
                .collect();
            if held.is_empty() {
                return;
            }
            for (name, verdict) in held {
                self.going.remove(name);
                self.staying.insert(name, verdict);
            }
        }
    }

    /// What keeps one of the deployments that have a revision of a service, and so the service.
    fn holder(&self, service: &str) -> Option<Verdict> {
        let mut exposing =
            (self.candidates.iter()).filter(|candidate| candidate.services.contains_key(service));
        exposing.find_map(|candidate| {
            let verdict = self.verdicts.get(candidate.id.as_str())?.clone()?;
            let message = match verdict.reason {
                WaitingFor::Serving => format!("{} stays ({})", candidate.address, verdict.message),
                _ => verdict.message,
            };
            Some(Verdict { message, ..verdict })
        })
    }

    /// Two that each have the latest revision of what the other has an older one of: whichever goes
    /// first, an older revision comes back to life.
    fn crossed(&self) -> Option<(&'a str, Verdict)> {
        let mut left = self.leaving();
        while !left.is_empty() {
            let free = left
                .iter()
                .position(|deployment| !self.has_older(&left, deployment));
            let Some(free) = free else {
                let stuck = left.first()?;
                let name = stuck
                    .services
                    .keys()
                    .find_map(|name| self.going.get(name.as_str()))?;
                let message = format!(
                    "several deployments have revisions of {name} in an order in which none can go first; promote one of them first"
                );
                return Some((*name, Verdict::new(WaitingFor::Serving, message)));
            };
            left.remove(free);
        }
        None
    }

    fn has_older(&self, among: &[&live::Deployment], deployment: &live::Deployment) -> bool {
        among.iter().any(|other| {
            other.id != deployment.id
                && (other.services.iter()).any(|(name, revision)| {
                    self.going.contains(name.as_str())
                        && deployment.services.get(name).is_some_and(|own| revision < own)
                })
        })
    }

    fn leaving(&self) -> Vec<&'a live::Deployment> {
        let leaves = |id: &str| matches!(self.verdicts.get(id), Some(None));
        let mut leaving: Vec<_> = (self.candidates.iter())
            .filter(|candidate| leaves(&candidate.id))
            .copied()
            .collect();
        leaving.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        leaving
    }

    fn judge(&self) -> BTreeMap<&'a str, Option<Verdict>> {
        let mut verdicts: BTreeMap<&'a str, Option<Verdict>> = (self.candidates.iter())
            .map(|candidate| (candidate.id.as_str(), self.needed(candidate)))
            .collect();
        let mut kept: BTreeMap<&'a str, &'a str> = BTreeMap::new();
        for name in self.served.keys().filter(|name| !self.going.contains(**name)) {
            let mut drained: Vec<_> = (self.candidates.iter())
                .filter(|candidate| matches!(verdicts.get(candidate.id.as_str()), Some(None)))
                .filter_map(|candidate| Some((candidate.services.get(*name)?, candidate)))
                .collect();
            drained.sort_by_key(|(revision, candidate)| (std::cmp::Reverse(**revision), &candidate.id));
            for (_, candidate) in drained.into_iter().take(self.prune.keep) {
                kept.entry(candidate.id.as_str()).or_insert(name);
            }
        }
        for (id, name) in kept {
            let message = format!("kept for a rollback of {name}");
            verdicts.insert(id, Some(Verdict::new(WaitingFor::Kept, message)));
        }
        verdicts
    }

    /// What keeps a candidate, but for the number of those that are kept.
    fn needed(&self, candidate: &live::Deployment) -> Option<Verdict> {
        let mut settling = None;
        for name in candidate
            .services
            .keys()
            .filter(|name| !self.going.contains(name.as_str()))
        {
            let by = self.served.get(name.as_str())?;
            if by.as_deref() == Some(candidate.id.as_str()) {
                let why = self.staying.get(name.as_str())?.clone();
                return Some(match why.reason {
                    // What is needed for itself says which of its services are.
                    WaitingFor::Serving => Verdict {
                        message: format!("still serves {name}: {}", why.message),
                        ..why
                    },
                    _ => why,
                });
            }
            let since = self.superseded_for(candidate, name);
            if since.is_none_or(|since| since < self.prune.after) {
                // Without how long it has been: a plan that is made again says the same.
                settling = Some(format!(
                    "another deployment has served {name} for less than `after`, which is {}",
                    self.prune.after
                ));
            }
        }
        if self.prune.policy != DeploymentPolicy::Force {
            match self.in_flight {
                Some(Ok(in_flight)) => {
                    let invocations = in_flight.on_deployment(&candidate.id);
                    if invocations.n > 0 {
                        return Some(Verdict {
                            reason: WaitingFor::Draining,
                            invocations,
                            message: format!("draining ({invocations})"),
                        });
                    }
                }
                other => return Some(Verdict::new(WaitingFor::Unknown, unknown(other))),
            }
        }
        settling.map(|message| Verdict::new(WaitingFor::Settling, message))
    }

    /// For how long another deployment has had the service from a candidate: since the first was
    /// registered that has a newer revision. What this plan registers does not start that anew, or a
    /// stack that is rolled out more often than every `after` would never be pruned. `None` when that
    /// cannot be told.
    fn superseded_for(&self, candidate: &live::Deployment, service: &str) -> Option<Duration> {
        let own = candidate.services.get(service)?;
        let supersedes = |other: &&live::Deployment| {
            let is_newer = other.services.get(service).is_some_and(|revision| revision > own);
            other.id != candidate.id && (is_newer || self.live.is_latest(other, service))
        };
        let newer = self.live.deployments.iter().filter(supersedes);
        match newer.map(|other| other.created_at.as_str()).min() {
            Some(first) => age(first, self.now),
            // This plan is the first to supersede it.
            None => Some(Duration::default()),
        }
    }

    /// The deployments to delete, in an order in which the server lets them go.
    pub fn deletions(&self) -> Vec<&'a live::Deployment> {
        let mut left = self.leaving();
        let mut order = Vec::new();
        while !left.is_empty() {
            let free = left
                .iter()
                .position(|deployment| !self.has_older(&left, deployment));
            order.push(left.remove(free.unwrap_or(0)));
        }
        order
    }

    pub fn waiting(&self) -> Vec<(&'a live::Deployment, Verdict)> {
        let verdict = |candidate: &&'a live::Deployment| {
            let verdict = self.verdicts.get(candidate.id.as_str())?.clone()?;
            Some((*candidate, verdict))
        };
        self.candidates.iter().filter_map(verdict).collect()
    }

    pub fn goes(&self, service: &str) -> bool {
        self.going.contains(service)
    }

    /// The unfinished invocations on a deployment, where they are known.
    pub fn in_flight(&self, deployment: &live::Deployment) -> Option<u64> {
        let known = self.in_flight?.as_ref().ok()?;
        Some(known.on_deployment(&deployment.id).n)
    }
}

fn unknown(answer: Option<&Result<InFlight, Error>>) -> String {
    match answer {
        Some(Err(error)) => format!("whether invocations run on it is not known: {}", error.message),
        _ => "whether invocations run on it is not known".to_owned(),
    }
}

/// `None` for a time that cannot be read, or that is yet to come.
fn age(created_at: &str, now: Timestamp) -> Option<Duration> {
    let created: Timestamp = created_at.parse().ok()?;
    let age = std::time::Duration::try_from(now.duration_since(created)).ok()?;
    Some(Duration::from_std(age))
}
