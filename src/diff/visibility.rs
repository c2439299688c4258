//! A registration resets `public` to what the SDK declares, which is mostly true.

use super::change::Refused;
use super::{Work, needs};
use crate::desired::{Consent, Deployment};

/// The services that one change of a deployment leaves public.
#[derive(Default)]
pub struct Visibility {
    /// Private now, and nothing keeps them so.
    exposed: Vec<String>,
    /// The file wants them private: they are made so in the same step, if they are not.
    keep_private: Vec<String>,
}

/// What follows for the change.
#[derive(Default)]
pub struct Exposure {
    pub keep_private: Vec<String>,
    pub may_expose: Vec<String>,
    pub refusals: Vec<Refused>,
}

impl Visibility {
    pub fn note(&mut self, work: &Work<'_>, service: &str, becomes_public: bool) {
        let wanted = work
            .input
            .desired
            .services
            .get(service)
            .and_then(|wanted| wanted.public.as_ref());
        let was_private = work
            .input
            .live
            .services
            .get(service)
            .is_some_and(|live| !live.options.public);
        match wanted.map(|public| public.value) {
            Some(false) => self.keep_private.push(service.to_owned()),
            Some(true) | None if was_private && becomes_public => self.exposed.push(service.to_owned()),
            Some(true) | None => {}
        }
    }

    pub fn exposes(&self) -> bool {
        !self.exposed.is_empty()
    }

    /// Asks for the consents that are needed.
    pub fn settle(self, work: &Work<'_>, entry: &Deployment) -> Exposure {
        let refused: Vec<&str> = self
            .exposed
            .iter()
            .filter(|service| !may_expose(work, entry, service))
            .map(String::as_str)
            .collect();
        let mut refusals = Vec::new();
        if !refused.is_empty() {
            let message = format!("the private service {} becomes public", refused.join(", "));
            let entry = "deployment, or keep it private with `public: false` under `services`";
            refusals.push(needs(&Consent::Expose, message, entry));
        }
        Exposure {
            keep_private: self.keep_private,
            may_expose: self.exposed,
            refusals,
        }
    }
}

fn may_expose(work: &Work<'_>, entry: &Deployment, service: &str) -> bool {
    let of_service = work
        .input
        .desired
        .services
        .get(service)
        .map_or(&[][..], |wanted| &wanted.allow);
    work.consents.allows(&Consent::Expose, of_service, &[service]) || work.consented(entry, &Consent::Expose)
}
