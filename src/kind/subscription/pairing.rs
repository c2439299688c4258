//! Which live subscription an entry means. The server has no names for them, so it is told from
//! source, sink and consumer group.

use super::clusters::group_of;
use super::desired::Subscription;
use super::ends::{Name, Sink, Source};
use super::live;
use crate::change::Field;
use crate::live::Live;
use std::collections::{BTreeMap, BTreeSet};

/// What an entry means.
pub enum Pair<'a> {
    With(&'a live::Subscription),
    /// Several live ones could be meant.
    Ambiguous,
}

/// Which entry means which live subscription.
#[derive(Default)]
pub struct Pairing<'a> {
    /// What each entry means, by its place in the list.
    pub of_entry: BTreeMap<usize, Pair<'a>>,
    /// The ids of live subscriptions that an entry stands for.
    pub claimed: BTreeSet<&'a str>,
    /// The ids of live ones that deliver the same records as another does, which is kept.
    pub duplicates: BTreeMap<&'a str, &'a str>,
}

impl Pairing<'_> {
    /// The place of the entry that stands for a live subscription.
    pub fn entry_of(&self, id: &str) -> Option<usize> {
        let mut pairs = self.of_entry.iter();
        let found = pairs.find(|(_, pair)| matches!(pair, Pair::With(live) if live.id == id));
        found.map(|(index, _)| *index)
    }
}

/// Live subscriptions with equal source, sink and consumer group. A group that is the
/// subscription's own id was chosen by nobody, so all of those are one set of duplicates.
type Set<'a> = Vec<&'a live::Subscription>;

/// Source, sink, and the consumer group that somebody chose.
type Ends<'e> = (&'e Name<Source>, &'e Name<Sink>, Option<&'e str>);

/// Pairs entries and live subscriptions: by source, sink and group first, then by what is left on both
/// sides.
pub fn pair<'a>(entries: &'a [Subscription], live: &'a Live) -> Pairing<'a> {
    let ends: Vec<(Name<Source>, Name<Sink>)> = entries
        .iter()
        .map(|wanted| {
            let (source, sink) = (&wanted.source.value, &wanted.sink.value);
            (Name::Known(source.clone()), Name::Known(sink.clone()))
        })
        .collect();
    let mut sets: BTreeMap<Ends<'_>, Set<'a>> = BTreeMap::new();
    for live in &live.subscriptions {
        let group = live.group_id().filter(|_| !live.has_own_group());
        sets.entry((&live.source, &live.sink, group)).or_default().push(live);
    }
    let groups: Vec<Option<&str>> = entries
        .iter()
        .map(|wanted| {
            let of_cluster = || group_of(&live.kafka_clusters, &wanted.source.value);
            wanted.group_id().or_else(of_cluster)
        })
        .collect();
    let mut matching = Matching {
        entries,
        ends: &ends,
        groups: &groups,
        sets,
        pairing: Pairing::default(),
    };
    matching.by_own_id();
    matching.by_group();
    matching.by_what_is_left();
    matching.by_renamed_handler();
    matching.note_unclaimed_duplicates();
    matching.pairing
}

/// What has not been paired yet, and what has.
struct Matching<'e, 'a> {
    entries: &'e [Subscription],
    /// Source and sink of each entry.
    ends: &'e [(Name<Source>, Name<Sink>)],
    /// The consumer group of each entry: its own, or its Kafka cluster's.
    groups: &'e [Option<&'e str>],
    sets: BTreeMap<Ends<'e>, Set<'a>>,
    pairing: Pairing<'a>,
}

impl<'e, 'a: 'e> Matching<'e, 'a> {
    fn is_free(&self, index: usize) -> bool {
        !self.pairing.of_entry.contains_key(&index)
    }

    fn ends(&self, index: usize, group: Option<&'e str>) -> Ends<'e> {
        let (source, sink) = &self.ends[index];
        (source, sink, group)
    }

    /// A written group may be the very id of a live subscription, which comes before any entry that
    /// leaves the group to the server.
    fn by_own_id(&mut self) {
        for (index, wanted) in self.entries.iter().enumerate() {
            let Some(group) = wanted.group_id() else { continue };
            let ends = self.ends(index, None);
            let set = self.sets.get_mut(&ends);
            let own = set.and_then(|set| {
                let at = set.iter().position(|live| live.id == group)?;
                Some(set.remove(at))
            });
            if let Some(own) = own {
                self.claim(index, &[own]);
            }
        }
        self.sets.retain(|_, set| !set.is_empty());
    }

    fn by_group(&mut self) {
        for index in 0..self.entries.len() {
            if self.is_free(index)
                && let Some(set) = self.sets.remove(&self.ends(index, self.groups[index]))
            {
                self.claim(index, &set);
            }
        }
    }

    /// Pairs what is left with each other, if exactly one is left on each side.
    fn by_what_is_left(&mut self) {
        let mut free: BTreeMap<Ends<'e>, usize> = BTreeMap::new();
        for index in (0..self.entries.len()).filter(|index| self.is_free(*index)) {
            *free.entry(self.ends(index, None)).or_default() += 1;
        }
        for (index, wanted) in self.entries.iter().enumerate() {
            if !self.is_free(index) {
                continue;
            }
            let ends = self.ends(index, None);
            let of_ends = self.sets.range(ends..);
            let sets: Vec<Ends<'e>> = of_ends
                .map(|(found, _)| *found)
                .take_while(|found| (found.0, found.1) == (ends.0, ends.1))
                .collect();
            match sets[..] {
                [only] if free.get(&ends) == Some(&1) => {
                    let set = self.sets.remove(&only).unwrap_or_default();
                    self.claim(index, &set);
                }
                [_, ..] if wanted.group_id().is_none() => {
                    self.pairing.of_entry.insert(index, Pair::Ambiguous);
                }
                _ => continue,
            }
            free.entry(ends).and_modify(|left| *left -= 1);
        }
    }

    /// A renamed handler: same source and consumer group, another sink.
    fn by_renamed_handler(&mut self) {
        for (index, wanted) in self.entries.iter().enumerate() {
            let Some(group) = wanted.group_id().filter(|_| self.is_free(index)) else {
                continue;
            };
            let source = &self.ends[index].0;
            let is_meant = |ends: &Ends<'e>, set: &Set<'a>| {
                ends.0 == source && (ends.2 == Some(group) || set.iter().any(|live| live.id == group))
            };
            let found = self.sets.iter().filter(|(ends, set)| is_meant(ends, set));
            let candidates: Vec<Ends<'e>> = found.map(|(ends, _)| *ends).collect();
            if let [only] = candidates[..] {
                let set = self.sets.remove(&only).unwrap_or_default();
                self.claim(index, &set);
            }
        }
    }

    /// What nobody claims can still deliver its records twice: among its own, and, where nobody chose
    /// its group, beside one that is claimed.
    fn note_unclaimed_duplicates(&mut self) {
        for ((source, sink, group), set) in std::mem::take(&mut self.sets) {
            let beside = self.pairing.of_entry.values().find_map(|pair| match pair {
                Pair::With(live) if live.source == *source && live.sink == *sink => Some(*live),
                Pair::With(_) | Pair::Ambiguous => None,
            });
            let kept = beside.filter(|_| group.is_none()).or_else(|| best(&set, None));
            self.note_duplicates(kept, &set);
        }
    }

    fn claim(&mut self, index: usize, set: &[&'a live::Subscription]) {
        if let Some(kept) = best(set, Some(&self.entries[index])) {
            self.pairing.claimed.insert(&kept.id);
            self.pairing.of_entry.insert(index, Pair::With(kept));
            self.note_duplicates(Some(kept), set);
        }
    }

    fn note_duplicates(&mut self, kept: Option<&'a live::Subscription>, set: &[&'a live::Subscription]) {
        let Some(kept) = kept else { return };
        for other in set.iter().filter(|other| other.id != kept.id) {
            self.pairing.duplicates.insert(&other.id, &kept.id);
        }
    }
}

/// The one to keep: equal options, then the fewest that differ, then the smallest id.
fn best<'a>(
    set: &[&'a live::Subscription],
    wanted: Option<&Subscription>,
) -> Option<&'a live::Subscription> {
    let differences = |live: &live::Subscription| wanted.map_or(0, |wanted| option_fields(wanted, live).len());
    set.iter()
        .min_by_key(|live| (differences(live), &live.id))
        .copied()
}

/// The options that the file writes and that differ. One the server redacts cannot be compared.
pub fn option_fields(wanted: &Subscription, live: &live::Subscription) -> Vec<Field> {
    let written = wanted.options.iter();
    let differing = written.filter(|(name, option)| {
        live.options.get(*name) != Some(&option.value) && !live.hides(name)
    });
    differing
        .map(|(name, option)| Field::of_values(&["options", name], live.options.get(name), &option.value))
        .collect()
}

/// The entry that stands for a live subscription, or may: not for a duplicate of the one that is kept.
pub fn entry_for<'a>(entries: &'a [Subscription], live: &'a Live, id: &str) -> Option<&'a Subscription> {
    let found = live.subscriptions.iter().find(|live| live.id == id)?;
    let pairing = pair(entries, live);
    let may = |index: usize| {
        let entry = &entries[index];
        matches!(pairing.of_entry.get(&index), Some(Pair::Ambiguous))
            && found.source == entry.source.value
            && found.sink == entry.sink.value
    };
    let index = pairing.entry_of(id);
    let index = index.or_else(|| (0..entries.len()).find(|index| may(*index)))?;
    entries.get(index)
}
