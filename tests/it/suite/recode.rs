//! Other code behind a known address, and old code that is to serve again.

use super::{checkout, on_every_server, private_checkout, service};
use crate::endpoint::{Endpoint, Kind, Service};
use crate::fake::state::Invocation;
use crate::world::{Target, World, fields, finding, ops};
use serde_json::{Value, json};

on_every_server! {
    an_overwrite_takes_the_new_code_and_keeps_the_rest,
    an_overwrite_that_drops_something_is_breaking,
    an_overwrite_that_drops_a_service_brings_an_older_revision_back,
    an_overwrite_that_adds_a_service_that_another_serves_is_a_promotion,
    an_overwrite_never_leaves_two_of_one_revision,
    an_overwrite_says_what_it_hits_if_it_can,
    a_rollback_promotes_and_puts_overrides_back,
    a_rollback_spells_the_host_as_the_server_does,
    a_rollback_that_loses_a_handler_is_breaking,
    a_rollback_needs_its_endpoint,
    out_of_order_registrations_are_followed_by_promotions,
    a_promotion_that_takes_a_co_hosted_service_is_followed_by_another,
    a_promotion_carries_what_no_file_manages,
    a_private_service_stays_private_through_a_promotion,
}

fn deployment_at(world: &World, uri: &str) -> Value {
    let mut all = world.deployments().into_iter();
    all.find(|deployment| deployment["uri"] == uri).unwrap()
}

fn id_at(world: &World, uri: &str) -> String {
    deployment_at(world, uri)["id"].as_str().unwrap().to_owned()
}

fn an_overwrite_takes_the_new_code_and_keeps_the_rest(world: &World) {
    let endpoint = Endpoint::start(checkout(&["onOrder"]));
    let file = |allow: &str| {
        world.lists(
            [endpoint.with(&format!("additional_headers: {{ x-token: some-token }}{allow}"))],
            "services: { Checkout: { public: false, abort_timeout: 90s } }",
        );
    };
    file("");
    world.apply();
    endpoint.set(checkout(&["onOrder", "onRefund"]));
    world.plan_with(&[], 5);
    world.apply_fails(&[], 5);
    assert_eq!(world.service("Checkout")["handlers"].as_array().unwrap().len(), 1);
    file(", allow: [overwrite]");
    let plan = world.plan();
    assert_eq!(
        ops(&plan),
        [
            format!("overwrite {}", endpoint.url()),
            "configure Checkout".to_owned()
        ]
    );
    let revision = if world.is_1_5() { 2 } else { 1 };
    assert_eq!(plan["changes"][0]["services"][0]["revision_after"], revision);
    assert_eq!(plan["changes"][0]["risk"], "breaking");
    world.apply();
    let live = world.service("Checkout");
    assert_eq!(live["revision"], revision, "1.6 and later keep it");
    assert_eq!(
        (&live["public"], &live["abort_timeout"]),
        (&json!(false), &json!("1m 30s"))
    );
    assert_eq!(live["handlers"].as_array().unwrap().len(), 2);
    let deployment = &world.deployments()[0];
    assert_eq!(
        deployment["additional_headers"],
        json!({ "x-token": "some-token" })
    );
}

fn an_overwrite_that_drops_something_is_breaking(world: &World) {
    let endpoint = world.serves([checkout(&["a", "b"]), service("Mail")], "");
    world.apply();
    endpoint.set(Service::new("Checkout", Kind::Service).handler("a"));
    let plan = world.plan_with(&["--allow", "overwrite"], 5);
    let refused = &plan["changes"][0]["refused"];
    assert_eq!(refused["code"], "breaking");
    for loss in [
        "handler Checkout/b",
        "the service Mail",
        "VirtualObject to Service",
    ] {
        assert!(refused["message"].as_str().unwrap().contains(loss), "{refused}");
    }
    world.apply_with(&["--allow", "overwrite", "--allow", "breaking"]);
    assert_eq!(world.service("Checkout")["ty"], "Service");
    assert_eq!(world.admin("GET", "/services/Mail", None).0, 404);
}

fn an_overwrite_that_drops_a_service_brings_an_older_revision_back(world: &World) {
    let _old = world.has(service("Mail"));
    world.override_service("Mail", &json!({ "abort_timeout": "77s" }));
    let endpoint = world.serves(
        [service("Mail"), service("Audit")],
        "services: { Mail: { abort_timeout: 90s } }",
    );
    world.apply();
    endpoint.set(service("Audit"));
    let allow = ["--allow", "overwrite", "--allow", "breaking"];
    let plan = world.plan_with(&allow, 0);
    let mail = plan["changes"][0]["services"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["name"] == "Mail");
    assert_eq!(
        (
            &mail.unwrap()["revision_before"],
            &mail.unwrap()["revision_after"]
        ),
        (&json!(2), &json!(1))
    );
    // The old one has an override of its own, which is not what the file says.
    assert_eq!(fields(&plan["changes"][1]), ["abort_timeout: 1m 30s (put back)"]);
    world.apply_with(&allow);
    let live = world.service("Mail");
    assert_eq!(
        (&live["revision"], &live["abort_timeout"]),
        (&json!(1), &json!("1m 30s"))
    );
}

/// A PATCH would leave it behind who serves it now.
fn an_overwrite_that_adds_a_service_that_another_serves_is_a_promotion(world: &World) {
    let first = Endpoint::start(service("Mail"));
    let second = Endpoint::start(service("Audit"));
    world.lists([&first, &second], "");
    world.apply();
    second.set([service("Audit"), service("Mail")]);
    let plan = world.plan_with(&["--allow", "overwrite"], 5);
    assert_eq!(plan["changes"][0]["refused"]["code"], "promote");
    if matches!(world.target, Target::Fake(_)) {
        assert_eq!(
            plan["changes"][0]["invocations"], 0,
            "what it hits is told here too"
        );
    }
    world.apply_with(&["--allow", "overwrite", "--allow", "promote"]);
    let live = world.service("Mail");
    assert_eq!(
        (&live["revision"], &live["deployment_id"]),
        (&json!(2), &json!(id_at(world, &second.url())))
    );
}

/// Which of two with the same revision serves differs from server to server.
fn an_overwrite_never_leaves_two_of_one_revision(world: &World) {
    let first = Endpoint::start(service("Mail"));
    let second = Endpoint::start(service("Audit"));
    world.lists([&first, &second], "");
    world.apply();
    first.set([service("Mail"), service("Audit")]);
    let allow = ["--allow", "overwrite", "--allow", "promote"];
    let plan = world.plan_with(&allow, 0);
    assert_eq!(
        ops(&plan),
        [
            format!("overwrite {}", first.url()),
            format!("promote {}", second.url())
        ]
    );
    world.apply_with(&allow);
    let live = world.service("Audit");
    assert_eq!(
        (&live["revision"], &live["deployment_id"]),
        (&json!(3), &json!(id_at(world, &second.url())))
    );
}

/// The real servers of this suite have no workers, so nobody can tell.
fn an_overwrite_says_what_it_hits_if_it_can(world: &World) {
    let endpoint = world.serves(service("Mail"), "");
    world.apply();
    endpoint.set(service("Mail").handler("other"));
    if let Target::Fake(fake) = &world.target {
        let id = id_at(world, &endpoint.url());
        let running = Invocation {
            service: "Mail".to_owned(),
            pinned_deployment_id: Some(id),
            ..Invocation::default()
        };
        fake.state(|state| state.invocations = Some(vec![running; 3]));
        let plan = world.plan_with(&["--allow", "overwrite"], 0);
        assert_eq!(plan["changes"][0]["invocations"], 3);
        let shown = world.run(&["plan", "--allow", "overwrite"]).expect(0).stdout;
        assert!(shown.contains("3 unfinished invocations"), "{shown}");
        fake.state(|state| state.invocations = None);
    }
    let plan = world.plan_with(&["--allow", "overwrite"], 0);
    assert_eq!(finding(&plan, "invocations-unknown")["severity"], "warning");
    world.apply_with(&["--allow", "overwrite"]);
}

fn a_rollback_promotes_and_puts_overrides_back(world: &World) {
    let old = private_checkout(world, &["onOrder"]);
    world.apply();
    let newer = world.has(checkout(&["onOrder"]));
    // What a script does: 200 or 409, and nothing happens.
    world.admin(
        "POST",
        "/deployments",
        Some(&json!({ "uri": old.url(), "force": false })),
    );
    assert_eq!(
        world.service("Checkout")["deployment_id"],
        id_at(world, &newer.url())
    );

    let key = format!("promote={}", old.url());
    let plan = world.plan_with(&["--allow", &key], 0);
    assert_eq!(
        ops(&plan),
        [format!("promote {}", old.url()), "configure Checkout".to_owned()]
    );
    assert_eq!(plan["changes"][0]["services"][0]["revision_after"], 3);
    assert_eq!(plan["changes"][0]["validated"], "server");
    world.apply_with(&["--allow", &key]);
    let live = world.service("Checkout");
    assert_eq!(live["deployment_id"], id_at(world, &old.url()));
    assert_eq!((&live["revision"], &live["public"]), (&json!(3), &json!(false)));
    assert_eq!(live["idempotency_retention"], "7d");
}

/// 1.5 would take another spelling for another deployment. The host is this machine's in letters that
/// have a case; 1.7.12 calls such an address over HTTP/1.1 only.
fn a_rollback_spells_the_host_as_the_server_does(world: &World) {
    let old = Endpoint::start(service("Mail"));
    let spelled = old.url().replace("127.0.0.1", "[::FFFF:127.0.0.1]");
    let body = json!({ "uri": spelled, "use_http_11": true, "force": false });
    assert_eq!(world.admin("POST", "/deployments", Some(&body)).0, 201);
    let _newer = world.has(service("Mail"));
    world.lists([&old.url().replace("127.0.0.1", "[::ffff:127.0.0.1]")], "");
    world.apply_with(&["--allow", "promote"]);
    assert_eq!(world.deployments().len(), 2);
    assert_eq!(world.service("Mail")["revision"], 3);
}

fn a_rollback_that_loses_a_handler_is_breaking(world: &World) {
    let old = world.has(checkout(&["onOrder"]));
    let _newer = world.has(checkout(&["onOrder", "onRefund"]));
    world.lists([&old], "");
    let plan = world.plan_with(&["--allow", "promote"], 5);
    assert_eq!(plan["changes"][0]["refused"]["code"], "breaking");
    let plan = world.plan_with(&["--allow", "promote", "--allow", "breaking"], 0);
    assert_eq!(plan["changes"][0]["consents"], json!(["breaking", "promote"]));
    world.apply_with(&["--allow", "promote", "--allow", "breaking"]);
    assert_eq!(world.service("Checkout")["handlers"].as_array().unwrap().len(), 1);
}

fn a_rollback_needs_its_endpoint(world: &World) {
    let mut old = world.has(service("Mail"));
    let _newer = world.has(service("Mail"));
    world.lists([&old], "");
    old.stop();
    let plan = world.plan_with(&["--allow", "promote"], 1);
    assert_eq!(finding(&plan, "endpoint-unreachable")["severity"], "error");
    let plan = world.plan_with(&["--allow", "promote", "--discover", "none"], 5);
    assert_eq!(plan["changes"][0]["refused"]["code"], "not-discovered");
}

fn out_of_order_registrations_are_followed_by_promotions(world: &World) {
    let m2 = world.has(checkout(&["onOrder"]));
    let m1 = Endpoint::start(checkout(&["onOrder"]));
    world.lists([&m1, &m2], "services: { Checkout: { public: false } }");
    let plan = world.plan_with(&["--allow", "promote"], 0);
    assert_eq!(
        ops(&plan),
        [
            format!("register {}", m1.url()),
            format!("promote {}", m2.url()),
            "configure Checkout".to_owned()
        ]
    );
    assert_eq!(plan["changes"][2]["depends_on"], json!([1, 2]));
    world.apply_with(&["--allow", "promote"]);
    let live = world.service("Checkout");
    assert_eq!(
        live["deployment_id"],
        id_at(world, &m2.url()),
        "the last listed serves it"
    );
    assert_eq!((&live["revision"], &live["public"]), (&json!(3), &json!(false)));
}

/// p1 has A and B, p2 has B. Somebody registered a newer A: p1 is promoted for it, and takes B.
fn a_promotion_that_takes_a_co_hosted_service_is_followed_by_another(world: &World) {
    let p1 = world.has([service("A"), service("B")]);
    let p2 = world.has(service("B"));
    let _newer = world.has(service("A"));
    world.override_service("B", &json!({ "abort_timeout": "77s" }));
    world.lists([&p1, &p2], "services: { B: { public: false } }");
    let plan = world.plan_with(&["--allow", "promote"], 0);
    assert_eq!(
        ops(&plan),
        [
            format!("promote {}", p1.url()),
            format!("promote {}", p2.url()),
            "configure B".to_owned()
        ]
    );
    let reset = finding(&plan, "override-reset")["message"].as_str().unwrap();
    assert!(reset.contains("abort_timeout of B"), "{reset}");
    world.apply_with(&["--allow", "promote"]);
    assert_eq!(world.service("A")["deployment_id"], id_at(world, &p1.url()));
    let live = world.service("B");
    assert_eq!(live["deployment_id"], id_at(world, &p2.url()));
    assert_eq!((&live["revision"], &live["public"]), (&json!(4), &json!(false)));
}

fn a_promotion_carries_what_no_file_manages(world: &World) {
    let old = Endpoint::start(service("Mail"));
    let (status, _) = world.admin(
        "POST",
        "/deployments",
        Some(&json!({
            "uri": old.url(), "force": false, "use_http_11": true,
            "additional_headers": { "x-token": "some-token" },
            "metadata": { "team": "shop", "restatectl.stack": "shop" },
        })),
    );
    assert_eq!(status, 201);
    let _newer = world.has(service("Mail"));
    world.lists([&old], if world.is_1_5() { "" } else { "stack: shop" });
    world.apply_with(&["--allow", "promote"]);
    let live = deployment_at(world, &old.url());
    assert_eq!(live["additional_headers"], json!({ "x-token": "some-token" }));
    assert_eq!(live["http_version"], "HTTP/1.1");
    if !world.is_1_5() {
        assert_eq!(
            live["metadata"],
            json!({ "team": "shop", "restatectl.stack": "shop" })
        );
    }
}

fn a_private_service_stays_private_through_a_promotion(world: &World) {
    let old = world.has(service("Mail"));
    let _newer = world.has(service("Mail"));
    world.override_service("Mail", &json!({ "public": false }));
    world.lists([&old], "");
    let plan = world.plan_with(&["--allow", "promote"], 5);
    assert_eq!(plan["changes"][0]["refused"]["code"], "expose");
    world.lists([&old], "services: { Mail: { public: false } }");
    world.apply_with(&["--allow", "promote"]);
    assert_eq!(world.service("Mail")["public"], false);
}
