use std::{collections::BTreeMap, error::Error as _, fmt::Write as _};

use http::Uri;
use reqwest::{Client, ClientBuilder, redirect::Policy};

use super::{
    manifest::{Manifest, ProtocolMode},
    reply::Reply,
    version::Version,
};

const MANIFEST: &str = "application/vnd.restate.endpointmanifest.";

/// What an endpoint says about itself.
pub struct Discovered {
    pub request_response: bool,
    pub protocol: (u32, u32),
    pub sdk_version: Option<String>,
    /// Decodable, but not validated yet.
    pub manifest: Manifest,
}

/// The two ways to reach an endpoint: HTTP/2 with prior knowledge, and HTTP/1.1.
pub struct Discovery {
    http2: Client,
    http1: Client,
}

impl Discovery {
    pub fn new() -> Self {
        Self {
            http2: client()
                .http2_prior_knowledge()
                .build()
                .expect("a plain HTTP/2 client"),
            http1: client().http1_only().build().expect("a plain HTTP/1.1 client"),
        }
    }

    pub async fn discover(
        &self,
        version: &Version,
        cluster_name: &str,
        uri: &Uri,
        use_http_11: bool,
        headers: &BTreeMap<String, String>,
    ) -> Result<Discovered, Reply> {
        let refuse = |code: &str, why: String| Err(failed(version, Some(code), &why));
        if uri.scheme_str() != Some("http") {
            return refuse(
                "META0003",
                format!("error when calling '{uri}': unable to connect"),
            );
        }
        let client = if use_http_11 { &self.http1 } else { &self.http2 };
        let mut request = client
            .get(address(uri))
            .header("accept", accept())
            .header("x-restate-cluster-name", cluster_name);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                let why = explain(uri, &error);
                let speaks_http_11 = !use_http_11 && !error.is_connect() && why.contains("http2");
                let code = if speaks_http_11 { "META0014" } else { "META0003" };
                return refuse(code, why);
            }
        };
        let status = response.status();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(String::from)
        };
        let content_type = header("content-type").unwrap_or_default();
        let sdk_version = header("x-restate-server");
        let headers = format!("{:?}", response.headers());
        let body = response.bytes().await.unwrap_or_default();
        // The real message echoes what the endpoint sent, secrets included.
        if !status.is_success() {
            let body = String::from_utf8_lossy(&body);
            return refuse(
                "META0003",
                format!("got status code '{status}'. Response headers: {headers}. Body: {body}"),
            );
        }
        let known = (1..=4).any(|n| content_type == format!("{MANIFEST}v{n}+json"));
        if !known {
            return refuse("META0013", format!("Bad content type header: {content_type:?}"));
        }
        let undecodable = |why: String| {
            let why = format!("received a bad response from the SDK that cannot be decoded: {why}");
            Err(failed(version, None, &why))
        };
        let manifest: Manifest = match serde_json::from_slice(&body) {
            Ok(manifest) => manifest,
            Err(error) => return undecodable(error.to_string()),
        };
        if let Some(name) = manifest.bad_name() {
            return undecodable(format!("'{name}' doesn't match the pattern"));
        }
        let (min, max) = (manifest.min_protocol_version, manifest.max_protocol_version);
        let (lowest, highest) = version.protocol_range();
        if min == 0 {
            return undecodable("protocol versions start at 1".into());
        }
        let Some(mode) = manifest.protocol_mode.as_ref().filter(|_| min <= max) else {
            return refuse("META0013", format!("protocol range {min} to {max}, or no mode"));
        };
        if max < lowest || min > highest {
            return refuse(
                "META0012",
                format!("unsupported service protocol versions: [{min}, {max}]"),
            );
        }
        let request_response = *mode == ProtocolMode::RequestResponse;
        Ok(Discovered {
            request_response,
            protocol: (min, max),
            sdk_version,
            manifest,
        })
    }
}

/// For loopback http alone: without certificates, though the builder wants a provider for them.
/// No pool: an endpoint may go, and another come, on the same port.
pub fn client() -> ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(Policy::none())
        .pool_max_idle_per_host(0)
}

/// Userinfo is never sent, the query is.
fn address(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |a| a.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    let path = uri.path().trim_end_matches('/');
    let query = uri.query().map(|q| format!("?{q}")).unwrap_or_default();
    format!("http://{host}{path}/discover{query}")
}

fn accept() -> String {
    let types: Vec<_> = (1..=4).map(|n| format!("{MANIFEST}v{n}+json")).collect();
    types.join(", ")
}

fn explain(uri: &Uri, error: &reqwest::Error) -> String {
    let mut text = format!("error when calling '{uri}': {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, " caused by: {cause}");
        source = cause.source();
    }
    text
}

/// The code comes twice in the message of 1.6 and later.
fn failed(version: &Version, code: Option<&str>, why: &str) -> Reply {
    let why = match code {
        Some(code) if version.at_least(6) => format!("[{code}] {why}"),
        _ => why.to_owned(),
    };
    Reply::error(500, code, why)
}
