//! A stateful Admin API over HTTP, able to fail on purpose. It behaves like a real server of the
//! version it is started as; `conformance` holds the script that compares the two.

pub mod conformance;
mod deployments;
mod discovery;
mod duration;
mod faults;
pub mod kafka;
mod manifest;
mod plumbing;
mod query;
mod render;
mod reply;
mod routes;
pub mod state;
mod version;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use tokio::{net::TcpListener, sync::oneshot};

pub use self::faults::{Fault, Match};
use self::{discovery::Discovery, faults::Faults, kafka::Cluster, state::State, version::Version};

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// As sent, with the `/vN` prefix.
    pub path: String,
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What the server thread and the tests both hold.
struct Shared {
    state: Mutex<State>,
    faults: Mutex<Faults>,
    requests: Mutex<Vec<Request>>,
    discovery: Discovery,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn identity(&self) -> (Version, String) {
        let state = self.state();
        (state.version.clone(), state.cluster_name.clone())
    }
}

/// A panic in one test must not hide behind the poisoned lock of another thread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fake server on a port of its own, until it is dropped.
pub struct Fake {
    shared: Arc<Shared>,
    admin_url: String,
    cluster_name: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    pub fn start(version: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime for the fake server");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("the listener's address");
        let admin_url = format!("http://{address}");
        let cluster_name = format!("fake-{}", address.port());
        let state = State::new(Version::parse(version), cluster_name.clone());
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            faults: Mutex::default(),
            requests: Mutex::default(),
            discovery: Discovery::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let server = plumbing::serve(listener, Arc::clone(&shared), stopped);
        let thread = std::thread::spawn(move || runtime.block_on(server));
        Self {
            shared,
            admin_url,
            cluster_name,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// As `GET /cluster-health` tells it.
    pub fn cluster_name(&self) -> &str {
        &self.cluster_name
    }

    /// Arms one fault. The oldest armed fault that a request meets is the one that happens.
    pub fn on(&self, on: Match, fault: Fault) {
        lock(&self.shared.faults).arm(on, fault);
    }

    /// The access log, in order of arrival, faults and refusals included.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    pub fn clear_requests(&self) {
        lock(&self.shared.requests).clear();
    }

    /// The model, to seed it, to look at it, or to change it behind the tool's back.
    pub fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.shared.state())
    }

    /// Real servers list in another order on each read; so does the fake, unless told not to.
    pub fn shuffle(&self, on: bool) {
        self.state(|state| state.shuffle = on);
    }

    pub fn set_max_journal_retention(&self, max: Option<Duration>) {
        self.state(|state| state.max_journal_retention = max);
    }

    /// A cluster of the server's configuration file.
    pub fn add_static_kafka_cluster(&self, name: &str) {
        self.state(|state| state.kafka_clusters.push(Cluster::from_configuration(name)));
    }

    /// 401 from now on without this bearer token. Self-hosted servers ask for none.
    pub fn require_token(&self, token: Option<String>) {
        self.state(|state| state.token = token);
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
