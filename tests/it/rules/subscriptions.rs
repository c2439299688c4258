//! Which entry means which live subscription, and what becomes of the others.

use super::Scene;
use restatectl::kind::subscription::live::Clusters;
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

/// The cluster of a source is there, if the server lists its clusters.
#[test]
fn a_cluster_that_is_not_there() {
    let plan = |clusters: Clusters, source: &str| {
        let mut scene = with(&[]);
        scene.clusters = clusters;
        let entry =
            format!("{{ source: kafka://{source}/a, sink: service://Mail/run, options: {{ group.id: g }} }}");
        scene.plan(&format!(
            "subscriptions: [{entry}, {}]\n",
            entry.replace("/a,", "/b,")
        ))
    };
    let listed = || Some([("main".to_owned(), None)].into());
    assert_eq!(plan(listed(), "main").findings(), [""; 0]);
    let wrong = plan(listed(), "mian");
    assert_eq!(wrong.findings(), ["unknown-kafka-cluster"; 2]);
    let help = wrong.0.findings[0].help.as_deref();
    assert_eq!(help, Some("did you mean `main`?"));
    assert_eq!(plan(None, "main").findings(), ["cluster-not-checked"]);
}

/// A cluster's own `group.id` is that of all its subscriptions that write none.
#[test]
fn the_group_of_a_cluster() {
    let sinks = |options: &str| {
        let entry = |sink: &str| {
            format!("{{ source: kafka://main/a, sink: service://Mail/{sink}, options: {{ {options} }} }}")
        };
        format!("subscriptions: [{}, {}]\n", entry("run"), entry("send"))
    };
    let scene = |group: Option<&str>| {
        let handlers = json!({ "handlers": [{ "name": "run" }, { "name": "send" }] });
        let scene = Scene::new().deployment("v1", 9, &[("Mail", 1)]);
        let mut scene = scene.service("Mail", "v1", 1, &handlers);
        scene.clusters = Some([("main".to_owned(), group.map(str::to_owned))].into());
        scene
    };
    assert_eq!(scene(None).plan(&sinks("")).findings(), [""; 0]);
    assert_eq!(scene(Some("g")).plan(&sinks("")).findings(), ["group-shared"]);
    // What has the group of the cluster is what an entry without one means.
    let live = |scene: Scene| {
        let scene = scene.subscription("sub_1", "Mail/run", &json!({ "group.id": "other" }));
        scene.subscription("sub_2", "Mail/run", &json!({ "group.id": "g" }))
    };
    let one = "subscriptions: [{ source: kafka://main/orders, sink: service://Mail/run }]\n";
    assert_eq!(live(scene(None)).plan(one).findings(), ["ambiguous-subscription"]);
    assert_eq!(live(scene(Some("g"))).plan(one).findings(), [""; 0]);
}

/// A topic that is a regular expression reads the records of those that match.
#[test]
fn a_pattern_of_topics() {
    for (pattern, group, shared) in [
        ("^ord.*", "g", true),
        ("^ord.*", "other", false),
        ("^mail", "g", false),
        ("^(", "g", false),
    ] {
        let plan = with(&[]).plan(&format!(
            "subscriptions:\n\
             - {{ source: 'kafka://main/{pattern}', sink: service://Mail/send, options: {{ group.id: {group} }} }}\n\
             - {{ source: kafka://main/orders, sink: service://Mail/run, options: {{ group.id: g }} }}\n"
        ));
        let is_told = plan.findings().contains(&"group-shared");
        assert_eq!(is_told, shared, "{pattern} {group}");
    }
}
