//! What a change rests on that resets a service's options.

use super::options::ServiceOption;
use crate::change::FieldValue;
use crate::live::Live;

/// The options in effect of a service that a registration is about to reset.
pub fn in_effect(live: &Live, name: &str) -> Vec<FieldValue> {
    let options = live.services.get(name).map(|live| &live.options);
    let each = options.into_iter().flat_map(|options| {
        ServiceOption::ALL
            .into_iter()
            .map(|option| (option, options.get(option)))
    });
    each.map(|(option, value)| FieldValue {
        path: vec!["services".to_owned(), name.to_owned(), option.name().to_owned()],
        value: value.map(Into::into),
    })
    .collect()
}
