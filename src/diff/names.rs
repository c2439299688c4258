//! The names by which the command line calls resources, as `KIND/KEY`.

use crate::change::Resource;
use crate::code::Code;
use crate::draft::Input;
use crate::kind::rules::{found, listed};
use crate::kind::{Key, Kind};
use crate::pattern::is_like;
use crate::problem::{Problem, nearest};
use std::collections::{BTreeMap, BTreeSet};

/// The names by which a target may call resources.
pub struct Names {
    /// The local names of entries, by their keys.
    local: BTreeMap<Key, String>,
    known: BTreeSet<String>,
    /// Those of them that are ids of the server.
    ids: BTreeSet<String>,
}

impl Names {
    pub fn of(input: &Input<'_>) -> Self {
        let entries = listed(&input.desired.entries);
        let (listed, names): (Vec<Key>, Vec<Option<String>>) = entries
            .map(|entry| (entry.key, entry.name.map(str::to_owned)))
            .unzip();
        let local = listed.iter().cloned().zip(names);
        let mut all = Self {
            local: local.filter_map(|(key, name)| Some((key, name?))).collect(),
            known: BTreeSet::new(),
            ids: found(input.live)
                .filter_map(|found| Some(format!("{}/{}", found.key.kind().name(), found.id?)))
                .collect(),
        };
        let resources = found(input.live)
            .map(|found| found.resource())
            .chain(listed.into_iter().map(Resource::from));
        all.known = resources
            .flat_map(|resource| all.of_resource(&resource))
            .collect();
        all
    }

    pub fn of_resource(&self, resource: &Resource) -> Vec<String> {
        let mut names = resource.names();
        let local = self.local.get(&resource.key);
        names.extend(local.map(|name| format!("{}/{name}", resource.kind().name())));
        names
    }

    /// Whether one of the patterns is for the resource. One that is a name as it stands means that alone: a
    /// topic may have a star in it.
    pub fn are_of(&self, patterns: &[String], resource: &Resource) -> bool {
        let names = self.of_resource(resource);
        patterns.iter().any(|pattern| {
            if self.known.contains(pattern) {
                names.contains(pattern)
            } else {
                names.iter().any(|name| is_like(pattern, name))
            }
        })
    }

    pub fn unknown<'t>(&'t self, targets: &'t [String]) -> impl Iterator<Item = Problem> + 't {
        let is_known = |target: &String| self.known.iter().any(|known| is_like(target, known));
        let unknown = targets.iter().filter(move |target| !is_known(target));
        unknown.map(|target| {
            let message = format!("`{target}` is neither in the file nor on the server");
            let help = match self.nearest(target) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write `deployment/URI`, `service/NAME` or `subscription/KEY`, as plans show them"
                    .to_owned(),
            };
            Problem::error(Code::UnknownTarget, message).help(help)
        })
    }

    /// Without the kind, which would make everything of it look alike, and without ids, which nobody
    /// mistypes.
    fn nearest(&self, target: &str) -> Option<String> {
        let (kind, name) = target.split_once('/')?;
        let kind = Kind::named(kind)?.name();
        let names = self.known.difference(&self.ids).filter_map(|known| {
            let (its_kind, name) = known.split_once('/')?;
            (its_kind == kind).then_some(name)
        });
        let near = nearest(name, names)?;
        Some(format!("{kind}/{near}"))
    }
}
