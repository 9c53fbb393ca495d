//! The properties of each kind of client. The user's override what may differ from cluster to
//! cluster; those that the log's promises depend on come last, and `config` refuses them.

use std::sync::Mutex;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, ClientContext};

use super::MAX_RECORD_BYTES;
use super::patience::PATIENCE;
use super::statistics;
use crate::config::{GroupProtocol, KafkaSettings};
use crate::edge::diagnostics;
use crate::edge::log::lock::lock;

/// For every client.
const ANY: [(&str, &str); 6] = [
    ("client.id", "ripcord"),
    ("allow.auto.create.topics", "false"),
    ("log.connection.close", "false"),
    ("reconnect.backoff.max.ms", "1000"),
    ("socket.keepalive.enable", "true"),
    // How late partitions that were added are seen.
    ("topic.metadata.refresh.interval.ms", "30000"),
];

/// For clients that read.
const READS: [(&str, &str); 4] = [
    // A fetch that waits holds up a partition that begins.
    ("fetch.wait.max.ms", "100"),
    // The default, 1 s, is slept whenever the reader was slower than the fetcher.
    ("fetch.queue.backoff.ms", "10"),
    ("queued.min.messages", "20000"),
    ("queued.max.messages.kbytes", "32768"),
];

/// For clients that write.
const WRITES: [(&str, &str); 3] =
    [("linger.ms", "0"), ("retry.backoff.ms", "5"), ("compression.type", "lz4")];

/// Logs the messages of a client, and keeps the last reason for trouble.
#[derive(Default)]
pub(super) struct Quiet(Mutex<Option<String>>);

impl Quiet {
    /// The last reason that the client gave for trouble.
    pub(super) fn reason(&self) -> Option<String> {
        lock(&self.0).clone()
    }
}

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, about: &str, text: &str) {
        said(level, about, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if !matches!(error, KafkaError::Global(RDKafkaErrorCode::PartitionEOF)) {
            let mut kept = lock(&self.0);
            let none = all_down(&error);
            if !none || kept.is_none() {
                *kept = Some(reason.to_owned());
            }
            drop(kept);
            if !none {
                diagnostics::kafka_trouble(&error.to_string(), reason);
            }
        }
    }
}

impl ConsumerContext for Quiet {}

/// "All brokers are down" is said twice a second, and says less than why one did not answer.
pub(super) fn all_down(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Global(RDKafkaErrorCode::AllBrokersDown))
}

/// Logs a message of a client. A property that this kind of client does not use is no problem: the
/// user's properties go to all of them.
pub(super) fn said(level: RDKafkaLogLevel, about: &str, text: &str) {
    let level = if about == "CONFWARN" { RDKafkaLogLevel::Debug } else { level };
    diagnostics::kafka_client(level as i32, text);
}

/// Asks about topics, in no group; sees uncommitted records, too.
pub(super) fn asker(settings: &KafkaSettings) -> ClientConfig {
    let mut client = properties(settings, &[]);
    client.set("isolation.level", "read_uncommitted").clone()
}

/// Creates topics and asks for their settings.
pub(super) fn admin(settings: &KafkaSettings) -> ClientConfig {
    properties(settings, &[])
}

/// A member of a group that reads this number of topics.
pub(super) fn member(settings: &KafkaSettings, group: &str, topics: usize) -> ClientConfig {
    let mut timing = vec![("max.poll.interval.ms", settings.longest_work.as_ms().to_string())];
    if settings.group_protocol == GroupProtocol::Classic {
        timing.push(("session.timeout.ms", "10000".to_owned()));
        timing.push(("heartbeat.interval.ms", "2000".to_owned()));
    }
    let timing: Vec<_> = timing.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut client = properties(settings, &[&READS[..], &timing].concat());
    if let Some(instance) = &settings.instance {
        client.set("group.instance.id", instance);
    }
    let joins = topics > 1;
    match settings.group_protocol {
        GroupProtocol::Classic => client.set(
            "partition.assignment.strategy",
            // A lane is one partition of each topic, and must not be split.
            if joins { "range" } else { "cooperative-sticky" },
        ),
        GroupProtocol::Consumer => client
            .set("group.protocol", "consumer")
            .set("group.remote.assignor", if joins { "range" } else { "uniform" }),
    };
    // A position outside of the log is an error, which the reader tells: no hole goes unnoticed.
    reads(&mut client)
        .set("group.id", group)
        .set("auto.offset.reset", "error")
        .set("statistics.interval.ms", statistics::EVERY_MS)
        .clone()
}

/// Reads what it is assigned by hand. It joins no group, but the client requires a group's name.
pub(super) fn scanner(settings: &KafkaSettings, group: &str) -> ClientConfig {
    let mut client = properties(settings, &READS);
    // It reads existing records and does not wait for new ones.
    client.set("queued.max.messages.kbytes", "4096").set("fetch.wait.max.ms", "5");
    reads(&mut client).set("group.id", group).clone()
}

/// Writes on its own.
pub(super) fn producer(settings: &KafkaSettings) -> ClientConfig {
    let mut client = properties(settings, &WRITES);
    client.set("message.timeout.ms", PATIENCE.as_ms().to_string());
    writes(&mut client).clone()
}

/// Writes transactions.
pub(super) fn committer(settings: &KafkaSettings, owner: &str) -> ClientConfig {
    let mut client = properties(settings, &WRITES);
    client.set("transactional.id", owner).set("transaction.timeout.ms", "10000");
    writes(&mut client).clone()
}

fn properties(settings: &KafkaSettings, own: &[(&str, &str)]) -> ClientConfig {
    let mut client = ClientConfig::new();
    ANY.iter().chain(own).for_each(|(name, value)| {
        client.set(*name, *value);
    });
    client.set("bootstrap.servers", &settings.brokers);
    for (name, value) in &settings.properties {
        client.set(name, value);
    }
    for (name, value) in &settings.secrets {
        client.set(name, value.expose());
    }
    client
}

fn reads(client: &mut ClientConfig) -> &mut ClientConfig {
    client
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        // Who scans asks for the bounds first, and compares what came with what was wanted.
        .set("auto.offset.reset", "earliest")
}

fn writes(client: &mut ClientConfig) -> &mut ClientConfig {
    client.set("enable.idempotence", "true").set("message.max.bytes", MAX_RECORD_BYTES.to_string())
}
