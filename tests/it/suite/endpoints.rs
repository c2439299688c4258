//! What endpoints declare, and endpoints that do not do what they should.

use super::{checkout, on_every_server, service};
use crate::endpoint::{Behaviour, Endpoint, Handler, Kind, Manifest, Options, Protocol, Service};
use crate::world::{World, fields, findings, ops};
use serde_json::{Value, json};
use std::time::Duration;

on_every_server! {
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
    assert_eq!(found(Behaviour::Hang), "dry-run-refused");
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
