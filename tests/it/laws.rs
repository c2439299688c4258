//! What holds for any pair of desired and live state, on random ones.

use crate::endpoint::{Endpoint, Kind, Manifest, Service};
use crate::world::World;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const SERVICES: [(&str, Kind); 4] = [
    ("Audit", Kind::Service),
    ("Cart", Kind::VirtualObject),
    ("Mail", Kind::Service),
    ("Signup", Kind::Workflow),
];
const PATHS: usize = 5;

/// What an endpoint exposes: service and handlers.
type Code = Vec<(usize, Vec<&'static str>)>;

#[derive(Debug, Clone)]
struct Scene {
    code: Vec<Code>,
    /// Which, and with the mark of which stack.
    registered: Vec<(usize, Option<&'static str>)>,
    /// What some endpoints serve after they were registered.
    recoded: Vec<(usize, Code)>,
    live_overrides: Vec<(usize, Value)>,
    live_subscriptions: Vec<Sub>,
    listed: Vec<usize>,
    headers: Vec<bool>,
    overrides: BTreeMap<usize, Value>,
    subscriptions: Vec<Sub>,
    stack: Option<&'static str>,
    prune: Value,
    /// Whether private services may become public.
    expose: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Sub {
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
fn scene(stacks: bool) -> impl Strategy<Value = Scene> {
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
    fn json(&self) -> Value {
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
    fn set(&self, world: &World, endpoint: &Endpoint) {
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

/// Everything there is on the server, in a fixed order.
fn everything(world: &World) -> Value {
    let sorted = |path: &str, list: &str, key: &str| {
        let mut items = world.get(path)[list].as_array().unwrap().clone();
        items.sort_by_key(|item| item[key].as_str().unwrap().to_owned());
        for item in &mut items {
            for inner in ["handlers", "services"] {
                if let Some(list) = item[inner].as_array_mut() {
                    list.sort_by_key(|entry| entry["name"].as_str().unwrap().to_owned());
                }
            }
        }
        Value::from(items)
    };
    json!({
        "deployments": sorted("/deployments", "deployments", "id"),
        "services": sorted("/services", "services", "name"),
        "subscriptions": sorted("/subscriptions", "subscriptions", "id"),
    })
}

const ALLOW: [&str; 10] = [
    "--allow",
    "breaking",
    "--allow",
    "regroup",
    "--allow",
    "overwrite",
    "--allow",
    "promote",
    "--allow",
    "deletes=99",
];

/// What came of a scene, so that the test can see that it saw enough of each.
fn check(world: &World, endpoint: &Endpoint, scene: &Scene) -> Result<i32, TestCaseError> {
    scene.set(world, endpoint);
    let before = everything(world);
    let expose: &[&str] = if scene.expose { &["--allow", "expose"] } else { &[] };
    let allow = [&ALLOW[..], expose].concat();
    // One law or the other, to save time.
    let saves = scene.listed.len().is_multiple_of(2);
    if !saves {
        exported(world, scene, &before)?;
    }
    let ran = world.run(&[&["plan", "--format", "json"], &allow[..]].concat());
    prop_assert!([0, 1, 5].contains(&ran.code), "{}", ran.stderr);
    prop_assert_eq!(&everything(world), &before, "a plan changes nothing");
    let plan = ran.json();
    if plan["outcome"] == "error" {
        // The file itself is wrong, such as a group shared by two of its entries.
        return Ok(ran.code);
    }
    crate::schemas::assert_valid("plan", &plan);
    needs_come_first(&plan)?;

    let applied = if saves && ran.code == 0 {
        // Read back, it is what was printed, and it does the same.
        world.desk.write("plan.json", ran.stdout);
        world.run(&["apply", "plan.json", "--yes", "--format", "json"])
    } else {
        world.run(&[&["apply", "--yes", "--format", "json"], &allow[..]].concat())
    };
    prop_assert_eq!(applied.code, ran.code, "{}\n{}", applied.stdout, applied.stderr);
    if applied.code != 0 {
        prop_assert_eq!(&everything(world), &before, "what is refused changes nothing");
        return Ok(ran.code);
    }
    let after = everything(world);
    predicted(&plan, &after)?;
    deleted(scene, &plan, &before, &after)?;
    hidden(scene, &before, &after)?;
    managed(scene, &after)?;
    let again = world.run(&["plan", "--format", "json"]);
    prop_assert_eq!(again.code, 0, "{}", again.stdout);
    prop_assert_eq!(
        &again.json()["changes"],
        &json!([]),
        "a plan after an apply is empty"
    );
    if saves {
        let applied = world
            .run(&["apply", "plan.json", "--yes", "--format", "json"])
            .json();
        let is_done = applied["outcome"] == "nothing-to-do";
        // A deletion that has to wait may be due by now, and what it frees as well.
        prop_assert!(is_done, "{:#}", applied);
    } else {
        exported(world, scene, &after)?;
    }
    Ok(0)
}

/// A plan of an export changes nothing, and one against a snapshot says the same as one against the
/// server, as far as it can.
fn exported(world: &World, scene: &Scene, live: &Value) -> Result<(), TestCaseError> {
    // What an endpoint serves now is not on the server.
    let discover = if scene.recoded.is_empty() { "all" } else { "none" };
    let marks: BTreeSet<Option<&str>> = (live["deployments"].as_array().unwrap().iter())
        .map(|deployment| deployment["metadata"]["restatectl.stack"].as_str())
        .chain([None])
        .collect();
    for mark in marks {
        let mut args = vec!["export"];
        args.extend(mark.into_iter().flat_map(|mark| ["--stack", mark]));
        let text = world.run(&args);
        prop_assert_eq!(text.code, 0, "{}", text.stderr);
        world.desk.write("export.yaml", &text.stdout);
        let mut command = world.desk.command(&[
            "plan",
            "-f",
            "export.yaml",
            "--discover",
            discover,
            "--format",
            "json",
        ]);
        let asked = text
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("#   ")?.split_once(": the header x-key"));
        for (name, _) in asked {
            command.env(name, "some-value");
        }
        let plan = crate::harness::Ran::of(command.spawn().unwrap());
        prop_assert_eq!(plan.code, 0, "{}\n{}\n{}", plan.stdout, plan.stderr, text.stdout);
        prop_assert_eq!(&plan.json()["changes"], &json!([]), "{}", text.stdout);
        // What serves is in it, unless no order of the entries could say who serves what.
        for deployment in live["deployments"].as_array().unwrap() {
            let serves = (live["services"].as_array().unwrap().iter())
                .any(|service| service["deployment_id"] == deployment["id"]);
            let uri = deployment["uri"].as_str().unwrap();
            let is_listed = text.stdout.contains(&format!("uri: {uri}\n"));
            // Or another stack's deployment serves what else it exposes.
            let is_left_out = |line: &str| {
                line.contains(&format!("deployment {uri} (")) && line.contains("would have to serve")
            };
            let is_told = text.stdout.lines().any(is_left_out);
            if serves && deployment["metadata"]["restatectl.stack"].as_str() == mark {
                prop_assert!(is_listed != is_told, "{} is lost in\n{}", uri, text.stdout);
            }
        }
    }
    prop_assert_eq!(&everything(world), live, "an export changes nothing");
    world.run(&["snapshot", "--out", "snapshot.json"]).expect(0);
    let args = [
        "plan",
        "--live",
        "snapshot.json",
        "-f",
        "export.yaml",
        "--format",
        "json",
    ];
    let offline = world.run(&args);
    prop_assert_eq!(offline.code, 0, "{}", offline.stdout);
    prop_assert_eq!(&offline.json()["changes"], &json!([]));
    Ok(())
}

fn needs_come_first(plan: &Value) -> Result<(), TestCaseError> {
    for (change, id) in plan["changes"].as_array().unwrap().iter().zip(1u64..) {
        prop_assert_eq!(&change["id"], &json!(id));
        for need in change["depends_on"].as_array().unwrap() {
            prop_assert!(need.as_u64().unwrap() < id);
        }
    }
    Ok(())
}

/// What the plan said of revisions, types and handlers is what the server has.
fn predicted(plan: &Value, after: &Value) -> Result<(), TestCaseError> {
    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    for service in plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|c| c["services"].as_array().into_iter().flatten())
    {
        last.insert(service["name"].as_str().unwrap(), service);
    }
    for live in after["services"].as_array().unwrap() {
        if let Some(said) = last.get(live["name"].as_str().unwrap()) {
            prop_assert_eq!(
                &live["revision"],
                &said["revision_after"],
                "{:#}",
                plan["changes"]
            );
            prop_assert_eq!(&live["ty"], &said["type"]);
            let has = |name: &Value| {
                live["handlers"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|h| h["name"] == *name)
            };
            prop_assert!(said["handlers_added"].as_array().unwrap().iter().all(has));
            prop_assert!(!said["handlers_removed"].as_array().unwrap().iter().any(has));
        }
    }
    let names = |live: &Value| -> BTreeSet<String> {
        let services = live["services"].as_array().unwrap().iter();
        services
            .map(|service| service["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for (name, said) in &last {
        prop_assert_eq!(
            names(after).contains(*name),
            !said["revision_after"].is_null(),
            "{}",
            name
        );
    }
    for change in plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["op"] == "configure")
    {
        let live = after["services"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["name"] == change["resource"]["key"]);
        for field in change["fields"].as_array().unwrap() {
            let name = field["path"][0].as_str().unwrap();
            prop_assert_eq!(
                &live.unwrap()[name],
                &field["after"],
                "{} of {}",
                name,
                change["resource"]["key"]
            );
        }
    }
    Ok(())
}

/// What the plan said is deleted, and nothing else is; above all nothing of another stack.
fn deleted(scene: &Scene, plan: &Value, before: &Value, after: &Value) -> Result<(), TestCaseError> {
    let gone: Vec<&Value> = (plan["changes"].as_array().unwrap().iter())
        .filter(|change| ["delete", "replace"].contains(&change["op"].as_str().unwrap()))
        .map(|change| &change["resource"]["server_id"])
        .collect();
    for kind in ["deployments", "subscriptions"] {
        for item in before[kind].as_array().unwrap() {
            let is_there = after[kind]
                .as_array()
                .unwrap()
                .iter()
                .any(|other| other["id"] == item["id"]);
            prop_assert_eq!(is_there, !gone.contains(&&item["id"]), "{} {}", kind, item);
            let mark = item["metadata"]["restatectl.stack"].as_str();
            prop_assert!(
                is_there || kind != "deployments" || mark == scene.stack,
                "{}",
                item
            );
        }
    }
    Ok(())
}

/// Without consent no service that was private is public, unless the file says so.
fn hidden(scene: &Scene, before: &Value, after: &Value) -> Result<(), TestCaseError> {
    for was in before["services"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["public"] == false)
    {
        let now = after["services"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["name"] == was["name"]);
        let wanted = (scene.overrides.iter())
            .find(|(service, _)| was["name"] == SERVICES[**service].0)
            .and_then(|(_, overrides)| overrides["public"].as_bool());
        if !scene.expose && wanted != Some(true) {
            prop_assert!(now.is_none_or(|now| now["public"] == false), "{}", was);
        }
    }
    Ok(())
}

/// What the file manages is as it says; above all, no private service is public.
fn managed(scene: &Scene, after: &Value) -> Result<(), TestCaseError> {
    let spelled = |value: &Value| {
        if value == "36h" {
            json!("1d 12h")
        } else if value == "90s" {
            json!("1m 30s")
        } else {
            value.clone()
        }
    };
    for (service, overrides) in &scene.overrides {
        let live = after["services"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["name"] == SERVICES[*service].0);
        let live = live
            .ok_or_else(|| TestCaseError::fail("an override of a service that is not there was accepted"))?;
        for (option, wanted) in overrides.as_object().unwrap() {
            prop_assert_eq!(
                &live[option],
                &spelled(wanted),
                "{} of {}",
                option,
                SERVICES[*service].0
            );
        }
    }
    for wanted in &scene.subscriptions {
        let wanted = wanted.json();
        let fitting = after["subscriptions"].as_array().unwrap().iter().filter(|live| {
            let options = wanted["options"].as_object().unwrap();
            live["source"] == wanted["source"]
                && live["sink"] == wanted["sink"]
                && options
                    .iter()
                    .all(|(name, value)| live["options"][name] == *value)
        });
        prop_assert!(fitting.count() >= 1, "{} is not there", wanted);
    }
    Ok(())
}

fn run(cases: u32, stacks: bool, world: impl Fn() -> World) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    });
    let seen = std::cell::RefCell::new(BTreeMap::<i32, u32>::new());
    let outcome = runner.run(&scene(stacks), |scene| {
        let endpoint = Endpoint::start(Manifest::new());
        let code = check(&world(), &endpoint, &scene)?;
        *seen.borrow_mut().entry(code).or_default() += 1;
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let seen = seen.into_inner();
    assert!(
        seen.get(&0).is_some_and(|n| *n >= cases / 10),
        "too few scenes could be applied: {seen:?}"
    );
}

#[test]
fn on_the_fake_of_1_7() {
    run(1000, true, || World::fake("1.7.12"));
}

#[test]
fn on_the_fake_of_1_5() {
    run(400, false, || World::fake("1.5.3"));
}

#[test]
fn on_restate_1_7() {
    run(50, true, || World::real("1.7.12"));
}

#[test]
fn on_restate_1_6() {
    run(10, true, || World::real("1.6.2"));
}
