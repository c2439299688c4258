//! Several files, merge keys and variables as one document: `render`.

use crate::fake::Fake;
use crate::harness::Desk;
use serde_json::{Value, json};

const BASE: &str = "version: 1
x-note: { anything: goes }
x-usual: &usual { journal_retention: 2d, inactivity_timeout: '${var:timeout}' }
x-more: &more { abort_timeout: 10m, journal_retention: 9d }
stack: shop
variables:
  timeout: { default: 5m }
  tag: {}
  token: {}
  unused: { default: x }
services:
  Cart: { <<: *usual, public: false, journal_retention: 3d }
  Checkout: { <<: [*usual, *more] }
prune: { deployments: drained }
";

const MORE: &str = "version: 1
stack: shop
deployments:
  - uri: http://checkout-${var:tag}:9080
    use_http_11: true
    metadata: { literally: '$${x}', number: '7', of: '${var:token}' }
    additional_headers: { authorization: 'Bearer ${env:TOKEN}', x-key: '${var:token}', x-literal: s3cret-literal }
subscriptions:
  - source: kafka://main/orders
    sink: service://Checkout/onOrder
    options: { group.id: g, sasl.password: '${file:password}' }
";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("restate/a.yaml", BASE);
    desk.write("restate/b.yaml", MORE);
    desk.write("restate/password", "s3cret-of-a-file");
    desk
}

const GIVEN: [&str; 6] = [
    "-f",
    "restate",
    "--var",
    "tag=v2",
    "--var",
    "token=s3cret-of-a-variable",
];

#[test]
fn files_become_one() {
    let desk = desk();
    let ran = desk
        .run(&[&["render", "--as", "json"], &GIVEN[..]].concat())
        .expect(0);
    let whole: Value = ran.json();
    assert_eq!(
        whole,
        json!({
            "version": 1, "stack": "shop",
            "variables": { "token": {} },
            "deployments": [{
                "uri": "http://checkout-v2:9080", "use_http_11": true,
                // The value is that of a header too.
                "metadata": { "literally": "$${x}", "number": "7", "of": "${var:token}" },
                "additional_headers": {
                    "authorization": "Bearer ${env:TOKEN}", "x-key": "${var:token}",
                    "x-literal": "${env:DEPLOYMENTS_0_ADDITIONAL_HEADERS_X_LITERAL}",
                },
            }],
            "services": {
                "Cart": { "public": false, "journal_retention": "3d", "inactivity_timeout": "5m" },
                "Checkout": { "journal_retention": "2d", "inactivity_timeout": "5m", "abort_timeout": "10m" },
            },
            "subscriptions": [{
                "source": "kafka://main/orders", "sink": "service://Checkout/onOrder",
                "options": { "group.id": "g", "sasl.password": "${file:password}" },
            }],
            "prune": { "deployments": "drained" },
        })
    );
    let all = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!all.contains("s3cret"), "{all}");
    let place = "restate/b.yaml, at /deployments/0/additional_headers/x-literal";
    assert!(ran.stderr.contains(place), "{}", ran.stderr);
}

/// What is written means what the files meant, in every format.
#[test]
fn it_is_the_same_desired_state() {
    let mut desk = desk();
    desk.set_env("TOKEN", "s3cret-of-the-environment");
    desk.set_env("DEPLOYMENTS_0_ADDITIONAL_HEADERS_X_LITERAL", "s3cret-literal");
    let fake = Fake::start("1.7.12");
    fake.state(|state| state.kafka_clusters.clear());
    let digest = |args: &[&str]| {
        let server = [
            "--admin-url",
            fake.admin_url(),
            "--discover",
            "none",
            "--format",
            "json",
        ];
        let ran = desk.run(&[&["plan"], &server[..], args].concat());
        ran.json()["desired"]["digest"].clone()
    };
    let before = digest(&GIVEN);
    assert!(before.is_string());
    for name in ["whole.yaml", "whole.toml", "whole.json"] {
        // Beside the file that it refers to.
        let path = format!("restate/{name}");
        desk.run(&[&["render", "--out", &path], &GIVEN[..]].concat())
            .expect(0);
        assert_eq!(
            digest(&["-f", &path, "--var", "token=s3cret-of-a-variable"]),
            before,
            "{name}"
        );
        std::fs::remove_file(desk.path().join(path)).unwrap();
    }
    desk.run(&[
        "render",
        "-f",
        "restate/a.yaml",
        "--out",
        "restate/a.yaml",
        "--var",
        "tag=x",
        "--var",
        "token=y",
    ])
    .expect(1);
}

/// What stands in the place of a reference that is not there is as secret as the reference.
#[test]
fn no_part_of_a_secret_is_written() {
    let desk = Desk::new();
    let file = |n: u32, header: &str| {
        format!(
            "version: 1\nvariables: {{ token{n}: {{ default: s3cret-default }} }}\ndeployments:\n  - uri: http://a{n}:9080\n    additional_headers: {{ x-w: '{header}', x-v: '${{var:token{n}}}', x-d: 'Bearer ${{env:NOT_SET:-s3cret-{n}}}' }}\n"
        )
    };
    desk.write("a.yaml", file(1, "s3cret-one"));
    desk.write("b.yaml", file(2, "s3cret-part-${env:PATH:-eu}"));
    let ran = desk
        .run(&["render", "-f", "a.yaml", "-f", "b.yaml", "--as", "json"])
        .expect(0);
    assert!(
        !format!("{}{}", ran.stdout, ran.stderr).contains("s3cret"),
        "{}",
        ran.stdout
    );
    let whole = ran.json();
    let headers = |n: usize| whole["deployments"][n]["additional_headers"].clone();
    // Each has a variable of its own.
    assert_ne!(headers(0)["x-w"], headers(1)["x-w"]);
    assert_ne!(headers(0)["x-d"], headers(1)["x-d"]);
    assert_eq!(headers(0)["x-v"], "${var:token1}");
    assert_eq!(whole["variables"], json!({ "token1": {}, "token2": {} }));
}
