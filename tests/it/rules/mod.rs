//! The rules of the diff, in process: a file, what is on the server, and what it answers, as one row
//! of a table each, and the plan that comes of it.

mod consents;
mod decommission;
mod overrides;
mod selection;
mod subscriptions;

use jiff::{SignedDuration, Timestamp};
use proptest::test_runner::TestCaseError;
use restatectl::admin::{Error, ErrorKind, wire};
use restatectl::ask::{Answers, Dry, InFlight};
use restatectl::consent::CommandConsent;
use restatectl::diff::{Outcome, diff};
use restatectl::draft::{Input, Targets};
use restatectl::kind::service::live::Service;
use restatectl::kind::subscription::live::Clusters;
use restatectl::live::Live;
use restatectl::server::Server;
use restatectl::source::{Format, Sources};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NOW: &str = "2026-06-01T12:00:00Z";

/// A server, its lists as it would send them, and its answers.
struct Scene {
    version: &'static str,
    deployments: Vec<Value>,
    services: Vec<Value>,
    subscriptions: Vec<Value>,
    clusters: Clusters,
    answers: Answers,
    allow: Vec<CommandConsent>,
    exclude: Vec<String>,
}

impl Scene {
    fn new() -> Self {
        Self {
            version: "1.7.12",
            deployments: Vec::new(),
            services: Vec::new(),
            subscriptions: Vec::new(),
            clusters: Some([("main".to_owned(), None)].into()),
            answers: Answers::default(),
            allow: Vec::new(),
            exclude: Vec::new(),
        }
    }

    /// A deployment `name` at `http://NAME:9080`, with the id `dp_NAME`, registered so many hours ago.
    fn deployment(mut self, name: &str, hours: i64, services: &[(&str, u32)]) -> Self {
        let age = SignedDuration::from_hours(hours);
        let created_at = NOW.parse::<Timestamp>().unwrap() - age;
        let services = services
            .iter()
            .map(|(service, revision)| json!({ "name": service, "revision": revision }));
        self.deployments.push(json!({
            "id": format!("dp_{name}"), "uri": format!("http://{name}:9080/"), "http_version": "HTTP/2.0",
            "created_at": created_at.to_string(), "services": services.collect::<Vec<_>>(),
        }));
        self
    }

    /// The latest revision of a service, with more fields of it.
    fn service(mut self, name: &str, deployment: &str, revision: u32, more: &Value) -> Self {
        self.services.push(service(name, deployment, revision, more));
        self
    }

    fn subscription(mut self, id: &str, sink: &str, options: &Value) -> Self {
        self.subscriptions.push(json!({
            "id": id, "source": "kafka://main/orders", "sink": format!("service://{sink}"), "options": options,
        }));
        self
    }

    /// What the dry run of registering `http://NAME:9080` said.
    fn registers(mut self, name: &str, services: &[Value], is_breaking: bool) -> Self {
        let refused = is_breaking.then(|| error("some handlers are gone"));
        let dry = Dry {
            services: by_name(services),
            refused,
        };
        self.answers
            .registrations
            .insert(format!("{name}:9080/"), Ok(dry));
        self
    }

    /// What the endpoint of a registered deployment serves now.
    fn serves(mut self, name: &str, services: &[Value]) -> Self {
        let found = Ok(by_name(services));
        self.answers.discoveries.insert(format!("dp_{name}"), found);
        self
    }

    /// How many invocations run on a deployment.
    fn in_flight(mut self, rows: &[(&str, &str, u64)]) -> Self {
        let row = |(service, deployment, n): &(&str, &str, u64)| json!({ "target_service_name": service, "pinned_deployment_id": format!("dp_{deployment}"), "n": n });
        let rows = rows.iter().map(|of| serde_json::from_value(row(of)).unwrap());
        self.answers.in_flight = Some(Ok(InFlight::new(rows.collect())));
        self
    }

    fn allowing(mut self, consents: &[&str]) -> Self {
        let parsed = consents.iter().map(|text| CommandConsent::parse(text).unwrap());
        self.allow = parsed.collect();
        self
    }

    fn live(&self) -> Live {
        let server = Server {
            version: self.version.to_owned(),
            api_version: if self.version.starts_with("1.5") { 2 } else { 4 },
            cluster_name: None,
        };
        let deployments: Vec<wire::Deployment> = parsed(&self.deployments);
        let subscriptions: Vec<wire::Subscription> = parsed(&self.subscriptions);
        Live::new(
            server,
            deployments.into_iter().map(Into::into).collect(),
            by_name(&self.services),
            subscriptions.into_iter().map(Into::into).collect(),
            self.clusters.clone(),
        )
    }

    /// The plan, from a valid file without its `version`.
    fn plan(&self, yaml: &str) -> Planned {
        self.plan_of(yaml, Targets::All)
    }

    fn plan_of(&self, yaml: &str, targets: Targets<'_>) -> Planned {
        let desired = crate::roundtrip::parsed(Format::Yaml, &format!("version: 1\n{yaml}"));
        let desired = desired.unwrap_or_else(|error: TestCaseError| panic!("{yaml}: {error}"));
        let outcome = diff(&Input {
            desired: &desired,
            live: &self.live(),
            answers: &self.answers,
            sources: &Sources::default(),
            consents: &self.allow,
            resend: &[],
            exclude: &self.exclude,
            targets,
            deleted: 0,
            offline: None,
            now: NOW.parse().unwrap(),
        });
        Planned(outcome)
    }
}

fn service(name: &str, deployment: &str, revision: u32, more: &Value) -> Value {
    let mut service = json!({
        "name": name, "ty": "Service", "deployment_id": format!("dp_{deployment}"), "revision": revision,
        "public": true, "handlers": [{ "name": "run" }],
    });
    let fields = service.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    service
}

fn parsed<T: serde::de::DeserializeOwned>(list: &[Value]) -> Vec<T> {
    list.iter()
        .map(|value| serde_json::from_value(value.clone()).unwrap())
        .collect()
}

fn by_name(services: &[Value]) -> BTreeMap<String, Service> {
    let services: Vec<wire::Service> = parsed(services);
    services
        .into_iter()
        .map(|service| (service.name.clone(), service.into()))
        .collect()
}

fn error(message: &str) -> Error {
    Error {
        kind: ErrorKind::Status {
            http_status: 409,
            restate_code: Some("META0006".to_owned()),
            retry_after: None,
            is_servers: true,
        },
        message: message.to_owned(),
    }
}

/// A plan, as tables show it.
struct Planned(Outcome);

impl Planned {
    /// `op key`, with the code of the refusal in front: `!breaking register http://v2:9080/`.
    fn changes(&self) -> Vec<String> {
        let changes = self.0.steps.iter().map(|step| {
            let change = &step.change;
            let refused = change
                .refused
                .as_ref()
                .map(|refused| format!("!{} ", refused.code));
            let (op, key) = (change.op.name(), &change.resource.key);
            format!("{}{op} {key}", refused.unwrap_or_default())
        });
        changes.collect()
    }

    /// `key: reason`
    fn waiting(&self) -> Vec<String> {
        let waiting = self.0.waiting.iter().map(|waiting| {
            let reason = serde_json::to_value(waiting.reason).unwrap();
            format!("{}: {}", waiting.resource.key, reason.as_str().unwrap())
        });
        waiting.collect()
    }

    fn findings(&self) -> Vec<&str> {
        let findings = self.0.findings.iter();
        findings.map(|finding| finding.code.as_str()).collect()
    }

    /// Of the only change, `path: before -> after`.
    fn fields(&self) -> Vec<String> {
        let [step] = &self.0.steps[..] else {
            panic!("{:?}", self.changes())
        };
        let text = |value: Option<&Value>| value.map_or_else(|| "-".to_owned(), Value::to_string);
        let fields = step.change.fields.iter().map(|field| {
            let (before, after) = (field.before.as_ref(), field.after.as_ref());
            format!("{}: {} -> {}", field.path.join("."), text(before), text(after))
        });
        fields.collect()
    }
}
