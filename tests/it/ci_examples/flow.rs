//! The steps of the workflows with the real program on a real server: plan on a branch, somebody else
//! changes the server, the plan is stale, plan again, apply, no drift.

use super::github::Hub;
use super::{APPLY, DRIFT, PLAN, PRUNE};
use crate::endpoint::Endpoint;
use crate::harness::Ran;
use crate::suite::{checkout, service};
use crate::world::World;
use serde_json::{Value, json};

/// A runner with the program on its path, and the files of the repository.
struct Runner {
    hub: Hub,
    world: World,
}

impl Runner {
    fn new(world: World, files: &str) -> Self {
        let mut hub = Hub::new(&json!({}));
        hub.edits
            .push(("https://*.internal", "http://127.0.0.1".to_owned()));
        hub.program(
            "restatectl",
            concat!("exec '", env!("CARGO_BIN_EXE_restatectl"), "' \"$@\""),
        );
        hub.desk.write("restate/checkout.yaml", files);
        Self { hub, world }
    }

    /// With what the step before it put out.
    fn step(&self, workflow: &str, job: &str, name: &str) -> Ran {
        let code = self
            .hub
            .read("output")
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("code=").map(str::to_owned));
        let url = self.world.admin_url();
        let code = code.unwrap_or_default();
        let env = [
            ("RESTATE_ADMIN_URL", url.as_str()),
            ("CHECKOUT_TOKEN", "flow-s3cret"),
            ("PR", "12"),
            ("CODE", &code),
        ];
        self.hub.step(workflow, job, name, &env)
    }

    /// Of the pull request, the comment of this kind.
    fn comment(&self, kind: &str) -> String {
        let store = self.hub.store();
        let marker = format!("<!-- restatectl-ci {kind} production -->");
        let bodies = store["comments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|comment| comment["body"].as_str().unwrap());
        let found: Vec<&str> = bodies.filter(|body| body.starts_with(&marker)).collect();
        assert_eq!(found.len(), 1, "one, kept up to date");
        found[0].to_owned()
    }
}

#[test]
fn a_pull_request_from_plan_to_drift() {
    let endpoint = Endpoint::start(checkout(&["onOrder"]));
    let files = format!(
        "version: 1\n\
         deployments:\n\
         - uri: {}\n  \
           additional_headers: {{ authorization: '${{env:CHECKOUT_TOKEN}}' }}\n\
         services:\n  \
           Checkout: {{ public: false, journal_retention: 2d }}\n  \
           Mail: {{ abort_timeout: 1h }}\n",
        endpoint.url()
    );
    let runner = Runner::new(World::real("1.7.12"), &files);
    let world = &runner.world;
    let _mail = world.has(service("Mail"));

    // The pull request.
    runner.step(PLAN, "plan", "Plan").expect(0);
    assert!(
        runner.hub.read("output").ends_with("code=2\n"),
        "there are changes"
    );
    runner.step(PLAN, "plan", "Comment").expect(0);
    let comment = runner.comment("plan");
    assert!(comment.contains("1 to register, 2 to configure"), "{comment}");
    let reviewed = runner.hub.read("restate.plan");
    assert!(!format!("{comment}{reviewed}").contains("flow-s3cret"));

    // Somebody else is quicker.
    world.override_service("Mail", &json!({ "abort_timeout": "3h" }));

    // The merge.
    let stale = runner.step(APPLY, "apply", "Apply").expect(4);
    assert!(stale.stdout.contains("::error "), "{}", stale.stdout);
    runner.step(APPLY, "apply", "Tell the pull request").expect(0);
    let told = runner.comment("apply");
    for part in [
        "the plan is stale",
        "`abort_timeout: ",
        "3h now",
        "1h wanted",
        "gh workflow run restate-apply.yml",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(world.deployments().len(), 1, "nothing was changed");

    // Planned anew by hand, reviewed, and applied.
    runner.step(APPLY, "plan", "Plan anew, by hand only").expect(0);
    assert_ne!(runner.hub.read("restate.plan"), reviewed);
    runner.step(APPLY, "apply", "Apply").expect(0);
    let live = world.service("Checkout");
    assert_eq!(
        (&live["public"], &live["journal_retention"]),
        (&json!(false), &json!("2d"))
    );
    assert_eq!(world.service("Mail")["abort_timeout"], "1h");
    let report: Value = serde_json::from_str(&runner.hub.read("apply.json")).unwrap();
    assert_eq!(report["outcome"], "complete");

    // The night after, and one after somebody clicked.
    runner.step(PRUNE, "prune", "Prune").expect(0);
    runner.step(DRIFT, "drift", "Compare").expect(0);
    assert!(
        runner.hub.read("output").ends_with("code=0\n"),
        "{}",
        runner.hub.read("output")
    );
    runner.step(DRIFT, "drift", "Close the issue").expect(0);
    world.override_service("Checkout", &json!({ "public": true }));
    runner.step(DRIFT, "drift", "Compare").expect(0);
    assert!(runner.hub.read("output").ends_with("code=2\n"));
    runner.step(DRIFT, "drift", "Open or update the issue").expect(0);
    let issue = runner.hub.store()["issues"][0]["body"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(issue.contains("public: true → false"), "{issue}");

    // A fork plans against what the night left.
    runner.step(DRIFT, "drift", "Take a snapshot").expect(0);
    let snapshot = runner.hub.read("restate.snapshot.json");
    assert!(!snapshot.contains("flow-s3cret"));
    runner.hub.desk.write("snapshot/restate.snapshot.json", snapshot);
    let offline = runner.hub.step(PLAN, "plan-offline", "Plan", &[]).expect(0);
    assert!(
        offline.stdout.contains("public: true → false"),
        "{}",
        offline.stdout
    );
}
