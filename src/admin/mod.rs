//! The Admin API over HTTP: one function per route, and what each server version needs of it.

mod call;
mod error;
pub mod retry;
pub mod tls;
pub mod trace;
pub mod wire;

use crate::kind::service::options::Overrides;
use crate::secret::{Masker, Value, printable};
use reqwest::{Method, header};
use rustls::pki_types::CertificateDer;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::time::Duration;

use trace::Trace;

pub use error::{Error, ErrorKind};

/// The highest Admin API version that this program speaks.
const MAX_API_VERSION: u32 = 4;
/// The lowest, as of Restate 1.5. Older servers keep overrides across registrations and cannot be
/// asked for JSON, which nothing here is prepared for.
const MIN_API_VERSION: u32 = 2;

/// How to reach a server.
pub struct Settings {
    /// The address, with a path prefix if there is one, and without a slash at its end.
    pub base: String,
    /// The socket through which it is reached, if not by its host.
    pub socket: Option<PathBuf>,
    /// The address as plans and messages name it.
    pub shown: String,
    /// What named the address, in words.
    pub why: String,
    pub token: Option<Value>,
    pub headers: Vec<(header::HeaderName, Value)>,
    /// Those of an authority, or of the server itself.
    pub certificates: Vec<CertificateDer<'static>>,
    pub connect_timeout: Duration,
    pub timeout: Duration,
    /// The time limit of calls that make the server discover an endpoint: it has none of its own.
    pub discovery_timeout: Duration,
    pub is_loopback: bool,
    pub trace: Trace,
}

/// One connection pool to one server.
pub struct Client {
    http: reqwest::Client,
    base: String,
    shown: String,
    why: String,
    has_certificates: bool,
    has_token: bool,
    /// `/v4` and the like; empty until the version is known.
    prefix: String,
    timeout: Duration,
    discovery_timeout: Duration,
    masker: Masker,
    trace: Trace,
}

/// The query of [`Client::unfinished_invocations`].
pub const UNFINISHED_INVOCATIONS: &str = "SELECT pinned_deployment_id, last_attempt_deployment_id, \
    target_service_name, COUNT(1) AS n, SUM(CASE WHEN status = 'paused' THEN 1 ELSE 0 END) AS paused FROM sys_invocation WHERE status != 'completed' \
    GROUP BY pinned_deployment_id, last_attempt_deployment_id, target_service_name";

/// The time that reads, dry runs and repeatable writes may take with their retries.
const RETRY_BUDGET: Duration = Duration::from_secs(8);
/// A server that is not there at all should be told soon.
const FIRST_CONTACT: Duration = Duration::from_secs(2);

impl Client {
    /// # Errors
    /// When the token or a header cannot be sent, or the TLS backend does not start.
    pub fn new(settings: Settings, masker: Masker) -> Result<Self, Error> {
        // A second client of this process finds it installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let invalid = |what: &str| {
            Error::new(
                ErrorKind::NotRestate,
                format!("{what} cannot be sent as a header"),
            )
        };
        let mut headers = header::HeaderMap::new();
        for (name, value) in &settings.headers {
            let mut value =
                header::HeaderValue::from_str(value.expose()).map_err(|_| invalid(name.as_str()))?;
            value.set_sensitive(true);
            headers.insert(name.clone(), value);
        }
        if let Some(token) = &settings.token {
            masker.learn(token);
            let mut value = header::HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                .map_err(|_| invalid("the token"))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("restatectl/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(settings.connect_timeout)
            // A redirect would carry the token elsewhere.
            .redirect(reqwest::redirect::Policy::none());
        if settings.is_loopback {
            builder = builder.no_proxy();
        }
        // Reading the system's certificates takes 6 to 24 ms, for nothing over plain http.
        builder = if !settings.base.starts_with("https:") {
            builder.tls_certs_only([])
        } else if settings.certificates.is_empty() {
            builder
        } else {
            let config = tls::trusting(&settings.certificates).map_err(|error| {
                let message = format!("what `--ca-cert` gives cannot be trusted: {error}");
                Error::new(
                    ErrorKind::Tls {
                        help: "give it a certificate in PEM form",
                    },
                    message,
                )
            })?;
            builder.tls_backend_preconfigured(config)
        };
        #[cfg(unix)]
        if let Some(socket) = settings.socket {
            builder = builder.unix_socket(socket);
        }
        Ok(Self {
            http: builder.build().map_err(|e| {
                Error::new(
                    ErrorKind::NotRestate,
                    format!("the HTTP client does not start: {e}"),
                )
            })?,
            base: settings.base,
            shown: settings.shown,
            why: settings.why,
            has_certificates: !settings.certificates.is_empty(),
            has_token: settings.token.is_some(),
            prefix: String::new(),
            timeout: settings.timeout,
            discovery_timeout: settings.discovery_timeout,
            masker,
            trace: settings.trace,
        })
    }

    /// The address, as plans and messages name it.
    pub fn url(&self) -> String {
        self.shown.clone()
    }

    pub fn masker(&self) -> &Masker {
        &self.masker
    }

    /// The time for which a write that must not be left half done is tried again.
    pub fn unit_budget(&self) -> Duration {
        self.timeout
    }

    /// How long the server may take to discover an endpoint.
    pub fn discovery_timeout(&self) -> Duration {
        self.discovery_timeout
    }

    /// `GET /version`, unprefixed; from then on calls go to the highest API version that both
    /// sides speak. Returns the server's version and that API version.
    ///
    /// # Errors
    /// When there is no server, or none that this program can talk to.
    pub async fn negotiate(&mut self) -> Result<(String, u32), Error> {
        let version: wire::Version = retry::within(FIRST_CONTACT, async || {
            self.call(Method::GET, "/version", None::<&()>, self.timeout)
                .await
        })
        .await
        .map_err(|error| self.explain_first_contact(error))?;
        let text = printable(&version.version);
        if version.max_admin_api_version < MIN_API_VERSION || version.min_admin_api_version < MIN_API_VERSION
        {
            return Err(Error::new(
                ErrorKind::TooOld,
                format!("the server is Restate {text}; this program needs 1.5 or later"),
            ));
        }
        if version.min_admin_api_version > MAX_API_VERSION {
            return Err(Error::new(
                ErrorKind::TooNew,
                format!(
                    "the server is Restate {text}, which no longer speaks Admin API version {MAX_API_VERSION}"
                ),
            ));
        }
        let api_version = version.max_admin_api_version.min(MAX_API_VERSION);
        self.prefix = format!("/v{api_version}");
        Ok((text, api_version))
    }

    pub async fn cluster_health(&self) -> Result<wire::ClusterHealth, Error> {
        self.read("/cluster-health").await
    }

    pub async fn deployments(&self) -> Result<Vec<wire::Deployment>, Error> {
        let list: wire::Deployments = self.read("/deployments").await?;
        Ok(list.deployments)
    }

    /// The services of one deployment as it was registered, also where it is no longer the latest.
    pub async fn deployment_services(&self, id: &str) -> Result<Vec<wire::Service>, Error> {
        let deployment: wire::Registered = self.read(&format!("/deployments/{id}")).await?;
        Ok(deployment.services)
    }

    pub async fn services(&self) -> Result<Vec<wire::Service>, Error> {
        let list: wire::Services = self.read("/services").await?;
        Ok(list.services)
    }

    pub async fn subscriptions(&self) -> Result<Vec<wire::Subscription>, Error> {
        let list: wire::Subscriptions = self.read("/subscriptions").await?;
        Ok(list.subscriptions)
    }

    pub async fn kafka_clusters(&self) -> Result<Vec<wire::KafkaCluster>, Error> {
        let list: wire::KafkaClusters = self.read("/kafka-clusters").await?;
        Ok(list.clusters)
    }

    /// `POST /deployments`. A dry run is repeatable; a registration is sent once.
    pub async fn register(&self, registration: &wire::Registration) -> Result<wire::Registered, Error> {
        let send = async || {
            self.call(
                Method::POST,
                "/deployments",
                Some(registration),
                self.discovery_timeout,
            )
            .await
        };
        if registration.dry_run {
            retry::within(RETRY_BUDGET, send).await
        } else {
            send().await
        }
    }

    /// `PATCH /deployments/{id}`; before 1.6 it is a PUT, which discovers the endpoint again.
    /// Returns the services that the deployment then has.
    pub async fn update_deployment(
        &self,
        id: &str,
        update: &wire::Update,
    ) -> Result<Vec<wire::Service>, Error> {
        let method = if self.prefix == "/v2" {
            Method::PUT
        } else {
            Method::PATCH
        };
        let path = format!("/deployments/{id}");
        retry::within(RETRY_BUDGET, async || {
            let answer: wire::Registered = self
                .call(method.clone(), &path, Some(update), self.discovery_timeout)
                .await?;
            Ok(answer.services)
        })
        .await
    }

    /// `PATCH /services/{name}`. Returns the service with the values then in effect.
    pub async fn override_service(
        &self,
        name: &str,
        overrides: &Overrides,
        budget: Option<Duration>,
    ) -> Result<wire::Service, Error> {
        let path = format!("/services/{name}");
        // One call that hangs must not use up the budget of all.
        let timeout = budget.map_or(self.timeout, |budget| (budget / 6).max(Duration::from_secs(1)));
        retry::within(budget.unwrap_or(RETRY_BUDGET), async || {
            self.call(Method::PATCH, &path, Some(overrides), timeout).await
        })
        .await
    }

    /// `POST /subscriptions`, sent once: the server does not notice duplicates.
    pub async fn create_subscription(
        &self,
        subscription: &wire::NewSubscription,
    ) -> Result<wire::Subscription, Error> {
        self.call(Method::POST, "/subscriptions", Some(subscription), self.timeout)
            .await
    }

    /// `DELETE /subscriptions/{id}`. One that is gone already counts as deleted.
    pub async fn delete_subscription(&self, id: &str) -> Result<(), Error> {
        self.delete(&format!("/subscriptions/{id}")).await
    }

    async fn delete(&self, path: &str) -> Result<(), Error> {
        let deleted = retry::within(RETRY_BUDGET, async || {
            self.send(Method::DELETE, path, None::<&()>, self.timeout).await
        })
        .await;
        match deleted {
            Err(error) if error.is_not_found() => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// `DELETE /deployments/{id}?force=true`, the only form that servers know. One that is gone
    /// already counts as deleted.
    pub async fn delete_deployment(&self, id: &str) -> Result<(), Error> {
        self.delete(&format!("/deployments/{id}?force=true")).await
    }

    /// The invocations that are not completed, counted by deployment and service. `sys_invocation`
    /// has both the deployment that an invocation is pinned to and the one it was last tried on.
    ///
    /// # Errors
    /// Servers without the worker role answer with an error.
    pub async fn unfinished_invocations(&self) -> Result<Vec<wire::Unfinished>, Error> {
        let query = wire::Query {
            query: UNFINISHED_INVOCATIONS,
        };
        let answer: wire::Rows<wire::Unfinished> = retry::within(RETRY_BUDGET, async || {
            self.call(Method::POST, "/query", Some(&query), self.timeout)
                .await
        })
        .await?;
        Ok(answer.rows)
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        retry::within(RETRY_BUDGET, async || {
            self.call(Method::GET, path, None::<&()>, self.timeout).await
        })
        .await
    }
}
