//! Which entry means which live subscription, and what becomes of the others.

use super::Scene;
use serde_json::json;

const KEY: &str = "kafka://main/orders -> service://Mail/run";

/// A service to feed, and subscriptions to it: id and consumer group.
fn with(subscriptions: &[(&str, &str)]) -> Scene {
    let scene = Scene::new()
        .deployment("v1", 9, &[("Mail", 1)])
        .service("Mail", "v1", 1, &json!({}));
    subscriptions.iter().fold(scene, |scene, (id, group)| {
        scene.subscription(id, "Mail/run", &json!({ "group.id": group }))
    })
}

fn file(options: &str, more: &str) -> String {
    format!(
        "subscriptions: [{{ source: kafka://main/orders, sink: service://Mail/run, options: {{ {options} }} }}]\n{more}"
    )
}

#[test]
fn an_entry_means_the_one_with_its_group() {
    for (live, options, changes) in [
        (&[][..], "group.id: g", vec![format!("create {KEY} @ g")]),
        (&[("sub_1", "g")], "group.id: g", vec![]),
        (&[("sub_1", "g"), ("sub_2", "h")], "group.id: g", vec![]),
        // The group is the subscription's own id: nobody chose it.
        (&[("sub_1", "sub_1")], "", vec![]),
        (
            &[("sub_1", "g")],
            "group.id: g, auto.offset.reset: earliest",
            vec![format!("replace {KEY} @ g")],
        ),
    ] {
        let plan = with(live).plan(&file(options, ""));
        assert_eq!(plan.changes(), changes, "{live:?} {options}");
    }
}

/// With another group the topic is read again from where `auto.offset.reset` says.
#[test]
fn another_group_needs_consent() {
    let wanted = file("group.id: new", "");
    let plan = with(&[("sub_1", "old")]).plan(&wanted);
    let [change] = &plan.changes()[..] else {
        panic!("{:?}", plan.changes())
    };
    assert!(change.starts_with("!regroup replace "), "{change}");
    let plan = with(&[("sub_1", "old")]).allowing(&["regroup"]).plan(&wanted);
    assert_eq!(plan.changes(), [format!("replace {KEY} @ new")]);
}

#[test]
fn duplicates_go_if_the_file_prunes() {
    let live = [("sub_1", "g"), ("sub_2", "g"), ("sub_3", "g")];
    let plan = with(&live).plan(&file("group.id: g", ""));
    assert_eq!(plan.changes(), [""; 0]);
    let plan = with(&live).plan(&file("group.id: g", "prune: { subscriptions: delete }\n"));
    let delete = format!("delete {KEY} @ g");
    assert_eq!(plan.changes(), [delete.clone(), delete]);
}

#[test]
fn a_sink_that_is_not_there() {
    for sink in ["Mail/send", "Post/run"] {
        let plan = with(&[]).plan(&format!(
            "subscriptions: [{{ source: kafka://main/orders, sink: service://{sink} }}]\n"
        ));
        assert_eq!(plan.findings(), ["unknown-sink"], "{sink}");
    }
}
