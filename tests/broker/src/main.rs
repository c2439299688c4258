//! A Kafka broker for tests: librdkafka's mock cluster, and a producer of numbered records.
//!
//! The first line on standard output is the bootstrap address. Then every command, a line on standard
//! input, is answered with a number: `lag` with what it says, the others with how many records have
//! been written so far. The end of the input ends the broker, so it never outlives the test that
//! started it, however that ended.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::topic_partition_list::Offset;

const TIMEOUT: Duration = Duration::from_secs(10);

fn main() {
    let cluster = MockCluster::new(1).expect("a mock cluster");
    let address = cluster.bootstrap_servers();
    let writer = Arc::new(Writer::connect(&address));
    let mut background: Option<Background> = None;
    println!("{address}");
    for line in io::stdin().lock().lines() {
        let line = line.expect("a command");
        let words: Vec<&str> = line.split(' ').collect();
        let answer = match words[..] {
            ["create", topic, partitions] => {
                cluster
                    .create_topic(topic, number(partitions), 1)
                    .expect("a new topic");
                writer.written()
            }
            ["write", topic, count] => writer.write(topic, number(count)),
            ["keep-writing", topic, per_second] => {
                background = Some(Background::start(&writer, topic, number(per_second)));
                writer.written()
            }
            ["stop-writing"] => {
                background.take().expect("something is being written").stop();
                writer.flush()
            }
            ["written"] => writer.written(),
            ["lag", group, topic] => lag(&address, group, topic),
            _ => panic!("there is no command `{line}`"),
        };
        println!("{answer}");
    }
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(word: &str) -> T {
    word.parse().expect("a number")
}

/// Writes 0, 1, 2 … as JSON, to whatever partition.
struct Writer {
    producer: ThreadedProducer<AllOrNothing>,
    next: AtomicU64,
}

impl Writer {
    fn connect(address: &str) -> Self {
        let config = client(address);
        let producer = ThreadedProducer::from_config_and_context(&config, AllOrNothing).expect("a producer");
        Self {
            producer,
            next: AtomicU64::new(0),
        }
    }

    fn write(&self, topic: &str, count: u64) -> u64 {
        for _ in 0..count {
            self.write_one(topic);
        }
        self.flush()
    }

    fn write_one(&self, topic: &str) {
        let number = self.next.fetch_add(1, Ordering::SeqCst).to_string();
        let mut record = BaseRecord::<(), str>::to(topic).payload(&number);
        while let Err((error, unsent)) = self.producer.send(record) {
            assert_eq!(
                error,
                KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull),
                "record {number} cannot be written"
            );
            thread::sleep(Duration::from_millis(1));
            record = unsent;
        }
    }

    fn flush(&self) -> u64 {
        self.producer.flush(TIMEOUT).expect("all is written");
        self.written()
    }

    fn written(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }
}

/// Every count of a test would be wrong if a record were missing.
struct AllOrNothing;

impl ClientContext for AllOrNothing {}

impl ProducerContext for AllOrNothing {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            eprintln!("a record was not written: {error}");
            std::process::abort();
        }
    }
}

/// Writes at a steady pace until stopped.
struct Background {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Background {
    fn start(writer: &Arc<Writer>, topic: &str, per_second: u32) -> Self {
        let (stop, stopped) = mpsc::channel();
        let pace = Duration::from_secs(1) / per_second;
        let writer = Arc::clone(writer);
        let topic = topic.to_owned();
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(pace) == Err(RecvTimeoutError::Timeout) {
                writer.write_one(&topic);
            }
        });
        Self { stop, thread }
    }

    fn stop(self) {
        drop(self.stop);
        self.thread.join().expect("what is written is written well");
    }
}

/// How many records of the topic are beyond what the consumer group has committed.
fn lag(address: &str, group: &str, topic: &str) -> u64 {
    let consumer: BaseConsumer = client(address)
        .set("group.id", group)
        .create()
        .expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT).expect("metadata");
    let mut asked = rdkafka::TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        asked.add_partition(topic, partition.id());
    }
    let committed = consumer.committed_offsets(asked, TIMEOUT).expect("offsets");
    let behind = committed.elements().into_iter().map(|partition| {
        let (first, end) = consumer
            .fetch_watermarks(topic, partition.partition(), TIMEOUT)
            .expect("watermarks");
        match partition.offset() {
            Offset::Offset(next) => end - next,
            _ => end - first,
        }
    });
    behind.sum::<i64>().try_into().expect("nothing is read twice")
}

fn client(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address);
    config
}
