//! Keeping private services private across a change that resets `public`.

use crate::admin::{Client, Error};
use crate::kind::service::live::Service;
use crate::kind::service::options::{Overrides, ServiceOption, Setting};
use crate::landing::Alert;
use std::collections::BTreeSet;

/// What must be private afterwards: what the file says, and what is private right before and may
/// not be exposed. Read at the last moment, since the plan may be an hour old.
pub struct Watch {
    keep_private: BTreeSet<String>,
    private_now: BTreeSet<String>,
}

impl Watch {
    pub async fn start(
        client: &Client,
        keep_private: &[String],
        may_expose: &[String],
    ) -> Result<Self, Error> {
        let services = client.services().await?;
        Ok(Self {
            keep_private: keep_private.iter().cloned().collect(),
            private_now: services
                .into_iter()
                .filter(|service| !service.public && !may_expose.contains(&service.name))
                .map(|service| service.name)
                .collect(),
        })
    }

    /// Makes private what is public now and must not be. Returns those that only somebody else
    /// wanted private, since the plan was made.
    pub async fn hide(&self, client: &Client, now: &[Service], alerts: &mut Vec<Alert>) -> Vec<String> {
        let must_hide = |name: &str| self.keep_private.contains(name) || self.private_now.contains(name);
        let mut public: Vec<&str> = now
            .iter()
            .filter(|s| s.options.public && must_hide(&s.name))
            .map(|s| s.name.as_str())
            .collect();
        public.sort_unstable();
        for service in &public {
            if !hide(client, service).await {
                alerts.push(Alert::IsPublic((*service).to_owned()));
            }
        }
        public
            .into_iter()
            .filter(|name| !self.keep_private.contains(*name))
            .map(str::to_owned)
            .collect()
    }

    /// Hides the services that the plan expected, as it is not known what became of them.
    /// `may_land_later`: what is hidden now may be an older revision.
    pub async fn hide_expected(
        &self,
        client: &Client,
        expected: &[&str],
        may_land_later: bool,
        alerts: &mut Vec<Alert>,
    ) {
        for service in expected {
            let must_hide = self.keep_private.contains(*service) || self.private_now.contains(*service);
            if must_hide && (!hide(client, service).await || may_land_later) {
                alerts.push(Alert::MayBePublic((*service).to_owned()));
            }
        }
    }
}

/// Makes one service private. Tried for the whole time budget of a unit.
async fn hide(client: &Client, service: &str) -> bool {
    let private = Overrides::from([(ServiceOption::Public, Setting::Public(false))]);
    let answer = client
        .override_service(service, &private, Some(client.unit_budget()))
        .await;
    answer.is_ok_and(|service| !service.public)
}
