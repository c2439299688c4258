//! Which server, with which token, and servers that are not what they should be.

use crate::fake::{Fake, Fault, Match};
use crate::harness::{Desk, Ran};
use crate::world::World;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("restate.yaml", "version: 1\n");
    desk
}

/// The code of the problem that ends a plan, and its exit code.
#[track_caller]
fn problem(desk: &Desk, args: &[&str]) -> (i32, String) {
    let args = [&["plan", "--format", "json"], args].concat();
    let ran = desk.run(&args);
    let json = ran.json();
    assert_eq!(json["outcome"], "error", "{json}");
    assert!(ran.stdout.ends_with("}\n"));
    let text = desk.run(&[&["plan"], &args[3..]].concat());
    assert_eq!((text.code, text.stdout.as_str()), (ran.code, ""));
    (ran.code, json["problems"][0]["code"].as_str().unwrap().to_owned())
}

fn tokens(fake: &Fake) -> Vec<Option<String>> {
    let requests = fake.requests();
    requests
        .iter()
        .map(|r| r.header("authorization").map(str::to_owned))
        .collect()
}

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
    assert_eq!(
        problem(&desk(), &["--admin-url", server.ingress_url()]),
        (1, "not-restate".to_owned())
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

#[test]
fn a_token_that_is_refused() {
    let fake = Fake::start("1.7.12");
    fake.require_token(Some("right-token".to_owned()));
    let mut desk = desk();
    assert_eq!(
        problem(&desk, &["--admin-url", fake.admin_url()]),
        (1, "token-refused".to_owned())
    );
    desk.set_env("TOKEN", "wrong-token");
    let args = ["--admin-url", fake.admin_url(), "--token-env", "TOKEN"];
    assert_eq!(problem(&desk, &args), (1, "token-refused".to_owned()));
    desk.set_env("TOKEN", "right-token");
    desk.run(&[&["plan"], &args[..]].concat()).expect(0);
    fake.on(Match::first("GET", "/services"), Fault::Unauthorized);
    desk.run(&[&["plan"], &args[..]].concat()).expect(1);
    assert_eq!(
        problem(&desk, &["--token-env", "NOT_SET"]),
        (1, "no-token".to_owned())
    );
}

#[test]
fn the_token_follows_no_redirect() {
    let (fake, other) = (Fake::start("1.7.12"), Fake::start("1.7.12"));
    fake.on(
        Match::first("GET", "/version"),
        Fault::Redirect(format!("{}/version", other.admin_url())),
    );
    let mut desk = desk();
    desk.set_env("TOKEN", "some-token");
    let args = ["plan", "--admin-url", fake.admin_url(), "--token-env", "TOKEN"];
    let ran = desk.run(&args).expect(1);
    assert!(ran.stderr.contains("redirects"), "{}", ran.stderr);
    assert!(other.requests().is_empty());
}

#[test]
fn the_token_goes_over_plain_http_to_this_machine_only() {
    let mut desk = desk();
    desk.set_env("RESTATE_ADMIN_URL", "http://admin.example:9070");
    desk.set_env("RESTATE_AUTH_TOKEN", "some-token");
    assert_eq!(problem(&desk, &[]), (1, "insecure-http".to_owned()));
    let other = Desk::new();
    other.write("restate.yaml", "version: 1\n");
    let args = [
        "--admin-url",
        "http://admin.example:9070",
        "--header",
        "x-key=abcdef",
    ];
    assert_eq!(problem(&other, &args), (1, "insecure-http".to_owned()));
    // What listens on every address of this machine is on this machine. Nothing listens on port 1.
    for host in ["0.0.0.0", "[::]", "admin.localhost"] {
        let url = format!("http://{host}:1");
        let args = ["--admin-url", &url, "--header", "x-key=abcdef"];
        assert_eq!(
            problem(&other, &args),
            (1, "server-unreachable".to_owned()),
            "{host}"
        );
    }
}

#[test]
fn the_first_match_wins() {
    let fakes = [
        Fake::start("1.7.12"),
        Fake::start("1.7.12"),
        Fake::start("1.7.12"),
    ];
    let [flag, variable, config] = &fakes;
    let mut desk = desk();
    desk.write(
        "cli/config.toml",
        format!(
            "[lab]\nadmin_base_url = '{}'\nbearer_token = 'config-token'\n\
             [live]\nadmin_base_url = '{}'\nenvironment_type = 'cloud'\n\
             [global.cloud]\naccess_token = 'login-token'\n",
            config.admin_url(),
            config.admin_url()
        ),
    );
    let home = desk.path().join("cli");
    desk.set_env("RESTATE_CLI_CONFIG_HOME", home.to_str().unwrap());
    let asked = |ran: Ran| {
        ran.expect(0);
        let seen = fakes.iter().map(|fake| tokens(fake).first().cloned());
        let seen: Vec<_> = seen.collect();
        fakes.iter().for_each(Fake::clear_requests);
        seen
    };
    let token = |text: &str| Some(Some(text.to_owned()));

    assert_eq!(
        asked(desk.run(&["plan", "-e", "lab"])),
        [None, None, token("Bearer config-token")]
    );
    assert_eq!(
        asked(desk.run(&["plan", "-e", "live"])),
        [None, None, token("Bearer login-token")]
    );
    desk.set_env("RESTATE_ENVIRONMENT", "lab");
    assert_eq!(
        asked(desk.run(&["plan"])),
        [None, None, token("Bearer config-token")]
    );
    let (code, name) = problem(&desk, &["-e", "lba"]);
    assert_eq!((code, name.as_str()), (1, "cli-config"));

    desk.set_env("RESTATE_ADMIN_URL", variable.admin_url());
    desk.set_env("RESTATE_AUTH_TOKEN", "env-token");
    assert_eq!(
        asked(desk.run(&["plan"])),
        [None, token("Bearer env-token"), None]
    );
    let ran = desk.run(&["plan", "-e", "lab"]);
    assert!(
        ran.stderr.contains("`--environment` is not looked at"),
        "{}",
        ran.stderr
    );
    asked(ran);

    // A token belongs to its server: this flag names another.
    assert_eq!(
        asked(desk.run(&["plan", "--admin-url", flag.admin_url()])),
        [Some(None), None, None]
    );
    desk.set_env("OTHER", "flag-token");
    let args = ["plan", "--admin-url", flag.admin_url(), "--token-env", "OTHER"];
    assert_eq!(asked(desk.run(&args)), [token("Bearer flag-token"), None, None]);
    // What belongs to the other program of the same name is not read.
    desk.set_env("RESTATECTL_ADDRESS", "http://127.0.0.1:1");
    asked(desk.run(&["plan"]));
}

#[test]
fn headers_for_a_gateway() {
    let fake = Fake::start("1.7.12");
    let mut desk = desk();
    desk.set_env("GATEWAY_KEY", "gate-key");
    let args = [
        "plan",
        "--admin-url",
        fake.admin_url(),
        "--header",
        "X-Key=${env:GATEWAY_KEY}",
    ];
    desk.run(&args).expect(0);
    assert!(
        fake.requests()
            .iter()
            .all(|r| r.header("x-key") == Some("gate-key"))
    );
    for header in ["novalue", "bad name=x", "x=${env:NOT_SET}"] {
        assert_eq!(
            problem(&desk, &["--header", header]),
            (1, "bad-header".to_owned())
        );
    }
}

#[test]
fn addresses_that_are_none() {
    let desk = desk();
    for url in [
        "localhost:9070",
        "ftp://127.0.0.1",
        "http://user:pw@127.0.0.1:9070",
        "",
        "not a url",
    ] {
        assert_eq!(
            problem(&desk, &["--admin-url", url]),
            (1, "admin-url".to_owned()),
            "{url}"
        );
    }
    assert_eq!(
        problem(&desk, &["--ca-cert", "missing.pem"]),
        (1, "ca-cert".to_owned())
    );
}

/// Proxy variables are for the world outside.
#[test]
fn this_machine_is_never_reached_through_a_proxy() {
    let (fake, proxy) = (Fake::start("1.7.12"), Fake::start("1.7.12"));
    let mut desk = desk();
    desk.set_env("HTTP_PROXY", proxy.admin_url());
    desk.set_env("http_proxy", proxy.admin_url());
    desk.run(&["plan", "--admin-url", fake.admin_url()]).expect(0);
    assert!(proxy.requests().is_empty());
    let ran = desk.run(&["plan", "--admin-url", "http://admin.example:9070"]);
    assert!(!proxy.requests().is_empty(), "{}", ran.stderr);
}

#[test]
fn calls_go_to_the_highest_version_both_speak() {
    for (version, prefix) in [("1.7.12", "/v4/"), ("1.6.2", "/v3/"), ("1.5.3", "/v2/")] {
        let fake = Fake::start(version);
        desk().run(&["plan", "--admin-url", fake.admin_url()]).expect(0);
        let requests = fake.requests();
        assert_eq!(requests[0].path, "/version");
        assert!(
            requests[1..].iter().all(|r| r.path.starts_with(prefix)),
            "{requests:#?}"
        );
    }
}

#[test]
fn a_plan_names_its_target() {
    let world = World::fake("1.7.12");
    world.wants("");
    let target = world.plan()["target"].clone();
    assert_eq!(target["cluster_name"], world.as_fake().cluster_name());
    assert_eq!(target["admin_url"], format!("{}/", world.admin_url()));
    assert_eq!(target["restate_version"], "1.7.12");
}

#[test]
fn a_server_that_does_not_answer() {
    let world = World::real("1.7.12");
    let crate::world::Target::Real(server) = &world.target else {
        unreachable!()
    };
    server.pause();
    let args = ["--admin-url", server.admin_url(), "--timeout", "1s"];
    assert_eq!(problem(&desk(), &args), (1, "connection-lost".to_owned()));
    server.resume();
    world.wants("");
    world.plan();
}

/// What is private cannot be called; what is not, can.
#[test]
fn overrides_take_effect_at_the_ingress() {
    use crate::sdk::SdkEndpoint;
    use crate::server::{Profile, Server};
    use crate::world::Target;
    let world = World::of(Target::Real(Server::boot("1.7.12", Profile::Full)), "1.7.12");
    let endpoint = SdkEndpoint::start_edition(2);
    world.lists([&endpoint], "services: { Greeter: { public: false } }");
    world.apply();
    let Target::Real(server) = &world.target else {
        unreachable!()
    };
    assert_eq!(world.plan()["target"]["cluster_name"], server.cluster_name());
    let call = |path: &str, input| world.call(&format!("{}{path}", server.ingress_url()), input);
    let name = serde_json::json!("World");
    assert_eq!(call("/Counter/me/get", None), 200);
    assert_eq!(call("/Greeter/greet", Some(&name)), 400);
    world.override_service("Greeter", &serde_json::json!({ "public": true }));
    assert_eq!(call("/Greeter/greet", Some(&name)), 200);
    let Target::Real(server) = world.target else {
        unreachable!()
    };
    server.stop();
}
