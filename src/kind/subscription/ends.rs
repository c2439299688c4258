//! The two ends of a subscription.

use std::fmt;

/// A Kafka topic of a cluster that the server knows. The topic is kept literally.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    pub cluster: String,
    pub topic: String,
}

/// The handler that a subscription invokes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sink {
    pub service: String,
    pub handler: String,
}

/// One end as a server has it: what others made need not be one that a file could have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name<T> {
    Known(T),
    Foreign(String),
}

/// A text that stands for something.
pub trait Parse: Sized {
    fn parse(text: &str) -> Option<Self>;
}

impl Parse for Source {
    fn parse(text: &str) -> Option<Self> {
        let (cluster, topic) = text.strip_prefix("kafka://")?.split_once('/')?;
        // The server drops query and fragment, and accepts an empty topic, which is useless.
        let valid = !cluster.is_empty() && !topic.is_empty() && !text.contains(['?', '#']);
        valid.then(|| Self {
            cluster: cluster.to_owned(),
            topic: topic.to_owned(),
        })
    }
}

impl Parse for Sink {
    fn parse(text: &str) -> Option<Self> {
        let (service, handler) = text.strip_prefix("service://")?.split_once('/')?;
        Some(Self {
            service: service.to_owned(),
            handler: handler.to_owned(),
        })
    }
}

impl<T: Parse> Name<T> {
    pub fn of(text: &str) -> Self {
        T::parse(text).map_or_else(|| Self::Foreign(text.to_owned()), Self::Known)
    }

    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(known) => Some(known),
            Self::Foreign(_) => None,
        }
    }
}

impl<T: PartialEq> PartialEq<T> for Name<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(known) if known == other)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kafka://{}/{}", self.cluster, self.topic)
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service://{}/{}", self.service, self.handler)
    }
}

impl<T: fmt::Display> fmt::Display for Name<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(known) => known.fmt(f),
            Self::Foreign(text) => f.write_str(text),
        }
    }
}
