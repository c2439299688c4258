use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use http::Uri;
use jiff::Timestamp;

use super::{
    kafka::{Cluster, Subscription},
    reply::Reply,
    version::Version,
};

/// Everything the server knows, and how it behaves.
#[derive(Debug)]
pub struct State {
    pub version: Version,
    pub cluster_name: String,
    pub deployments: Vec<Deployment>,
    pub subscriptions: Vec<Subscription>,
    pub kafka_clusters: Vec<Cluster>,
    pub max_journal_retention: Option<Duration>,
    /// Those that are not completed. `None` on a server without the worker role, which cannot tell.
    pub invocations: Option<Vec<Invocation>>,
    /// Lists come in another order on each read.
    pub shuffle: bool,
    pub token: Option<String>,
    /// Up to 1.4: services that went with their latest deployment.
    gone: BTreeSet<String>,
    turn: usize,
}

/// What is to be known of one that is not completed.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    pub service: String,
    pub pinned_deployment_id: Option<String>,
    pub last_attempt_deployment_id: Option<String>,
    pub is_paused: bool,
}

#[derive(Clone, Debug)]
pub struct Deployment {
    pub id: String,
    pub uri: Uri,
    pub use_http_11: bool,
    pub request_response: bool,
    pub additional_headers: BTreeMap<String, String>,
    pub metadata: BTreeMap<String, String>,
    pub created_at: Timestamp,
    pub protocol: (u32, u32),
    pub sdk_version: Option<String>,
    pub services: Vec<Service>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceType {
    Service,
    VirtualObject,
    Workflow,
}

#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    pub ty: ServiceType,
    pub revision: u32,
    pub documentation: Option<String>,
    pub metadata: BTreeMap<String, String>,
    /// What the SDK declared, overwritten by PATCH: the server does not keep them apart.
    pub options: Options,
    pub handlers: Vec<Handler>,
}

#[derive(Clone, Debug)]
pub struct Handler {
    pub name: String,
    /// Plain services have none.
    pub ty: Option<&'static str>,
    pub documentation: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub options: Options,
    pub input: Payload,
    pub output: Payload,
}

#[derive(Clone, Debug)]
pub struct Payload {
    pub description: String,
    pub json_schema: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Default)]
pub struct Options {
    pub public: Option<bool>,
    pub idempotency_retention: Option<Duration>,
    pub journal_retention: Option<Duration>,
    pub inactivity_timeout: Option<Duration>,
    pub abort_timeout: Option<Duration>,
    pub workflow_completion_retention: Option<Duration>,
    pub enable_lazy_state: Option<bool>,
    pub retry_policy: RetryPolicy,
}

#[derive(Clone, Debug, Default)]
pub struct RetryPolicy {
    pub initial_interval: Option<Duration>,
    pub max_interval: Option<Duration>,
    pub max_attempts: Option<u64>,
    pub exponentiation_factor: Option<f64>,
    pub on_max_attempts: Option<&'static str>,
}

/// A registration, after discovery.
pub struct Registration {
    pub deployment: Deployment,
    pub force: bool,
    pub breaking: bool,
    pub dry_run: bool,
}

pub enum Registered {
    Created(Deployment),
    Replaced(Deployment),
    Untouched(Deployment),
}

impl State {
    pub fn new(version: Version, cluster_name: String) -> Self {
        Self {
            version,
            cluster_name,
            deployments: Vec::new(),
            subscriptions: Vec::new(),
            kafka_clusters: Vec::new(),
            max_journal_retention: None,
            invocations: Some(Vec::new()),
            shuffle: true,
            token: None,
            gone: BTreeSet::new(),
            turn: 0,
        }
    }

    pub fn next_turn(&mut self) {
        self.turn += 1;
    }

    /// The items in the order of this read.
    pub fn ordered<T>(&self, items: impl Iterator<Item = T>) -> Vec<T> {
        let mut items: Vec<T> = items.collect();
        if self.shuffle && !items.is_empty() {
            let by = self.turn % items.len();
            items.rotate_left(by);
        }
        items
    }

    pub fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|d| d.id == id)
    }

    /// The revision that serves new requests: the highest one, wherever it lives.
    pub fn active(&self, name: &str) -> Option<(&Deployment, &Service)> {
        if self.gone.contains(name) {
            return None;
        }
        self.deployments
            .iter()
            .filter_map(|d| d.service(name).map(|s| (d, s)))
            .max_by_key(|(_, service)| service.revision)
    }

    pub fn active_services(&self) -> Vec<(&Deployment, &Service)> {
        let names: BTreeSet<&str> = self
            .deployments
            .iter()
            .flat_map(|d| d.services.iter().map(|s| s.name.as_str()))
            .collect();
        self.ordered(names.into_iter().filter_map(|name| self.active(name)))
    }

    pub fn active_mut(&mut self, name: &str) -> Option<&mut Service> {
        let id = self.active(name)?.0.id.clone();
        let deployment = self.deployments.iter_mut().find(|d| d.id == id)?;
        deployment.services.iter_mut().find(|s| s.name == name)
    }

    /// The deployment that a POST of this URI means. PATCH can move several to one address: then
    /// `force` takes the newest, and without it any may answer (here the oldest).
    pub fn at_uri(&self, uri: &Uri, force: bool) -> Option<&Deployment> {
        let key = self.identity(uri);
        let mut same = self.deployments.iter().filter(|d| self.identity(&d.uri) == key);
        if force {
            same.max_by_key(|d| d.created_at)
        } else {
            same.next()
        }
    }

    /// Authority and path; scheme, query and fragment do not count. 1.5 heeds the host's case.
    fn identity(&self, uri: &Uri) -> (String, String) {
        let mut authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        if self.version.at_least(6) {
            let host = authority.rfind('@').map_or(0, |at| at + 1);
            authority[host..].make_ascii_lowercase();
        }
        (authority, uri.path().to_owned())
    }

    pub fn register(&mut self, wanted: Registration) -> Result<Registered, Reply> {
        let Registration {
            mut deployment,
            force,
            breaking,
            dry_run,
        } = wanted;
        let existing = self.at_uri(&deployment.uri, force);
        if let Some(existing) = existing
            && !force
        {
            return Ok(Registered::Untouched(existing.clone()));
        }
        let existing = existing.map(|d| d.id.clone());
        for service in &mut deployment.services {
            let Some((_, active)) = self.active(&service.name) else {
                continue;
            };
            if !force && !breaking {
                self.check_compatible(active, service)?;
            }
            service.revision = active.revision + 1;
            // Since 1.5 a registration forgets every override; before, only those the SDK sets.
            if !self.version.at_least(5) {
                service.options.fill_from(&active.options);
            }
        }
        if let Some(id) = &existing {
            deployment.id.clone_from(id);
        }
        if !dry_run {
            for service in &deployment.services {
                self.gone.remove(&service.name);
            }
            self.deployments.retain(|d| d.id != deployment.id);
            self.deployments.push(deployment.clone());
        }
        Ok(match existing {
            Some(_) => Registered::Replaced(deployment),
            None => Registered::Created(deployment),
        })
    }

    /// META0006. Removed handlers are no longer looked at since 1.7.
    pub fn check_compatible(&self, old: &Service, new: &Service) -> Result<(), Reply> {
        let refuse = |why: String| Err(Reply::error(409, Some("META0006"), why));
        if old.ty != new.ty {
            return refuse(format!("service '{}' changes its type", new.name));
        }
        let removed: Vec<_> = old
            .handlers
            .iter()
            .map(|h| &h.name)
            .filter(|name| new.handler(name).is_none())
            .collect();
        if !removed.is_empty() && !self.version.at_least(7) {
            return refuse(format!(
                "the service '{}' already exists but the new revision removed the handlers {removed:?}",
                new.name
            ));
        }
        Ok(())
    }

    pub fn replace(&mut self, deployment: Deployment) {
        let slot = self.deployments.iter_mut().find(|d| d.id == deployment.id);
        if let Some(slot) = slot {
            *slot = deployment;
        }
    }

    /// Subscriptions stay, whatever their sinks were.
    pub fn remove_deployment(&mut self, id: &str) -> bool {
        let Some(at) = self.deployments.iter().position(|d| d.id == id) else {
            return false;
        };
        if !self.version.at_least(5) {
            let was_latest: Vec<_> = self
                .active_services()
                .into_iter()
                .filter(|(deployment, _)| deployment.id == id)
                .map(|(_, service)| service.name.clone())
                .collect();
            self.gone.extend(was_latest);
        }
        self.deployments.remove(at);
        true
    }
}

impl Deployment {
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|s| s.name == name)
    }
}

impl Service {
    pub fn handler(&self, name: &str) -> Option<&Handler> {
        self.handlers.iter().find(|h| h.name == name)
    }

    pub fn is_public(&self) -> bool {
        self.options.public.unwrap_or(true)
    }
}

impl Options {
    /// Takes over what is not set here.
    pub fn fill_from(&mut self, other: &Self) {
        fn fill<T: Clone>(slot: &mut Option<T>, other: Option<&T>) {
            if slot.is_none() {
                *slot = other.cloned();
            }
        }
        fill(&mut self.public, other.public.as_ref());
        fill(
            &mut self.idempotency_retention,
            other.idempotency_retention.as_ref(),
        );
        fill(&mut self.journal_retention, other.journal_retention.as_ref());
        fill(&mut self.inactivity_timeout, other.inactivity_timeout.as_ref());
        fill(&mut self.abort_timeout, other.abort_timeout.as_ref());
        fill(
            &mut self.workflow_completion_retention,
            other.workflow_completion_retention.as_ref(),
        );
        fill(&mut self.enable_lazy_state, other.enable_lazy_state.as_ref());
    }
}

/// Creation times have milliseconds.
pub fn now() -> Timestamp {
    Timestamp::from_millisecond(Timestamp::now().as_millisecond()).expect("now is in range")
}

/// An id as the server makes them: the codec version, then 22 base62 digits.
pub fn new_id(kind: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let random = || u128::from(RandomState::new().hash_one(kind));
    let mut number = random() << 64 | random();
    let mut digits = [0; 22];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(number % 62).expect("below 62")];
        number /= 62;
    }
    format!("{kind}_1{}", String::from_utf8_lossy(&digits))
}

/// Whether the server can parse this id; if not, it answers 400 rather than 404.
pub fn is_id(kind: &str, id: &str) -> bool {
    id.strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix("_1"))
        .is_some_and(|digits| digits.len() == 22 && digits.bytes().all(|b| b.is_ascii_alphanumeric()))
}
