//! How long `restatectl validate` takes on a small file and on a large one, and how much memory, in
//! each format: `cargo bench --bench validate`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark reports, and ends when it cannot go on"
)]

use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// How many entries, and how many runs the best is taken of.
const SIZES: [(usize, usize); 2] = [(3, 100), (25_000, 10)];
const FORMATS: [&str; 3] = ["yaml", "toml", "json"];

fn main() {
    let dir = tempfile::tempdir().unwrap();
    println!("restatectl validate, the whole process, the best of several runs:");
    println!(
        "  {:>7}  {:<6} {:>10} {:>10} {:>10} {:>8}",
        "entries", "format", "file", "time", "memory", "× file"
    );
    for (entries, runs) in SIZES {
        for format in FORMATS {
            let path = dir.path().join(format!("{entries}.{format}"));
            let mut out = BufWriter::new(File::create(&path).unwrap());
            write_state(format, entries, &mut out);
            out.flush().unwrap();
            let bytes = path.metadata().unwrap().len();
            let (times, memory): (Vec<_>, Vec<_>) = (0..runs).map(|_| validate(&path)).unzip();
            let (time, memory) = (times.iter().min().unwrap(), memory.iter().min().unwrap());
            println!(
                "  {entries:>7}  {format:<6} {:>7} KB {time:>10.1?} {:>7} KB {:>8.1}",
                bytes / 1000,
                memory / 1000,
                ratio(*memory, bytes)
            );
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "these are no astronomical numbers")]
fn ratio(memory: u64, bytes: u64) -> f64 {
    memory as f64 / bytes as f64
}

/// Time, and the largest memory that was resident at once.
fn validate(path: &Path) -> (Duration, u64) {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_restatectl"))
        .args(["validate", "--deny-warnings", "-f"])
        .arg(path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let ended = child.wait4().unwrap();
    let time = start.elapsed();
    assert!(ended.status.success(), "{}", path.display());
    (time, ended.rusage.maxrss)
}

/// Entry by entry: the memory of this process would be counted as its child's.
fn write_state(format: &str, entries: usize, out: &mut impl Write) {
    let version = match format {
        "toml" => "version = 1\n",
        "json" => "{\"version\":1",
        _ => "version: 1\n",
    };
    out.write_all(version.as_bytes()).unwrap();
    let each = entries / 3;
    for (list, count) in [("deployments", each), ("subscriptions", each)] {
        let opening = match format {
            "toml" => String::new(),
            "json" => format!(",\"{list}\":["),
            _ => format!("{list}:\n"),
        };
        out.write_all(opening.as_bytes()).unwrap();
        for n in 0..count {
            let entry = if list == "deployments" {
                deployment(n)
            } else {
                subscription(n)
            };
            let text = match format {
                "toml" => toml::to_string(&json!({ list: [entry] })).unwrap() + "\n",
                "json" => format!("{}{entry}", if n == 0 { "" } else { "," }),
                _ => serde_yaml::to_string(&[entry]).unwrap(),
            };
            out.write_all(text.as_bytes()).unwrap();
        }
        if format == "json" {
            out.write_all(b"]").unwrap();
        }
    }
    let opening = match format {
        "toml" => "",
        "json" => ",\"services\":{",
        _ => "services:\n",
    };
    out.write_all(opening.as_bytes()).unwrap();
    for n in 0..entries - 2 * each {
        let name = format!("Service{n}");
        let text = match format {
            "toml" => toml::to_string(&json!({ "services": { name: service() } })).unwrap() + "\n",
            "json" => format!("{}\"{name}\":{}", if n == 0 { "" } else { "," }, service()),
            _ => {
                let text = serde_yaml::to_string(&json!({ name: service() })).unwrap();
                let lines: Vec<String> = text.lines().map(|line| format!("  {line}\n")).collect();
                lines.concat()
            }
        };
        out.write_all(text.as_bytes()).unwrap();
    }
    if format == "json" {
        out.write_all(b"}}").unwrap();
    }
}

fn deployment(n: usize) -> Value {
    json!({
        "name": format!("deployment-{n}"),
        "uri": format!("https://deployment-{n}.shop.internal:9080/restate"),
        "additional_headers": { "authorization": format!("Bearer {n:032}"), "x-tenant": "shop" },
        "metadata": { "team": "checkout" },
        "services": [format!("Service{n}")],
    })
}

fn subscription(n: usize) -> Value {
    json!({
        "source": format!("kafka://main/topic-{n}"),
        "sink": format!("service://Service{n}/handle"),
        "options": { "group.id": format!("shop-{n}"), "auto.offset.reset": "earliest", "fetch.min.bytes": "1024" },
    })
}

fn service() -> Value {
    json!({
        "public": false,
        "idempotency_retention": "7 days",
        "journal_retention": "2d 12h",
        "inactivity_timeout": "10m",
        "abort_timeout": "PT15M",
    })
}
