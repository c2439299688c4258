//! A deployment endpoint that answers discovery with whatever a test wants, and nothing else.

mod manifest;

pub use manifest::{Handler, Kind, Manifest, Options, Service};

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Versions of the discovery format that this endpoint can answer in, best first.
const MANIFEST_VERSIONS: [u8; 4] = [4, 3, 2, 1];

/// A URL that refuses connections: port 1 is never handed out as a free port.
pub fn unreachable_url() -> String {
    "http://127.0.0.1:1/".to_owned()
}

/// How discovery is answered on every mounted path.
#[derive(Clone, Debug)]
pub enum Behaviour {
    Normal,
    /// Normal, but only after a while.
    Slow(Duration),
    /// A status and a body.
    Fail(u16, String),
    /// Elsewhere.
    Redirect(String),
    /// Status 500 with all request headers in the body.
    EchoHeadersAndFail,
    /// Status 200, but a web page.
    NotAnSdk,
    /// The right content type, but not JSON.
    BadManifest,
    /// Accepts the request and never answers.
    Hang,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

/// A request as it arrived, mounted path or not.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub path: String,
    pub protocol: Protocol,
    pub headers: Vec<(String, String)>,
}

impl From<&Request<Incoming>> for Recorded {
    fn from(request: &Request<Incoming>) -> Recorded {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = request.headers().iter();
        Recorded {
            path: request.uri().path().to_owned(),
            protocol: match request.version() {
                Version::HTTP_2 => Protocol::Http2,
                _ => Protocol::Http1,
            },
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
        }
    }
}

impl Recorded {
    fn echo(&self) -> String {
        let lines = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

struct State {
    /// By path, without the slash at the end.
    manifests: HashMap<String, Manifest>,
    behaviour: Behaviour,
    requests: Vec<Recorded>,
}

/// Serves discovery on a loopback port until stopped or dropped.
pub struct Endpoint {
    port: u16,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    /// Speaks HTTP/2 with prior knowledge and HTTP/1.1 on the same port.
    pub fn start(manifest: impl Into<Manifest>) -> Endpoint {
        Endpoint::serve(0, manifest.into(), &[Protocol::Http1, Protocol::Http2])
    }

    /// HTTP/2 with prior knowledge alone.
    pub fn start_http2(manifest: impl Into<Manifest>) -> Endpoint {
        Endpoint::serve(0, manifest.into(), &[Protocol::Http2])
    }

    pub fn start_http1(manifest: impl Into<Manifest>) -> Endpoint {
        Endpoint::serve(0, manifest.into(), &[Protocol::Http1])
    }

    /// Takes the place of an endpoint that was stopped.
    pub fn start_on(port: u16, manifest: impl Into<Manifest>) -> Endpoint {
        Endpoint::serve(port, manifest.into(), &[Protocol::Http1, Protocol::Http2])
    }

    /// One address with several deployments, each at a path of its own.
    pub fn start_at<const N: usize, M: Into<Manifest>>(mounted: [(&str, M); N]) -> Endpoint {
        let endpoint = Endpoint::start(Manifest::new());
        for (path, manifest) in mounted {
            endpoint.mount(path, manifest);
        }
        endpoint
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        self.url_at("/")
    }

    pub fn url_at(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Serves one more manifest, at `{path}/discover`.
    pub fn mount(&self, path: &str, manifest: impl Into<Manifest>) {
        self.state()
            .manifests
            .insert(path.trim_end_matches('/').to_owned(), manifest.into());
    }

    /// Swaps the manifest at the root.
    pub fn set(&self, manifest: impl Into<Manifest>) {
        self.mount("/", manifest);
    }

    pub fn behave(&self, behaviour: Behaviour) {
        self.state().behaviour = behaviour;
    }

    pub fn requests(&self) -> Vec<Recorded> {
        self.state().requests.clone()
    }

    /// Closes the port and all connections.
    pub fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported by then.
            let _ = thread.join();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under the lock")
    }

    fn serve(port: u16, manifest: Manifest, protocols: &'static [Protocol]) -> Endpoint {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let port = listener.local_addr().expect("a bound port").port();
        listener.set_nonblocking(true).expect("a listener for tokio");
        let state = Arc::new(Mutex::new(State {
            manifests: HashMap::from([(String::new(), manifest)]),
            behaviour: Behaviour::Normal,
            requests: Vec::new(),
        }));
        let (stop, stopped) = oneshot::channel::<()>();
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, protocols, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Endpoint {
            port,
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(listener: TcpListener, protocols: &'static [Protocol], state: Arc<Mutex<State>>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            // Clients may hang up at any time; that is no concern of the endpoint.
            if !protocols.contains(&Protocol::Http2) && opens_with_http2(&stream).await {
                let _ = refuse(stream).await;
            } else {
                let service = service_fn(move |request| respond(request, Arc::clone(&state)));
                let http = auto::Builder::new(TokioExecutor::new());
                let is_http2 = !protocols.contains(&Protocol::Http1);
                let http = if is_http2 { http.http2_only() } else { http };
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            }
        });
    }
}

async fn opens_with_http2(stream: &TcpStream) -> bool {
    let mut start = [0; 3];
    stream.peek(&mut start).await.is_ok_and(|_| &start == b"PRI")
}

/// Answers an HTTP/2 preface as HTTP/1.1 servers commonly do. hyper would just hang up, which
/// Restate takes for a network failure.
async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream
        .write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        .await?;
    stream.shutdown().await?;
    // Closing with unread input would reset the connection before the answer is read.
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    Ok(())
}

async fn respond(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let recorded = Recorded::from(&request);
    let echo = recorded.echo();
    let (manifest, behaviour) = {
        let mut state = state.lock().expect("nothing panics under the lock");
        state.requests.push(recorded);
        let path = request.uri().path().strip_suffix("/discover");
        let manifest = path.and_then(|path| state.manifests.get(path)).cloned();
        (manifest, state.behaviour.clone())
    };
    let Some(manifest) = manifest else {
        return Ok(reply(404, "text/plain", "not mounted"));
    };
    let Some(version) = negotiate(&request) else {
        return Ok(reply(415, "text/plain", "no common discovery version"));
    };

    let content_type = format!("application/vnd.restate.endpointmanifest.v{version}+json");
    match behaviour {
        Behaviour::Normal => {}
        Behaviour::Slow(delay) => tokio::time::sleep(delay).await,
        Behaviour::Fail(status, body) => return Ok(reply(status, "text/plain", body)),
        Behaviour::Redirect(to) => {
            let mut reply = reply(302, "text/plain", "");
            reply
                .headers_mut()
                .insert(LOCATION, to.parse().expect("an address"));
            return Ok(reply);
        }
        Behaviour::EchoHeadersAndFail => return Ok(reply(500, "text/plain", echo)),
        Behaviour::NotAnSdk => return Ok(reply(200, "text/html", "<h1>It works!</h1>")),
        Behaviour::BadManifest => return Ok(reply(200, &content_type, "{\"services\": [")),
        Behaviour::Hang => std::future::pending().await,
    }
    let body = manifest.to_json(version).to_string();
    Ok(reply(200, &content_type, body))
}

/// The best version of the format that the request accepts.
fn negotiate(request: &Request<Incoming>) -> Option<u8> {
    let accept = request.headers().get(ACCEPT)?.to_str().ok()?;
    MANIFEST_VERSIONS
        .into_iter()
        .find(|version| accept.contains(&format!(".v{version}+json")))
}

fn reply(status: u16, content_type: &str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, content_type)
        .header("x-restate-server", "test-endpoint/1.0.0")
        .body(Full::new(body.into()))
        .expect("a valid response")
}
