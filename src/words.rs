//! Words of messages that many have in common.

/// A number with its noun: `1 invocation`, `2 invocations`.
pub fn counted(n: impl Into<u64>, noun: &str) -> String {
    match n.into() {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}
