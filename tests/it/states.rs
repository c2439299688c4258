//! Random desired states, as files that the program itself would write.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

/// Strings that a format takes for something else, or that need care to be written down.
const ODD: &[&str] = &[
    "",
    " ",
    "no",
    "No",
    "on",
    "y",
    "true",
    "null",
    "~",
    "-",
    "- a",
    "? a",
    "a: b",
    "a #b",
    "#a",
    "@a",
    "`a",
    "%a",
    "!a",
    "&a",
    "*a",
    "<<",
    "=",
    ".",
    "...",
    "---",
    "[a]",
    "{a}",
    "a,",
    "'a'",
    "\"a\"",
    "\\",
    "\\n",
    "a\\",
    "|",
    ">",
    "1",
    "1.10",
    "01",
    "0o7",
    "0x1",
    "1e3",
    "1_000",
    "+1",
    ".5",
    ".inf",
    "nan",
    "1:30",
    "2024-01-31",
    "2024-01-31T12:00:00Z",
    "12:00:00",
    "a\nb",
    "a\n",
    "\na",
    "a\n\nb\n",
    "a\r\nb",
    "\ta",
    "a\t",
    " a ",
    "${",
    "$${",
    "${env:A}",
    "$",
    "}",
    "é",
    "日本",
    "😀",
    "\u{feff}a",
    "\u{85}",
    "\u{2028}",
    "\u{7f}",
    "\0",
    "\u{1b}[31m",
    "\u{ffff}",
    "\"\"\"",
    "'''",
];
/// Names of services that are words or numbers elsewhere.
const NAMES: &[&str] = &[
    "no", "On", "y", "null", "True", "nan", "inf", "e1", "_1", "x.y", "S-1", "Checkout",
];
const DURATIONS: &[&str] = &["0s", "1m 30s", "7d", "1d 12h", "100ms"];
/// Of consumers, each takes any text; two hold secrets.
const OPTIONS: &[&str] = &["client.id", "client.rack", "sasl.password", "ssl.key.pem"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(ODD).prop_map(str::to_owned),
        1 => vec(select(ODD), 2..4).prop_map(|parts| parts.concat()),
        1 => vec(any::<char>(), 0..12).prop_map(String::from_iter),
    ]
}

/// What a header may hold: not the mask for secrets.
fn visible() -> impl Strategy<Value = String> {
    text().prop_filter("visible ASCII, without white space around it", |text| {
        text.bytes().all(|b| (0x20..0x7f).contains(&b)) && text.trim() == text
    })
}

fn key() -> impl Strategy<Value = String> {
    text().prop_filter("no reference", |text| !text.contains("${"))
}

fn allow(words: Vec<&'static str>) -> impl Strategy<Value = Option<Value>> {
    let most = words.len();
    subsequence(words, 0..=most).prop_map(|words| (!words.is_empty()).then(|| json!(words)))
}

/// What is only written if it is true.
fn truth() -> impl Strategy<Value = Option<Value>> {
    any::<bool>().prop_map(|is_true| is_true.then(|| true.into()))
}

/// A map with the fields that are there.
pub fn fields<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let present = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect())
}

fn deployment() -> impl Strategy<Value = Value> {
    let names = subsequence(NAMES, 0..3);
    let headers = btree_map("x-[a-z0-9-]{0,8}", visible(), 0..3);
    let allow = allow(vec![
        "breaking",
        "expose",
        "overwrite",
        "promote",
        "take-over=1.10",
    ]);
    let about = (
        option::of(text()),
        option::of(btree_map(key(), text(), 0..3)),
        option::of(names),
        allow,
        truth(),
    );
    (
        any::<bool>(),
        any::<bool>(),
        option::of(any::<bool>()),
        option::of(headers),
        about,
    )
        .prop_map(
            |(is_lambda, has_role, use_http_11, headers, (name, metadata, services, allow, protected))| {
                let role = (is_lambda && has_role).then(|| "arn:aws:iam::123456789012:role/restate".into());
                fields([
                    ("name", name.map(Value::from)),
                    // Completed in `state`, each with a number of its own.
                    (if is_lambda { "arn" } else { "uri" }, Some("".into())),
                    ("assume_role_arn", role),
                    ("additional_headers", headers.map(|headers| json!(headers))),
                    ("use_http_11", use_http_11.filter(|_| !is_lambda).map(Value::from)),
                    ("metadata", metadata.map(|metadata| json!(metadata))),
                    ("services", services.map(|services| json!(services))),
                    ("allow", allow),
                    ("protected", protected),
                ])
            },
        )
}

fn service() -> impl Strategy<Value = Value> {
    let duration = || option::of(select(DURATIONS).prop_map(Value::from));
    let durations = (duration(), duration(), duration(), duration(), duration());
    (
        option::of(any::<bool>()),
        durations,
        allow(vec!["expose"]),
        truth(),
    )
        .prop_map(|(public, (i, j, t, a, w), allow, protected)| {
            fields([
                ("public", public.map(Value::from)),
                ("idempotency_retention", i),
                ("journal_retention", j),
                ("inactivity_timeout", t),
                ("abort_timeout", a),
                ("workflow_completion_retention", w),
                ("allow", allow),
                ("protected", protected),
            ])
        })
}

fn subscription() -> impl Strategy<Value = Value> {
    let options = btree_map(select(OPTIONS), text(), 0..4);
    (select(NAMES), options, allow(vec!["regroup"]), truth()).prop_map(
        |(service, options, allow, protected)| {
            fields([
                ("sink", Some(format!("service://{service}/run").into())),
                ("options", (!options.is_empty()).then(|| json!(options))),
                ("allow", allow),
                ("protected", protected),
            ])
        },
    )
}

/// Whose it all is, and what becomes of the rest; nothing that is the default anyway.
fn settings() -> impl Strategy<Value = [(&'static str, Option<Value>); 4]> {
    let stack = option::of(select(vec!["no", "1.10", "0x1", "-", "payments"]));
    let cluster = option::of(text());
    let prune = option::of((select(vec!["drained", "force"]), 0..3u64, select(DURATIONS)));
    let max_deletes = option::of(11..99u64);
    (stack, cluster, prune, max_deletes).prop_map(|(stack, cluster, prune, max_deletes)| {
        let prune = prune.map(|(policy, keep, after)| {
            json!({
                "deployments": { "policy": policy, "keep": keep, "after": after },
                "subscriptions": if keep == 0 { "delete" } else { "keep" },
            })
        });
        [
            ("stack", stack.map(Value::from)),
            ("target", cluster.map(|name| json!({ "cluster_name": name }))),
            ("prune", prune),
            ("safety", max_deletes.map(|max| json!({ "max_deletes": max }))),
        ]
    })
}

/// A file as the program itself would write it.
pub fn state() -> impl Strategy<Value = Value> {
    let deployments = option::of(vec(deployment(), 0..3));
    let services = btree_map(select(NAMES), service(), 0..3);
    let subscriptions = option::of(vec(subscription(), 0..3));
    (deployments, services, subscriptions, settings()).prop_map(
        |(mut deployments, services, mut subscriptions, [stack, target, prune, safety])| {
            for (n, entry) in deployments.iter_mut().flatten().enumerate() {
                if entry.get("arn").is_some() {
                    entry["arn"] =
                        format!("arn:aws:lambda:eu-central-1:123456789012:function:mailer:{n}").into();
                } else {
                    entry["uri"] = format!("http://checkout-{n}:9080/restate").into();
                }
                if n > 0
                    && let Some(entry) = entry.as_object_mut()
                {
                    // No two may have the same.
                    entry.remove("name");
                }
            }
            for (n, entry) in subscriptions.iter_mut().flatten().enumerate() {
                entry["source"] = format!("kafka://main/topic-{n}").into();
            }
            fields([
                ("version", Some(1.into())),
                stack,
                target,
                ("deployments", deployments.map(Value::from)),
                ("services", (!services.is_empty()).then(|| json!(services))),
                ("subscriptions", subscriptions.map(Value::from)),
                prune,
                safety,
            ])
        },
    )
}
