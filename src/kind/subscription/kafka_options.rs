//! The options of the Kafka consumer inside the server.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The option that names the consumer group, under which Kafka keeps offsets.
pub const GROUP_ID: &str = "group.id";

/// The options of librdkafka 2.12.1, which Restate 1.6 and 1.7 contain, as far as they can be set as
/// text. A line has a name and, if there is one, its range `LOW..HIGH` or its values `A|B|C`.
const TABLE: &str = include_str!("kafka_options.txt");

/// What the options of consumers are for, one a line, in the order in which editors offer them. The others
/// are for producers.
const DESCRIPTIONS: &str = include_str!("kafka_descriptions.txt");

/// The options of consumers with what they are for.
pub fn of_consumers() -> impl Iterator<Item = (&'static str, &'static str)> {
    DESCRIPTIONS.lines().filter_map(|line| line.split_once(": "))
}

/// Range or values by name; empty for an option that takes any text.
pub static KAFKA_OPTIONS: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let split = |line: &'static str| line.split_once(' ').unwrap_or((line, ""));
    TABLE.lines().map(split).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_kind_of_option() {
        assert_eq!(KAFKA_OPTIONS.get("group.id"), Some(&""));
        assert_eq!(KAFKA_OPTIONS.get("enable.auto.commit"), Some(&"true|false"));
        assert_eq!(KAFKA_OPTIONS.get("fetch.min.bytes"), Some(&"1..100000000"));
        assert_eq!(KAFKA_OPTIONS.get("max.poll.records"), None, "Java's");
        assert_eq!(KAFKA_OPTIONS.len(), TABLE.lines().count());
        assert!(of_consumers().all(|(name, _)| KAFKA_OPTIONS.contains_key(name)));
        assert_eq!(of_consumers().count(), DESCRIPTIONS.lines().count());
    }
}
