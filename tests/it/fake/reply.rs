use serde_json::{Value, json};

/// A finished answer. The server speaks JSON, text/plain or nothing at all.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Refusals travel as `Err`, so that routes can use `?`.
pub type Answer = Result<Reply, Reply>;

impl Reply {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), content_type.into())],
            body: body.into(),
        }
    }

    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body.into())
    }

    /// A business error: `restate_code` is there even when it is null.
    pub fn error(status: u16, code: Option<&str>, message: impl AsRef<str>) -> Self {
        let message = match code {
            Some(code) => format!("[{code}] {}", message.as_ref()),
            None => message.as_ref().to_owned(),
        };
        let body = json!({ "message": message, "restate_code": code });
        Self::json(status, &body)
    }

    /// The answer to a body of the wrong shape.
    pub fn unprocessable(reason: impl std::fmt::Display) -> Self {
        let message = format!("Failed to deserialize the JSON body into the target type: {reason}");
        Self::text(422, message)
    }

    pub fn with_header(mut self, name: &str, value: String) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }
}
