//! A registration resets `public` to what the SDK declares, which is mostly true.

use super::action::Served;
use super::desired::Deployment;
use crate::consent::Consent;
use crate::draft::consent::{Given, needs};
use crate::draft::{Asked, View};
use crate::kind::service::desired::Service;

/// The services that one change of a deployment leaves public.
#[derive(Default)]
pub struct Visibility {
    /// The services that are private now, and that nothing keeps private.
    exposed: Vec<String>,
    /// The file wants them private: they are made so in the same step, if they are not.
    keep_private: Vec<String>,
}

impl Visibility {
    pub fn note(&mut self, view: &View<'_>, service: &str, becomes_public: bool) {
        let wanted = view.input.desired.entries.services.get(service);
        let live = view.input.live.services.get(service);
        let was_private = live.is_some_and(|live| !live.options.public);
        match wanted.and_then(Service::wants_public) {
            Some(false) => self.keep_private.push(service.to_owned()),
            Some(true) | None if was_private && becomes_public => self.exposed.push(service.to_owned()),
            Some(true) | None => {}
        }
    }

    pub fn exposes(&self) -> bool {
        !self.exposed.is_empty()
    }

    /// Asks for the consents that are needed.
    pub fn settle(self, view: &View<'_>, entry: &Deployment, asked: &mut Asked) -> Served {
        let mut refused: Vec<&str> = Vec::new();
        for service in &self.exposed {
            match may_expose(view, entry, service) {
                Some(given) => asked.given.push(given),
                None => refused.push(service),
            }
        }
        if !refused.is_empty() {
            let message = format!("the private service {} becomes public", refused.join(", "));
            let entry = "deployment, or keep it private with `public: false` under `services`";
            asked.refusals.push(needs(&Consent::Expose, message, entry));
        }
        Served {
            expected: None,
            keep_private: self.keep_private,
            may_expose: self.exposed,
        }
    }
}

fn may_expose(view: &View<'_>, entry: &Deployment, service: &str) -> Option<Given> {
    let wanted = view.input.desired.entries.services.get(service);
    let of_service = wanted.map_or(&[][..], |wanted| &wanted.allow);
    let by_service = view
        .consents
        .allows(&Consent::Expose, of_service, &[service.to_owned()]);
    by_service.or_else(|| {
        view.consents
            .allows(&Consent::Expose, &entry.allow, &entry.names())
    })
}
