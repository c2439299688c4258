//! What keeps the fake honest: it answers a script of requests as the real servers do.

use crate::fake::Fake;
use crate::fake::conformance::{CLAMPED, SCRIPT, transcript};
use crate::server::{Profile, Server};
use std::time::Duration;

const STATIC: &str =
    "[[ingress.kafka-clusters]]\nname = \"static-cluster\"\nbrokers = [\"PLAINTEXT://127.0.0.1:9\"]\n";
const CLAMP: &str = "max-journal-retention = \"6h\"\n";

fn compare(version: &str, extra: &str, script: &str) {
    let real = Server::boot_with(version, Profile::AdminOnly, extra);
    let fake = Fake::start(version);
    fake.add_static_kafka_cluster("static-cluster");
    if extra == CLAMP {
        fake.set_max_journal_retention(Some(Duration::from_secs(6 * 3600)));
    }
    // At once: for the most part both try to reach endpoints that are not there.
    let (real, fake) = std::thread::scope(|threads| {
        let real = threads.spawn(|| transcript(real.admin_url(), script));
        let fake = transcript(fake.admin_url(), script);
        (real.join().unwrap(), fake)
    });
    let difference = similar::TextDiff::from_lines(&real, &fake)
        .unified_diff()
        .header("real", "fake")
        .to_string();
    assert!(difference.is_empty(), "{difference}");
}

#[test]
fn as_restate_1_7() {
    compare("1.7.12", STATIC, SCRIPT);
}

#[test]
fn as_restate_1_6() {
    compare("1.6.2", STATIC, SCRIPT);
}

#[test]
fn as_restate_1_5() {
    compare("1.5.3", STATIC, SCRIPT);
}

#[test]
fn as_servers_that_clamp() {
    for version in ["1.7.12", "1.6.2", "1.5.3"] {
        compare(version, CLAMP, CLAMPED);
    }
}
