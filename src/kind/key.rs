//! What a resource is known by. Keys are typed; they are printed where they leave the program, and
//! read where they come in.

use super::Kind;
use super::subscription::ends::{Name, Sink, Source};
use std::cmp::Ordering;
use std::fmt;

/// A resource's key, which is unique among its kind, but for duplicates that others made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A deployment by its normalised URI, or its ARN.
    Deployment(String),
    /// A service by its name.
    Service(String),
    Subscription(SubscriptionKey),
}

/// A subscription has no name: it is known by its ends, and by its consumer group where somebody
/// chose one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionKey {
    pub source: Name<Source>,
    pub sink: Name<Sink>,
    /// The consumer group as it may be shown.
    pub group: Option<String>,
}

const TO: &str = " -> ";
const IN: &str = " @ ";

impl Key {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Deployment(_) => Kind::Deployment,
            Self::Service(_) => Kind::Service,
            Self::Subscription(_) => Kind::Subscription,
        }
    }

    /// Reads a key in the form that documents have.
    pub fn parse(kind: Kind, text: &str) -> Self {
        match kind {
            Kind::Deployment => Self::Deployment(text.to_owned()),
            Kind::Service => Self::Service(text.to_owned()),
            Kind::Subscription => Self::Subscription(SubscriptionKey::parse(text)),
        }
    }

    /// The key as people read it: no slash where a URI has no path, and an arrow to the handler.
    pub fn shown(&self) -> String {
        match self {
            Self::Deployment(uri) => match uri.strip_suffix('/') {
                Some(bare) if bare.matches('/').count() == 2 => bare.to_owned(),
                _ => uri.clone(),
            },
            Self::Service(name) => name.clone(),
            Self::Subscription(key) => match &key.group {
                Some(group) => format!("{}{IN}{group}", key.shown_ends()),
                None => key.shown_ends(),
            },
        }
    }

    /// The parts by which people tell it from others, without what only tells duplicates apart.
    pub fn shown_ends(&self) -> String {
        match self {
            Self::Subscription(key) => key.shown_ends(),
            Self::Deployment(_) | Self::Service(_) => self.shown(),
        }
    }

    /// The consumer group, where the key has one.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Subscription(key) => key.group.as_deref(),
            Self::Deployment(_) | Self::Service(_) => None,
        }
    }

    /// The key with what it repeats of the server masked. What deployments and services are called is
    /// no secret.
    #[must_use]
    pub fn masked(&self, mask: &impl Fn(&str) -> String) -> Self {
        match self {
            Self::Subscription(SubscriptionKey { source, sink, group }) => {
                Self::Subscription(SubscriptionKey {
                    source: Name::of(&mask(&source.to_string())),
                    sink: Name::of(&mask(&sink.to_string())),
                    group: group.as_deref().map(mask),
                })
            }
            Self::Deployment(_) | Self::Service(_) => self.clone(),
        }
    }

    /// The handler that it feeds, if that can be told.
    pub fn feeds(&self) -> Option<&Sink> {
        match self {
            Self::Subscription(key) => key.sink.known(),
            Self::Deployment(_) | Self::Service(_) => None,
        }
    }

    /// The topic that it reads, if that can be told.
    pub fn reads(&self) -> Option<&Source> {
        match self {
            Self::Subscription(key) => key.source.known(),
            Self::Deployment(_) | Self::Service(_) => None,
        }
    }
}

impl SubscriptionKey {
    fn parse(text: &str) -> Self {
        let (source, rest) = text.split_once(TO).unwrap_or((text, ""));
        let (sink, group) = match rest.split_once(IN) {
            Some((sink, group)) => (sink, Some(group.to_owned())),
            None => (rest, None),
        };
        Self {
            source: Name::of(source),
            sink: Name::of(sink),
            group,
        }
    }

    fn shown_ends(&self) -> String {
        let (source, sink) = (&self.source, self.sink.to_string());
        if sink.is_empty() {
            return source.to_string();
        }
        match sink.strip_prefix("service://") {
            Some(handler) => format!("{source} → {handler}"),
            None => format!("{source}{TO}{sink}"),
        }
    }
}

/// `SOURCE -> SINK`, with ` @ GROUP` where there is one.
impl fmt::Display for SubscriptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        // A document of others may have anything as a key.
        if self.sink != Name::Foreign(String::new()) {
            write!(f, "{TO}{}", self.sink)?;
        }
        match &self.group {
            Some(group) => write!(f, "{IN}{group}"),
            None => Ok(()),
        }
    }
}

/// Keys are sorted as people would sort them.
impl Ord for SubscriptionKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.to_string().cmp(&other.to_string())
    }
}

impl PartialOrd for SubscriptionKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Keys are printed in the form that documents have.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deployment(text) | Self::Service(text) => f.write_str(text),
            Self::Subscription(key) => key.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back() {
        for (kind, text, shown) in [
            (Kind::Deployment, "http://a:1/", "http://a:1"),
            (Kind::Deployment, "http://a:1/x/", "http://a:1/x/"),
            (Kind::Service, "Cart", "Cart"),
            (
                Kind::Subscription,
                "kafka://main/orders -> service://Cart/on @ shop",
                "kafka://main/orders → Cart/on @ shop",
            ),
            (
                Kind::Subscription,
                "kafka://main/orders -> service://Cart/on",
                "kafka://main/orders → Cart/on",
            ),
            (
                Kind::Subscription,
                "kafka:main -> ingress",
                "kafka:main -> ingress",
            ),
            (Kind::Subscription, "anything @ all", "anything @ all"),
        ] {
            let key = Key::parse(kind, text);
            assert_eq!(
                (key.to_string(), key.shown()),
                (text.to_owned(), shown.to_owned())
            );
            assert_eq!(key.kind(), kind);
        }
    }
}
