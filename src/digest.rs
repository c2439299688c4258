//! Digests of what plans are compared by.

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// SHA-256 in hexadecimal digits.
pub fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let digits = digest.iter();
    digits.fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The digest of a value, whatever the order of its keys.
pub fn of_json(mut value: Json) -> String {
    value.sort_all_objects();
    sha256(&value.to_string())
}
