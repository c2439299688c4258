//! A server, a desk and the checks that hold for every apply.

use crate::fake::Fake;
use crate::harness::{Desk, Ran};
use crate::schemas;
use crate::server::{Profile, Server};
use serde_json::{Value, json};

/// The server that a test runs against: the same tests run on all of them.
pub enum Target {
    Fake(Fake),
    Real(Server),
}

pub struct World {
    pub target: Target,
    pub desk: Desk,
    version: String,
    admin: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// The Kafka cluster of every server. Nothing listens there, so servers run without workers: each
/// consumer that cannot reach its broker would slow down the whole Admin API.
const KAFKA: &str = "[[ingress.kafka-clusters]]\nname = \"main\"\nbrokers = [\"PLAINTEXT://127.0.0.1:9\"]\n";

impl World {
    pub fn fake(version: &str) -> Self {
        let fake = Fake::start(version);
        fake.add_static_kafka_cluster("main");
        Self::of(Target::Fake(fake), version)
    }

    pub fn real(version: &str) -> Self {
        Self::of(
            Target::Real(Server::boot_with(version, Profile::AdminOnly, KAFKA)),
            version,
        )
    }

    /// With a server whose journals are kept for six hours at most.
    pub fn clamping(mut self) -> Self {
        match &self.target {
            Target::Fake(fake) => {
                fake.set_max_journal_retention(Some(std::time::Duration::from_secs(6 * 3600)));
            }
            Target::Real(_) => {
                let extra = format!("max-journal-retention = \"6h\"\n{KAFKA}");
                self.target = Target::Real(Server::boot_with(&self.version, Profile::AdminOnly, &extra));
                self.desk.set_env("RESTATE_ADMIN_URL", &self.admin_url());
            }
        }
        self
    }

    pub fn of(target: Target, version: &str) -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut world = Self {
            target,
            desk: Desk::new(),
            version: version.to_owned(),
            admin: reqwest::Client::builder()
                .no_proxy()
                .tls_certs_only([])
                .build()
                .unwrap(),
            runtime,
        };
        let url = world.admin_url();
        world.desk.set_env("RESTATE_ADMIN_URL", &url);
        world
    }

    pub fn admin_url(&self) -> String {
        match &self.target {
            Target::Fake(fake) => fake.admin_url().to_owned(),
            Target::Real(server) => server.admin_url().to_owned(),
        }
    }

    /// The fake, in tests that run on nothing else.
    pub fn as_fake(&self) -> &Fake {
        match &self.target {
            Target::Fake(fake) => fake,
            Target::Real(_) => panic!("this test needs the fake"),
        }
    }

    /// `PATCH /deployments`, `breaking` and `metadata` came with 1.6.
    pub fn is_1_5(&self) -> bool {
        self.version.starts_with("1.5")
    }

    pub fn is_1_7(&self) -> bool {
        self.version.starts_with("1.7")
    }

    /// Writes the desired state.
    pub fn wants(&self, yaml: &str) {
        self.desk.write("restate.yaml", format!("version: 1\n{yaml}"));
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.desk.run(args)
    }

    /// A plan as JSON, which has the shape the schema says, whatever the exit code.
    #[track_caller]
    pub fn plan_with(&self, args: &[&str], code: i32) -> Value {
        let args = [&["plan", "--format", "json"], args].concat();
        let plan = self.run(&args).expect(code).json();
        schemas::assert_valid("plan", &plan);
        plan
    }

    #[track_caller]
    pub fn plan(&self) -> Value {
        self.plan_with(&[], 0)
    }

    /// Applies, and then plans again: nothing may be left to do. Returns the report.
    #[track_caller]
    pub fn apply_with(&self, args: &[&str]) -> Value {
        let args = [&["apply", "--yes", "--format", "json"], args].concat();
        let report = self.run(&args).expect(0).json();
        schemas::assert_valid("report", &report);
        let again = self.plan();
        assert_eq!(again["changes"], json!([]), "a plan after an apply is empty");
        report
    }

    #[track_caller]
    pub fn apply(&self) -> Value {
        self.apply_with(&[])
    }

    /// An apply that does not succeed. Returns the report.
    #[track_caller]
    pub fn apply_fails(&self, args: &[&str], code: i32) -> Value {
        let args = [&["apply", "--yes", "--format", "json"], args].concat();
        let report = self.run(&args).expect(code).json();
        schemas::assert_valid("report", &report);
        report
    }

    /// A request behind the tool's back; the body as JSON, null where there is none.
    #[track_caller]
    pub fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.admin_url());
        let mut request = self.admin.request(method.parse().unwrap(), url);
        // Or `/query` would answer in Arrow's format.
        request = request.header("accept", "application/json");
        if let Some(body) = body {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            let text = response.text().await.unwrap();
            (status, serde_json::from_str(&text).unwrap_or(Value::Null))
        })
    }

    /// A call through the ingress; its status.
    pub fn call(&self, url: &str, input: Option<&Value>) -> u16 {
        let request = self.admin.post(url);
        let request = match input {
            Some(input) => request.json(input),
            None => request,
        };
        self.runtime.block_on(request.send()).unwrap().status().as_u16()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.admin("GET", path, None);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    #[track_caller]
    pub fn service(&self, name: &str) -> Value {
        self.get(&format!("/services/{name}"))
    }

    #[track_caller]
    pub fn override_service(&self, name: &str, overrides: &Value) {
        let (status, body) = self.admin("PATCH", &format!("/services/{name}"), Some(overrides));
        assert_eq!(status, 200, "{body}");
    }

    /// Registers behind the tool's back.
    #[track_caller]
    pub fn register(&self, uri: &str) -> Value {
        let (status, body) = self.admin(
            "POST",
            "/deployments",
            Some(&json!({ "uri": uri, "force": false })),
        );
        assert!([200, 201].contains(&status), "{status} {body}");
        body
    }

    /// Subscribes behind the tool's back.
    #[track_caller]
    pub fn subscribe(&self, source: &str, sink: &str, options: &Value) -> String {
        let body = json!({ "source": source, "sink": sink, "options": options });
        let (status, body) = self.admin("POST", "/subscriptions", Some(&body));
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    pub fn subscriptions(&self) -> Vec<Value> {
        self.get("/subscriptions")["subscriptions"]
            .as_array()
            .unwrap()
            .clone()
    }
}

/// `op kind key` of each change, in order, with ports left as they are.
pub fn ops(plan: &Value) -> Vec<String> {
    let changes = plan["changes"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    changes
        .iter()
        .map(|change| format!("{} {}", text(&change["op"]), text(&change["resource"]["key"])))
        .collect()
}

/// The codes of a plan's findings, sorted. Not that servers before 1.7 do not list their Kafka clusters.
pub fn findings(plan: &Value) -> Vec<String> {
    let found = plan["findings"].as_array().unwrap();
    let mut codes: Vec<String> = found
        .iter()
        .map(|f| f["code"].as_str().unwrap().to_owned())
        .filter(|code| code != "cluster-not-checked")
        .collect();
    codes.sort();
    codes
}

#[track_caller]
pub fn finding<'a>(plan: &'a Value, code: &str) -> &'a Value {
    let found = plan["findings"].as_array().unwrap();
    found
        .iter()
        .find(|finding| finding["code"] == code)
        .unwrap_or_else(|| panic!("no finding {code} in {found:#?}"))
}

/// `path: before → after` of each field of a change.
pub fn fields(change: &Value) -> Vec<String> {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let fields = change["fields"].as_array().unwrap();
    fields
        .iter()
        .map(|field| {
            let path: Vec<_> = field["path"].as_array().unwrap().iter().map(shown).collect();
            if field["sensitive"] == true {
                format!("{}: {} sensitive", path.join("."), shown(&field["change"]))
            } else if field["change"] == "restored" {
                assert_eq!(field["before"], field["after"]);
                format!("{}: {} (put back)", path.join("."), shown(&field["after"]))
            } else {
                format!(
                    "{}: {} → {}",
                    path.join("."),
                    shown(&field["before"]),
                    shown(&field["after"])
                )
            }
        })
        .collect()
}
