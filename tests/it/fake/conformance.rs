//! One script of requests for the fake and for real servers: their transcripts must be equal, once
//! ids, times, addresses, orders and messages are blanked.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use reqwest::{Client, Method};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::{discovery, lock, state};

/// For a server with nothing registered, and `static-cluster` in its configuration.
pub const SCRIPT: &str = include_str!("conformance.txt");

/// For a server with nothing registered, and `max-journal-retention = "6h"`.
pub const CLAMPED: &str = include_str!("clamped.txt");

enum Step<'s> {
    /// From now on the endpoint answers discovery under `path` with this.
    Serve {
        path: &'s str,
        status: u16,
        content_type: &'s str,
        body: &'s str,
    },
    /// What the last discovery under this path sent.
    Seen(&'s str),
    Call {
        method: &'s str,
        content_type: Option<&'s str>,
        path: &'s str,
        body: Option<&'s str>,
        /// The answer's id goes by this name later on.
        keep: Option<&'s str>,
    },
}

/// Runs a script against any admin URL.
pub fn transcript(admin_url: &str, script: &str) -> String {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime for the script")
        .block_on(async {
            let mut run = Run {
                admin_url,
                client: discovery::client().build().expect("an HTTP client"),
                endpoint: Endpoint::start().await,
                ids: BTreeMap::new(),
                created: HashMap::new(),
                out: String::new(),
            };
            for step in steps(script) {
                run.step(step).await;
            }
            run.out
        })
}

/// One step per line: `SERVE <path> [<status> <content type>] <manifest>`, `SEEN <path>`, or
/// `<METHOD>[(<content type>)] <path> [<body>] [=> <name>]`. `$EP` is the endpoint, `$EP11` one
/// that speaks HTTP/1.1 alone, `$<name>` an id kept before.
fn steps(script: &str) -> Vec<Step<'_>> {
    let lines = script.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (verb, rest) = line.split_once(' ').expect("a verb and its object");
            match verb {
                "SERVE" => serve(rest),
                "SEEN" => Step::Seen(rest),
                _ => call(verb, rest),
            }
        })
        .collect()
}

fn serve(rest: &str) -> Step<'_> {
    let (path, rest) = rest.split_once(' ').expect("a path and its answer");
    let (status, content_type, body) = if rest.starts_with('{') {
        (200, "application/vnd.restate.endpointmanifest.v4+json", rest)
    } else {
        let mut parts = rest.splitn(3, ' ');
        let mut part = || parts.next().expect("status, content type and body");
        (part().parse().expect("a status"), part(), part())
    };
    Step::Serve {
        path,
        status,
        content_type,
        body,
    }
}

fn call<'s>(verb: &'s str, rest: &'s str) -> Step<'s> {
    let (rest, keep) = match rest.rsplit_once(" => ") {
        Some((rest, name)) => (rest, Some(name)),
        None => (rest, None),
    };
    let (path, body) = match rest.split_once(' ') {
        Some((path, body)) => (path, Some(body)),
        None => (rest, None),
    };
    let (method, content_type) = match verb.split_once('(') {
        Some((method, content_type)) => (method, content_type.strip_suffix(')')),
        None => (verb, body.map(|_| "application/json")),
    };
    Step::Call {
        method,
        content_type,
        path,
        body,
        keep,
    }
}

struct Run<'r> {
    admin_url: &'r str,
    client: Client,
    endpoint: Endpoint,
    ids: BTreeMap<String, String>,
    /// When each deployment was created, as last told.
    created: HashMap<String, Value>,
    out: String,
}

impl Run<'_> {
    async fn step(&mut self, step: Step<'_>) {
        match step {
            Step::Serve {
                path,
                status,
                content_type,
                body,
            } => {
                let answer = (status, content_type.to_owned(), body.to_owned());
                lock(&self.endpoint.answers).insert(format!("/{path}/discover"), answer);
            }
            Step::Seen(path) => {
                let seen = lock(&self.endpoint.seen).remove(&format!("/{path}/discover"));
                let _ = writeln!(self.out, "\n{path} saw {seen:?}");
            }
            Step::Call {
                method,
                content_type,
                path,
                body,
                keep,
            } => {
                let said = body.map_or(String::new(), |body| format!(" {body}"));
                let _ = writeln!(self.out, "\n{method} {path}{said}");
                // Creation times have milliseconds: two in one could not be told apart.
                tokio::time::sleep(Duration::from_millis(2)).await;
                let method = Method::from_bytes(method.as_bytes()).expect("a method");
                let url = format!("{}{}", self.admin_url, self.filled_in(path));
                let mut request = self.client.request(method, url);
                if let Some(content_type) = content_type {
                    request = request.header("content-type", content_type);
                }
                if let Some(body) = body {
                    request = request.body(self.filled_in(body));
                }
                let response = request.send().await.expect("the server answers");
                self.record(response, keep).await;
            }
        }
    }

    async fn record(&mut self, response: reqwest::Response, keep: Option<&str>) {
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let status = response.status().as_u16();
        let content_type = header("content-type");
        let location = header("location");
        let body = response.text().await.expect("a whole answer");
        let json: Option<Value> = serde_json::from_str(&body).ok();
        if let (Some(name), Some(id)) = (keep, json.as_ref().and_then(|json| json["id"].as_str())) {
            self.ids.insert(name.to_owned(), id.to_owned());
        }
        let _ = write!(self.out, "{status}");
        for value in [content_type, location].into_iter().flatten() {
            let value = self.blanked(&value);
            let _ = write!(self.out, " {value}");
        }
        let body = match json {
            Some(json) => format!("{:#}", self.normalised(json)),
            None if body.is_empty() => "<nothing>".into(),
            None => "<text>".into(),
        };
        let _ = writeln!(self.out, "\n{body}");
    }

    fn filled_in(&self, text: &str) -> String {
        let text = text
            .replace("$EP11", &self.endpoint.http1_url)
            .replace("$EP", &self.endpoint.url)
            .replace("$PORT", self.endpoint.port())
            .replace("$nodp", &format!("dp_1{}", "0".repeat(22)))
            .replace("$nosub", &format!("sub_1{}", "0".repeat(22)));
        // Backwards, so that `$i2` goes before `$i`.
        let names = self.ids.iter().rev();
        names.fold(text, |text, (name, id)| text.replace(&format!("${name}"), id))
    }

    fn normalised(&mut self, value: Value) -> Value {
        match value {
            Value::Object(fields) => {
                let id = fields.get("id").cloned();
                let mut sorted: Vec<_> = fields.into_iter().collect();
                sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
                let fields = sorted.into_iter().map(|(key, value)| {
                    let value = match key.as_str() {
                        "message" | "cluster_name" | "ingress_endpoint" | "features" => json!("…"),
                        "created_at" => self.creation(id.as_ref(), &value),
                        _ => self.normalised(value),
                    };
                    (key, value)
                });
                Value::Object(fields.collect::<Map<_, _>>())
            }
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.normalised(item));
                let mut items: Vec<_> = items.collect();
                items.sort_by_key(ToString::to_string);
                Value::Array(items)
            }
            Value::String(text) => Value::String(self.blanked(&text)),
            other => other,
        }
    }

    /// Whether a creation time moved since it was last seen; its value does not matter.
    fn creation(&mut self, id: Option<&Value>, time: &Value) -> Value {
        // Not its length: a whole second is written without a fraction. [S:all]
        let is_time = |text: &str| text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok();
        let shape = match time.as_str() {
            Some(text) if is_time(text) => "<a time in UTC>".to_owned(),
            _ => format!("<no time: {time}>"),
        };
        let Some(id) = id else {
            return json!(shape);
        };
        let before = self.created.insert(id.to_string(), time.clone());
        json!(match before {
            Some(before) if before == *time => format!("{shape}, as before"),
            Some(_) => format!("{shape}, another"),
            None => shape,
        })
    }

    fn blanked(&self, text: &str) -> String {
        let names = self.ids.iter();
        let text = names.fold(text.to_owned(), |text, (name, id)| {
            text.replace(id, &format!("${name}"))
        });
        let (route, id) = text.split_at(text.rfind('/').map_or(0, |at| at + 1));
        if ["dp", "sub"].iter().any(|kind| state::is_id(kind, id)) {
            return format!("{route}<id>");
        }
        text.replace(&self.endpoint.http1_url, "$EP11")
            .replace(&self.endpoint.url, "$EP")
            .replace(self.endpoint.port(), "$PORT")
    }
}

type Answers = Arc<Mutex<HashMap<String, (u16, String, String)>>>;
type Seen = Arc<Mutex<HashMap<String, Vec<String>>>>;

/// Answers discovery alone.
struct Endpoint {
    url: String,
    http1_url: String,
    answers: Answers,
    seen: Seen,
}

impl Endpoint {
    async fn start() -> Self {
        let bind = || async { TcpListener::bind("127.0.0.1:0").await.expect("a free port") };
        let (both, http1) = (bind().await, bind().await);
        let url = |listener: &TcpListener| {
            let address = listener.local_addr().expect("the listener's address");
            format!("http://{address}")
        };
        let endpoint = Self {
            url: url(&both),
            http1_url: url(&http1),
            answers: Answers::default(),
            seen: Seen::default(),
        };
        for (listener, http1_only) in [(both, false), (http1, true)] {
            let answers = Arc::clone(&endpoint.answers);
            let seen = Arc::clone(&endpoint.seen);
            tokio::spawn(serve_discovery(listener, http1_only, answers, seen));
        }
        endpoint
    }

    fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap_or_default()
    }
}

async fn serve_discovery(listener: TcpListener, http1_only: bool, answers: Answers, seen: Seen) {
    while let Ok((stream, _)) = listener.accept().await {
        let (answers, seen) = (Arc::clone(&answers), Arc::clone(&seen));
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let reply = discovery_reply(&request, &answers, &seen);
                async { Ok::<_, Infallible>(reply) }
            });
            let stream = TokioIo::new(stream);
            // Clients end their connections as they like.
            if http1_only {
                let server = http1::Builder::new();
                let _ = server.serve_connection(stream, service).await;
            } else {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(stream, service).await;
            }
        });
    }
}

fn discovery_reply(
    request: &hyper::Request<Incoming>,
    answers: &Answers,
    seen: &Seen,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let volatile = ["host", "x-restate-cluster-name", "user-agent"];
    let mut headers: Vec<_> = request
        .headers()
        .iter()
        .filter(|(name, _)| !volatile.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?")))
        .collect();
    headers.sort();
    let answer = lock(answers).get(&path).cloned();
    lock(seen).insert(path, headers);
    let (status, content_type, body) = answer.unwrap_or((404, "text/plain".into(), String::new()));
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("x-restate-server", format!("script/{}", body.len()))
        .body(Full::new(Bytes::from(body)))
        .expect("a valid answer")
}
