//! What people read when a server cannot discover an endpoint, by cause.

use crate::endpoint::{Behaviour, Endpoint, unreachable_url};
use crate::suite::service;
use crate::world::World;
use std::time::Instant;

/// What a plan says of an endpoint, with what it advises.
#[track_caller]
fn said(world: &World, entry: &str) -> String {
    world.wants(&format!("deployments: [{{ {entry} }}]\n"));
    let plan = world.plan_with(&["--wait-endpoints", "0s"], 1);
    let found = &plan["findings"][0];
    format!(
        "{} {}",
        found["message"].as_str().unwrap(),
        found["help"].as_str().unwrap()
    )
}

#[test]
fn by_cause_on_every_server() {
    for version in ["1.7.12", "1.6.2", "1.5.3"] {
        let world = World::real(version);
        let behaving = |behaviour| {
            let endpoint = Endpoint::start(service("Mail"));
            endpoint.behave(behaviour);
            endpoint
        };
        let page = "<html>log in</html>".to_owned();
        let denied = behaving(Behaviour::Fail(403, page));
        let broken = behaving(Behaviour::Fail(500, "out of order".to_owned()));
        let moved = behaving(Behaviour::Redirect("https://login.example/x".to_owned()));
        let old = Endpoint::start_http1(service("Mail"));
        let new = Endpoint::start_http2(service("Mail"));
        let uri = |endpoint: &Endpoint| format!("uri: '{}'", endpoint.url());
        for (entry, parts) in [
            (
                format!("uri: '{}'", unreachable_url()),
                &["nothing listens there"][..],
            ),
            (
                "uri: 'http://nowhere.invalid'".to_owned(),
                &["cannot resolve the host"],
            ),
            (uri(&denied), &["403", "`additional_headers`", "identity key"]),
            (uri(&broken), &["500", "It said: out of order", "log"]),
            (uri(&moved), &["redirects to https://login.example/x"]),
            (
                format!("uri: '{}'", old.url_at("/other")) + ", use_http_11: true",
                &["404", "correct the path"],
            ),
            (uri(&old).replace("http:", "https:"), &["write `http://`"]),
            (uri(&old), &["write `use_http_11: true`"]),
            (uri(&new) + ", use_http_11: true", &["remove `use_http_11: true`"]),
            (
                "arn: 'arn:aws:lambda:eu-central-1:123456789012:function:mailer:7'".to_owned(),
                &["no AWS credentials"],
            ),
        ] {
            let said = said(&world, &entry);
            for part in parts {
                assert!(said.contains(part), "{version}: {entry}: {part}: {said}");
            }
            for noise in [
                "Response headers",
                "<html>",
                "DispatchFailure",
                "ImdsCredentials",
                "Attempted",
            ] {
                assert!(!said.contains(noise), "{version}: {entry}: {said}");
            }
        }
    }
}

/// It has decided: to wait would change nothing. What is not up yet is waited for, and that is told.
#[test]
fn what_is_waited_for() {
    let world = World::fake("1.7.12");
    let endpoint = Endpoint::start(service("Mail"));
    endpoint.behave(Behaviour::Fail(401, String::new()));
    world.wants(&format!("deployments: [{{ uri: '{}' }}]\n", endpoint.url()));
    let ran = world
        .run(&["apply", "--yes", "--wait-endpoints", "10m"])
        .expect(1);
    assert!(!ran.stderr.contains("waiting"), "{}", ran.stderr);
    endpoint.behave(Behaviour::Fail(503, "starting".to_owned()));
    let started = Instant::now();
    let ran = world.run(&["apply", "--yes", "--wait-endpoints", "2s"]).expect(1);
    let line = ran
        .stderr
        .lines()
        .find(|line| line.starts_with("waiting for"))
        .unwrap();
    assert!(
        line.contains(&endpoint.url()[..20]) && line.contains("for up to"),
        "{line}"
    );
    assert!(line.contains("starting"), "{line}");
    assert!(started.elapsed().as_secs() >= 2);
}
