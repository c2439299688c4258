//! What a server shows in place of a secret (1.7). It is never a value of its own.

use crate::code::Code;
use crate::problem::Problem;
use crate::source::Span;

pub const REDACTED: &str = "***";

/// The problem of a file that has it: writing it back would store it.
pub fn redacted_value(at: Span) -> Problem {
    Problem::error(Code::RedactedValue, "`***` is the server's mask, not a value")
        .at(at)
        .help("write the real value")
}
