//! Which server, with which token, and servers that are not what they should be.

mod answers;
mod certificates;

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

/// A variable that is set to nothing names no server, and a token does not end with a line end.
#[test]
fn variables_that_nobody_meant() {
    for name in [
        "RESTATE_ADMIN_URL",
        "RESTATE_HOST",
        "RESTATE_ENVIRONMENT",
        "TOKEN",
        "RESTATE_CLI_CONFIG_HOME",
    ] {
        for value in ["", "secret-value\n", " secret-value"] {
            let mut desk = desk();
            desk.set_env(name, value);
            let args: &[&str] = if name == "TOKEN" {
                &["--token-env", "TOKEN"]
            } else {
                &[]
            };
            assert_eq!(
                problem(&desk, args),
                (1, "bad-variable".to_owned()),
                "{name}={value:?}"
            );
            let said = desk.run(&[&["plan"], args].concat()).stderr;
            assert!(
                said.contains(&format!("`{name}`")) && !said.contains("secret-value"),
                "{said}"
            );
        }
    }
    let fake = Fake::start("1.7.12");
    let mut desk = desk();
    desk.set_env("RESTATE_ADMIN_URL", fake.admin_url());
    desk.set_env("RESTATE_AUTH_TOKEN", "token\n");
    assert_eq!(problem(&desk, &[]), (1, "bad-variable".to_owned()));
    assert!(fake.requests().is_empty());
}

/// A host alone means the port of the admin API.
#[test]
fn a_host_that_is_named() {
    let mut desk = desk();
    desk.set_env("RESTATE_HOST", "127.9.0.70");
    desk.set_env("RESTATE_HOST_SCHEME", "https");
    let said = desk.run(&["plan"]).expect(1).stderr.replace("\n  │ ", " ");
    let why = "the address is given by `RESTATE_HOST`";
    assert!(
        said.contains("https://127.9.0.70:9070/") && said.contains(why),
        "{said}"
    );
}

#[test]
fn a_socket_is_an_address() {
    let world = World::real("1.7.12");
    let crate::world::Target::Real(server) = &world.target else {
        unreachable!()
    };
    let url = format!("unix:{}", server.admin_socket().display());
    let ran = desk()
        .run(&["plan", "--admin-url", &url, "--format", "json"])
        .expect(0);
    assert_eq!(ran.json()["target"]["admin_url"], url);
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
    // The one that the official CLI was told to use.
    desk.write("cli/environment", "live\n");
    assert_eq!(
        asked(desk.run(&["plan"])),
        [None, None, token("Bearer login-token")]
    );
    desk.set_env("RESTATE_ENVIRONMENT", "lab");
    let ran = desk.run(&["plan", "-v"]);
    let first = ran.stderr.lines().next().unwrap_or_default();
    let why = "that of the environment `lab`, given by `RESTATE_ENVIRONMENT`";
    assert!(
        first.contains(config.admin_url()) && first.contains(why),
        "{first}"
    );
    asked(ran);
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
        "--header",
        "X-Basic=Basic ${env:GATEWAY_KEY}${env:NOT_SET:-!} $${literally}",
    ];
    desk.run(&args).expect(0);
    for request in fake.requests() {
        assert_eq!(request.header("x-key"), Some("gate-key"));
        assert_eq!(request.header("x-basic"), Some("Basic gate-key! ${literally}"));
    }
    for header in [
        "novalue",
        "bad name=x",
        "x=${env:NOT_SET}",
        "x=${env:",
        "x=${var:a}",
        "x= y",
    ] {
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
        "http://127.0.0.1:9070/ui/",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:9070?x=1",
        " http://127.0.0.1:9070",
        "unix:",
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
