//! Random live states, and files beside them.

use crate::endpoint::{Endpoint, Kind, Manifest, Service};
use crate::world::World;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const SERVICES: [(&str, Kind); 4] = [
    ("Audit", Kind::Service),
    ("Cart", Kind::VirtualObject),
    ("Mail", Kind::Service),
    ("Signup", Kind::Workflow),
];
const PATHS: usize = 5;

/// What an endpoint exposes: service and handlers.
type Code = Vec<(usize, Vec<&'static str>)>;

#[derive(Debug, Clone)]
pub struct Scene {
    code: Vec<Code>,
    /// Which, and with the mark of which stack.
    registered: Vec<(usize, Option<&'static str>)>,
    /// What some endpoints serve after they were registered.
    pub recoded: Vec<(usize, Code)>,
    live_overrides: Vec<(usize, Value)>,
    live_subscriptions: Vec<Sub>,
    pub listed: Vec<usize>,
    headers: Vec<bool>,
    pub overrides: BTreeMap<usize, Value>,
    pub subscriptions: Vec<Sub>,
    pub stack: Option<&'static str>,
    prune: Value,
    /// Whether private services may become public.
    pub expose: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sub {
    topic: usize,
    service: usize,
    group: Option<&'static str>,
    reset: Option<&'static str>,
}

fn code() -> impl Strategy<Value = Code> {
    let services = subsequence((0..SERVICES.len()).collect::<Vec<_>>(), 0..=3);
    services.prop_flat_map(|services| {
        services
            .into_iter()
            .map(|service| {
                subsequence(vec!["extra", "more"], 0..=2).prop_map(move |mut handlers| {
                    handlers.insert(0, "run");
                    (service, handlers)
                })
            })
            .collect::<Vec<_>>()
    })
}

fn overrides() -> impl Strategy<Value = Value> {
    let duration = || proptest::option::of(select(vec!["1h", "1d", "36h", "90s"]));
    (
        proptest::option::of(any::<bool>()),
        duration(),
        duration(),
        duration(),
    )
        .prop_map(|(public, i, j, a)| {
            let mut map = serde_json::Map::new();
            let mut put = |name: &str, value: Option<Value>| {
                if let Some(value) = value {
                    map.insert(name.to_owned(), value);
                }
            };
            put("public", public.map(Value::from));
            put("idempotency_retention", i.map(Value::from));
            put("journal_retention", j.map(Value::from));
            put("abort_timeout", a.map(Value::from));
            Value::Object(map)
        })
}

fn sub() -> impl Strategy<Value = Sub> {
    let group = prop_oneof![Just(None), Just(Some("g1")), Just(Some("g2"))];
    let reset = prop_oneof![Just(None), Just(Some("earliest")), Just(Some("latest"))];
    (0..2usize, 0..SERVICES.len(), group, reset).prop_map(|(topic, service, group, reset)| Sub {
        topic,
        service,
        group,
        reset,
    })
}

fn prune() -> impl Strategy<Value = Value> {
    let policy = select(vec!["keep", "drained", "force"]);
    (policy, 0..3u32, select(vec!["keep", "delete"])).prop_map(|(policy, keep, subscriptions)| {
        json!({
            "deployments": { "policy": policy, "keep": keep, "after": "0s" },
            "subscriptions": subscriptions,
        })
    })
}

/// `stacks`: 1.5 has none.
pub fn scene(stacks: bool) -> impl Strategy<Value = Scene> {
    let paths = || subsequence((0..PATHS).collect::<Vec<_>>(), 0..=PATHS).prop_shuffle();
    let stack = move || {
        let names = if stacks {
            vec![None, Some("ours"), Some("theirs")]
        } else {
            vec![None]
        };
        select(names)
    };
    let registered = (paths(), proptest::collection::vec(stack(), PATHS))
        .prop_map(|(paths, marks)| paths.into_iter().zip(marks).collect::<Vec<_>>());
    let recoded = proptest::collection::vec((0..PATHS, code()), 0..2);
    let stack = if stacks {
        select(vec![None, Some("ours")])
    } else {
        select(vec![None])
    };
    let mode = (recoded, stack, prune(), any::<bool>());
    (
        proptest::collection::vec(code(), PATHS),
        registered,
        proptest::collection::vec((0..SERVICES.len(), overrides()), 0..3),
        proptest::collection::vec(sub(), 0..4),
        paths(),
        proptest::collection::vec(any::<bool>(), PATHS),
        proptest::collection::btree_map(0..SERVICES.len(), overrides(), 0..4),
        proptest::collection::vec(sub(), 0..3),
        mode,
    )
        .prop_map(
            |(
                code,
                registered,
                live_overrides,
                live_subscriptions,
                listed,
                headers,
                overrides,
                subscriptions,
                (recoded, stack, prune, expose),
            )| Scene {
                code,
                registered,
                recoded,
                live_overrides,
                live_subscriptions,
                listed,
                headers,
                overrides,
                subscriptions,
                stack,
                prune,
                expose,
            },
        )
}

impl Sub {
    pub fn json(&self) -> Value {
        let mut options = serde_json::Map::new();
        for (name, value) in [("group.id", self.group), ("auto.offset.reset", self.reset)] {
            if let Some(value) = value {
                options.insert(name.to_owned(), value.into());
            }
        }
        json!({
            "source": format!("kafka://main/t{}", self.topic),
            "sink": format!("service://{}/run", SERVICES[self.service].0),
            "options": options,
        })
    }
}

impl Scene {
    /// Puts the live state on the server and the desired state into the file.
    pub fn set(&self, world: &World, endpoint: &Endpoint) {
        let mount = |path: usize, code: &Code| {
            let services = code.iter().map(|(service, handlers)| {
                let (name, kind) = SERVICES[*service];
                handlers
                    .iter()
                    .fold(Service::new(name, kind), |service, handler| {
                        match (kind, *handler) {
                            (Kind::Workflow, "run") | (Kind::Service | Kind::VirtualObject, _) => {
                                service.handler(*handler)
                            }
                            (Kind::Workflow, _) => service.shared_handler(*handler),
                        }
                    })
            });
            let manifest = services.fold(Manifest::new(), Manifest::service);
            endpoint.mount(&format!("/{path}"), manifest);
        };
        for (path, code) in self.code.iter().enumerate() {
            mount(path, code);
        }
        for (path, mark) in &self.registered {
            let metadata = mark.map_or(json!({}), |mark| json!({ "restatectl.stack": mark }));
            let body = json!({
                "uri": endpoint.url_at(&format!("/{path}")),
                "force": false,
                "breaking": true,
                "metadata": metadata,
            });
            world.admin("POST", "/deployments", Some(&body));
        }
        // Those for services that are not there are refused, which is as good.
        for (service, overrides) in &self.live_overrides {
            world.admin(
                "PATCH",
                &format!("/services/{}", SERVICES[*service].0),
                Some(overrides),
            );
        }
        for subscription in &self.live_subscriptions {
            world.admin("POST", "/subscriptions", Some(&subscription.json()));
        }
        for (path, code) in &self.recoded {
            mount(*path, code);
        }
        let deployments: Vec<Value> = self
            .listed
            .iter()
            .map(|path| {
                let mut entry = json!({ "uri": endpoint.url_at(&format!("/{path}")) });
                if self.headers[*path] {
                    entry["additional_headers"] = json!({ "x-key": "some-value" });
                }
                entry
            })
            .collect();
        let services: serde_json::Map<String, Value> = self
            .overrides
            .iter()
            .map(|(service, overrides)| (SERVICES[*service].0.to_owned(), overrides.clone()))
            .collect();
        let subscriptions: Vec<Value> = self.subscriptions.iter().map(Sub::json).collect();
        let mut state = json!({
            "version": 1, "deployments": deployments, "services": services,
            "subscriptions": subscriptions, "prune": self.prune,
        });
        if let Some(stack) = self.stack {
            state["stack"] = stack.into();
        }
        world.desk.write("restate.json", state.to_string());
    }
}
