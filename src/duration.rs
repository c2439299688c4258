//! Durations, compared as numbers and never as text.

use crate::code::Code;
use crate::problem::{Problem, Problems};
use crate::source::{Read, Spanned, Text};
use jiff::{Span, SpanRelativeTo, SpanRound, Unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// For JSON Schema. Roughly: a number with a unit, a clock, ISO 8601, or none at all.
pub const PATTERN: &str = r"^(0|P[0-9T].*|[0-9].*[a-zµ].*|[0-9]+:[0-9]+:[0-9.]+)$";

/// A non-negative duration in nanoseconds. Parsed by the same library as the server's own, so that
/// what is accepted here is accepted there: friendly (`1h 30m`) or ISO 8601 (`PT90M`), a day of
/// 24 hours, no months or years [S:all].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Duration(i128);

impl TryFrom<String> for Duration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Duration> for String {
    fn from(duration: Duration) -> Self {
        duration.to_string()
    }
}

/// What the server can still echo: 7,304,484 days. On more it panics while it stores it [S:all].
const LONGEST: i128 = 7_304_484 * 86_400 * 1_000_000_000;

const TOO_LONG: &str = "the longest that a server can keep is 7304484 days";

/// The text with a 1 for each number in it: it still is a duration if it is one but for its length.
fn with_small_numbers(text: &str) -> String {
    let mut small = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if small.ends_with('1') => {}
            '0'..='9' => small.push('1'),
            c => small.push(c),
        }
    }
    small
}

impl Duration {
    /// # Errors
    /// Says what is wrong, and where possible what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "0" {
            return Ok(Self(0));
        }
        if text.parse::<f64>().is_ok() {
            return Err(format!("a duration needs a unit, such as `{text}s` or `{text}d`"));
        }
        let span: Span = text.parse().map_err(|_| {
            let lower = text.to_lowercase();
            if with_small_numbers(text).parse::<Span>().is_ok() {
                TOO_LONG.to_owned()
            } else if lower != text && !text.starts_with('P') && lower.parse::<Span>().is_ok() {
                format!("units are lower case: `{lower}`")
            } else {
                "write a duration such as `90s`, `1h 30m`, `7 days` or `PT2M`".to_owned()
            }
        })?;
        if span.get_months() != 0 || span.get_years() != 0 {
            return Err("months and years have no fixed length: write days, such as `30d`".to_owned());
        }
        if span.is_negative() {
            return Err("a duration cannot be negative".to_owned());
        }
        let duration = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|_| TOO_LONG.to_owned())?;
        if duration.as_nanos() > LONGEST {
            return Err(TOO_LONG.to_owned());
        }
        Ok(Self(duration.as_nanos()))
    }

    pub const fn from_secs(seconds: u32) -> Self {
        Self(seconds as i128 * 1_000_000_000)
    }

    pub fn from_std(duration: std::time::Duration) -> Self {
        Self(i128::try_from(duration.as_nanos()).unwrap_or(LONGEST))
    }

    /// The same length for the clock. It saturates: half a million years will do.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or(u64::MAX))
    }
}

/// Durations are shown as the server writes them: `1m 30s`, `7d`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let balanced = i64::try_from(seconds)
            .ok()
            .zip(i64::try_from(nanos).ok())
            .and_then(|(s, n)| Span::new().try_seconds(s).ok()?.try_nanoseconds(n).ok())
            .and_then(|span| {
                let to_days = SpanRound::new().largest(Unit::Day).days_are_24_hours();
                span.round(to_days).ok()
            });
        match balanced {
            Some(span) => write!(f, "{span:#}"),
            None => write!(f, "{}ns", self.0),
        }
    }
}

/// A duration of the file. What is wrong with it is in `problems`.
pub fn read(read: Option<Read<Text>>, problems: &mut Problems) -> Option<Spanned<Duration>> {
    let text = read.and_then(Read::ok)?;
    match Duration::parse(text.value.as_str()) {
        Ok(duration) => Some(Spanned::new(duration, text.span)),
        Err(help) => {
            let what = if help == TOO_LONG {
                "is too long"
            } else {
                "is not a duration"
            };
            // The help may repeat the value.
            let help = if text.value.is_filled() {
                "the value must be a duration such as `90s`, `1h 30m`, `7 days` or `PT2M`".to_owned()
            } else {
                help
            };
            problems.push(
                Problem::error(Code::InvalidDuration, format!("`{}` {what}", text.value.quote()))
                    .at(text.span)
                    .help(help),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Duration;

    #[test]
    fn reads_what_the_server_reads() {
        let same = [
            ("1d", "24h"),
            ("PT24H", "1 day"),
            ("P1D", "1d"),
            ("1w", "7d"),
            ("1h30m", "1.5h"),
            ("90s", "1m 30s"),
            ("5 mins", "300s"),
            ("01:30:00", "90m"),
            ("0", "0s"),
            ("PT0S", "0"),
        ];
        for (a, b) in same {
            assert_eq!(Duration::parse(a), Duration::parse(b), "{a} and {b}");
            assert!(Duration::parse(a).is_ok(), "{a}");
        }
    }

    #[test]
    fn refuses_what_the_server_refuses() {
        for text in [
            "90",
            "1 Day",
            "1D",
            "1 month",
            "1 month ago",
            "-1d",
            "1d ago",
            "1y",
            "",
            "garbage",
            "1.5",
        ] {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prints_as_the_server_does() {
        for (text, shown) in [
            ("90s", "1m 30s"),
            ("1w", "7d"),
            ("1.5h", "1h 30m"),
            ("100us", "100µs"),
            ("0", "0s"),
            ("PT24H", "1d"),
        ] {
            assert_eq!(Duration::parse(text).map(|d| d.to_string()), Ok(shown.to_owned()));
        }
    }
}
