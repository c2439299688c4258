//! What endpoints declare, and endpoints that do not do what they should.

use super::{checkout, on_every_server, private_checkout, service};
use crate::endpoint::{
    Behaviour, Endpoint, Handler, Kind, Manifest, Options, Protocol, Service, unreachable_url,
};
use crate::scene::Entry;
use crate::world::{World, fields, finding, findings, ops};
use serde_json::{Value, json};
use std::time::Duration;

on_every_server! {
    a_new_endpoint_that_is_down,
    an_unchanged_endpoint_that_is_down_is_a_warning,
    what_is_down_is_left_out,
    an_address_that_is_nearly_registered,
    endpoints_that_misbehave,
    an_http1_endpoint_needs_its_flag,
    what_the_sdk_makes_private_needs_no_help,
    handler_options_are_other_code,
    what_describes_a_service_is_not_its_code,
    shared_and_private_handlers_are_sinks,
}

fn endpoints_that_misbehave(world: &World) {
    let endpoint = world.serves(service("Mail"), "");
    let found = |behaviour: Behaviour| {
        endpoint.behave(behaviour);
        let plan = world.plan_with(&["--discovery-timeout", "4s"], 1);
        assert_eq!(ops(&plan), [format!("register {}", endpoint.url())]);
        findings(&plan).join(" ")
    };
    assert_eq!(
        found(Behaviour::Fail(503, "down for maintenance".to_owned())),
        "endpoint-unreachable"
    );
    assert_eq!(found(Behaviour::BadManifest), "dry-run-refused");
    assert_eq!(found(Behaviour::NotAnSdk), "dry-run-refused");
    assert_eq!(found(Behaviour::Hang), "endpoint-unreachable");
    endpoint.behave(Behaviour::Slow(Duration::from_millis(300)));
    world.apply();
}

fn an_http1_endpoint_needs_its_flag(world: &World) {
    let endpoint = Endpoint::start_http1(service("Mail"));
    world.lists([&endpoint], "");
    let plan = world.plan_with(&[], 1);
    // META0014 mostly; 1.6 sometimes only sees the connection close.
    let refused = &plan["findings"][0];
    assert!(
        refused["help"].as_str().unwrap().contains("use_http_11"),
        "{refused}"
    );
    world.lists([endpoint.with("use_http_11: true")], "");
    world.apply();
    assert!(
        endpoint
            .requests()
            .iter()
            .any(|r| r.protocol == Protocol::Http1 && r.path == "/discover")
    );
}

fn what_the_sdk_makes_private_needs_no_help(world: &World) {
    let private = || service("Mail").ingress_private(true);
    let _old = world.has(private());
    let new = world.serves(private(), "services: { Mail: { public: false } }");
    let plan = world.plan();
    assert_eq!(ops(&plan), [format!("register {}", new.url())]);
    world.apply();
    assert_eq!(world.service("Mail")["public"], false);
}

fn handler_options_are_other_code(world: &World) {
    let mail =
        |handler: Handler| Manifest::new().service(Service::new("Mail", Kind::Service).handler(handler));
    let endpoint = world.serves(mail(Handler::new("send").idempotency_retention_ms(3_600_000)), "");
    world.apply();
    for other in [
        Handler::new("send"),
        Handler::new("send").idempotency_retention_ms(7_200_000),
        Handler::new("send")
            .idempotency_retention_ms(3_600_000)
            .journal_retention_ms(3_600_000),
        Handler::new("send")
            .idempotency_retention_ms(3_600_000)
            .input_schema(&json!({ "type": "object" })),
    ] {
        endpoint.set(mail(other));
        let plan = world.plan_with(&[], 5);
        assert_eq!(ops(&plan), [format!("overwrite {}", endpoint.url())]);
        assert!(
            plan["changes"][0]["refused"]["message"]
                .as_str()
                .unwrap()
                .contains("Mail/send is declared differently")
        );
    }
}

fn what_describes_a_service_is_not_its_code(world: &World) {
    let endpoint = world.serves(service("Mail"), "");
    world.apply();
    let described = service("Mail")
        .documentation("Sends mail.")
        .metadata("team", "shop")
        .journal_retention_ms(60_000);
    endpoint.set(described);
    assert_eq!(world.plan()["changes"], json!([]));
}

fn shared_and_private_handlers_are_sinks(world: &World) {
    let _endpoint = world.serves(
        checkout(&["onOrder"]).shared_handler("peek"),
        "services: { Checkout: { public: false } }\nsubscriptions:\n  \
         - { source: 'kafka://main/t', sink: 'service://Checkout/peek', options: { group.id: g } }",
    );
    let plan = world.plan();
    assert_eq!(fields(&plan["changes"][2]), ["options.group.id: null → g"]);
    assert_eq!(plan["changes"][2]["refused"], Value::Null);
    world.apply();
}

fn a_new_endpoint_that_is_down(world: &World) {
    let up = Endpoint::start(service("Mail"));
    world.lists(
        [Entry::from(&unreachable_url()), up.at("/")],
        "services: { Elsewhere: { public: false } }",
    );
    let plan = world.plan_with(&[], 1);
    assert_eq!(findings(&plan), ["endpoint-unreachable"]);
    assert_eq!(ops(&plan).len(), 2, "the rest of the plan is still there");
    let report = world.apply_fails(&["--wait-endpoints", "0"], 1);
    assert_eq!(report["outcome"], "failed");
    assert_eq!(world.deployments(), [""; 0], "nothing was changed");
}

fn an_unchanged_endpoint_that_is_down_is_a_warning(world: &World) {
    let mut endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    endpoint.stop();
    let plan = world.plan();
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(finding(&plan, "endpoint-unreachable")["severity"], "warning");
}

/// What is down is left out, with what needs it, and the rest goes on.
fn what_is_down_is_left_out(world: &World) {
    let up = Endpoint::start(service("Mail"));
    let down = unreachable_url();
    world.wants(&format!(
        "deployments:\n- {{ name: up, uri: {} }}\n- {{ name: down, uri: {down} }}\nservices: {{ Mail: {{ public: false }} }}\n",
        up.url()
    ));
    let plan = world.plan_with(&[], 1);
    let help = finding(&plan, "endpoint-unreachable")["help"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(help.contains("`--exclude 'deployment/down'`"), "{help}");
    for exclude in ["deployment/down", "deployment/do*", &format!("deployment/{down}")] {
        let plan = world.plan_with(&["--exclude", exclude], 0);
        assert_eq!(findings(&plan), ["left-out"], "{exclude}");
    }
    let plan = world.plan_with(&["--exclude", "deployment/dwon"], 1);
    let help = finding(&plan, "unknown-target")["help"].as_str().unwrap();
    assert_eq!(help, "did you mean `deployment/down`?");
    // It waits for nobody, and a saved plan leaves out the same.
    world
        .run(&["plan", "--exclude", "deployment/down", "--out", "plan.json"])
        .expect(0);
    world
        .run(&["apply", "plan.json", "--yes", "--wait-endpoints", "10m"])
        .expect(0);
    assert_eq!(world.deployments().len(), 1);
    assert_eq!(world.service("Mail")["public"], false);
}

/// What people take for one address is two to the server: told before a second one is registered.
fn an_address_that_is_nearly_registered(world: &World) {
    let endpoint = Endpoint::start_at([("/a", service("Mail"))]);
    let (registered, listed) = (endpoint.url_at("/a"), endpoint.url_at("/a/"));
    world.register(&registered);
    world.wants(&format!("deployments: [{{ uri: {listed} }}]\n"));
    let plan = world.plan_with(&[], 0);
    assert_eq!(ops(&plan), [format!("register {listed}")]);
    let message = finding(&plan, "near-address")["message"].as_str().unwrap();
    let exactly = [format!("`{registered}`"), format!("`{listed}`")];
    assert!(
        exactly.iter().all(|address| message.contains(address)),
        "{message}"
    );
}
