//! Which live subscription an entry means. The server has no names for them, so it is told from
//! source, sink and consumer group.

use super::Work;
use super::subscriptions::option_fields;
use crate::desired;
use crate::live;
use std::collections::{BTreeMap, BTreeSet};

pub enum Pair<'a> {
    With(&'a live::Subscription),
    /// Several live ones could be meant.
    Ambiguous,
}

#[derive(Default)]
pub struct Pairing<'a> {
    pub of_entry: BTreeMap<usize, Pair<'a>>,
    /// The ids of live subscriptions that an entry stands for.
    pub claimed: BTreeSet<&'a str>,
    /// The ids of live ones that deliver the same records as another does, which is kept.
    pub duplicates: BTreeMap<&'a str, &'a str>,
}

/// Live subscriptions with equal source, sink and consumer group. A group that is the
/// subscription's own id was chosen by nobody, so all of those are one set of duplicates.
type Set<'a> = Vec<&'a live::Subscription>;

pub fn pair<'a>(work: &Work<'a>) -> Pairing<'a> {
    let (desired, live) = (&work.input.desired.subscriptions, work.input.live);
    let mut sets: BTreeMap<(&str, &str, Option<&str>), Set<'a>> = BTreeMap::new();
    for subscription in &live.subscriptions {
        let group = subscription.group_id().filter(|_| !subscription.has_own_group());
        sets.entry((&subscription.source, &subscription.sink, group))
            .or_default()
            .push(subscription);
    }
    let mut pairing = Pairing::default();
    let ends: Vec<(String, String)> = desired
        .iter()
        .map(|wanted| (wanted.source.value.to_string(), wanted.sink.value.to_string()))
        .collect();

    // By equal consumer group. A written one may be the very id of a live subscription, which comes
    // before any entry that leaves the group to the server.
    for (index, wanted) in desired.iter().enumerate() {
        let own = wanted.group_id().and_then(|group| {
            let set = sets.get_mut(&(ends[index].0.as_str(), ends[index].1.as_str(), None))?;
            let at = set.iter().position(|live| live.id == group)?;
            Some(set.remove(at))
        });
        if let Some(own) = own {
            pairing.claim(index, wanted, &[own]);
        }
    }
    sets.retain(|_, set| !set.is_empty());
    for (index, wanted) in desired.iter().enumerate() {
        if pairing.of_entry.contains_key(&index) {
            continue;
        }
        let key = (ends[index].0.as_str(), ends[index].1.as_str(), wanted.group_id());
        if let Some(set) = sets.remove(&key) {
            pairing.claim(index, wanted, &set);
        }
    }

    // Then with each other, if exactly one is left on each side.
    for (index, wanted) in desired.iter().enumerate() {
        let same_ends = |i: usize| ends[i] == ends[index];
        let is_free = |i: usize| !pairing.of_entry.contains_key(&i);
        if !is_free(index) {
            continue;
        }
        let entries_left = (0..desired.len()).filter(|&i| same_ends(i) && is_free(i)).count();
        let (source, sink) = (ends[index].0.as_str(), ends[index].1.as_str());
        let sets_left: Vec<_> = sets
            .keys()
            .filter(|(s, t, _)| (*s, *t) == (source, sink))
            .copied()
            .collect();
        match sets_left[..] {
            [only] if entries_left == 1 => {
                let set = sets.remove(&only).unwrap_or_default();
                pairing.claim(index, wanted, &set);
            }
            [_, ..] if wanted.group_id().is_none() => {
                pairing.of_entry.insert(index, Pair::Ambiguous);
            }
            _ => {}
        }
    }

    // Then a renamed handler: same source and consumer group, another sink.
    for (index, wanted) in desired.iter().enumerate() {
        let Some(group) = wanted
            .group_id()
            .filter(|_| !pairing.of_entry.contains_key(&index))
        else {
            continue;
        };
        let source = ends[index].0.as_str();
        let candidates: Vec<_> = sets
            .iter()
            .filter(|((s, _, g), set)| {
                *s == source && (*g == Some(group) || set.iter().any(|l| l.id == group))
            })
            .map(|(key, _)| *key)
            .collect();
        if let [only] = candidates[..] {
            let set = sets.remove(&only).unwrap_or_default();
            pairing.claim(index, wanted, &set);
        }
    }
    // What nobody claims can still deliver its records twice: among its own, and, where nobody chose
    // its group, beside one that is claimed.
    for ((source, sink, group), set) in &sets {
        let beside = pairing.of_entry.values().find_map(|pair| match pair {
            Pair::With(live) if live.source == *source && live.sink == *sink => Some(*live),
            Pair::With(_) | Pair::Ambiguous => None,
        });
        let kept = beside.filter(|_| group.is_none()).or_else(|| best(set, None));
        pairing.note_duplicates(kept, set);
    }
    pairing
}

impl<'a> Pairing<'a> {
    fn claim(&mut self, index: usize, wanted: &desired::Subscription, set: &[&'a live::Subscription]) {
        if let Some(kept) = best(set, Some(wanted)) {
            self.claimed.insert(&kept.id);
            self.of_entry.insert(index, Pair::With(kept));
            self.note_duplicates(Some(kept), set);
        }
    }

    fn note_duplicates(&mut self, kept: Option<&'a live::Subscription>, set: &[&'a live::Subscription]) {
        let Some(kept) = kept else { return };
        for other in set.iter().filter(|other| other.id != kept.id) {
            self.duplicates.insert(&other.id, &kept.id);
        }
    }
}

/// The one to keep: equal options, then the fewest that differ, then the smallest id.
fn best<'a>(
    set: &[&'a live::Subscription],
    wanted: Option<&desired::Subscription>,
) -> Option<&'a live::Subscription> {
    set.iter()
        .min_by_key(|live| {
            (
                wanted.map_or(0, |wanted| option_fields(wanted, live).len()),
                &live.id,
            )
        })
        .copied()
}
