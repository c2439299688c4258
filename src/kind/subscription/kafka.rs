//! What the Kafka consumer inside the server accepts. The server stores everything, and a consumer
//! that does not understand an option never starts: nothing in the Admin API shows it [S:all].

use super::kafka_options::{GROUP_ID, KAFKA_OPTIONS, of_consumers};
use crate::code::Code;
use crate::problem::{Problem, Problems, nearest};
use crate::source::{Spanned, Text};

/// What the server sets itself for every subscription, whatever is written [R:1.7.6].
const SET_BY_SERVER: [&str; 2] = ["enable.auto.commit", "enable.auto.offset.store"];

/// Reports an option that a consumer does not know, or a value that it cannot take.
pub fn check(name: &Spanned<String>, value: &Spanned<Text>, problems: &mut Problems) {
    let Some(allowed) = KAFKA_OPTIONS.get(name.value.as_str()) else {
        let message = format!("Kafka's client has no option `{}`", name.value);
        let near = || {
            Some(format!(
                "did you mean `{}`?",
                nearest(&name.value, KAFKA_OPTIONS.keys().copied())?
            ))
        };
        let help = java_help(&name.value).map(str::to_owned).or_else(near);
        let help = help.unwrap_or_else(|| "see the configuration properties of librdkafka".to_owned());
        let why = "(the server would accept it, and the consumer would never start)";
        let problem = Problem::error(Code::UnknownKafkaOption, message).at(name.span);
        problems.push(problem.help(format!("{help} {why}")));
        return;
    };
    if SET_BY_SERVER.contains(&name.value.as_str()) {
        let message = format!(
            "the server sets `{}` itself, whatever is written here",
            name.value
        );
        let problem = Problem::warning(Code::IgnoredOption, message).at(name.span);
        problems.push(problem.help("remove it"));
    } else if of_consumers().all(|(option, _)| option != name.value) {
        let message = format!("`{}` is for producers, and a subscription only reads", name.value);
        let problem = Problem::warning(Code::IgnoredOption, message).at(name.span);
        problems.push(problem.help("remove it"));
    } else if name.value == GROUP_ID && value.value.as_str().is_empty() {
        let problem = Problem::error(Code::InvalidKafkaOption, "an empty `group.id` is none").at(value.span);
        problems.push(problem.help("the consumer would never start: write a name"));
    } else if !accepts(allowed, value.value.as_str()) {
        let message = format!("`{}` is not a value of `{}`", value.value.quote(), name.value);
        let allowed = match allowed.split_once("..") {
            Some((low, high)) => format!("a whole number from {low} to {high}"),
            None => format!("one of `{}`", allowed.replace('|', "`, `")),
        };
        problems.push(
            Problem::error(Code::InvalidKafkaOption, message)
                .at(value.span)
                .help(format!(
                    "write {allowed}; with anything else the consumer would never start"
                )),
        );
    }
}

/// Whether librdkafka would accept a value: words in any case, and numbers that something may follow.
fn accepts(allowed: &str, value: &str) -> bool {
    if let Some((low, high)) = allowed.split_once("..") {
        let bound = |text: &str| text.parse::<f64>().ok();
        let digits = value.trim_start();
        let end = digits
            .find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c))
            .unwrap_or(digits.len());
        let number = bound(&digits[..end]);
        return number.is_some_and(|n| bound(low) <= Some(n) && Some(n) <= bound(high))
            // Words of a number's own, and octal and hexadecimal, which are left to the consumer.
            || ["all", "0x"].iter().any(|word| digits.starts_with(word));
    }
    let is_bool = allowed == "true|false" && ["t", "f", "1", "0"].contains(&value.to_lowercase().as_str());
    allowed.is_empty() || is_bool || allowed.split('|').any(|word| word.eq_ignore_ascii_case(value))
}

/// Options of Kafka's Java client, which people know better.
fn java_help(name: &str) -> Option<&'static str> {
    Some(match name {
        "max.poll.records" => "only Kafka's Java client has it; see `queued.min.messages`",
        "fetch.max.wait.ms" => "Kafka's Java client calls it so; write `fetch.wait.max.ms`",
        "sasl.jaas.config" => "only Kafka's Java client has it; write `sasl.username` and `sasl.password`",
        "ssl.truststore.location" | "ssl.truststore.password" | "ssl.truststore.type" => {
            "only Kafka's Java client has it; write `ssl.ca.location` or `ssl.ca.pem`"
        }
        "key.deserializer" | "value.deserializer" => {
            "only Kafka's Java client has it; the handler gets the record as it is"
        }
        _ => return None,
    })
}

/// Whether a cluster can have the name: a host name's characters [S:1.7.12].
pub fn is_cluster_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// Whether a topic can have the name: what Kafka allows as the name of a topic, or a pattern of librdkafka's, which starts with `^`.
pub fn is_topic(topic: &str) -> bool {
    let is_name = !["", ".", ".."].contains(&topic)
        && topic.len() <= 249
        && topic
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    is_name || (topic.starts_with('^') && topic.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_librdkafka_takes_them() {
        for (allowed, value, fine) in [
            ("", "anything", true),
            ("true|false", "TRUE", true),
            ("true|false", "1", true),
            ("true|false", "yes", false),
            ("earliest|latest", "Latest", true),
            ("earliest|latest", "lastest", false),
            ("1..300", "300", true),
            ("1..300", "301", false),
            ("1..300", "", false),
            ("1..300", "ten", false),
            ("-1..1000", "-1", true),
            ("-1..1000", "all", true),
            ("0..900000", "0.5", true),
        ] {
            assert_eq!(accepts(allowed, value), fine, "{value} of {allowed}");
        }
    }
}
