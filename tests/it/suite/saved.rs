//! Saved plans: carried out as they were reviewed, or not at all.

use super::{checkout, on_every_server, private_checkout, service};
use crate::endpoint::{Endpoint, Options};
use crate::schemas;
use crate::world::World;
use serde_json::{Value, json};

on_every_server! {
    a_saved_plan_is_carried_out_as_it_was_reviewed,
    what_was_not_secret_keeps_its_value,
    a_registration_that_somebody_else_made,
    a_deployment_that_changed_makes_it_stale,
    a_service_that_changed_makes_it_stale,
    a_new_revision_makes_it_stale,
    a_subscription_that_changed_makes_it_stale,
    a_duplicate_that_went_or_came_back,
    an_endpoint_that_serves_other_code_makes_it_stale,
    what_it_does_not_touch_may_move,
    an_override_that_it_would_reset_makes_it_stale,
    what_an_endpoint_declares_is_part_of_it,
    half_a_plan_is_resumed_and_a_whole_one_has_nothing_to_do,
    an_old_pod_that_answers_does_not_make_an_overwrite_done,
}

fn save(world: &World) {
    world.run(&["plan", "--out", "plan.json"]).expect(0);
}

#[track_caller]
fn apply(world: &World, code: i32) -> Value {
    let ran = world.run(&["apply", "plan.json", "--yes", "--format", "json"]);
    let report = ran.expect(code).json();
    schemas::assert_valid("report", &report);
    report
}

/// Nothing was written, and what moved is named: `key: message`, and `path: planned, now, wanted`.
#[track_caller]
fn is_stale(world: &World) -> Vec<String> {
    // In whatever order they are listed.
    let everything = || {
        ["deployments", "services", "subscriptions"].map(|list| {
            let mut all = world.get(&format!("/{list}"))[list].as_array().unwrap().clone();
            all.sort_by_key(Value::to_string);
            all
        })
    };
    let before = everything();
    let report = apply(world, 4);
    assert_eq!(report["outcome"], "stale");
    assert_eq!(everything(), before, "a stale plan changes nothing");
    let text = world.run(&["apply", "plan.json", "--yes"]).expect(4).stdout;
    assert!(
        text.contains("moved") && text.contains("nothing was changed"),
        "{text}"
    );
    let moved = report["moved"].as_array().unwrap();
    assert!(!moved.is_empty());
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut lines = Vec::new();
    for moved in moved {
        lines.push(format!(
            "{}: {}",
            shown(&moved["resource"]["kind"]),
            shown(&moved["message"])
        ));
        for field in moved["fields"].as_array().into_iter().flatten() {
            let path: Vec<String> = field["path"].as_array().unwrap().iter().map(shown).collect();
            lines.push(format!(
                "{}: {}, {}, {}",
                path.join("."),
                shown(&field["planned_before"]),
                shown(&field["live_now"]),
                shown(&field["wanted"])
            ));
        }
    }
    lines
}

fn a_saved_plan_is_carried_out_as_it_was_reviewed(world: &World) {
    let _endpoint = private_checkout(world, &["onOrder"]);
    let plan = world.plan_with(&["--out", "plan.json"], 0);
    let saved = world.read("plan.json");
    assert_eq!(
        serde_json::from_str::<Value>(&saved).unwrap(),
        plan,
        "one document"
    );
    assert_eq!(world.deployments(), [""; 0], "a plan changes nothing");
    let shown = world.run(&["show", "plan.json"]).expect(0).stdout;
    assert_eq!(shown, world.run(&["plan"]).expect(0).stdout);
    let report = apply(world, 0);
    assert_eq!(report["outcome"], "complete");
    assert_eq!(report["summary"]["done"], 2);
    assert_eq!(world.plan()["changes"], json!([]));
    assert_eq!(world.service("Checkout")["public"], false);
}

fn what_was_not_secret_keeps_its_value(world: &World) {
    if world.is_1_5() {
        // It keeps no metadata to look at.
        return;
    }
    let endpoint = Endpoint::start(service("Mail"));
    world.wants(&format!(
        "variables: {{ tag: {{}}, token: {{ default: none }} }}\n\
         deployments:\n\
         - uri: {}\n  \
           metadata: {{ sha: '${{env:SHA:-dev}}', tag: '${{var:tag}}', literal: '$${{env:SHA}}' }}\n  \
           additional_headers: {{ authorization: 'Bearer ${{var:token}}' }}\n",
        endpoint.url()
    ));
    world
        .run(&[
            "plan",
            "--out",
            "plan.json",
            "--var",
            "tag=1.4",
            "--var",
            "token=planned",
        ])
        .expect(0);
    let saved = world.read("plan.json");
    assert!(!saved.contains("planned\""), "{saved}");
    let plan: Value = serde_json::from_str(&saved).unwrap();
    let sensitive = &plan["inputs"]["sensitive"]["restate.yaml"];
    assert_eq!(
        sensitive,
        &json!(["/deployments/0/additional_headers/authorization"])
    );
    // The tag is not given again, and the environment is another one; the secret is looked up anew.
    let mut command = world
        .desk
        .command(&["apply", "plan.json", "--yes", "--var", "token=rotated"]);
    let ran = crate::harness::Ran::of(command.env("SHA", "other").spawn().unwrap());
    ran.expect(0);
    let live = &world.deployments()[0];
    assert_eq!(
        live["metadata"],
        json!({ "sha": "dev", "tag": "1.4", "literal": "${env:SHA}" })
    );
    assert_eq!(live["additional_headers"]["authorization"], "Bearer rotated");
}

fn a_registration_that_somebody_else_made(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    save(world);
    world.register(&endpoint.url());
    // As the plan wants it: the rest of it is made.
    let report = apply(world, 0);
    assert_eq!(report["changes"].as_array().unwrap().len(), 1);
    assert_eq!(world.service("Checkout")["public"], false);
    // With other settings than the file's, it is not.
    let other = Endpoint::start(service("Mail"));
    world.lists([other.with("additional_headers: { a: b }")], "");
    save(world);
    world.register(&other.url());
    assert_eq!(
        is_stale(world),
        ["deployment: planned: register; now it needs: update"]
    );
}

fn a_deployment_that_changed_makes_it_stale(world: &World) {
    let endpoint = Endpoint::start(service("Mail"));
    let file = |headers: &str| {
        world.lists([endpoint.with(&format!("additional_headers: {headers}"))], "");
    };
    file("{ a: '1', b: '1' }");
    world.apply();
    file("{ a: '2', b: '1' }");
    save(world);
    let id = world.deployments()[0]["id"].clone();
    let (method, body) = if world.is_1_5() {
        (
            "PUT",
            json!({ "uri": endpoint.url(), "additional_headers": { "a": "1", "c": "1" } }),
        )
    } else {
        ("PATCH", json!({ "additional_headers": { "a": "1", "c": "1" } }))
    };
    let path = format!("/deployments/{}", id.as_str().unwrap());
    let (status, answer) = world.admin(method, &path, Some(&body));
    assert_eq!(status, 200, "{answer}");
    // Names only: the values are nobody's business.
    assert_eq!(
        is_stale(world),
        [
            "deployment: it is not what it was",
            "additional_headers.b: null, null, null",
            "additional_headers.c: null, null, null",
        ]
    );
}

fn a_service_that_changed_makes_it_stale(world: &World) {
    let _endpoint = world.has(service("Mail"));
    let before = world.service("Mail")["abort_timeout"]
        .as_str()
        .unwrap()
        .to_owned();
    world.wants("services: { Mail: { abort_timeout: 1h, inactivity_timeout: 1m } }\n");
    save(world);
    world.override_service("Mail", &json!({ "abort_timeout": "2h" }));
    assert_eq!(
        is_stale(world),
        [
            "service: it is not what it was",
            &format!("abort_timeout: {before}, 2h, 1h")
        ]
    );
    // A field that was as wanted counts too.
    save(world);
    world.override_service("Mail", &json!({ "inactivity_timeout": "5m" }));
    assert_eq!(
        is_stale(world),
        ["service: it is not what it was", "inactivity_timeout: 1m, 5m, 1m"]
    );
    save(world);
    let id = world.service("Mail")["deployment_id"].clone();
    let path = format!("/deployments/{}?force=true", id.as_str().unwrap());
    assert_eq!(world.admin("DELETE", &path, None).0, 202);
    assert_eq!(
        is_stale(world),
        ["service: planned: configure; now nothing serves it"]
    );
}

fn a_new_revision_makes_it_stale(world: &World) {
    let _v1 = world.has(service("Mail"));
    world.wants("services: { Mail: { public: false } }\n");
    save(world);
    let _v2 = world.has(service("Mail"));
    assert_eq!(is_stale(world), ["service: it had revision 1, and has 2 now"]);
}

fn a_subscription_that_changed_makes_it_stale(world: &World) {
    let _endpoint = world.has(service("Mail"));
    let options = json!({ "group.id": "g", "auto.offset.reset": "latest" });
    let id = world.subscribe("kafka://main/t", "service://Mail/run", &options);
    world.wants(
        "subscriptions: [{ source: kafka://main/t, sink: service://Mail/run, options: { group.id: g, auto.offset.reset: earliest } }]\n",
    );
    save(world);
    // Made anew by somebody: the same but for its id.
    assert_eq!(
        world.admin("DELETE", &format!("/subscriptions/{id}"), None).0,
        202
    );
    let now = world.subscribe("kafka://main/t", "service://Mail/run", &options);
    assert_eq!(
        is_stale(world),
        [format!("subscription: it was {id}, and is {now} now")]
    );
    save(world);
    // As the file wants it: done, whoever did it.
    assert_eq!(
        world.admin("DELETE", &format!("/subscriptions/{now}"), None).0,
        202
    );
    let wanted = json!({ "group.id": "g", "auto.offset.reset": "earliest" });
    world.subscribe("kafka://main/t", "service://Mail/run", &wanted);
    assert_eq!(apply(world, 0)["outcome"], "nothing-to-do");
    // As a run leaves it that dies between the halves.
    let ids = world.subscriptions();
    let id = ids[0]["id"].as_str().unwrap();
    assert_eq!(
        world.admin("DELETE", &format!("/subscriptions/{id}"), None).0,
        202
    );
    assert_eq!(apply(world, 0)["outcome"], "complete");
    assert_eq!(world.plan()["changes"], json!([]));
}

fn a_duplicate_that_went_or_came_back(world: &World) {
    let _endpoint = world.has(service("Mail"));
    let options = json!({ "group.id": "g" });
    let subscribe = || world.subscribe("kafka://main/t", "service://Mail/run", &options);
    subscribe();
    subscribe();
    world.wants(
        "prune: { subscriptions: delete }\nsubscriptions: [{ source: kafka://main/t, sink: service://Mail/run, options: { group.id: g } }]\n",
    );
    save(world);
    // A third one is not in the plan; which of the others goes is left for the next.
    subscribe();
    assert_eq!(apply(world, 0)["outcome"], "complete");
    assert_eq!(world.subscriptions().len(), 2);
    // That there still is one to delete is something that the plan does not have.
    let moved = is_stale(world);
    let new = "subscription: the plan does not have it, and now it needs: delete".to_owned();
    assert!(moved.contains(&new), "{moved:?}");
    // Deleted by somebody and made anew by somebody: that is another one.
    world.run(&["apply", "--yes"]).expect(0);
    world.wants("prune: { subscriptions: delete }\nsubscriptions: []\n");
    let args = ["plan", "--allow", "deletes=9", "--out", "plan.json"];
    world.run(&args).expect(0);
    for live in world.subscriptions() {
        world.admin(
            "DELETE",
            &format!("/subscriptions/{}", live["id"].as_str().unwrap()),
            None,
        );
    }
    subscribe();
    assert!(is_stale(world)[0].starts_with("subscription: "));
    world.wants(
        "prune: { subscriptions: delete }\nsubscriptions: [{ source: kafka://main/t, sink: service://Mail/run, options: { group.id: g } }]\n",
    );
    // The one that was to stay is gone, so the other one must.
    world.run(&["apply", "--yes"]).expect(0);
    subscribe();
    save(world);
    let plan = world.plan();
    let doomed = plan["changes"][0]["resource"]["server_id"].as_str().unwrap();
    let live = world.subscriptions();
    let kept = live.iter().find(|s| s["id"] != doomed).unwrap()["id"].clone();
    world.admin(
        "DELETE",
        &format!("/subscriptions/{}", kept.as_str().unwrap()),
        None,
    );
    assert_eq!(
        is_stale(world),
        ["subscription: planned: delete; now it is not to be deleted"]
    );
}

fn an_endpoint_that_serves_other_code_makes_it_stale(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    save(world);
    endpoint.set([checkout(&["onOrder", "more"]), service("Mail")]);
    assert_eq!(
        is_stale(world),
        ["deployment: service Checkout is not what its endpoint served"]
    );
    // One that is down is an error: the plan holds once it is up.
    endpoint.behave(crate::endpoint::Behaviour::Fail(500, "down".to_owned()));
    let args = [
        "apply",
        "plan.json",
        "--yes",
        "--format",
        "json",
        "--wait-endpoints",
        "0",
    ];
    let report = world.run(&args).expect(1).json();
    assert_eq!(report["outcome"], "failed");
}

fn what_it_does_not_touch_may_move(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    let _other = world.has(service("Mail"));
    world.edit("services: {", "services: { Mail: { public: true },");
    save(world);
    // A listed service that needed nothing, and resources that no file lists.
    world.override_service("Mail", &json!({ "public": false }));
    let _third = world.has(service("Others"));
    world.subscribe("kafka://main/t", "service://Others/run", &json!({}));
    let report = apply(world, 0);
    assert_eq!(report["outcome"], "complete");
    assert_eq!(world.service("Mail")["public"], false, "it was not in the plan");
    assert_eq!(world.service("Checkout")["public"], false);
    drop(endpoint);
}

fn half_a_plan_is_resumed_and_a_whole_one_has_nothing_to_do(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    world.wants_also(
        "subscriptions:\n\
         - { source: kafka://main/t, sink: service://Checkout/onOrder, options: { group.id: g } }\n",
    );
    save(world);
    // As a run leaves it that dies after the registration.
    world
        .run(&[
            "apply",
            "--yes",
            "--target",
            &format!("deployment/{}", endpoint.url()),
        ])
        .expect(0);
    assert_eq!(world.subscriptions(), [] as [Value; 0]);
    let shown = world.run(&["apply", "plan.json", "--yes"]).expect(0).stdout;
    assert!(
        shown.contains(&format!("info[{}]", "done-already"))
            && shown.contains("planned: register; now it is done already"),
        "{shown}"
    );
    assert_eq!(world.plan()["changes"], json!([]));
    for _ in 0..2 {
        assert_eq!(apply(world, 0)["outcome"], "nothing-to-do");
    }
    assert_eq!(world.subscriptions().len(), 1);
}

/// Nobody has seen that it would be lost.
fn an_override_that_it_would_reset_makes_it_stale(world: &World) {
    let _v1 = world.has(service("Mail"));
    let default = world.service("Mail")["abort_timeout"]
        .as_str()
        .unwrap()
        .to_owned();
    let v2 = world.serves(service("Mail"), "");
    save(world);
    world.override_service("Mail", &json!({ "abort_timeout": "7m" }));
    assert_eq!(
        is_stale(world),
        [
            "deployment: it is not what it was",
            &format!("services.Mail.abort_timeout: {default}, 7m, null")
        ]
    );
    // One that the file manages, and would put back, too.
    world.lists([&v2], "services: { Mail: { abort_timeout: 3m } }");
    save(world);
    world.override_service("Mail", &json!({ "abort_timeout": "44m" }));
    let moved = is_stale(world);
    assert!(
        moved.contains(&"abort_timeout: 7m, 44m, 3m".to_owned()),
        "{moved:?}"
    );
    // Once it has been seen, it is what was reviewed.
    save(world);
    assert_eq!(apply(world, 0)["outcome"], "complete");
}

/// A service that was private when it was reviewed.
fn what_an_endpoint_declares_is_part_of_it(world: &World) {
    let mail = || service("Mail").journal_retention_ms(60_000);
    let endpoint = world.serves(mail().ingress_private(true), "");
    save(world);
    endpoint.set(mail());
    assert_eq!(
        is_stale(world),
        ["deployment: service Mail is not what its endpoint served"]
    );
    endpoint.set(mail().ingress_private(true));
    assert_eq!(apply(world, 0)["outcome"], "complete");
    assert_eq!(world.service("Mail")["public"], false);
}

/// It serves what is registered, so nothing is left to do; but that is not what was planned.
fn an_old_pod_that_answers_does_not_make_an_overwrite_done(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    endpoint.set([checkout(&["onOrder", "onRefund"])]);
    world
        .run(&["plan", "--allow", "overwrite", "--out", "plan.json"])
        .expect(0);
    endpoint.set([checkout(&["onOrder"])]);
    let moved = is_stale(world);
    assert!(
        moved[0].contains("other code of Checkout than was planned"),
        "{moved:?}"
    );
    endpoint.set([checkout(&["onOrder", "onRefund"])]);
    assert_eq!(apply(world, 0)["outcome"], "complete");
    assert_eq!(apply(world, 0)["outcome"], "nothing-to-do");
}
