//! The examples are what they say: each is planned and applied, and then there is nothing to do.

use crate::endpoint::{Endpoint, Kind, Service};
use crate::schemas;
use crate::suite::{checkout, service, workflow};
use crate::world::{World, findings, ops};
use restatectl::digest::sha256;
use serde_json::Value;

fn example(name: &str) -> String {
    std::fs::read_to_string(format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn worlds() -> [World; 3] {
    [World::fake("1.7.12"), World::real("1.7.12"), World::real("1.6.2")]
}

#[test]
fn minimal() {
    for world in worlds() {
        let endpoint = Endpoint::start(service("Greeter"));
        for name in ["minimal.yaml", "minimal.toml"] {
            let text = example(name).replace("http://greeter:9080", endpoint.url().trim_end_matches('/'));
            world.desk.write(name, text);
        }
        let yaml = world.plan_with(&["-f", "minimal.yaml"], 0);
        assert_eq!(
            ops(&yaml),
            [
                format!("register {}", endpoint.url()),
                "configure Greeter".to_owned()
            ]
        );
        assert_eq!(ops(&world.plan_with(&["-f", "minimal.toml"], 0)), ops(&yaml));
        world.run(&["apply", "--yes", "-f", "minimal.toml"]).expect(0);
        world
            .run(&["plan", "--detailed-exitcode", "-f", "minimal.yaml"])
            .expect(0);
    }
}

#[test]
fn shop() {
    for world in worlds() {
        let payments = Service::new("Payments", Kind::Service)
            .handler("charge")
            .handler("refund");
        let endpoints = [
            (
                "http://checkout-v2:9080",
                Endpoint::start([checkout(&["onOrder"]), service("Cart")]),
            ),
            ("http://payments:9080", Endpoint::start(payments)),
            ("http://signup:9080", Endpoint::start(workflow("Signup"))),
        ];
        let mut text = example("shop/restate.yaml");
        for (uri, endpoint) in &endpoints {
            text = text.replace(uri, endpoint.url().trim_end_matches('/'));
        }
        world.desk.write("restate.yaml", text);
        let plan = world.plan();
        assert_eq!(ops(&plan).len(), 3 + 3 + 2);
        assert_eq!(findings(&plan), [""; 0]);
        let report = world.apply();
        assert_eq!(report["summary"]["done"], 8);
        assert_eq!(world.service("Payments")["public"], false);
    }
}

/// What an editor with the schema would say of them.
#[test]
fn they_fit_the_schema() {
    for name in ["minimal.yaml", "shop/restate.yaml"] {
        let value: Value = from_yaml(&example(name));
        schemas::assert_valid("desired-state", &value);
    }
    let value: toml::Value = toml::from_str(&example("minimal.toml")).unwrap();
    schemas::assert_valid("desired-state", &serde_json::to_value(value).unwrap());
}

fn from_yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// The plan in the picture of the README is one of the example's own file, and the picture is fresh.
#[test]
fn the_picture_shows_the_plan() {
    let desk = crate::harness::Desk::new();
    for name in ["restate.yaml", "plan.json"] {
        desk.write(name, example(&format!("shop/{name}")));
    }
    let plan: Value = serde_json::from_str(&example("shop/plan.json")).unwrap();
    let digest = sha256(&example("shop/restate.yaml"));
    assert_eq!(
        plan["desired"]["files"][0]["sha256"], digest,
        "plan the example again"
    );
    schemas::assert_valid("plan", &plan);
    let shown = desk
        .run(&["show", "plan.json", "--color", "always"])
        .expect(0)
        .stdout;
    assert!(
        crate::picture::of(&shown) == example("shop/plan.svg"),
        "examples/shop/plan.svg is stale: see examples/picture.rs"
    );
}

#[test]
fn the_shop_can_be_drawn() {
    let desk = crate::harness::Desk::new();
    for name in ["restate.yaml", "plan.json"] {
        desk.write(name, example(&format!("shop/{name}")));
    }
    let mermaid = desk.run(&["graph"]).expect(0).stdout;
    assert!(mermaid.starts_with("flowchart LR"), "{mermaid}");
    for part in ["http://checkout-v2:9080", "Checkout", "shop-orders", "orders"] {
        assert!(mermaid.contains(part), "{part}: {mermaid}");
    }
    assert!(
        !mermaid.contains("classDef") || !mermaid.contains(":::"),
        "nothing changes"
    );
    let marked = desk.run(&["graph", "plan.json"]).expect(0).stdout;
    assert_ne!(marked, mermaid);
    let dot = desk.run(&["graph", "plan.json", "--as", "dot"]).expect(0).stdout;
    assert!(dot.starts_with("digraph"), "{dot}");
    desk.run(&["graph", "restate.yaml"]).expect(1);
    desk.run(&["graph", "-f", "nothing.yaml"]).expect(1);
}
