//! Setting overrides.

use super::action::Action;
use super::live::Service;
use super::options::{ServiceOption, Setting};
use crate::admin::Client;
use crate::landing::{Alert, Fault, Landed, moved};

/// The answer tells what is in effect: a value that was accepted and is not there has no effect.
pub async fn carry_out(client: &Client, action: &Action, alerts: &mut Vec<Alert>) -> Result<Landed, Fault> {
    let Action { service, overrides } = action;
    let answer = client.override_service(service, overrides, None).await;
    let now = Service::from(answer.map_err(Fault::of)?).options;
    let private = overrides.get(&ServiceOption::Public) == Some(&Setting::Public(false));
    if private && now.public {
        alerts.push(Alert::IsPublic(service.clone()));
        return Err(moved(format!(
            "the server accepted `public: false`, but service {service} IS PUBLIC"
        )));
    }
    let ineffective: Vec<String> = overrides
        .iter()
        .filter(|(option, sent)| **option != ServiceOption::Public && now.get(**option) != Some(**sent))
        .map(|(option, sent)| {
            let (option, now) = (option.name(), now.get(*option));
            let now = now.map(|now| now.to_string()).unwrap_or_default();
            format!("{option} has no effect: {sent} was sent, {now} is in effect")
        })
        .collect();
    Ok(Landed {
        server_id: None,
        note: (!ineffective.is_empty()).then(|| ineffective.join("; ")),
    })
}
