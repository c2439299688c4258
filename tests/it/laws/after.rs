//! What an apply has done, beside what its plan said and what the file says.

use super::scene::{SERVICES, Scene};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub fn needs_come_first(plan: &Value) -> Result<(), TestCaseError> {
    for (change, id) in plan["changes"].as_array().unwrap().iter().zip(1u64..) {
        prop_assert_eq!(&change["id"], &json!(id));
        for need in change["depends_on"].as_array().unwrap() {
            prop_assert!(need.as_u64().unwrap() < id);
        }
    }
    Ok(())
}

/// What the plan said of revisions, types and handlers is what the server has.
pub fn predicted(plan: &Value, after: &Value) -> Result<(), TestCaseError> {
    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    for service in plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|c| c["services"].as_array().into_iter().flatten())
    {
        last.insert(service["name"].as_str().unwrap(), service);
    }
    for live in after["services"].as_array().unwrap() {
        if let Some(said) = last.get(live["name"].as_str().unwrap()) {
            prop_assert_eq!(
                &live["revision"],
                &said["revision_after"],
                "{:#}",
                plan["changes"]
            );
            prop_assert_eq!(&live["ty"], &said["type"]);
            let has = |name: &Value| {
                live["handlers"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|h| h["name"] == *name)
            };
            prop_assert!(said["handlers_added"].as_array().unwrap().iter().all(has));
            prop_assert!(!said["handlers_removed"].as_array().unwrap().iter().any(has));
        }
    }
    let names = |live: &Value| -> BTreeSet<String> {
        let services = live["services"].as_array().unwrap().iter();
        services
            .map(|service| service["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for (name, said) in &last {
        prop_assert_eq!(
            names(after).contains(*name),
            !said["revision_after"].is_null(),
            "{}",
            name
        );
    }
    for change in plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["op"] == "configure")
    {
        let live = after["services"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["name"] == change["resource"]["key"]);
        for field in change["fields"].as_array().unwrap() {
            let name = field["path"][0].as_str().unwrap();
            prop_assert_eq!(
                &live.unwrap()[name],
                &field["after"],
                "{} of {}",
                name,
                change["resource"]["key"]
            );
        }
    }
    Ok(())
}

/// What the plan said is deleted, and nothing else is; above all nothing of another stack.
pub fn deleted(scene: &Scene, plan: &Value, before: &Value, after: &Value) -> Result<(), TestCaseError> {
    let gone: Vec<&Value> = (plan["changes"].as_array().unwrap().iter())
        .filter(|change| ["delete", "replace"].contains(&change["op"].as_str().unwrap()))
        .map(|change| &change["resource"]["server_id"])
        .collect();
    for kind in ["deployments", "subscriptions"] {
        for item in before[kind].as_array().unwrap() {
            let is_there = after[kind]
                .as_array()
                .unwrap()
                .iter()
                .any(|other| other["id"] == item["id"]);
            prop_assert_eq!(is_there, !gone.contains(&&item["id"]), "{} {}", kind, item);
            let mark = item["metadata"]["restatectl.stack"].as_str();
            prop_assert!(
                is_there || kind != "deployments" || mark == scene.stack,
                "{}",
                item
            );
        }
    }
    Ok(())
}

/// Without consent no service that was private is public, unless the file says so.
pub fn hidden(scene: &Scene, before: &Value, after: &Value) -> Result<(), TestCaseError> {
    for was in before["services"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["public"] == false)
    {
        let now = after["services"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["name"] == was["name"]);
        let wanted = (scene.overrides.iter())
            .find(|(service, _)| was["name"] == SERVICES[**service].0)
            .and_then(|(_, overrides)| overrides["public"].as_bool());
        if !scene.expose && wanted != Some(true) {
            prop_assert!(now.is_none_or(|now| now["public"] == false), "{}", was);
        }
    }
    Ok(())
}

/// What the file manages is as it says; above all, no private service is public.
pub fn managed(scene: &Scene, after: &Value) -> Result<(), TestCaseError> {
    let spelled = |value: &Value| {
        if value == "36h" {
            json!("1d 12h")
        } else if value == "90s" {
            json!("1m 30s")
        } else {
            value.clone()
        }
    };
    for (service, overrides) in &scene.overrides {
        let live = after["services"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["name"] == SERVICES[*service].0);
        let live = live
            .ok_or_else(|| TestCaseError::fail("an override of a service that is not there was accepted"))?;
        for (option, wanted) in overrides.as_object().unwrap() {
            prop_assert_eq!(
                &live[option],
                &spelled(wanted),
                "{} of {}",
                option,
                SERVICES[*service].0
            );
        }
    }
    for wanted in &scene.subscriptions {
        let wanted = wanted.json();
        let fitting = after["subscriptions"].as_array().unwrap().iter().filter(|live| {
            let options = wanted["options"].as_object().unwrap();
            live["source"] == wanted["source"]
                && live["sink"] == wanted["sink"]
                && options
                    .iter()
                    .all(|(name, value)| live["options"][name] == *value)
        });
        prop_assert!(fitting.count() >= 1, "{} is not there", wanted);
    }
    Ok(())
}
