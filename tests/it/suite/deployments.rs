//! Registering, connections, and what only a person may decide.

use super::{checkout, on_every_server, private_checkout, service};
use crate::endpoint::{Behaviour, Endpoint, Kind, Service};
use crate::scene::Entry;
use crate::sdk::SdkEndpoint;
use crate::world::{World, fields, finding, findings, ops};
use serde_json::{Value, json};

on_every_server! {
    an_empty_file_changes_nothing,
    a_real_sdk_endpoint,
    registers_with_headers_and_metadata,
    registration_is_never_forced,
    moves_a_service_and_says_from_where,
    two_new_deployments_of_one_service,
    headers_change_without_a_new_revision,
    http_version_changes,
    a_scheme_change_is_an_update,
    an_update_needs_its_endpoint,
    removed_handlers_need_consent,
    a_type_change_needs_consent,
    other_code_at_the_same_address_is_refused,
    option_changes_of_the_sdk_are_not_other_code,
    a_deployment_that_is_not_the_latest_is_refused,
    a_registration_that_would_need_a_promotion_is_refused,
    what_an_earlier_change_settles_needs_no_consent,
    the_services_an_endpoint_must_expose,
    an_endpoint_that_is_no_sdk,
    consent_that_was_not_needed,
    discover_none_asks_no_endpoint,
}

fn an_empty_file_changes_nothing(world: &World) {
    world.wants("");
    let plan = world.plan();
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(plan["unmanaged"], json!({}));
    let report = world.apply();
    assert_eq!(report["outcome"], "nothing-to-do");
}

fn a_real_sdk_endpoint(world: &World) {
    let sdk = SdkEndpoint::start();
    world.lists(
        [Entry::from(&sdk).with("services: [Greeter, Counter, Signup]")],
        "services:\n  \
           Signup: { workflow_completion_retention: 3d, public: false }\n  \
           Greeter: { abort_timeout: 90s }",
    );
    world.apply();
    assert_eq!(world.service("Signup")["workflow_completion_retention"], "3d");
    assert_eq!(world.service("Signup")["public"], false);
    assert_eq!(world.service("Greeter")["abort_timeout"], "1m 30s");
    assert_eq!(world.service("Counter")["ty"], "VirtualObject");
}

fn registers_with_headers_and_metadata(world: &World) {
    let endpoint = Endpoint::start(checkout(&["onOrder"]));
    world.wants(&format!(
        "deployments:\n  - uri: '{}'\n    additional_headers: {{ Authorization: Bearer s3cr3t-token }}\n    metadata: {{ team: shop }}\n",
        endpoint.url()
    ));
    let plan = world.plan();
    assert_eq!(ops(&plan), [format!("register {}", endpoint.url())]);
    let change = &plan["changes"][0];
    assert_eq!(change["validated"], "server");
    assert_eq!(change["precondition"], json!({ "absent": true }));
    assert_eq!(
        change["origin"],
        json!({ "file": "restate.yaml", "line": 3, "column": 5 })
    );
    assert_eq!(
        change["services"],
        json!([{ "name": "Checkout", "type": "VirtualObject", "revision_before": null, "revision_after": 1,
                 "handlers_added": ["onOrder"], "handlers_removed": [] }])
    );
    assert!(!plan.to_string().contains("s3cr3t"), "{plan}");
    // The dry run already goes out with the headers the deployment will have.
    let seen = endpoint
        .requests()
        .into_iter()
        .flat_map(|request| request.headers);
    assert!(
        seen.clone()
            .any(|header| header == ("authorization".to_owned(), "Bearer s3cr3t-token".to_owned()))
    );
    assert_eq!(
        findings(&plan),
        if world.is_1_5() {
            vec!["metadata-unsupported"]
        } else {
            vec![]
        }
    );
    world.apply();
    let live = &world.deployments()[0];
    assert_eq!(live["additional_headers"]["authorization"], "Bearer s3cr3t-token");
    if !world.is_1_5() {
        assert_eq!(live["metadata"]["team"], "shop");
        // Metadata is never compared again, but a difference is told.
        world.edit("team: shop", "team: sales");
        let plan = world.plan();
        assert_eq!(plan["changes"], json!([]));
        assert_eq!(finding(&plan, "metadata-stale")["severity"], "info");
    }
}

fn registration_is_never_forced(world: &World) {
    let first = private_checkout(world, &["onOrder"]);
    world.apply();
    world.apply();
    let live = &world.deployments()[0];
    assert_eq!(
        live["services"][0]["revision"], 1,
        "a second apply registers nothing"
    );
    drop(first);
}

fn moves_a_service_and_says_from_where(world: &World) {
    let old = world.has([checkout(&["onOrder"]), service("Mail")]);
    let new = world.serves(checkout(&["onOrder", "onRefund"]), "");
    let plan = world.plan();
    let change = &plan["changes"][0];
    assert_eq!(
        change["services"],
        json!([{ "name": "Checkout", "type": "VirtualObject", "revision_before": 1, "revision_after": 2,
                 "handlers_added": ["onRefund"], "handlers_removed": [] }])
    );
    assert_eq!(
        fields(change),
        [format!(
            "services.Checkout.deployment: {} → {}",
            old.url(),
            new.url()
        )]
    );
    assert_eq!(plan["unmanaged"], json!({ "deployment": [old.url()] }));
    world.apply();
    assert_eq!(world.service("Checkout")["revision"], 2);
    // What the new deployment does not expose stays where it is.
    assert_eq!(world.service("Mail")["revision"], 1);
}

fn two_new_deployments_of_one_service(world: &World) {
    let endpoint = Endpoint::start_at([
        ("/v1", checkout(&["onOrder"])),
        ("/v2", checkout(&["onOrder", "onRefund"])),
    ]);
    world.lists(
        [endpoint.at("/v1"), endpoint.at("/v2")],
        "services: { Checkout: { public: false } }",
    );
    let plan = world.plan();
    let changes = plan["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 3);
    assert_eq!(changes[0]["services"][0]["revision_after"], 1);
    assert_eq!(changes[1]["services"][0]["revision_before"], 1);
    assert_eq!(changes[1]["services"][0]["revision_after"], 2);
    assert_eq!(changes[1]["depends_on"], json!([1]));
    assert_eq!(changes[2]["op"], "configure");
    assert_eq!(changes[2]["depends_on"], json!([1, 2]));
    assert_eq!(changes[2]["validated"], "after");
    world.apply();
    let live = world.service("Checkout");
    assert_eq!((&live["revision"], &live["public"]), (&json!(2), &json!(false)));
    assert_eq!(
        live["handlers"].as_array().unwrap().len(),
        2,
        "the last listed serves it"
    );
}

fn headers_change_without_a_new_revision(world: &World) {
    let endpoint = Endpoint::start(checkout(&["onOrder"]));
    let wants = |headers: &str| {
        world.lists(
            [endpoint.with(&format!("additional_headers: {headers}"))],
            "services: { Checkout: { public: false } }",
        );
    };
    wants("{ authorization: first-token, x-stays: same }");
    world.apply();
    wants("{ authorization: second-token, x-stays: same, x-new: new-value }");
    let plan = world.plan();
    assert_eq!(ops(&plan)[0], format!("update {}", endpoint.url()));
    // 1.5 discovers the endpoint again, and what the SDK declares then wins over overrides.
    assert_eq!(
        ops(&plan)[1..],
        if world.is_1_5() {
            vec!["configure Checkout"]
        } else {
            vec![]
        }
    );
    assert_eq!(
        fields(&plan["changes"][0]),
        [
            "additional_headers.authorization: changed sensitive",
            "additional_headers.x-new: set sensitive"
        ]
    );
    world.apply();
    let live = &world.deployments()[0];
    assert_eq!(
        live["additional_headers"],
        json!({ "authorization": "second-token", "x-stays": "same", "x-new": "new-value" })
    );
    assert_eq!(live["services"][0]["revision"], 1);
    assert_eq!(
        world.service("Checkout")["public"],
        false,
        "an update keeps overrides"
    );
    // Written = the whole map.
    wants("{}");
    assert_eq!(world.plan()["changes"][0]["fields"].as_array().unwrap().len(), 3);
    world.apply();
    assert_eq!(world.deployments()[0].get("additional_headers"), None);
}

fn http_version_changes(world: &World) {
    let endpoint = world.serves(service("Mail"), "");
    world.apply();
    world.lists([endpoint.with("use_http_11: true")], "");
    let plan = world.plan();
    assert_eq!(fields(&plan["changes"][0]), ["use_http_11: false → true"]);
    world.apply();
    // Not written, not managed: it stays.
    world.lists([&endpoint], "");
    assert_eq!(world.plan()["changes"], json!([]));
    assert_eq!(world.deployments()[0]["http_version"], "HTTP/1.1");
}

/// A plain registration would ignore it silently. Nothing here speaks TLS, so it ends there.
fn a_scheme_change_is_an_update(world: &World) {
    let endpoint = world.has(service("Mail"));
    let https = endpoint.url().replace("http:", "https:");
    world.lists([&https], "");
    let plan = world.plan_with(&[], 1);
    assert_eq!(ops(&plan), [format!("update {https}")]);
    assert_eq!(
        fields(&plan["changes"][0]),
        [format!("uri: {} → {https}", endpoint.url())]
    );
    assert_eq!(finding(&plan, "endpoint-unreachable")["severity"], "error");
    assert_eq!(plan["unmanaged"], json!({}), "it is the same deployment");
}

fn an_update_needs_its_endpoint(world: &World) {
    let mut endpoint = world.has(service("Mail"));
    endpoint.stop();
    world.lists([endpoint.with("additional_headers: { x-a: some-value }")], "");
    let plan = world.plan_with(&[], 1);
    assert_eq!(ops(&plan), [format!("update {}", endpoint.url())]);
    assert_eq!(findings(&plan), ["endpoint-unreachable"]);
}

fn removed_handlers_need_consent(world: &World) {
    let _old = world.has(checkout(&["onOrder", "legacy"]));
    let new = world.serves(checkout(&["onOrder"]), "");
    let plan = world.plan_with(&[], 5);
    let change = &plan["changes"][0];
    assert_eq!(change["refused"]["code"], "breaking");
    assert_eq!(change["risk"], "breaking");
    assert_eq!(change["services"][0]["handlers_removed"], json!(["legacy"]));
    assert!(
        change["refused"]["help"]
            .as_str()
            .unwrap()
            .contains("allow: [breaking]")
    );
    let report = world.apply_fails(&[], 5);
    assert_eq!(
        (&report["outcome"], &report["summary"]["not-attempted"]),
        (&json!("refused"), &json!(1))
    );
    assert_eq!(world.deployments().len(), 1, "nothing was changed");
    consented_or_unsupported(world, &new);
}

fn a_type_change_needs_consent(world: &World) {
    let _old = world.has(checkout(&["onOrder"]));
    let other_type = Service::new("Checkout", Kind::Service).handler("onOrder");
    let new = world.serves(other_type, "");
    let plan = world.plan_with(&[], 5);
    assert_eq!(plan["changes"][0]["refused"]["code"], "breaking");
    assert_eq!(
        fields(&plan["changes"][0])[0],
        "services.Checkout.type: VirtualObject → Service"
    );
    consented_or_unsupported(world, &new);
}

fn consented_or_unsupported(world: &World, new: &Endpoint) {
    world.lists([new.with("allow: [breaking]")], "");
    if world.is_1_5() {
        // Only force would help there, and registrations are never forced.
        let plan = world.plan_with(&[], 5);
        assert_eq!(plan["changes"][0]["refused"]["code"], "breaking-unsupported");
        return;
    }
    let plan = world.plan();
    assert_eq!(plan["changes"][0]["refused"], Value::Null);
    assert_eq!(findings(&plan), [""; 0]);
    let report = world.apply_fails(&[], 0);
    assert_eq!(report["outcome"], "complete");
    // Now the consent is no longer needed, which is all that is left to say.
    let plan = world.plan();
    assert_eq!(
        (&plan["changes"], findings(&plan)),
        (&json!([]), vec!["unused-allow".to_owned()])
    );
}

fn other_code_at_the_same_address_is_refused(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    endpoint.set(checkout(&["onOrder", "onRefund"]));
    let plan = world.plan_with(&[], 5);
    assert_eq!(ops(&plan)[0], format!("overwrite {}", endpoint.url()));
    let change = &plan["changes"][0];
    assert_eq!(change["refused"]["code"], "overwrite");
    assert!(
        change["refused"]["message"]
            .as_str()
            .unwrap()
            .contains("handler Checkout/onRefund is new")
    );
    assert_eq!(change["services"][0]["handlers_added"], json!(["onRefund"]));
}

fn option_changes_of_the_sdk_are_not_other_code(world: &World) {
    use crate::endpoint::Options;
    let endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    endpoint.set(checkout(&["onOrder"]).abort_timeout_ms(77_000));
    assert_eq!(world.plan()["changes"], json!([]));
}

fn a_deployment_that_is_not_the_latest_is_refused(world: &World) {
    let old = private_checkout(world, &["onOrder"]);
    world.apply();
    let newer = world.has(checkout(&["onOrder"]));
    let plan = world.plan_with(&[], 5);
    let promote = &plan["changes"][0];
    assert_eq!(
        (&promote["op"], &promote["refused"]["code"]),
        (&json!("promote"), &json!("promote"))
    );
    assert_eq!(promote["resource"]["key"], old.url());
    assert!(
        promote["refused"]["message"]
            .as_str()
            .unwrap()
            .contains(&newer.url())
    );
}

fn a_registration_that_would_need_a_promotion_is_refused(world: &World) {
    let m2 = world.has(checkout(&["onOrder"]));
    let m1 = Endpoint::start(checkout(&["onOrder"]));
    world.lists([&m1, &m2], "");
    let plan = world.plan_with(&[], 5);
    assert_eq!(
        ops(&plan),
        [format!("register {}", m1.url()), format!("promote {}", m2.url())]
    );
    assert_eq!(plan["changes"][1]["depends_on"], json!([1]));
    assert_eq!(plan["changes"][1]["services"][0]["revision_after"], 3);
    world.apply_fails(&[], 5);
    assert_eq!(world.service("Checkout")["revision"], 1, "nothing was changed");
}

fn the_services_an_endpoint_must_expose(world: &World) {
    let endpoint = Endpoint::start([service("Mail"), service("Audit")]);
    world.lists([endpoint.with("services: [Mial]")], "");
    let plan = world.plan_with(&[], 1);
    assert_eq!(findings(&plan), ["services-mismatch"; 3]);
    assert_eq!(finding(&plan, "services-mismatch")["severity"], "error");
    assert!(plan.to_string().contains("did you mean `Mail`?"));
    world.lists([endpoint.with("services: [Audit, Mail]")], "");
    world.apply();
}

fn an_endpoint_that_is_no_sdk(world: &World) {
    let endpoint = Endpoint::start(service("Mail"));
    endpoint.behave(Behaviour::NotAnSdk);
    world.lists([&endpoint], "");
    let plan = world.plan_with(&[], 1);
    assert_eq!(findings(&plan), ["dry-run-refused"]);
    endpoint.behave(Behaviour::EchoHeadersAndFail);
    world.lists(
        [endpoint.with("additional_headers: { authorization: Bearer s3cr3t-token }")],
        "",
    );
    let ran = world.run(&["plan"]).expect(1);
    assert!(
        !format!("{}{}", ran.stdout, ran.stderr).contains("s3cr3t"),
        "{}",
        ran.stdout
    );
}

fn consent_that_was_not_needed(world: &World) {
    let endpoint = Endpoint::start(service("Mail"));
    world.lists([endpoint.with("allow: [breaking]")], "");
    let plan = world.plan_with(&["--allow", "regroup=some"], 0);
    assert_eq!(findings(&plan), ["unused-allow", "unused-allow"]);
}

fn discover_none_asks_no_endpoint(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    let before = endpoint.requests().len();
    let plan = world.plan_with(&["--discover", "none"], 0);
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(endpoint.requests().len(), before);
    world.plan();
    assert!(endpoint.requests().len() > before);
}

/// The second one breaks nothing that the first, consented one does not.
fn what_an_earlier_change_settles_needs_no_consent(world: &World) {
    if world.is_1_5() {
        return;
    }
    let other_type = || Service::new("Checkout", Kind::Service).handler("onOrder");
    let _v1 = world.has(checkout(&["onOrder", "legacy"]));
    let (v2, v3) = (Endpoint::start(other_type()), Endpoint::start(other_type()));
    world.lists([v2.with("allow: [breaking]"), v3.at("/")], "");
    let plan = world.plan();
    assert_eq!(plan["changes"][1]["refused"], Value::Null);
    let report = world.apply_fails(&[], 0);
    assert_eq!(report["outcome"], "complete");
    assert_eq!(world.service("Checkout")["revision"], 3);
}
