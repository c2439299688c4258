//! What servers say, and what is shown of it.

use super::{first_error, times};
use crate::endpoint::{Endpoint, unreachable_url};
use crate::fake::Fault;
use crate::harness::Ran;
use crate::scene::Entry;
use crate::suite::{checkout, service};
use crate::world::{World, findings, ops};
use serde_json::json;

#[test]
fn a_message_with_a_secret_and_terminal_codes_is_cleaned() {
    let world = World::fake("1.7.12");
    world.lists(
        [Entry::from(&unreachable_url()).with("additional_headers: { authorization: Bearer t0p/s3cr3t }")],
        "",
    );
    let echo =
        json!({ "message": "no: Bearer t0p/s3cr3t, t0p%2Fs3cr3t \u{1b}[2J", "restate_code": "META0003" })
            .to_string();
    world.as_fake().on(
        times("POST", "/deployments", 0, 9),
        Fault::Status(500, vec![], echo),
    );
    for format in ["text", "json"] {
        let ran = world.run(&["plan", "--format", format]).expect(1);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            !all.contains("s3cr3t") && !all.contains('\u{1b}') && !all.contains("\\u001b"),
            "{all}"
        );
    }
}

/// A weak secret: what the file writes in clear is shown, what the server says is masked.
#[test]
fn a_name_that_is_also_a_secret_is_masked_in_what_the_server_says_only() {
    let world = World::fake("1.7.12");
    world.wants("deployments:\n- uri: http://checkout:9080\n  additional_headers: { x-tenant: checkout }\n");
    let echo = json!({ "message": "no route: checkout", "restate_code": "META0003" }).to_string();
    world.as_fake().on(
        times("POST", "/deployments", 0, 9),
        Fault::Status(500, vec![], echo),
    );
    let shown = world.run(&["plan", "--wait-endpoints", "0"]).expect(1);
    let all = format!("{}{}", shown.stdout, shown.stderr);
    assert!(
        all.contains("http://checkout:9080") && !all.contains("http://(sensitive)"),
        "{all}"
    );
    assert!(all.contains("no route: (sensitive)"), "{all}");
}

/// Of a deployment that others registered with a password in its address.
#[test]
fn userinfo_of_live_deployments_is_not_shown() {
    let world = World::real("1.7.12");
    let endpoint = Endpoint::start(service("Mail"));
    world.register(&endpoint.url().replace("http://", "http://Bob:S3cretPw@"));
    let _new = world.serves(service("Mail"), "");
    for format in ["text", "json"] {
        let ran = world.run(&["plan", "-v", "--format", format]).expect(0);
        let all = format!("{}{}", ran.stdout, ran.stderr).to_lowercase();
        assert!(
            !all.contains("s3cretpw") && all.contains("***@127.0.0.1"),
            "{all}"
        );
    }
    assert_eq!(
        findings(&world.plan()),
        [""; 0],
        "its endpoint was asked what it serves, at its own address"
    );
}

#[test]
fn an_address_shared_by_two_deployments_is_told() {
    for version in ["1.7.12", "1.6.2"] {
        let world = World::real(version);
        let endpoint = Endpoint::start_at(["/a", "/b"].map(|path| (path, service("Mail"))));
        let first = world.register(&endpoint.url_at("/a"));
        world.register(&endpoint.url_at("/b"));
        let path = format!("/deployments/{}", first["id"].as_str().unwrap());
        let (status, body) = world.admin("PATCH", &path, Some(&json!({ "uri": endpoint.url_at("/b") })));
        assert_eq!(status, 200, "{body}");
        world.lists([endpoint.at("/b")], "");
        let plan = world.plan();
        assert_eq!(
            (&plan["changes"], findings(&plan)),
            (&json!([]), vec!["duplicate-deployment".to_owned()])
        );
    }
}

#[test]
fn a_refused_apply_says_why_in_its_report() {
    let world = World::fake("1.7.12");
    let _old = world.has(checkout(&["onOrder", "legacy"]));
    let _new = world.serves(checkout(&["onOrder"]), "");
    let report = world.apply_fails(&["--quiet"], 5);
    assert!(first_error(&report).contains("allow: [breaking]"), "{report}");
    world.lists([&unreachable_url()], "");
    let report = world.apply_fails(&["--quiet", "--wait-endpoints", "0"], 1);
    assert_eq!(report["findings"][0]["code"], "endpoint-unreachable");
}

/// What the server tells may repeat a secret of the files: it is called by its name, and not shown.
#[test]
fn a_live_key_that_repeats_a_secret() {
    let world = World::fake("1.7.12");
    let mail = Endpoint::start(service("Mail"));
    let secret = || mail.with("additional_headers: { authorization: Bearer hunter2secret }");
    world.lists([secret()], "");
    world.apply();
    for group in ["a-hunter2secret", "b-hunter2secret"] {
        let options = json!({ "group.id": group, "client.id": "hunter2secret" });
        world.subscribe("kafka://main/orders", "service://Mail/run", &options);
    }
    world.lists(
        [secret()],
        "subscriptions: []\nprune: { subscriptions: delete }\nsafety: { max_deletes: 2 }\n",
    );
    let key = "subscription/kafka://main/orders -> service://Mail/run @ a-hunter2secret";
    let plan = world.plan_with(&["--target", key], 0);
    assert_eq!(
        ops(&plan),
        ["delete kafka://main/orders -> service://Mail/run @ a-(sensitive)"]
    );
    for args in [&["plan"][..], &["plan", "--format", "json"], &["drift"]] {
        let ran = world.run(args);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains("hunter2secret"), "{all}");
    }
    world.run(&["apply", "--yes", "--target", key]).expect(0);
    assert_eq!(world.subscriptions().len(), 1);
}

/// What others register does not change what the files say.
#[test]
fn the_digest_of_the_files_is_theirs_alone() {
    let world = World::fake("1.7.12");
    let mail = Endpoint::start(service("Mail"));
    world.desk.write(
        "restate.yaml",
        format!(
            "version: 1\nvariables: {{ env: {{ default: staging-eu }} }}\n\
             deployments: [{{ uri: {}, metadata: {{ env: '${{var:env}}' }} }}]\n",
            mail.url()
        ),
    );
    let before = world.plan();
    let other = Endpoint::start(service("Other"));
    let headers = json!({ "uri": other.url(), "additional_headers": { "x-env": "staging-eu" } });
    let (status, _) = world.admin("POST", "/deployments", Some(&headers));
    assert_eq!(status, 201);
    let after = world.plan();
    assert_eq!(before["desired"]["digest"], after["desired"]["digest"]);
}

/// A full disk: nobody has read the result, so nobody is told that all is well.
#[test]
fn a_result_that_cannot_be_written() {
    let world = World::fake("1.7.12");
    let _mail = world.serves(service("Mail"), "services: { Mail: { public: false } }");
    let full = |args: &[&str]| {
        let disk = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = Ran::of(world.desk.command(args).stdout(disk).spawn().unwrap());
        assert!(
            ran.stderr.contains("the result cannot be written: No space left"),
            "{args:?}: {}",
            ran.stderr
        );
        ran.code
    };
    for args in [
        &["validate"][..],
        &["plan"],
        &["plan", "--format", "json"],
        &["drift"],
        &["export"],
        &["graph"],
        &["explain"],
        &["schema", "plan"],
        &["completions", "bash"],
        &["--help"],
    ] {
        assert_eq!(full(args), 1, "{args:?}");
    }
    assert_eq!(full(&["apply", "--yes"]), 3, "after the first write");
    assert_eq!(world.service("Mail")["public"], false);
    assert_eq!(full(&["apply", "--yes"]), 1, "there was nothing to do");
}
