//! The exact bytes of a plan depend on nothing but what the file and the server say.

use crate::endpoint::Endpoint;
use crate::suite::{checkout, service};
use crate::world::World;
use serde_json::{Value, json};

/// The file as YAML with the maps in this or in reverse order; lists keep theirs.
fn yaml(value: &Value, reversed: bool) -> String {
    fn ordered(value: &Value, reversed: bool) -> Value {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map
                    .iter()
                    .map(|(k, v)| (k.clone(), ordered(v, reversed)))
                    .collect();
                if reversed {
                    entries.reverse();
                }
                Value::Object(entries.into_iter().collect())
            }
            Value::Array(items) => items.iter().map(|item| ordered(item, reversed)).collect(),
            other => other.clone(),
        }
    }
    serde_yaml::to_string(&ordered(value, reversed)).unwrap()
}

/// The plan's bytes without what must differ: the time, and where in the file things stand.
fn bytes(world: &World, args: &[&str]) -> String {
    let mut plan = world.plan_with(args, 0);
    plan["created_at"] = json!(null);
    plan["desired"]["files"] = json!(null);
    plan["digest"] = json!(null);
    plan["inputs"]["paths"] = json!(null);
    for by_file in ["values", "sensitive"] {
        let files = plan["inputs"][by_file].as_object().unwrap();
        plan["inputs"][by_file] = files.values().cloned().collect();
    }
    for change in plan["changes"].as_array_mut().unwrap() {
        change["origin"] = json!(null);
    }
    for finding in plan["findings"].as_array_mut().unwrap() {
        finding["origin"] = json!(null);
    }
    serde_json::to_string(&plan).unwrap()
}

#[test]
fn the_order_of_keys_answers_and_requests_does_not_matter() {
    let world = World::fake("1.7.12");
    let endpoint = Endpoint::start_at([
        ("/old", [checkout(&["onOrder"]), service("Mail")]),
        ("/a", [checkout(&["onOrder", "onRefund"]), service("Audit")]),
        ("/b", [service("Mail"), service("Audit")]),
    ]);
    for n in 0..8 {
        endpoint.mount(&format!("/x{n}"), service(&format!("X{n}")));
        world.register(&endpoint.url_at(&format!("/x{n}")));
    }
    world.register(&endpoint.url_at("/old"));
    world.override_service(
        "Mail",
        &json!({ "abort_timeout": "3m", "journal_retention": "3d" }),
    );
    for n in 0..6 {
        world.subscribe(
            "kafka://main/t",
            "service://Checkout/onOrder",
            &json!({ "group.id": format!("g{}", n / 2) }),
        );
    }
    let state = json!({
        "version": 1,
        "deployments": [
            { "uri": endpoint.url_at("/a"), "additional_headers": { "x-b": "1234", "x-a": "1234", "x-c": "1234" }, "metadata": { "b": "1", "a": "2" } },
            { "uri": endpoint.url_at("/b"), "use_http_11": true },
        ],
        "services": {
            "Mail": { "public": false, "idempotency_retention": "3d" },
            "Checkout": { "abort_timeout": "3m", "inactivity_timeout": "1h" },
            "Audit": { "public": false },
            "X3": { "public": false },
        },
        "subscriptions": [
            { "source": "kafka://main/u", "sink": "service://Checkout/onOrder", "options": { "session.timeout.ms": "9000", "group.id": "u", "client.id": "c" } },
            { "source": "kafka://main/t", "sink": "service://Checkout/onOrder", "options": { "group.id": "g1", "fetch.min.bytes": "1" } },
        ],
    });
    world.desk.write("restate.yaml", yaml(&state, false));
    let one = bytes(&world, &["--parallelism", "1"]);
    assert!(one.matches("\"id\":").count() >= 8, "{one}");
    for parallelism in ["1", "3", "64"] {
        assert_eq!(one, bytes(&world, &["--parallelism", parallelism]));
    }
    world.as_fake().shuffle(false);
    assert_eq!(one, bytes(&world, &[]));
    world.as_fake().shuffle(true);
    world.desk.write("restate.yaml", yaml(&state, true));
    assert_eq!(one, bytes(&world, &[]));
}

/// Everything that a file can say, and what plans tell beside changes: findings, consents, variables.
#[test]
fn the_three_formats_give_the_same_plan() {
    let mut world = World::fake("1.7.12");
    let both = || [checkout(&["onOrder"]), service("Mail")];
    let endpoint = Endpoint::start_at([("/old", both()), ("/new", both())]);
    endpoint.mount("/audit", service("Audit"));
    world.register(&endpoint.url_at("/old"));
    world.override_service("Mail", &json!({ "public": false, "abort_timeout": "3m" }));
    world.subscribe(
        "kafka://main/t",
        "service://Checkout/onOrder",
        &json!({ "group.id": "g1" }),
    );
    world.desk.set_env("TOKEN", "t0ken-v4lue");
    world.desk.write("secrets/key", "k3y-v4lue");
    let state = json!({
        "version": 1,
        "variables": { "days": { "default": "3", "description": "how long" }, "reset": {} },
        "deployments": [
            {
                "name": "1.10",
                "uri": endpoint.url_at("/new"),
                "additional_headers": { "x-b": "Bearer ${env:TOKEN}", "x-a": "${file:secrets/key}", "x-c": "$${no}" },
                "metadata": { "no": "yes", "1.10": "0x1", "~": "", "é": "a\nb" },
                "services": ["Checkout", "Mail"],
                "allow": ["expose"],
            },
            { "uri": endpoint.url_at("/audit"), "use_http_11": true },
        ],
        "services": {
            "Mail": { "public": true, "idempotency_retention": "${var:days}d", "allow": ["expose"] },
            "Checkout": { "public": false, "abort_timeout": "3m", "inactivity_timeout": "PT1H" },
            "Audit": { "journal_retention": "12h" },
        },
        "subscriptions": [
            {
                "source": "kafka://main/u",
                "sink": "service://Checkout/onOrder",
                "options": { "session.timeout.ms": "9000", "group.id": "u", "auto.offset.reset": "${var:reset}", "sasl.password": "${env:TOKEN}" },
            },
            { "source": "kafka://main/t", "sink": "service://Checkout/onOrder", "options": { "group.id": "g2" }, "allow": ["regroup"] },
            { "source": "kafka://main/w", "sink": "service://Audit/run" },
        ],
    });
    let plan = |name: &str, text: String| {
        world.desk.write(name, text);
        bytes(&world, &["-f", name, "--var", "reset=earliest"])
    };
    let yaml = plan("a.yaml", serde_yaml::to_string(&state).unwrap());
    for part in [
        "register",
        "configure",
        "create",
        "replace",
        "no-group-id",
        "\"digest\"",
        "1.10",
    ] {
        assert!(yaml.contains(part), "no {part} in {yaml}");
    }
    assert_eq!(yaml, plan("b.toml", toml::to_string(&state).unwrap()));
    assert_eq!(yaml, plan("c.json", state.to_string()));
}

/// And byte for byte with nothing taken out, but the time.
#[test]
fn two_plans_of_the_same_are_the_same() {
    let world = World::fake("1.6.2");
    let _endpoint = world.serves(
        [checkout(&["a", "b", "c", "d"]), service("Mail")],
        "services: { Mail: { public: false } }",
    );
    let text = |_| {
        let plan = world.run(&["plan", "--format", "json"]).expect(0).stdout;
        let line = plan
            .lines()
            .find(|line| line.contains("created_at"))
            .unwrap()
            .to_owned();
        plan.replace(&line, "")
    };
    let plans: Vec<String> = (0..4).map(text).collect();
    assert!(plans.windows(2).all(|pair| pair[0] == pair[1]));
}
