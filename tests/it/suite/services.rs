//! Overrides of services that are there.

use super::{on_every_server, private_checkout, service, workflow};
use crate::endpoint::{Handler, Kind, Manifest, Service};
use crate::world::{World, fields, finding, findings};
use serde_json::json;

on_every_server! {
    what_was_changed_behind_its_back_is_mended,
    equal_durations_are_no_change,
    all_six_options,
    a_service_that_nothing_exposes,
    a_workflow_option_on_something_else,
    what_a_handler_declares_wins,
    request_response_has_no_inactivity,
}

fn what_was_changed_behind_its_back_is_mended(world: &World) {
    let _endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    // The web UI writes all options, also those that nobody touched.
    world.override_service(
        "Checkout",
        &json!({ "public": true, "idempotency_retention": "7d", "journal_retention": "2d", "inactivity_timeout": "1m" }),
    );
    let plan = world.plan();
    assert_eq!(fields(&plan["changes"][0]), ["public: true → false"]);
    assert_eq!(plan["changes"][0]["validated"], "local");
    assert_eq!(plan["changes"][0]["risk"], "safe");
    world.run(&["plan", "--detailed-exitcode"]).expect(2);
    world.apply();
    world.run(&["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(world.service("Checkout")["public"], false);
    assert_eq!(
        world.service("Checkout")["journal_retention"],
        "2d",
        "not managed, not touched"
    );
}

fn equal_durations_are_no_change(world: &World) {
    let endpoint = private_checkout(world, &["onOrder"]);
    world.apply();
    for same in ["1 week", "168h", "PT168H", "P7D", "6d 24h", "604800s"] {
        world.lists(
            [&endpoint],
            &format!("services: {{ Checkout: {{ idempotency_retention: {same} }} }}"),
        );
        assert_eq!(world.plan()["changes"], json!([]), "{same}");
    }
}

fn all_six_options(world: &World) {
    let _endpoint = world.serves(
        workflow("Signup"),
        "services:\n  Signup:\n    public: false\n    idempotency_retention: 36h\n    \
         journal_retention: 100us\n    inactivity_timeout: 0\n    abort_timeout: 1500ms\n    \
         workflow_completion_retention: 2w",
    );
    world.apply();
    let live = world.service("Signup");
    let shown = [
        "idempotency_retention",
        "journal_retention",
        "inactivity_timeout",
        "abort_timeout",
        "workflow_completion_retention",
    ]
    .map(|option| live[option].as_str().unwrap().to_owned());
    assert_eq!(shown, ["1d 12h", "100µs", "0s", "1s 500ms", "14d"]);
}

fn a_service_that_nothing_exposes(world: &World) {
    let _endpoint = world.serves(service("Checkout"), "services: { Checkuot: { public: false } }");
    let plan = world.plan_with(&[], 1);
    let unknown = finding(&plan, "unknown-service");
    assert_eq!(unknown["help"], "did you mean `Checkout`?");
    assert_eq!(unknown["origin"]["line"], 3);
    world.apply_fails(&[], 1);
    assert_eq!(world.deployments(), [""; 0], "nothing was changed");
}

fn a_workflow_option_on_something_else(world: &World) {
    let _endpoint = world.serves(
        service("Mail"),
        "services: { Mail: { workflow_completion_retention: 2d, public: false } }",
    );
    let plan = world.plan_with(&[], 1);
    assert_eq!(findings(&plan), ["not-a-workflow"]);
}

fn what_a_handler_declares_wins(world: &World) {
    let run = Handler::new("run").workflow_completion_retention_ms(7_200_000);
    let signup = Service::new("Signup", Kind::Workflow).handler(run);
    let _endpoint = world.serves(
        signup,
        "services: { Signup: { workflow_completion_retention: 5h, public: false } }",
    );
    let report = world.apply();
    assert_eq!(report["summary"]["done"], 2);
    assert_eq!(findings(&world.plan()), ["ineffective"]);
    assert!(
        finding(&world.plan(), "ineffective")["message"]
            .as_str()
            .unwrap()
            .contains("2h is what the workflow's handler declares")
    );
}

/// The server stores it and does not apply it. 1.5 applies it.
fn request_response_has_no_inactivity(world: &World) {
    let _endpoint = world.serves(
        Manifest::new().service(service("Mail")).request_response(),
        "services: { Mail: { inactivity_timeout: 5m } }",
    );
    world.apply();
    assert_eq!(
        findings(&world.plan()),
        if world.is_1_5() {
            vec![]
        } else {
            vec!["ineffective"]
        }
    );
}

mod clamped {
    //! A server with a maximum of six hours. 1.5 hides that it clamps, so the plan cannot be empty
    //! there (`maybe-clamped`), and it is not in this list.
    use super::{World, findings, json, private_checkout};

    fn clamped(world: &World) {
        let endpoint = private_checkout(world, &["onOrder"]);
        let wants = |retention: &str| {
            world.lists(
                [&endpoint],
                &format!("services: {{ Checkout: {{ journal_retention: {retention} }} }}"),
            );
        };
        wants("10h");
        world.apply();
        assert_eq!(findings(&world.plan()), ["ineffective"]);
        wants("3h");
        world.apply();
        assert_eq!(world.service("Checkout")["journal_retention"], "3h");
        // Known to be clamped only once the server has it.
        wants("10h");
        let report = world.apply();
        assert_eq!(report["changes"][0]["status"], json!("done"));
        assert!(
            report["changes"][0]["note"]
                .as_str()
                .unwrap()
                .contains("6h is in effect"),
            "{report}"
        );
    }

    #[test]
    fn fake_1_7() {
        clamped(&World::fake("1.7.12").clamping());
    }

    #[test]
    fn restate_1_7() {
        clamped(&World::real("1.7.12").clamping());
    }

    #[test]
    fn restate_1_6() {
        clamped(&World::real("1.6.2").clamping());
    }
}
