//! The overrides that a service should have.

use super::file::{self, SERVICE_CONSENTS};
use super::name::check_service_name;
use super::options::{ServiceOption, Setting};
use crate::consent::{self, Consent};
use crate::duration;
use crate::problem::Problems;
use crate::source::{Read, Spanned, compact, is_true};
use litemap::LiteMap;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// The overrides that one service should have.
#[derive(Debug)]
pub struct Service {
    pub name: Spanned<String>,
    /// The overrides that the file writes.
    pub overrides: LiteMap<ServiceOption, Spanned<Setting>>,
    pub allow: Vec<Spanned<Consent>>,
    pub is_protected: bool,
}

impl Service {
    /// Reads an entry. `None` for a name that no service can have.
    pub fn build(
        name: Spanned<String>,
        entry: Spanned<Box<file::Service>>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let file::Service {
            public,
            idempotency_retention,
            journal_retention,
            inactivity_timeout,
            abort_timeout,
            workflow_completion_retention,
            allow,
            protected,
        } = *entry.value;
        let valid = check_service_name(&name.value, &name.value, name.span, problems);
        let mut overrides = BTreeMap::new();
        if let Some(public) = public.and_then(Read::ok) {
            overrides.insert(ServiceOption::Public, public.map(Setting::Public));
        }
        for (option, read) in [
            (ServiceOption::IdempotencyRetention, idempotency_retention),
            (ServiceOption::JournalRetention, journal_retention),
            (ServiceOption::InactivityTimeout, inactivity_timeout),
            (ServiceOption::AbortTimeout, abort_timeout),
            (
                ServiceOption::WorkflowCompletionRetention,
                workflow_completion_retention,
            ),
        ] {
            if let Some(duration) = duration::read(read, problems) {
                overrides.insert(option, duration.map(Setting::Duration));
            }
        }
        let service = Self {
            name,
            overrides: compact(overrides),
            allow: consent::build(allow, &SERVICE_CONSENTS, problems),
            is_protected: is_true(protected),
        };
        valid.then_some(service)
    }

    /// What the file writes for an option.
    pub fn wants(&self, option: ServiceOption) -> Option<Setting> {
        self.overrides.get(&option).map(|setting| setting.value)
    }

    pub fn wants_public(&self) -> Option<bool> {
        match self.wants(ServiceOption::Public)? {
            Setting::Public(public) => Some(public),
            Setting::Duration(_) => None,
        }
    }

    /// The entry as the digest of the desired state has it.
    pub fn canonical(&self) -> Json {
        let Self {
            name,
            overrides,
            allow,
            is_protected,
        } = self;
        let mut fields: Map<String, Json> = ServiceOption::ALL
            .iter()
            .map(|option| {
                let setting = overrides.get(option).map(|setting| setting.value.into());
                (option.name().to_owned(), setting.unwrap_or_default())
            })
            .collect();
        fields.insert("name".to_owned(), name.value.as_str().into());
        fields.insert("allow".to_owned(), consent::canonical(allow));
        fields.insert("protected".to_owned(), (*is_protected).into());
        fields.into()
    }
}
