//! Secrets are marked and driven through every verb, format and error path; none may come out.

use crate::endpoint::{Behaviour, Endpoint};
use crate::fake::{Fault, Match};
use crate::harness::Ran;
use crate::suite::checkout;
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use restatectl::load::{Given, load};
use restatectl::problem::{Problem, Problems, Severity};
use restatectl::source::interpolate::{Outside, Rules};
use restatectl::source::{Format, SourceFile};
use serde_json::json;
use std::rc::Rc;

/// Every secret has it, so that a part of one is found as well.
const MARK: &str = "v4lue";

const TOKEN: &str = "adm1n-v4lue-t0ken";
/// JSON, Markdown and a workflow command.
const HEADER: &str = r#"{"k":"v4lue-h3ader|**b**|`x`<!--"} ::error::x"#;
const FILE: &str = "v4lue-fr0m-f1le%2F+/=";
const PASSWORD: &str = "v4lue\u{1b}[31m-passw0rd\n::error::x";
const EXTERNAL: &str = "gr0up-v4lue";
const LIVE: &str = "l1ve-v4lue-of-others";
const USERINFO: &str = "b0b:v4lue-us3rinfo";

const OURS: [&str; 5] = [TOKEN, HEADER, FILE, PASSWORD, EXTERNAL];
const ALL: [&str; 7] = [TOKEN, HEADER, FILE, PASSWORD, EXTERNAL, LIVE, USERINFO];

/// The secrets as somebody might pass them on.
fn encoded(secrets: &[&str]) -> Vec<String> {
    let percent = |secret: &str| -> String {
        let byte = |b: u8| {
            if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        };
        secret.bytes().map(byte).collect()
    };
    let each = |secret: &&str| {
        [
            percent(secret),
            STANDARD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
        ]
    };
    secrets.iter().flat_map(each).collect()
}

#[track_caller]
fn assert_silent(what: &str, shown: &str) {
    assert!(!shown.contains(MARK), "{what} shows a secret:\n{shown}");
    for secret in encoded(&ALL) {
        // A value without special characters is its own percent encoding.
        assert!(
            !shown.contains(secret.trim_end_matches('=')),
            "{what} shows {secret}:\n{shown}"
        );
    }
}

/// A server that others use as well, and a file with every kind of secret.
fn scene(version: &str) -> (World, Endpoint) {
    let mut world = World::fake(version);
    let endpoint = Endpoint::start(checkout(&["onOrder"]));
    endpoint.mount("/others", crate::suite::service("Others"));
    let host = endpoint
        .url()
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let (status, _) = world.admin(
        "POST",
        "/deployments",
        Some(&json!({
            "uri": format!("http://{USERINFO}@{host}/others"), "force": false,
            "additional_headers": { "x-live": LIVE },
        })),
    );
    assert_eq!(status, 201);
    world.desk.set_env("TOKEN", TOKEN);
    world.desk.set_env("HEADER", HEADER);
    world.desk.set_env("PASSWORD", PASSWORD);
    world.desk.set_env("EXTERNAL", EXTERNAL);
    world.desk.write("secrets/file", FILE);
    // 1.5 has no stacks.
    let stack = if version.starts_with("1.5") {
        ""
    } else {
        "stack: shop\n"
    };
    world.wants(&format!(
        "{stack}deployments:\n\
         - uri: {}\n  \
           additional_headers:\n    \
             x-literal: '{}'\n    \
             x-env: ${{env:HEADER}}\n    \
             x-file: ${{file:secrets/file}}\n\
         services: {{ Checkout: {{ public: false }} }}\n\
         subscriptions:\n\
         - source: kafka://main/orders\n  \
           sink: service://Checkout/onOrder\n  \
           options: {{ group.id: '${{env:EXTERNAL}}', sasl.password: '${{env:PASSWORD}}', ssl.key.pem: 'l1teral-v4lue' }}\n",
        endpoint.url(),
        HEADER,
    ));
    world.as_fake().require_token(Some(TOKEN.to_owned()));
    (world, endpoint)
}

fn run(world: &World, verb: &[&str], more: &[&str]) -> Ran {
    let url = world.admin_url();
    let mut args = verb.to_vec();
    if verb[0] != "validate" {
        args.extend(["--admin-url", &url, "--token-env", "TOKEN", "--timeout", "2s"]);
    }
    args.extend(more);
    let ran = world.run(&args);
    assert_silent(
        &format!("{args:?} ({})", ran.code),
        &format!("{}{}", ran.stdout, ran.stderr),
    );
    ran
}

const VERBS: [&[&str]; 3] = [&["validate"], &["plan"], &["apply", "--yes"]];
const FORMATS: [&str; 4] = ["text", "json", "markdown", "github"];

/// What is written to files: plans, reports and snapshots. `of`: what must not be in it.
#[track_caller]
fn assert_files_silent(world: &World) {
    for entry in std::fs::read_dir(world.desk.path().join("out")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.is_empty(), "{}", path.display());
        // Whoever looks at a server alone cannot know that a group came from outside.
        let text = text.replace(EXTERNAL, "");
        assert_silent(&path.display().to_string(), &text);
    }
}

#[test]
fn no_verb_in_no_format_shows_a_secret() {
    for version in ["1.7.12", "1.5.3"] {
        for format in FORMATS {
            for detail in ["-vvv", "-vv", "-q"] {
                let (world, _endpoint) = scene(version);
                for verb in VERBS {
                    run(&world, verb, &["--format", format, detail]).expect(0);
                }
                // In sync, and with changed secrets.
                run(&world, &["plan"], &["--format", format, detail]).expect(0);
                world.desk.write("secrets/file", "an0ther-v4lue");
                run(&world, &["plan"], &["--format", format, detail]).expect(0);
                let args = [
                    "--format",
                    format,
                    detail,
                    "--resend",
                    "subscription/kafka://main/orders -> service://Checkout/onOrder @ ${env:EXTERNAL}",
                ];
                run(&world, &["apply", "--yes"], &args).expect(0);
                where_they_belong(&world);
                let name = "http://127.0.0.1:1/";
                let shown = run(&world, &["plan", "--destroy"], &["--format", format, detail]).stdout;
                let has_key = version == "1.7.12" && format == "json";
                assert!(!has_key || shown.contains("@ (sensitive)"), "{shown}");
                for verb in [
                    &["delete", "deployment", name, "--yes"][..],
                    &["apply", "--destroy", "--yes"],
                ] {
                    run(&world, verb, &["--format", format, detail]);
                }
            }
        }
    }
}

#[test]
fn no_file_that_is_written_holds_a_secret() {
    for version in ["1.7.12", "1.5.3"] {
        let (world, endpoint) = scene(version);
        world.desk.write("out/.keep", "");
        std::fs::remove_file(world.desk.path().join("out/.keep")).unwrap();
        let reports: Vec<String> = FORMATS
            .iter()
            .map(|format| format!("{format}=out/NAME.{format}"))
            .collect();
        let with_reports = |verb: &[&str], name: &str, code: i32| {
            let reports: Vec<String> = reports
                .iter()
                .map(|report| report.replace("NAME", name))
                .collect();
            let more: Vec<&str> = reports.iter().flat_map(|report| ["--report", report]).collect();
            run(&world, verb, &more).expect(code)
        };
        with_reports(&["plan", "--out", "out/saved.json"], "plan", 0);
        with_reports(&["drift"], "drift", 2);
        run(
            &world,
            &["plan", "--out", "out/part.json", "--target", "service/Checkout"],
            &[],
        )
        .expect(0);
        with_reports(&["apply", "out/saved.json", "--yes"], "apply", 0);
        with_reports(&["apply", "out/saved.json", "--yes"], "again", 0);
        // Of a plan of which a part is done.
        world.desk.write("secrets/file", "an0ther-v4lue");
        with_reports(&["apply", "out/part.json", "--yes"], "other", 4);
        run(&world, &["drift"], &[]).expect(2);
        run(&world, &["snapshot", "--out", "out/snapshot.json"], &[]).expect(0);
        for file in ["yaml", "toml", "json"] {
            let out = format!("out/export.{file}");
            let stack: &[&str] = if version == "1.5.3" {
                &[]
            } else {
                &["--stack", "shop"]
            };
            let url = world.admin_url();
            let args = [
                &[
                    "export",
                    "--out",
                    &out,
                    "--token-env",
                    "TOKEN",
                    "--admin-url",
                    &url,
                ],
                stack,
            ]
            .concat();
            let told = world.run(&args).expect(0).stderr;
            assert_silent("export", &told.replace(EXTERNAL, ""));
            let text = world.read(&out);
            assert!(text.contains("${env:SECRET_"), "{text}");
        }
        for format in FORMATS {
            for file in ["out/saved.json", "out/drift.json", "out/apply.json"] {
                let ran = world.run(&["show", file, "--format", format]).expect(0);
                assert_silent(file, &format!("{}{}", ran.stdout, ran.stderr));
            }
            let offline = world
                .run(&["plan", "--live", "out/snapshot.json", "--format", format])
                .expect(0);
            assert_silent("plan --live", &format!("{}{}", offline.stdout, offline.stderr));
        }
        let graph = world.run(&["graph", "out/saved.json"]).expect(0);
        assert_silent("graph", &format!("{}{}", graph.stdout, graph.stderr));
        // Somebody else put an echo where everybody reads.
        endpoint.behave(Behaviour::EchoHeadersAndFail);
        with_reports(&["drift"], "down", 2);
        assert_files_silent(&world);
    }
}

/// The group that a live subscription has is told, to be pasted; the one from outside is not.
#[test]
fn no_refusal_shows_a_secret() {
    for format in FORMATS {
        let (world, _endpoint) = scene("1.7.12");
        run(&world, &["apply", "--yes"], &["--target", "service/Checkout"]).expect(0);
        world.as_fake().require_token(None);
        world.subscribe(
            "kafka://main/orders",
            "service://Checkout/onOrder",
            &json!({ "group.id": "old-group" }),
        );
        let ran = run(&world, &["plan"], &["--format", format]).expect(5);
        assert!(
            ran.stdout
                .replace('`', "")
                .contains("old-group to ${env:EXTERNAL}"),
            "{}",
            ran.stdout
        );
    }
}

/// The server gets the token as a header of every request, and the others in the bodies of requests
/// that register or create.
fn where_they_belong(world: &World) {
    let requests = world.as_fake().requests();
    assert!(
        requests
            .iter()
            .any(|request| request.body.contains("v4lue-fr0m-f1le"))
    );
    for request in requests.iter().filter(|request| {
        request
            .header("user-agent")
            .is_some_and(|a| a.starts_with("restatectl"))
    }) {
        let line = format!("{} {}?{}", request.method, request.path, request.query);
        assert_silent("the access log", &line);
        for (name, value) in &request.headers {
            if name == "authorization" {
                assert_eq!(value, &format!("Bearer {TOKEN}"));
            } else {
                assert_silent(name, value);
            }
        }
        let carries = request.path.ends_with("/deployments")
            || request.path.contains("/deployments/")
            || request.path.ends_with("/subscriptions");
        if !carries {
            assert_silent(&line, &request.body);
        }
        assert!(!request.body.contains(TOKEN), "{line}");
    }
}

/// Servers, endpoints and gateways repeat what they were sent in their errors.
#[test]
fn no_error_shows_a_secret() {
    let said = |secrets: &[&str]| format!("{} {}", secrets.join(" and "), encoded(secrets).join(" and "));
    let faults = |secrets: &[&str]| {
        let said = said(secrets);
        let message = json!({ "message": format!("[META0003] [META0003] it said: {said}"), "restate_code": "META0003" });
        let text = || vec![("content-type".to_owned(), "text/plain".to_owned())];
        [
            Fault::Status(500, vec![], message.to_string()),
            Fault::Status(409, vec![], message.to_string().replace("META0003", "META0006")),
            Fault::Status(400, text(), said.clone()),
            Fault::Status(200, text(), said.clone()),
            Fault::Status(200, vec![], message.to_string()),
            Fault::Redirect(format!("http://127.0.0.1:9/?{}", encoded(secrets)[0])),
            Fault::Unauthorized,
            Fault::DropBefore,
            Fault::DropAfter,
            Fault::MalformedJson,
            Fault::Truncated,
        ]
    };
    let routes = [
        ("GET", "/version"),
        ("GET", "/deployments"),
        ("GET", "/services"),
        ("GET", "/subscriptions"),
        ("POST", "/deployments"),
        ("PATCH", "/services/Checkout"),
        ("POST", "/subscriptions"),
    ];
    let all_faults = |(method, path): (&'static str, &'static str)| {
        // Before the lists are read, nobody knows the secrets of others.
        let secrets = if method == "GET" { &OURS[..] } else { &ALL[..] };
        for (number, fault) in faults(secrets).iter().enumerate() {
            let (world, _endpoint) = scene("1.7.12");
            // A dry run comes first; the registration itself is the second POST.
            for skip in 0..=usize::from(path == "/deployments" && method == "POST") {
                let on = Match {
                    times: 50,
                    skip,
                    ..Match::first(method, path)
                };
                world.as_fake().on(on, fault.clone());
                let format = FORMATS[(number + skip) % 4];
                run(
                    &world,
                    &["apply", "--yes"],
                    &["--format", format, "-vvv", "--wait-endpoints", "0"],
                );
            }
        }
    };
    // All routes at once: the program spends its time between one try and the next.
    std::thread::scope(|threads| {
        for route in routes {
            threads.spawn(move || all_faults(route));
        }
    });
}

/// An endpoint that fails and repeats the headers that it got.
#[test]
fn no_echo_of_an_endpoint_shows_a_secret() {
    let (world, endpoint) = scene("1.7.12");
    endpoint.behave(Behaviour::EchoHeadersAndFail);
    for format in FORMATS {
        let ran = run(&world, &["plan"], &["--format", format]).expect(1);
        assert!(
            format!("{}{}", ran.stdout, ran.stderr).contains("(sensitive)"),
            "{}",
            ran.stdout
        );
    }
}

struct Nothing;

impl Outside for Nothing {
    fn env(&mut self, name: &str) -> Result<Option<Rc<str>>, Problem> {
        Ok((name != "NONE").then(|| Rc::from("fr0m-env-v4lue")))
    }

    fn file(&mut self, _from: u32, _path: &str) -> Result<Option<Rc<str>>, Problem> {
        Ok(Some(Rc::from("fr0m-file-v4lue")))
    }
}

/// What problems say and quote of a file. Where the quoted lines are is decided here as it is in
/// the renderer: the whole lines of every place.
fn shown(name: &str, text: &str) -> String {
    let mut sources = restatectl::config::sources();
    let format = Format::of(name.as_ref()).unwrap();
    let file = sources.add(SourceFile::new(name.to_owned(), text.to_owned(), format));
    let mut problems = Problems::default();
    let rules = Rules {
        unset: Severity::Error,
        valueless: Severity::Error,
        token_variables: &[],
    };
    load(
        &mut sources,
        &[file],
        &Given::default(),
        &mut Nothing,
        rules,
        &mut problems,
    );
    let mut shown = String::new();
    for problem in problems.into_sorted() {
        shown.extend([
            problem.message.as_str(),
            problem.help.as_deref().unwrap_or_default(),
            "\n",
        ]);
        for span in problem
            .span
            .into_iter()
            .chain(problem.related.iter().map(|r| r.span))
        {
            let quotable = sources.file(span).unwrap().quotable();
            let start = quotable[..span.start as usize].rfind('\n').map_or(0, |at| at + 1);
            let end = quotable[span.end as usize..]
                .find('\n')
                .map_or(quotable.len(), |at| span.end as usize + at);
            shown += &quotable[start..end];
        }
    }
    shown
}

const FILES: [(&str, &str); 3] = [
    (
        "a.yaml",
        "version: 1\nvariables:\n  a: { default: v4lue }\ndeployments:\n  - uri: ${env:HOST}\n    additional_headers:\n      x-one: v4lue\n      \
         x-two: \"v4lue\"\n      x-three: >\n        v4lue\n        v4lue\n      x-four: ${env:NONE:-v4lue}\n  - { uri: a, additional_headers: { x: v4lue, y: [v4lue] } }\n  \
         - uri: http://u:v4lue@host\nsubscriptions:\n  - source: x\n    options:\n      sasl.password: v4lue\n      group.id: ${env:X}\n      ssl.key.pem: |\n        v4lue\n        v4lue\n",
    ),
    (
        "a.toml",
        "version = 1\n[variables.a]\ndefault = \"v4lue\"\n[[deployments]]\nuri = \"${env:HOST}\"\n[deployments.additional_headers]\nx-one = \"v4lue\"\nx-two = 'v4lue'\n\
         x-three = \"\"\"\nv4lue\nv4lue\"\"\"\n[[deployments]]\nuri = 'http://u:v4lue@host'\nadditional_headers = { x = 'v4lue', y = ['v4lue'] }\n\
         [[subscriptions]]\nsource = 'x'\noptions = { \"sasl.password\" = 'v4lue', \"group.id\" = \"${env:X}\" }\n",
    ),
    (
        "a.json",
        "{\n  \"version\": 1,\n  \"variables\": { \"a\": { \"default\": \"v4lue\" } },\n  \"deployments\": [\n    { \"uri\": \"${env:HOST}\", \"additional_headers\": {\n      \"x-one\": \"v4lue\",\n      \
         \"x-two\": [\"v4lue\"] } },\n    { \"uri\": \"http://u:v4lue@host\" }\n  ],\n  \"subscriptions\": [{ \"source\": \"x\", \"options\": { \"sasl.password\": \"v4lue\" } }]\n}\n",
    ),
];

/// People break files in the middle of editing them: cut off anywhere, a character less or another
/// one in its place.
#[test]
fn no_problem_of_a_broken_file_quotes_a_secret() {
    for (name, text) in FILES {
        let mut broken: Vec<String> = vec![text.to_owned()];
        for (at, c) in text.char_indices() {
            let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
            broken.push(before.to_owned());
            broken.push(format!("{before}{after}"));
            for other in [' ', '\n', '"', '\'', '{', ']', '\t', '#', '='] {
                broken.push(format!("{before}{other}{after}"));
            }
        }
        for text in broken {
            let shown = shown(name, &text);
            assert!(
                !shown.contains(MARK),
                "{name} shows a secret:\n{shown}\nof:\n{text}"
            );
        }
    }
}
