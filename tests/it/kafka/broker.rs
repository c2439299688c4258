//! The broker of `tests/broker`: built on first use, ended with the test.

use crate::server::{run, target_dir};
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = target_dir().join("broker");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broker/Cargo.toml");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--locked", "--manifest-path"]).arg(manifest);
    cargo.arg("--target-dir").arg(&target);
    run(&mut cargo).unwrap_or_else(|error| panic!("the Kafka broker cannot be built: {error}"));
    target.join("debug/broker")
});

/// A Kafka cluster and a producer of numbered records: 0, 1, 2 …
pub struct Broker {
    address: String,
    answers: Lines<BufReader<ChildStdout>>,
    process: Child,
}

impl Broker {
    pub fn start() -> Self {
        // The process that holds the other end of its input may be killed: then it ends itself.
        let mut process = Command::new(&*BINARY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = answers.next().unwrap().unwrap();
        Self {
            address,
            answers,
            process,
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn create_topic(&mut self, topic: &str, partitions: u32) {
        self.command(&format!("create {topic} {partitions}"));
    }

    pub fn write(&mut self, topic: &str, count: u64) {
        self.command(&format!("write {topic} {count}"));
    }

    pub fn keep_writing(&mut self, topic: &str, per_second: u32) {
        self.command(&format!("keep-writing {topic} {per_second}"));
    }

    /// The number of records that there are then.
    pub fn stop_writing(&mut self) -> u64 {
        self.command("stop-writing")
    }

    /// The number of records so far.
    pub fn written(&mut self) -> u64 {
        self.command("written")
    }

    /// How many records the consumer group has not committed.
    pub fn lag(&mut self, group: &str, topic: &str) -> u64 {
        self.command(&format!("lag {group} {topic}"))
    }

    fn command(&mut self, line: &str) -> u64 {
        let input = self.process.stdin.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        let answer = self.answers.next().expect("the broker answers").unwrap();
        answer.parse().unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
