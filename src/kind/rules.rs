//! What is asked of every kind in the same way.

use super::{Key, Kind};
use crate::change::Resource;
use crate::consent::Consent;
use crate::desired::{Desired, Entries};
use crate::draft::{Draft, View};
use crate::export::entry::Exporting;
use crate::live::Live;
use crate::problem::Problems;
use crate::secret::Value;
use crate::source::{Span, Spanned};

/// What a kind does. A new kind has to answer all of it.
pub trait Rules: Sync {
    /// Rules across entries, for which the files alone are enough.
    fn check(&self, entries: &Entries, problems: &mut Problems);

    /// The entries of the files, as far as they are the same for every kind.
    fn listed<'a>(&self, entries: &'a Entries) -> Vec<Listed<'a>>;

    /// What is on the server, as far as it is the same for every kind.
    fn live<'a>(&self, live: &'a Live) -> Vec<Found<'a>>;

    /// The place of the entry that lists the live resource with this id, or key for a kind without ids.
    fn lists(&self, entries: &Entries, live: &Live, id: &str) -> Option<Span>;

    /// Whether the value of an entry's field may not be shown or kept. `field`: its path in the entry.
    /// `is_external`: the environment or another file gave a part of it.
    fn is_sensitive(&self, field: &[String], is_external: bool) -> bool;

    /// How many live resources pruning could touch if no file listed any.
    fn owned(&self, view: &View<'_>) -> usize;

    /// Drafts the changes that the entries ask for.
    fn diff(&self, draft: &mut Draft<'_>);

    /// Drafts what becomes of live resources that no entry lists.
    fn prune(&self, draft: &mut Draft<'_>);

    /// Writes live resources as entries.
    fn export(&self, exporting: &mut Exporting<'_>);
}

/// An entry of a file.
pub struct Listed<'a> {
    pub key: Key,
    /// The local name of the entry, beside its key.
    pub name: Option<&'a str>,
    pub allow: &'a [Spanned<Consent>],
    pub is_protected: bool,
    /// The values that can be sensitive, whether they are or not.
    pub values: Vec<&'a Value>,
    /// The services that the entry says it exposes.
    pub exposes: Vec<&'a str>,
}

/// A resource on the server.
pub struct Found<'a> {
    pub key: Key,
    /// `None` where the server knows it by its key.
    pub id: Option<&'a str>,
    /// The stack that it belongs to.
    pub stack: Option<&'a str>,
    /// The values that can be sensitive, whether they are or not.
    pub values: Vec<&'a Value>,
}

impl Found<'_> {
    pub fn resource(&self) -> Resource {
        Resource {
            key: self.key.clone(),
            server_id: self.id.map(str::to_owned),
        }
    }
}

/// All entries, by kind in the order of creation.
pub fn listed(entries: &Entries) -> impl Iterator<Item = Listed<'_>> {
    Kind::ALL.iter().flat_map(|kind| kind.rules().listed(entries))
}

/// All that is on the server, by kind in the order of creation.
pub fn found(live: &Live) -> impl Iterator<Item = Found<'_>> {
    Kind::ALL.iter().flat_map(|kind| kind.rules().live(live))
}

/// The values of the files that must not appear in any output.
pub fn secrets_of_files(desired: &Desired) -> impl Iterator<Item = &Value> {
    let values = listed(desired.written()).flat_map(|entry| entry.values);
    values.filter(|value| value.is_sensitive())
}

/// The values of the server that must not appear in any output.
pub fn secrets_of_server(live: &Live) -> impl Iterator<Item = &Value> {
    let values = found(live).flat_map(|found| found.values);
    values.filter(|value| value.is_sensitive())
}

/// Whether a file's value at this path may not be shown or kept.
pub fn is_sensitive_place(path: &[String], is_external: bool) -> bool {
    let [section, _, field @ ..] = path else {
        return false;
    };
    let kind = Kind::of_section(section);
    kind.is_some_and(|kind| kind.rules().is_sensitive(field, is_external))
}

/// Whether it is there still: with the same id, or where there is none with the same key.
pub fn is_live(resource: &Resource, live: &Live) -> bool {
    let found = resource.kind().rules().live(live);
    found.iter().any(|found| match found.id {
        Some(id) => resource.server_id.as_deref() == Some(id),
        None => resource.key == found.key,
    })
}

/// Whether something on the server has the key.
pub fn has_key(key: &Key, live: &Live) -> bool {
    let found = key.kind().rules().live(live);
    found.iter().any(|found| found.key == *key)
}
