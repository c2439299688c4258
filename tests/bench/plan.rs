//! How long a plan takes on a server where everything is in place, beside a plain concurrent fetch
//! of the same answers in the same run, and how much longer it takes when every deployment has a
//! secret of its own: `cargo bench --bench plan`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark reports, and ends when it cannot go on"
)]

#[expect(dead_code, unused_imports, reason = "the tests use all of it")]
#[path = "../it/endpoint/mod.rs"]
mod endpoint;
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../it/server.rs"]
mod server;

use endpoint::{Endpoint, Kind, Manifest, Service};
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use server::{Profile, Server, VERSIONS};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RESOURCES: usize = 200;
/// Deployments with a secret each.
const MANY: usize = 4000;
const ROUNDS: usize = 30;
const PARALLELISM: usize = 16;
const KAFKA: &str = "[[ingress.kafka-clusters]]\nname = \"main\"\nbrokers = [\"PLAINTEXT://127.0.0.1:9\"]\n";

fn main() {
    let server = Server::boot_with(VERSIONS[0], Profile::AdminOnly, KAFKA);
    let endpoint = Endpoint::start(Manifest::new());
    let dir = tempfile::tempdir().unwrap();
    let uris = write_file(dir.path(), &endpoint);
    restatectl(dir.path(), &server, &["apply", "--yes", "--quiet"]);

    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut plans = Vec::new();
    let mut fetches = Vec::new();
    for _ in 0..ROUNDS {
        plans.push(timed(|| {
            restatectl(dir.path(), &server, &["plan", "--detailed-exitcode"]);
        }));
        fetches.push(timed(|| runtime.block_on(fetch(server.admin_url(), &uris))));
    }
    let (plan, fetch) = (median(&mut plans), median(&mut fetches));
    println!("{RESOURCES} deployments, overrides and subscriptions in place; medians of {ROUNDS} rounds:");
    println!("  restatectl plan, the whole process  {plan:>8.1?}");
    println!("  plain fetch of the same answers     {fetch:>8.1?}");
    println!(
        "  ratio                               {:>8.2}",
        plan.as_secs_f64() / fetch.as_secs_f64()
    );

    let validate = median(
        &mut (0..ROUNDS)
            .map(|_| timed(|| restatectl(dir.path(), &server, &["validate"])))
            .collect::<Vec<_>>(),
    );
    println!("  restatectl validate                 {validate:>8.1?}");
    secrets(&server);
}

/// Against a snapshot of an empty server, where nothing but planning takes time.
fn secrets(server: &Server) {
    let empty = Server::boot(VERSIONS[0], Profile::AdminOnly);
    let dirs = [false, true].map(|has_header| {
        let dir = tempfile::tempdir().unwrap();
        let deployments: Vec<Value> = (0..MANY)
            .map(|n| {
                let headers = if has_header {
                    json!({ "authorization": format!("Bearer {n:032}") })
                } else {
                    json!({})
                };
                json!({ "uri": format!("http://checkout-{n}:9080"), "additional_headers": headers })
            })
            .collect();
        let state = json!({ "version": 1, "deployments": deployments });
        std::fs::write(dir.path().join("restate.json"), state.to_string()).unwrap();
        restatectl(dir.path(), &empty, &["snapshot", "--out", "snapshot.json"]);
        dir
    });
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (times, dir) in times.iter_mut().zip(&dirs) {
            times.push(timed(|| {
                restatectl(dir.path(), server, &["plan", "--live", "snapshot.json"]);
            }));
        }
    }
    let [without, with] = times.map(|mut times| median(&mut times));
    println!("{MANY} new deployments against a snapshot; medians of {ROUNDS} rounds:");
    println!("  without headers                     {without:>8.1?}");
    println!("  each with a secret header           {with:>8.1?}");
    println!(
        "  ratio                               {:>8.2}",
        with.as_secs_f64() / without.as_secs_f64()
    );
}

fn write_file(dir: &Path, endpoint: &Endpoint) -> Vec<String> {
    let mut uris = Vec::new();
    let mut services = serde_json::Map::new();
    let mut subscriptions = Vec::new();
    for n in 0..RESOURCES {
        let (name, path) = (format!("Service{n}"), format!("/{n}"));
        endpoint.mount(
            &path,
            Manifest::new().service(Service::new(&name, Kind::VirtualObject).handler("run")),
        );
        uris.push(endpoint.url_at(&path));
        services.insert(
            name.clone(),
            json!({ "public": false, "idempotency_retention": "7d" }),
        );
        subscriptions.push(json!({
            "source": format!("kafka://main/topic{n}"), "sink": format!("service://{name}/run"),
            "options": { "group.id": format!("group{n}"), "auto.offset.reset": "earliest" },
        }));
    }
    let deployments: Vec<Value> = uris.iter().map(|uri| json!({ "uri": uri })).collect();
    let state = json!({ "version": 1, "deployments": deployments, "services": services, "subscriptions": subscriptions });
    std::fs::write(dir.join("restate.json"), state.to_string()).unwrap();
    uris
}

fn restatectl(dir: &Path, server: &Server, args: &[&str]) {
    let status = Command::new(env!("CARGO_BIN_EXE_restatectl"))
        .args(args)
        .current_dir(dir)
        .env("RESTATE_ADMIN_URL", server.admin_url())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{args:?}: {status}");
}

/// The calls a plan is made of, as anybody would make them.
async fn fetch(admin_url: &str, uris: &[String]) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let get = async |path: &str| -> Value {
        let response = client.get(format!("{admin_url}{path}")).send().await.unwrap();
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    };
    get("/version").await;
    let lists = [
        "/v4/cluster-health",
        "/v4/deployments",
        "/v4/services",
        "/v4/subscriptions",
        "/v4/kafka-clusters",
    ];
    futures_util::future::join_all(lists.iter().map(|path| get(path))).await;
    let dry_runs = uris.iter().map(async |uri| {
        let body = json!({ "uri": uri, "use_http_11": false, "additional_headers": {}, "force": true, "breaking": true, "dry_run": true });
        let response = client.post(format!("{admin_url}/v4/deployments")).json(&body).send().await.unwrap();
        assert!(response.status().is_success());
        let _: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    });
    stream::iter(dry_runs)
        .buffer_unordered(PARALLELISM)
        .collect::<Vec<()>>()
        .await;
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
