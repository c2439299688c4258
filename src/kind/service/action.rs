//! What apply does about a service.

use super::options::Overrides;

/// Sets overrides.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    pub service: String,
    pub overrides: Overrides,
}
