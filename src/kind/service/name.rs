//! What services may be called.

use crate::code::Code;
use crate::problem::{Problem, Problems};
use crate::source::Span;

/// What a service's name looks like, in words that go into a help text.
pub const WHAT_IT_HAS: &str = "letters, digits, `.`, `_` and `-`, starting with a letter";

/// `^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9._-]*$`, not reserved: what the server accepts at discovery.
/// `shown`: what the name stands in, for messages.
pub fn check_service_name(name: &str, shown: &str, span: Span, problems: &mut Problems) -> bool {
    let problem = if !is_name(name, "._-") {
        Problem::error(
            Code::InvalidServiceName,
            format!("`{shown}` is not the name of a service"),
        )
        .help(format!("a service name has {WHAT_IT_HAS}"))
    } else if name.to_lowercase().starts_with("restate") || name.eq_ignore_ascii_case("openapi") {
        Problem::error(
            Code::ReservedServiceName,
            format!("`{shown}` is reserved as the name of a service"),
        )
        .help("names that start with `restate`, and `openapi`, belong to the server")
    } else {
        return true;
    };
    problems.push(problem.at(span));
    false
}

/// Letters and digits, plus `extra`, starting with a letter or with `_` and a letter or digit.
pub fn is_name(name: &str, extra: &str) -> bool {
    let mut chars = name.chars();
    let start = match chars.next() {
        Some('_') => chars.next().is_some_and(|c| c.is_ascii_alphanumeric()),
        Some(c) => c.is_ascii_alphabetic(),
        None => false,
    };
    start && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || extra.contains(c))
}
