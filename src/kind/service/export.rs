//! The overrides of live services as entries of a file.

use super::live::Service;
use super::options::{Options, ServiceOption};
use crate::export::entry::Exporting;
use crate::kind::Key;
use crate::kind::deployment::live::Deployment;
use serde_json::{Map, Value as Json};

pub fn export(exporting: &mut Exporting<'_>) {
    for service in exporting.live.services.values() {
        self::service(exporting, service);
    }
}

fn service(exporting: &mut Exporting<'_>, service: &Service) {
    let server = exporting.live.deployment(&service.deployment_id);
    if server.and_then(Deployment::stack) != exporting.stack {
        return;
    }
    let discovered = exporting.answers.discoveries.get(&service.deployment_id);
    let declared = discovered.and_then(|fresh| fresh.as_ref().ok()?.get(&service.name));
    let json = if let Some(declared) = declared {
        overrides(&service.options, &declared.options)
    } else {
        exporting.note(format!(
            "the endpoint of {} was not asked or did not answer, so which of its options are overrides is not known, but for `public: false`",
            service.name
        ));
        let private = (!service.options.public).then(|| ("public".to_owned(), false.into()));
        private.into_iter().collect()
    };
    if !json.is_empty() {
        exporting.push(Key::Service(service.name.clone()), json);
    }
}

/// What a service has beyond what its SDK declares.
fn overrides(now: &Options, declared: &Options) -> Map<String, Json> {
    let written = |option: ServiceOption| Some((option.name().to_owned(), now.get(option)?.into()));
    now.differing(declared).filter_map(written).collect()
}
