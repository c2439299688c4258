//! Values that must not be shown, and the masking of text that may repeat them.

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, RwLock};

/// What a masked or sensitive value looks like in every output.
pub const MASK: &str = "(sensitive)";

/// The characters that RFC 3986 does not percent-encode.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A string, and whether it may be shown. It has no `Display`; `Debug` shows what may be shown.
#[derive(Clone)]
pub struct Value {
    text: SecretString,
    sight: Sight,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// A file writes it in clear.
    Plain,
    /// It came from elsewhere, such as a variable or a server, so it may repeat a secret.
    Given,
    Sensitive,
}

impl Value {
    fn new(text: impl Into<String>, sight: Sight) -> Self {
        Self {
            text: text.into().into(),
            sight,
        }
    }

    pub fn sensitive(text: impl Into<String>) -> Self {
        Self::new(text, Sight::Sensitive)
    }

    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Sight::Plain)
    }

    /// A value that is not sensitive by itself, but not written in clear either.
    pub fn given(text: impl Into<String>) -> Self {
        Self::new(text, Sight::Given)
    }

    pub fn is_sensitive(&self) -> bool {
        self.sight == Sight::Sensitive
    }

    /// The text for the wire and for comparing, never for an output.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// The text for an output; `None` when it is sensitive.
    pub fn shown(&self) -> Option<&str> {
        (!self.is_sensitive()).then(|| self.expose())
    }

    /// Makes it sensitive if it is from elsewhere and repeats a sensitive value of the run.
    pub fn conceal(&mut self, masker: &Masker) {
        if self.sight == Sight::Given && masker.mask(self.expose()) != self.expose() {
            self.sight = Sight::Sensitive;
        }
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
/// Endpoints echo request headers in their errors and the server passes that on [S:all], so its
/// messages cannot be trusted to be free of them.
#[derive(Clone, Default)]
pub struct Masker(Arc<RwLock<Known>>);

/// The forms in which sensitive values may be repeated.
#[derive(Default)]
struct Known {
    forms: BTreeSet<String>,
    /// Finds all forms at once. Built when text is masked for the first time after a value was
    /// learned: to look for one form after the other would take time by their number.
    search: Option<AhoCorasick>,
}

impl Masker {
    /// Shorter values would mask ordinary words; they are too weak to be secrets.
    const SHORTEST: usize = 4;
    const LONGEST_WORD: usize = 7;

    pub fn learn(&self, value: &Value) {
        if !value.is_sensitive() {
            return;
        }
        let Ok(mut known) = self.0.write() else { return };
        let text = value.expose();
        // A header is mostly `Bearer TOKEN`: the token alone must not show either.
        for part in std::iter::once(text).chain(text.split_whitespace()) {
            if part.len() >= Self::SHORTEST && !is_auth_scheme(part) {
                let escaped = serde_json::Value::from(part).to_string();
                let forms = [
                    part.to_owned(),
                    escaped[1..escaped.len() - 1].to_owned(),
                    percent_encoding::utf8_percent_encode(part, UNRESERVED).to_string(),
                    STANDARD_NO_PAD.encode(part),
                    URL_SAFE_NO_PAD.encode(part),
                ];
                for form in forms {
                    if known.forms.insert(form) {
                        known.search = None;
                    }
                }
            }
        }
    }

    /// The text with [`MASK`] in the place of every sensitive value. Values that overlap are masked
    /// as one, so that no end of either shows.
    pub fn mask(&self, text: &str) -> String {
        let Ok(known) = self.0.read() else {
            return MASK.to_owned();
        };
        if known.forms.is_empty() {
            return text.to_owned();
        }
        if let Some(search) = &known.search {
            return masked(text, search);
        }
        drop(known);
        let Ok(mut known) = self.0.write() else {
            return MASK.to_owned();
        };
        let search = AhoCorasick::new(&known.forms);
        known.search = search.ok();
        // Nothing is shown unsearched.
        known
            .search
            .as_ref()
            .map_or_else(|| MASK.to_owned(), |search| masked(text, search))
    }
}

/// A short value is often a word, such as the `shop` of `x-tenant: shop`, which other names have in
/// them: it is masked where it stands by itself, and a longer one everywhere.
fn masked(text: &str, search: &AhoCorasick) -> String {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "-_.".contains(c));
    let mut hidden: Vec<Range<usize>> = search
        .find_overlapping_iter(text)
        .map(|found| found.range())
        .filter(|found| {
            let is_word = !is_part(text[..found.start].chars().next_back())
                && !is_part(text[found.end..].chars().next());
            found.len() > Masker::LONGEST_WORD || is_word
        })
        .collect();
    hidden.sort_by_key(|range| range.start);
    let (mut shown, mut from) = (String::with_capacity(text.len()), 0);
    for range in hidden {
        if range.start >= from {
            shown.push_str(&text[from..range.start]);
            shown.push_str(MASK);
        }
        from = from.max(range.end);
    }
    shown + &text[from..]
}

fn is_auth_scheme(word: &str) -> bool {
    ["bearer", "basic", "token", "apikey"].contains(&word.to_lowercase().as_str())
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
        for echo in [
            "Bearer s3cr3t/x",
            "t=s3cr3t/x;",
            "s3cr3t%2Fx",
            "czNjcjN0L3g=",
            "QmVhcmVyIHMzY3IzdC94",
        ] {
            let shown = masker.mask(&format!("a {echo} b"));
            assert!(
                shown.contains(MASK) && !shown.contains(echo.trim_end_matches('=')),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_short_value_is_masked_where_it_stands_by_itself() {
        let masker = Masker::default();
        masker.learn(&Value::sensitive("shop"));
        masker.learn(&Value::sensitive("t0k3n-of-shop"));
        for (text, shown) in [
            ("x-tenant: shop", "x-tenant: (sensitive)"),
            ("\"shop\",shop", "\"(sensitive)\",(sensitive)"),
            ("shop-orders and shopping", "shop-orders and shopping"),
            ("xt0k3n-of-shops", "x(sensitive)s"),
        ] {
            assert_eq!(masker.mask(text), shown);
        }
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
