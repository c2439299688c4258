//! What holds for any pair of desired and live state, on random ones.

mod after;
mod scene;

use crate::endpoint::{Endpoint, Manifest};
use crate::world::World;
use after::{deleted, hidden, managed, needs_come_first, predicted};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use scene::{Scene, scene};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// Everything there is on the server, in a fixed order.
fn everything(world: &World) -> Value {
    let sorted = |path: &str, list: &str, key: &str| {
        let mut items = world.get(path)[list].as_array().unwrap().clone();
        items.sort_by_key(|item| item[key].as_str().unwrap().to_owned());
        for item in &mut items {
            for inner in ["handlers", "services"] {
                if let Some(list) = item[inner].as_array_mut() {
                    list.sort_by_key(|entry| entry["name"].as_str().unwrap().to_owned());
                }
            }
        }
        Value::from(items)
    };
    json!({
        "deployments": sorted("/deployments", "deployments", "id"),
        "services": sorted("/services", "services", "name"),
        "subscriptions": sorted("/subscriptions", "subscriptions", "id"),
    })
}

const ALLOW: [&str; 10] = [
    "--allow",
    "breaking",
    "--allow",
    "regroup",
    "--allow",
    "overwrite",
    "--allow",
    "promote",
    "--allow",
    "deletes=99",
];

/// What came of a scene, so that the test can see that it saw enough of each.
fn check(world: &World, endpoint: &Endpoint, scene: &Scene) -> Result<i32, TestCaseError> {
    scene.set(world, endpoint);
    let before = everything(world);
    let expose: &[&str] = if scene.expose { &["--allow", "expose"] } else { &[] };
    let allow = [&ALLOW[..], expose].concat();
    // One law or the other, to save time.
    let saves = scene.listed.len().is_multiple_of(2);
    if !saves {
        exported(world, scene, &before)?;
    }
    let ran = world.run(&[&["plan", "--format", "json"], &allow[..]].concat());
    prop_assert!([0, 1, 5].contains(&ran.code), "{}", ran.stderr);
    prop_assert_eq!(&everything(world), &before, "a plan changes nothing");
    let plan = ran.json();
    if plan["outcome"] == "error" {
        // The file itself is wrong, such as a group shared by two of its entries.
        return Ok(ran.code);
    }
    crate::schemas::assert_valid("plan", &plan);
    needs_come_first(&plan)?;

    let applied = if saves && ran.code == 0 {
        // Read back, it is what was printed, and it does the same.
        world.desk.write("plan.json", ran.stdout);
        world.run(&["apply", "plan.json", "--yes", "--format", "json"])
    } else {
        world.run(&[&["apply", "--yes", "--format", "json"], &allow[..]].concat())
    };
    prop_assert_eq!(applied.code, ran.code, "{}\n{}", applied.stdout, applied.stderr);
    if applied.code != 0 {
        prop_assert_eq!(&everything(world), &before, "what is refused changes nothing");
        return Ok(ran.code);
    }
    let after = everything(world);
    predicted(&plan, &after)?;
    deleted(scene, &plan, &before, &after)?;
    hidden(scene, &before, &after)?;
    managed(scene, &after)?;
    let again = world.run(&["plan", "--format", "json"]);
    prop_assert_eq!(again.code, 0, "{}", again.stdout);
    prop_assert_eq!(
        &again.json()["changes"],
        &json!([]),
        "a plan after an apply is empty"
    );
    if saves {
        let applied = world
            .run(&["apply", "plan.json", "--yes", "--format", "json"])
            .json();
        let is_done = applied["outcome"] == "nothing-to-do";
        // A deletion that has to wait may be due by now, and what it frees as well.
        prop_assert!(is_done, "{:#}", applied);
    } else {
        exported(world, scene, &after)?;
    }
    Ok(0)
}

/// A plan of an export changes nothing, and one against a snapshot says the same as one against the
/// server, as far as it can.
fn exported(world: &World, scene: &Scene, live: &Value) -> Result<(), TestCaseError> {
    // What an endpoint serves now is not on the server.
    let discover = if scene.recoded.is_empty() { "all" } else { "none" };
    let marks: BTreeSet<Option<&str>> = (live["deployments"].as_array().unwrap().iter())
        .map(|deployment| deployment["metadata"]["restatectl.stack"].as_str())
        .chain([None])
        .collect();
    for mark in marks {
        let mut args = vec!["export"];
        args.extend(mark.into_iter().flat_map(|mark| ["--stack", mark]));
        let text = world.run(&args);
        prop_assert_eq!(text.code, 0, "{}", text.stderr);
        world.desk.write("export.yaml", &text.stdout);
        let mut command = world.desk.command(&[
            "plan",
            "-f",
            "export.yaml",
            "--discover",
            discover,
            "--format",
            "json",
        ]);
        let asked = text
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("#   ")?.split_once(": the header x-key"));
        for (name, _) in asked {
            command.env(name, "some-value");
        }
        let plan = crate::harness::Ran::of(command.spawn().unwrap());
        prop_assert_eq!(plan.code, 0, "{}\n{}\n{}", plan.stdout, plan.stderr, text.stdout);
        prop_assert_eq!(&plan.json()["changes"], &json!([]), "{}", text.stdout);
        // What serves is in it, unless no order of the entries could say who serves what.
        for deployment in live["deployments"].as_array().unwrap() {
            let serves = (live["services"].as_array().unwrap().iter())
                .any(|service| service["deployment_id"] == deployment["id"]);
            let uri = deployment["uri"].as_str().unwrap();
            let is_listed = text.stdout.contains(&format!("uri: {uri}\n"));
            // Or another stack's deployment serves what else it exposes.
            let is_left_out = |line: &str| {
                line.contains(&format!("deployment {uri} (")) && line.contains("would have to serve")
            };
            let is_told = text.stdout.lines().any(is_left_out);
            if serves && deployment["metadata"]["restatectl.stack"].as_str() == mark {
                prop_assert!(is_listed != is_told, "{} is lost in\n{}", uri, text.stdout);
            }
        }
    }
    prop_assert_eq!(&everything(world), live, "an export changes nothing");
    world.run(&["snapshot", "--out", "snapshot.json"]).expect(0);
    let args = [
        "plan",
        "--live",
        "snapshot.json",
        "-f",
        "export.yaml",
        "--format",
        "json",
    ];
    let offline = world.run(&args);
    prop_assert_eq!(offline.code, 0, "{}", offline.stdout);
    prop_assert_eq!(&offline.json()["changes"], &json!([]));
    Ok(())
}

/// How many scenes are checked at once: for the most part they wait for processes and for servers.
const AT_ONCE: u32 = 4;

fn run(cases: u32, stacks: bool, world: impl Fn() -> World + Sync) {
    let seen = Mutex::new(BTreeMap::<i32, u32>::new());
    let check_some = |part: u32| {
        let mut config = Config {
            cases: cases / AT_ONCE + u32::from(part < cases % AT_ONCE),
            failure_persistence: None,
            max_shrink_iters: 200,
            ..Config::default()
        };
        // From one seed, the parts would all get the same scenes.
        if let RngSeed::Fixed(seed) = config.rng_seed {
            config.rng_seed = RngSeed::Fixed(seed.wrapping_add(part.into()));
        }
        let outcome = TestRunner::new(config).run(&scene(stacks), |scene| {
            let endpoint = Endpoint::start(Manifest::new());
            let code = check(&world(), &endpoint, &scene)?;
            *seen.lock().unwrap().entry(code).or_default() += 1;
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
    };
    std::thread::scope(|threads| {
        for part in 0..AT_ONCE {
            let check_some = &check_some;
            threads.spawn(move || check_some(part));
        }
    });
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.values().sum::<u32>(), cases, "each scene is checked");
    assert!(
        seen.get(&0).is_some_and(|n| *n >= cases / 10),
        "too few scenes could be applied: {seen:?}"
    );
}

#[test]
fn on_the_fake_of_1_7() {
    run(1000, true, || World::fake("1.7.12"));
}

#[test]
fn on_the_fake_of_1_5() {
    run(400, false, || World::fake("1.5.3"));
}

#[test]
fn on_restate_1_7() {
    run(50, true, || World::real("1.7.12"));
}

#[test]
fn on_restate_1_6() {
    run(50, true, || World::real("1.6.2"));
}
