//! What answers at the address: servers that are not what they should be, and gateways.

use super::{desk, problem};
use crate::fake::{Fake, Fault, Match};
use crate::world::World;

#[test]
fn a_server_that_is_down() {
    let desk = desk();
    assert_eq!(
        problem(&desk, &["--admin-url", "http://127.0.0.1:1"]),
        (1, "server-unreachable".to_owned())
    );
}

#[test]
fn servers_that_are_not_restate() {
    let desk = desk();
    for fault in [
        Fault::Html,
        Fault::Status(404, vec![], String::new()),
        Fault::Status(200, vec![], "{}".to_owned()),
    ] {
        let fake = Fake::start("1.7.12");
        fake.on(
            Match {
                times: 99,
                ..Match::first("GET", "/version")
            },
            fault,
        );
        assert_eq!(
            problem(&desk, &["--admin-url", fake.admin_url()]),
            (1, "not-restate".to_owned())
        );
    }
}

#[test]
fn the_ingress_is_not_the_admin_api() {
    let world = World::real("1.7.12");
    let crate::world::Target::Real(server) = &world.target else {
        unreachable!()
    };
    let args = ["--admin-url", server.ingress_url()];
    assert_eq!(problem(&desk(), &args), (1, "not-restate".to_owned()));
    let said = desk()
        .run(&[&["plan"], &args[..]].concat())
        .stderr
        .replace("\n  │ ", " ");
    assert!(
        said.contains("it is the ingress") && said.contains("given by `--admin-url`"),
        "{said}"
    );
}

#[test]
fn servers_that_are_too_old() {
    let desk = desk();
    for version in ["1.1.0", "1.4.0"] {
        let fake = Fake::start(version);
        assert_eq!(
            problem(&desk, &["--admin-url", fake.admin_url()]),
            (1, "server-too-old".to_owned())
        );
        let ran = desk.run(&["plan", "--admin-url", fake.admin_url()]).expect(1);
        assert!(
            ran.stderr.contains(version) && ran.stderr.contains("1.5"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_server_that_no_longer_speaks_our_version() {
    let fake = Fake::start("1.7.12");
    let version = r#"{"version":"2.0.0","min_admin_api_version":9,"max_admin_api_version":9}"#;
    let answer = Fault::Status(200, vec![], version.to_owned());
    let always = Match {
        times: 99,
        ..Match::first("GET", "/version")
    };
    fake.on(always, answer);
    assert_eq!(
        problem(&desk(), &["--admin-url", fake.admin_url()]),
        (1, "server-too-new".to_owned())
    );
}

#[test]
fn a_server_that_fails() {
    let fake = Fake::start("1.7.12");
    let broken = Fault::Status(500, vec![], "broken".to_owned());
    let always = Match {
        times: 99,
        ..Match::first("GET", "/services")
    };
    fake.on(always, broken);
    assert_eq!(
        problem(&desk(), &["--admin-url", fake.admin_url()]),
        (1, "server-error".to_owned())
    );
}

/// What a gateway says is not taken for the server's word.
#[test]
fn a_gateway_in_between() {
    let said = |path: &str, fault: Fault| {
        let fake = Fake::start("1.7.12");
        fake.on(
            Match {
                times: 99,
                ..Match::first("GET", path)
            },
            fault,
        );
        let ran = desk().run(&["plan", "--admin-url", fake.admin_url()]).expect(1);
        ran.stderr.replace("\n  │ ", " ")
    };
    let page = "<html><body>Bad gateway</body></html>".to_owned();
    let wait = vec![("retry-after".to_owned(), "30".to_owned())];
    let text = said("/services", Fault::Status(502, wait, page));
    for part in [
        "GET /v4/services answered 502 Bad Gateway",
        "it asks to wait 30 s",
    ] {
        assert!(text.contains(part) && !text.contains("<html>"), "{text}");
    }
    let text = said(
        "/services",
        Fault::Status(503, vec![], "no healthy upstream".to_owned()),
    );
    assert!(
        text.contains("GET /v4/services answered 503") && text.contains("no healthy upstream"),
        "{text}"
    );
    let text = said("/services", Fault::Status(403, vec![], "<html>".to_owned()));
    assert!(
        text.contains("refused GET /v4/services (403 Forbidden)"),
        "{text}"
    );
    let text = said("/services", Fault::Redirect("https://login.example/".to_owned()));
    assert!(
        text.contains("redirects GET /v4/services to https://login.example/"),
        "{text}"
    );
    let text = said("/services", Fault::Html);
    assert!(
        text.contains("a page for browsers") && !text.contains('<'),
        "{text}"
    );
}
