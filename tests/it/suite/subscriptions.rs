//! Subscriptions: pairing, replacing, and everything the server accepts that would lose records.

use super::{checkout, on_every_server};
use crate::endpoint::Endpoint;
use crate::world::{World, fields, finding, findings, ops};
use serde_json::json;

on_every_server! {
    creates_and_is_content_with_server_defaults,
    options_that_differ_replace_with_the_same_group,
    live_options_that_the_file_does_not_list_are_carried,
    a_replace_needs_a_group_id,
    another_group_needs_consent,
    a_renamed_handler_is_a_replace,
    pairs_by_group_first,
    duplicates_are_told_and_the_best_stays,
    an_entry_without_group_is_ambiguous_beside_two,
    a_group_shared_with_an_unlisted_one,
    a_group_shared_behind_a_duplicate,
    a_sink_that_will_not_exist,
    a_registration_that_removes_a_fed_handler,
    secrets_in_options,
    subscribes_to_a_service_of_the_same_plan,
    resends_what_cannot_be_compared,
    clusters_are_looked_at,
    groups_in_effect_are_shared_too,
    pairs_alike_in_any_order,
    nobodys_groups_are_duplicates_beside_a_chosen_one,
}

const SOURCE: &str = "kafka://main/orders";
const SINK: &str = "service://Checkout/onOrder";

fn shop(world: &World, subscriptions: &str) -> Endpoint {
    let endpoint = world.has(checkout(&["onOrder", "onRefund"]));
    wants(world, &endpoint, subscriptions);
    endpoint
}

fn wants(world: &World, endpoint: &Endpoint, subscriptions: &str) {
    world.lists([endpoint], &format!("subscriptions:\n{subscriptions}"));
}

fn entry(options: &str) -> String {
    format!("  - {{ source: '{SOURCE}', sink: '{SINK}', options: {options} }}\n")
}

fn creates_and_is_content_with_server_defaults(world: &World) {
    let _endpoint = shop(world, &entry("{ group.id: g1, auto.offset.reset: earliest }"));
    let plan = world.plan();
    assert_eq!(ops(&plan), [format!("create {SOURCE} -> {SINK} @ g1")]);
    assert_eq!(
        fields(&plan["changes"][0]),
        [
            "options.auto.offset.reset: null → earliest",
            "options.group.id: null → g1"
        ]
    );
    world.apply();
    let live = world.subscriptions();
    assert_eq!(live.len(), 1);
    assert_eq!(live[0]["options"]["group.id"], "g1");

    let without = Endpoint::start(checkout(&["onOrder", "onRefund"]));
    wants(
        world,
        &without,
        &format!(
            "{}  - {{ source: '{SOURCE}', sink: 'service://Checkout/onRefund' }}\n",
            entry("{ group.id: g1 }")
        ),
    );
    let plan = world.plan();
    assert_eq!(findings(&plan), ["no-group-id"]);
    world.apply();
    assert_eq!(world.subscriptions().len(), 2);
}

fn options_that_differ_replace_with_the_same_group(world: &World) {
    let endpoint = shop(world, &entry("{ group.id: g1, auto.offset.reset: latest }"));
    world.apply();
    let old = world.subscriptions()[0]["id"].clone();
    wants(
        world,
        &endpoint,
        &entry("{ group.id: g1, auto.offset.reset: earliest }"),
    );
    let plan = world.plan();
    let change = &plan["changes"][0];
    assert_eq!(
        (&change["op"], &change["risk"]),
        (&json!("replace"), &json!("destructive"))
    );
    assert_eq!(change["resource"]["server_id"], old);
    assert_eq!(fields(change), ["options.auto.offset.reset: latest → earliest"]);
    let text = world.run(&["plan"]).expect(0).stdout;
    assert!(
        text.contains("replace, keeps group.id g1; at least once"),
        "{text}"
    );
    world.apply();
    let live = world.subscriptions();
    assert_eq!(live.len(), 1);
    assert_ne!(live[0]["id"], old);
    assert_eq!(live[0]["options"]["group.id"], "g1");
    assert_eq!(live[0]["options"]["auto.offset.reset"], "earliest");
}

fn live_options_that_the_file_does_not_list_are_carried(world: &World) {
    let _endpoint = shop(world, &entry("{ group.id: g1, auto.offset.reset: earliest }"));
    world.subscribe(
        SOURCE,
        SINK,
        &json!({ "group.id": "g1", "fetch.min.bytes": "7", "auto.offset.reset": "latest" }),
    );
    world.apply();
    let live = world.subscriptions();
    assert_eq!(live.len(), 1);
    assert_eq!(live[0]["options"]["fetch.min.bytes"], "7");
}

fn a_replace_needs_a_group_id(world: &World) {
    let endpoint = shop(world, &entry("{ auto.offset.reset: earliest }"));
    let id = world.subscribe(SOURCE, SINK, &json!({}));
    let plan = world.plan_with(&[], 5);
    let refused = &plan["changes"][0]["refused"];
    assert_eq!(refused["code"], "replace-needs-group-id");
    assert!(
        refused["help"]
            .as_str()
            .unwrap()
            .contains(&format!("group.id: {id}")),
        "{refused}"
    );
    // Pasting what the help says keeps the offsets.
    wants(
        world,
        &endpoint,
        &entry(&format!("{{ group.id: {id}, auto.offset.reset: earliest }}")),
    );
    world.apply();
    let live = world.subscriptions();
    assert_eq!(live.len(), 1);
    assert_eq!(live[0]["options"]["group.id"], json!(id));
    assert_ne!(live[0]["id"], json!(id));
}

fn another_group_needs_consent(world: &World) {
    let endpoint = shop(world, &entry("{ group.id: g2 }"));
    world.subscribe(SOURCE, SINK, &json!({ "group.id": "g1" }));
    let plan = world.plan_with(&[], 5);
    assert_eq!(
        ops(&plan),
        [format!("replace {SOURCE} -> {SINK} @ g2")],
        "never both at once"
    );
    let refused = &plan["changes"][0]["refused"];
    assert_eq!(refused["code"], "regroup");
    assert!(refused["help"].as_str().unwrap().contains("group.id: g1"));
    wants(
        world,
        &endpoint,
        &format!(
            "  - {{ source: '{SOURCE}', sink: '{SINK}', options: {{ group.id: g2 }}, allow: [regroup] }}\n"
        ),
    );
    world.apply();
    assert_eq!(world.subscriptions().len(), 1);
    assert_eq!(world.subscriptions()[0]["options"]["group.id"], "g2");
}

fn a_renamed_handler_is_a_replace(world: &World) {
    let endpoint = shop(world, &entry("{ group.id: g1 }"));
    world.apply();
    wants(
        world,
        &endpoint,
        &format!(
            "  - {{ source: '{SOURCE}', sink: 'service://Checkout/onRefund', options: {{ group.id: g1 }} }}\n"
        ),
    );
    let plan = world.plan();
    assert_eq!(plan["changes"][0]["op"], "replace");
    assert_eq!(
        fields(&plan["changes"][0]),
        [format!("sink: {SINK} → service://Checkout/onRefund")]
    );
    world.apply();
    let live = world.subscriptions();
    assert_eq!(
        (live.len(), &live[0]["sink"]),
        (1, &json!("service://Checkout/onRefund"))
    );
}

fn pairs_by_group_first(world: &World) {
    let _endpoint = shop(world, &(entry("{ group.id: g2 }") + &entry("{ group.id: g1 }")));
    world.subscribe(SOURCE, SINK, &json!({ "group.id": "g1" }));
    world.subscribe(SOURCE, SINK, &json!({ "group.id": "g2" }));
    assert_eq!(
        world.plan()["changes"],
        json!([]),
        "two groups are two subscriptions, both meant"
    );
}

fn duplicates_are_told_and_the_best_stays(world: &World) {
    let _endpoint = shop(world, &entry("{ group.id: g1, auto.offset.reset: earliest }"));
    let worse = world.subscribe(SOURCE, SINK, &json!({ "group.id": "g1" }));
    let best = world.subscribe(
        SOURCE,
        SINK,
        &json!({ "group.id": "g1", "auto.offset.reset": "earliest" }),
    );
    let plan = world.plan();
    assert_eq!(plan["changes"], json!([]));
    let duplicate = finding(&plan, "duplicate-subscription");
    assert_eq!(duplicate["resource"]["server_id"], json!(worse));
    assert!(duplicate["message"].as_str().unwrap().contains(&best));
    assert_eq!(plan["unmanaged"]["subscription"].as_array().unwrap().len(), 1);

    // Groups that are the subscriptions' own ids were chosen by nobody: those are duplicates too.
    let other = "kafka://main/refunds";
    world.subscribe(other, SINK, &json!({}));
    world.subscribe(other, SINK, &json!({}));
    let codes = findings(&world.plan());
    assert_eq!(codes, ["duplicate-subscription", "duplicate-subscription"]);
}

fn an_entry_without_group_is_ambiguous_beside_two(world: &World) {
    let _endpoint = shop(world, &format!("  - {{ source: '{SOURCE}', sink: '{SINK}' }}\n"));
    world.subscribe(SOURCE, SINK, &json!({ "group.id": "g1" }));
    assert_eq!(world.plan()["changes"], json!([]), "the only one is meant");
    world.subscribe(SOURCE, SINK, &json!({ "group.id": "g2" }));
    let plan = world.plan_with(&[], 1);
    assert_eq!(findings(&plan), ["ambiguous-subscription", "no-group-id"]);
    assert_eq!(plan["changes"], json!([]));
}

/// A duplicate of the entry stands between it and the other sink, however they are sorted.
fn a_group_shared_behind_a_duplicate(world: &World) {
    let _endpoint = world.has(["Alpha", "Mail", "Zeta"].map(super::service));
    for (topic, other) in [("before", "Alpha"), ("after", "Zeta")] {
        let options = json!({ "group.id": "g" });
        let source = format!("kafka://main/{topic}");
        for sink in ["Mail", "Mail", other] {
            world.subscribe(&source, &format!("service://{sink}/run"), &options);
        }
        world.wants(&format!(
            "subscriptions: [{{ source: '{source}', sink: service://Mail/run, options: {{ group.id: g }} }}]\n"
        ));
        let plan = world.plan_with(&[], 1);
        assert_eq!(finding(&plan, "group-shared")["severity"], "error");
    }
}

fn a_group_shared_with_an_unlisted_one(world: &World) {
    let _endpoint = shop(world, &entry("{ group.id: g1 }"));
    world.apply();
    world.subscribe(
        SOURCE,
        "service://Checkout/onRefund",
        &json!({ "group.id": "g1" }),
    );
    let plan = world.plan_with(&[], 1);
    assert_eq!(findings(&plan), ["group-shared"]);
}

fn a_sink_that_will_not_exist(world: &World) {
    let endpoint = shop(
        world,
        "  - { source: 'kafka://main/orders', sink: 'service://Checkout/onOder', options: { group.id: g1 } }\n",
    );
    let plan = world.plan_with(&[], 1);
    assert_eq!(finding(&plan, "unknown-sink")["help"], "did you mean `onOrder`?");
    wants(
        world,
        &endpoint,
        "  - { source: 'kafka://main/orders', sink: 'service://Chekcout/onOrder', options: { group.id: g1 } }\n",
    );
    assert_eq!(
        finding(&world.plan_with(&[], 1), "unknown-sink")["help"],
        "did you mean `Checkout`?"
    );
}

fn a_registration_that_removes_a_fed_handler(world: &World) {
    let _endpoint = shop(world, &entry("{ group.id: g1 }"));
    world.apply();
    world.subscribe(
        "kafka://main/refunds",
        "service://Checkout/onRefund",
        &json!({ "group.id": "g2" }),
    );
    let new = Endpoint::start(checkout(&["other"]));
    wants(world, &new, &entry("{ group.id: g1 }"));
    let plan = world.plan_with(&["--allow", "breaking"], 1);
    assert_eq!(
        findings(&plan),
        ["handler-in-use", "handler-in-use"],
        "a listed one and an unlisted one"
    );
    // What is not listed can be, with the group that keeps its offsets.
    let found = plan["findings"].as_array().unwrap();
    let helps: Vec<&str> = found.iter().filter_map(|found| found["help"].as_str()).collect();
    assert!(
        helps.iter().any(|help| help.contains("group.id: g2")),
        "{helps:?}"
    );
}

fn secrets_in_options(world: &World) {
    let endpoint = shop(world, &entry("{ group.id: g1, sasl.password: s3cr3t-one }"));
    world.apply();
    wants(
        world,
        &endpoint,
        &entry("{ group.id: g1, sasl.password: s3cr3t-two }"),
    );
    let plan = world.plan();
    if world.is_1_7() {
        // Redacted by the server: not comparable, no difference.
        assert_eq!(plan["changes"], json!([]));
        // What cannot be read cannot be carried to a new subscription.
        wants(
            world,
            &endpoint,
            &entry("{ group.id: g1, auto.offset.reset: earliest }"),
        );
        assert_eq!(
            world.plan_with(&[], 5)["changes"][0]["refused"]["code"],
            "redacted-option"
        );
    } else {
        assert_eq!(
            fields(&plan["changes"][0]),
            ["options.sasl.password: changed sensitive"]
        );
        assert!(!plan.to_string().contains("s3cr3t"));
    }
    wants(
        world,
        &endpoint,
        &entry("{ group.id: g1, auto.offset.reset: earliest, sasl.password: s3cr3t-two }"),
    );
    world.apply();
    let text = world.run(&["plan", "-v"]).expect(0);
    assert!(!format!("{}{}", text.stdout, text.stderr).contains("s3cr3t"));
}

fn subscribes_to_a_service_of_the_same_plan(world: &World) {
    let endpoint = Endpoint::start(checkout(&["onOrder"]));
    wants(world, &endpoint, &entry("{ group.id: g1 }"));
    let plan = world.plan();
    assert_eq!(plan["changes"][1]["depends_on"], json!([1]));
    assert_eq!(plan["changes"][1]["validated"], "after");
    world.apply();
    assert_eq!(world.subscriptions().len(), 1);
}

fn resends_what_cannot_be_compared(world: &World) {
    let _endpoint = shop(world, &entry("{ group.id: g1, sasl.password: s3cr3t-one }"));
    world.apply();
    let old = world.subscriptions()[0]["id"].clone();
    let key = format!("subscription/{SOURCE} -> {SINK} @ g1");
    let plan = world.plan_with(&["--resend", &key], 0);
    assert_eq!(ops(&plan), [format!("replace {SOURCE} -> {SINK} @ g1")]);
    if world.is_1_7() {
        assert_eq!(
            fields(&plan["changes"][0]),
            ["options.sasl.password: changed sensitive"]
        );
    }
    // Every form of the key that something shows will do, and what cannot be compared is told.
    for key in [
        format!("{SOURCE} → Checkout/onOrder"),
        format!("{SOURCE} → Checkout/onOrder @ g1"),
    ] {
        let plan = world.plan_with(&["--resend", &format!("subscription/{key}")], 0);
        assert_eq!(ops(&plan).len(), 1, "{key}");
    }
    if world.is_1_7() {
        let plan = world.plan();
        let help = finding(&plan, "not-compared")["help"].as_str().unwrap();
        assert!(help.contains(&format!("`--resend '{key}'`")), "{help}");
        let text = world.run(&["plan"]).expect(0).stdout;
        assert!(
            text.contains("as far as it can be compared") && text.contains("--resend"),
            "{text}"
        );
        let text = world.run(&["plan", "--format", "markdown"]).expect(0).stdout;
        assert!(text.contains("--resend"), "{text}");
    }
    world.apply_with(&["--resend", &key]);
    assert_ne!(world.subscriptions()[0]["id"], old);
    assert_eq!(world.subscriptions().len(), 1);
    let plan = world.plan_with(&["--resend", "subscription/kafka://main/other -> x"], 1);
    finding(&plan, "unknown-resend");
}

fn groups_in_effect_are_shared_too(world: &World) {
    let both = format!(
        "  - {{ source: '{SOURCE}', sink: '{SINK}' }}\n  - {{ source: '{SOURCE}', sink: 'service://Checkout/onRefund', options: {{ group.id: g }} }}\n"
    );
    let _endpoint = shop(world, &both);
    world.subscribe(SOURCE, SINK, &json!({ "group.id": "g" }));
    let plan = world.plan_with(&[], 1);
    assert_eq!(findings(&plan), ["group-shared", "no-group-id"]);
}

/// Servers since 1.7 list their Kafka clusters, with a group that all their subscriptions may share.
fn clusters_are_looked_at(world: &World) {
    let sources = |cluster: &str| {
        let source = format!("kafka://{cluster}/a");
        format!(
            "  - {{ source: '{source}', sink: '{SINK}' }}\n  - {{ source: '{source}', sink: 'service://Checkout/onRefund' }}\n"
        )
    };
    let endpoint = shop(world, &sources("mian"));
    if !world.is_1_7() {
        finding(&world.plan(), "cluster-not-checked");
        return;
    }
    let plan = world.plan_with(&[], 1);
    let unknown = finding(&plan, "unknown-kafka-cluster");
    assert_eq!(unknown["help"], "did you mean `main`?");
    assert_eq!(unknown["origin"]["line"], 4);
    let cluster = json!({
        "name": "grouped", "properties": { "bootstrap.servers": "127.0.0.1:9", "group.id": "of-the-cluster" },
    });
    assert_eq!(world.admin("POST", "/kafka-clusters", Some(&cluster)).0, 201);
    wants(world, &endpoint, &sources("grouped"));
    let plan = world.plan_with(&[], 1);
    assert_eq!(findings(&plan), ["group-shared", "no-group-id", "no-group-id"]);
    // A snapshot knows them too.
    world.run(&["snapshot", "--out", "snapshot.json"]).expect(0);
    let ran = world
        .desk
        .run(&["plan", "--live", "snapshot.json", "--format", "json"]);
    finding(&ran.expect(1).json(), "group-shared");
}

fn pairs_alike_in_any_order(world: &World) {
    let endpoint = shop(world, "");
    let id = world.subscribe(SOURCE, SINK, &json!({}));
    let (without, with) = (
        format!("  - {{ source: '{SOURCE}', sink: '{SINK}' }}\n"),
        entry(&format!("{{ group.id: {id} }}")),
    );
    let plan = |text: &str| {
        wants(world, &endpoint, text);
        ops(&world.plan())
    };
    let (one, other) = (plan(&(without.clone() + &with)), plan(&(with + &without)));
    assert_eq!(one, [format!("create {SOURCE} -> {SINK}")]);
    assert_eq!(one, other);
    world.apply();
    assert_eq!(world.subscriptions().len(), 2);
}

fn nobodys_groups_are_duplicates_beside_a_chosen_one(world: &World) {
    let _endpoint = shop(world, &entry("{ group.id: g1 }"));
    world.apply();
    let id = world.subscribe(SOURCE, SINK, &json!({}));
    let plan = world.plan();
    assert_eq!(
        (
            &plan["changes"],
            &finding(&plan, "duplicate-subscription")["resource"]["server_id"]
        ),
        (&json!([]), &json!(id))
    );
}
