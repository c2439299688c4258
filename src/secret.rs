//! Values that must not be shown, and the masking of text that may repeat them.

use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::{Arc, RwLock};

/// What a masked or sensitive value looks like in every output.
pub const MASK: &str = "(sensitive)";

/// A string that is either sensitive or plain. It has no `Display`; `Debug` shows plain ones only.
#[derive(Clone)]
pub struct Value {
    text: SecretString,
    sensitive: bool,
}

impl Value {
    pub fn sensitive(text: impl Into<String>) -> Self {
        Self {
            text: text.into().into(),
            sensitive: true,
        }
    }

    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into().into(),
            sensitive: false,
        }
    }

    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }

    /// The text for the wire and for comparing, never for an output.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// The text for an output; `None` when it is sensitive.
    pub fn shown(&self) -> Option<&str> {
        (!self.sensitive).then(|| self.expose())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown().unwrap_or(MASK))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

/// Masks the run's sensitive values in text that comes from elsewhere.
///
/// Endpoints echo request headers in their errors and the server passes that on
/// (seen on 1.5.3, 1.6.2 and 1.7.12), so its messages cannot be trusted to be free of them.
#[derive(Clone, Default)]
pub struct Masker(Arc<RwLock<Vec<SecretString>>>);

impl Masker {
    /// Shorter values would mask ordinary words; they are too weak to be secrets.
    const SHORTEST: usize = 4;

    pub fn learn(&self, value: &Value) {
        if !value.is_sensitive() {
            return;
        }
        let text = value.expose();
        // A header is mostly `Bearer TOKEN`: the token alone must not show either.
        for part in std::iter::once(text).chain(text.split_whitespace()) {
            if part.len() >= Self::SHORTEST && !is_auth_scheme(part) {
                for form in [part.to_owned(), percent_encoded(part)] {
                    self.remember(form);
                }
            }
        }
    }

    fn remember(&self, form: String) {
        if let Ok(mut known) = self.0.write()
            && !known.iter().any(|k| k.expose_secret() == form)
        {
            known.push(form.into());
            // The longest first, so that a value that contains another is masked whole.
            known.sort_by_key(|k| std::cmp::Reverse(k.expose_secret().len()));
        }
    }

    pub fn mask(&self, text: &str) -> String {
        let Ok(known) = self.0.read() else {
            return MASK.to_owned();
        };
        known
            .iter()
            .fold(text.to_owned(), |text, k| text.replace(k.expose_secret(), MASK))
    }
}

fn is_auth_scheme(word: &str) -> bool {
    ["bearer", "basic", "token", "apikey"].contains(&word.to_lowercase().as_str())
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

/// Removes what could steer a terminal from text that comes from a server or a file.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if steers_terminal(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Control characters, and Unicode's bidirectional controls, which reorder what a reader sees.
pub fn steers_terminal(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_a_token_wherever_it_is_repeated() {
        let masker = Masker::default();
        masker.learn(&Value::sensitive("Bearer s3cr3t/x"));
        let shown = masker.mask("got authorization=Bearer s3cr3t/x, and s3cr3t%2Fx, and s3cr3t/x");
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }

    #[test]
    fn debug_hides_what_is_sensitive() {
        assert_eq!(format!("{:?}", Value::sensitive("hunter22")), MASK);
        assert_eq!(format!("{:?}", Value::plain("eu")), "eu");
    }

    #[test]
    fn terminal_control_is_removed() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}\nc"), "a\u{fffd}[2Jb\u{fffd} c");
    }
}
