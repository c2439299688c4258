//! Tells the requests as they go, for people who look for what is wrong. What may be a secret is
//! never told: not the values of headers and options, nor what the run knows to be sensitive.

use super::Error;
use crate::kind::Kind;
use crate::secret::{MASK, Masker, printable};
use reqwest::StatusCode;
use serde::Serialize;
use serde_json::Value as Json;
use std::time::Duration;

/// The longest body that is traced, in characters: nobody reads more.
const LONGEST: usize = 4000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    None,
    Lines,
    Bodies,
}

pub struct Trace {
    detail: Detail,
    tell: Box<dyn Fn(&str) + Send + Sync>,
}

impl Trace {
    pub fn new(detail: Detail, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            detail,
            tell: Box::new(tell),
        }
    }

    pub fn request(&self, asked: &str, body: Option<&impl Serialize>, masker: &Masker) {
        if self.detail == Detail::None {
            return;
        }
        self.tell(&format!("> {asked}"), masker);
        if self.detail == Detail::Bodies
            && let Some(body) = body.and_then(|body| serde_json::to_value(body).ok())
        {
            self.tell(&shown(body), masker);
        }
    }

    pub fn response(&self, asked: &str, status: StatusCode, took: Duration, body: &[u8], masker: &Masker) {
        if self.detail == Detail::None {
            return;
        }
        let (ms, size) = (took.as_millis(), body.len());
        self.tell(&format!("< {asked}: {status}, {size} bytes in {ms} ms"), masker);
        if self.detail == Detail::Bodies && !body.is_empty() {
            let text = match serde_json::from_slice::<Json>(body) {
                Ok(body) => shown(body),
                // Half an answer, with secrets that cannot be told from the rest of it.
                Err(_) if looks_like_json(body) => "(JSON that is not complete)".to_owned(),
                Err(_) => String::from_utf8_lossy(body).into_owned(),
            };
            self.tell(&text, masker);
        }
    }

    pub fn failure(&self, asked: &str, took: Duration, error: &Error) {
        if self.detail != Detail::None {
            let ms = took.as_millis();
            (self.tell)(&format!("< {asked}: {error}, after {ms} ms"));
        }
    }

    /// Masked before it is cut: half a secret would no longer be recognised.
    fn tell(&self, text: &str, masker: &Masker) {
        let text = printable(&masker.mask(text));
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => (self.tell)(&format!("{}… ({} bytes)", &text[..end], text.len())),
            None => (self.tell)(&text),
        }
    }
}

/// What may hold the secrets of others, even where it cannot be read.
pub fn looks_like_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

fn shown(mut body: Json) -> String {
    redact(&mut body);
    body.to_string()
}

/// Whether the values of a map are never told. Those of Kafka clusters are no kind here yet.
fn is_untold(map: &str) -> bool {
    let untold = |kind: &Kind| kind.words().untold_maps.contains(&map);
    map == "properties" || Kind::ALL.iter().any(untold)
}

/// Live resources of others have secrets that the run knows nothing of.
fn redact(body: &mut Json) {
    match body {
        Json::Array(items) => items.iter_mut().for_each(redact),
        Json::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    (name, Json::Object(values)) if is_untold(name) => {
                        values.values_mut().for_each(|value| *value = MASK.into());
                    }
                    ("uri", Json::String(uri)) => {
                        if let (Some(scheme), Some(at)) = (uri.find("://"), uri.rfind('@')) {
                            uri.replace_range(scheme + 3..at.max(scheme + 3), MASK);
                        }
                    }
                    (_, value) => redact(value),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bodies_tell_no_secrets() {
        let body = json!({ "deployments": [{
            "uri": "http://bob:s3cret@host/x",
            "additional_headers": { "authorization": "s3cret" },
            "options": { "group.id": "g", "sasl.password": "s3cret" },
            "id": "dp_1",
        }] });
        let text = shown(body);
        assert!(!text.contains("s3cret"), "{text}");
        assert!(text.contains("dp_1") && text.contains("authorization"), "{text}");
    }
}
