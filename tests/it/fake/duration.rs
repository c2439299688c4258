use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer, de::Error as _};

/// Strings only, friendly or ISO 8601, days of 24 hours, no months, nothing negative.
pub fn parse(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let span: Span = text.parse().map_err(|e: jiff::Error| e.to_string())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err("please use units of days or smaller".into());
    }
    let duration: SignedDuration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|e| e.to_string())?;
    Duration::try_from(duration).map_err(|e| e.to_string())
}

/// A field of a request: null is the same as absent.
pub fn optional<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    Option::<String>::deserialize(from)?
        .map(|text| parse(&text).map_err(D::Error::custom))
        .transpose()
}

/// The echo of 1.4 and later: `1d`, `1m 30s`, `100µs`.
pub fn friendly(duration: Duration) -> String {
    let days = (duration.as_secs() / 86_400, "d");
    join([days].into_iter().chain(below_days(duration, "µs")))
}

/// The echo of 1.0 to 1.3: `1day`, `1day 2h`.
pub fn humantime(duration: Duration) -> String {
    let days = duration.as_secs() / 86_400;
    let unit = if days == 1 { "day" } else { "days" };
    join([(days, unit)].into_iter().chain(below_days(duration, "us")))
}

fn below_days(duration: Duration, micros: &'static str) -> impl Iterator<Item = (u64, &'static str)> {
    let secs = duration.as_secs() % 86_400;
    let nanos = u64::from(duration.subsec_nanos());
    [
        (secs / 3_600, "h"),
        (secs / 60 % 60, "m"),
        (secs % 60, "s"),
        (nanos / 1_000_000, "ms"),
        (nanos / 1_000 % 1_000, micros),
        (nanos % 1_000, "ns"),
    ]
    .into_iter()
}

fn join(parts: impl Iterator<Item = (u64, &'static str)>) -> String {
    let parts: Vec<_> = parts
        .filter(|(n, _)| *n > 0)
        .map(|(n, unit)| format!("{n}{unit}"))
        .collect();
    if parts.is_empty() {
        "0s".into()
    } else {
        parts.join(" ")
    }
}
