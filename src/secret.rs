//! Values that must not be shown, and the masking of text that may repeat them.

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeSet, HashSet};
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
    is_sensitive: bool,
}

impl Value {
    pub fn sensitive(text: impl Into<String>) -> Self {
        Self {
            text: text.into().into(),
            is_sensitive: true,
        }
    }

    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into().into(),
            is_sensitive: false,
        }
    }

    pub fn is_sensitive(&self) -> bool {
        self.is_sensitive
    }

    /// The text for the wire and for comparing, never for an output.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// The text for an output; `None` when it is sensitive.
    pub fn shown(&self) -> Option<&str> {
        (!self.is_sensitive).then(|| self.expose())
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

    /// Text of others with [`MASK`] in the place of every sensitive value. Values that overlap are
    /// masked as one, so that no end of either shows.
    pub fn mask(&self, text: &str) -> String {
        self.mask_but(text, |_| false)
    }

    /// Text of ours that may quote others. `is_clear`: whether a word is shown all the same.
    pub fn mask_but(&self, text: &str, is_clear: impl Fn(&str) -> bool) -> String {
        let Ok(known) = self.0.read() else {
            return MASK.to_owned();
        };
        if known.forms.is_empty() {
            return text.to_owned();
        }
        if let Some(search) = &known.search {
            return masked(text, search, is_clear);
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
            .map_or_else(|| MASK.to_owned(), |search| masked(text, search, is_clear))
    }
}

/// A short value is often a word, such as the `shop` of `x-tenant: shop`, which other names have in
/// them: it is masked where it stands by itself, and a longer one everywhere.
fn masked(text: &str, search: &AhoCorasick, is_clear: impl Fn(&str) -> bool) -> String {
    let mut hidden: Vec<Range<usize>> = search
        .find_overlapping_iter(text)
        .map(|found| found.range())
        .filter(|found| {
            let whole = whole_words(text, found);
            (found.len() > Masker::LONGEST_WORD || whole == *found) && !is_clear(&text[whole])
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

/// What a name, a host or a number is made of.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || "-_.".contains(c)
}

/// The words that a range of a text is in.
fn whole_words(text: &str, range: &Range<usize>) -> Range<usize> {
    let before = text[..range.start].trim_end_matches(is_of_word);
    let after = text[range.end..].trim_start_matches(is_of_word);
    before.len()..text.len() - after.len()
}

/// The words of texts that anybody may read, such as what files write in clear. That one of them is
/// also the value of a header does not make it a secret.
#[derive(Default)]
pub struct ClearWords(HashSet<String>);

impl ClearWords {
    pub fn of<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let words = texts.flat_map(|text| text.split(|c| !is_of_word(c)));
        let words = words.map(|word| word.trim_matches(['-', '_', '.']));
        Self(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }

    /// Whether the text is made of such words.
    pub fn are_all_of(&self, text: &str) -> bool {
        let mut words = text.split(|c| !is_of_word(c));
        words.all(|word| {
            let bare = word.trim_matches(['-', '_', '.']);
            bare.is_empty() || self.0.contains(bare)
        })
    }
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
    fn a_word_that_is_written_in_clear_is_shown() {
        let masker = Masker::default();
        for secret in ["checkout", "s3cr3t-of-checkout", "x/y-z9"] {
            masker.learn(&Value::sensitive(secret));
        }
        let clear = ClearWords::of(["uri: http://checkout:9080 # of x."].into_iter());
        for (text, shown) in [
            ("http://checkout:9080/", "http://checkout:9080/"),
            ("it serves checkout.", "it serves checkout."),
            ("my-checkout-2", "my-(sensitive)-2"),
            ("s3cr3t-of-checkout", "(sensitive)"),
            ("x/y-z9", "(sensitive)"),
        ] {
            assert_eq!(masker.mask_but(text, |word| clear.are_all_of(word)), shown);
        }
        assert_eq!(masker.mask("http://checkout:9080/"), "http://(sensitive):9080/");
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
