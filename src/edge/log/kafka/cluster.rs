//! What all clients of one cluster share: the properties they are made with, a client that asks
//! about topics, and who is a member of which group in this process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, ClientContext};

use super::fault::{self, failed};
use super::reader::GroupConsumer;
use super::scan::{Scanners, Views};
use crate::config::{GroupProtocol, KafkaSettings};
use crate::edge::clock::{Clock, Stopwatch};
use crate::edge::diagnostics;
use crate::edge::log::{LogError, Partition};
use crate::model::{LogTime, Span};

/// How long one question to the brokers may take.
pub(super) const ASKED: Duration = Duration::from_secs(5);
/// How long a fault that may pass is waited out before a role is told.
pub(super) const PATIENCE: Span = Span::from_s(60);
/// The pause before a question is asked again.
const AGAIN: Duration = Duration::from_millis(100);
/// The largest record in bytes, before compression: snapshots of a shard are the largest.
pub(super) const MAX_RECORD_BYTES: &str = "16777216";

/// Says what clients have to say.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, _: &str, text: &str) {
        diagnostics::kafka_client(level as i32, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if !matches!(error, KafkaError::Global(RDKafkaErrorCode::PartitionEOF)) {
            diagnostics::kafka_trouble(&error.to_string(), reason);
        }
    }
}

impl rdkafka::consumer::ConsumerContext for Quiet {}

/// One cluster.
pub(super) struct Cluster {
    settings: KafkaSettings,
    clock: Arc<dyn Clock>,
    /// In no group; sees what is not committed yet, too.
    asker: BaseConsumer<Quiet>,
    counts: Mutex<BTreeMap<String, u32>>,
    compacted: Mutex<BTreeMap<String, bool>>,
    members: Mutex<BTreeMap<(String, Partition), Weak<GroupConsumer>>>,
    scanners: Scanners,
    views: Views,
    newest: AtomicI64,
}

impl Cluster {
    pub(super) fn reach(settings: KafkaSettings, clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        let asker = properties(&settings)
            .set("isolation.level", "read_uncommitted")
            .create_with_context(Quiet)
            .map_err(|error| failed("setting up a Kafka client; look at kafka.properties", error))?;
        let cluster = Self {
            settings,
            clock,
            asker,
            counts: Mutex::default(),
            compacted: Mutex::default(),
            members: Mutex::default(),
            scanners: Scanners::default(),
            views: Views::default(),
            newest: AtomicI64::new(i64::MIN),
        };
        cluster.ask("reaching the brokers", |asker| asker.fetch_metadata(None, ASKED).map(drop))?;
        Ok(cluster)
    }

    pub(super) fn settings(&self) -> &KafkaSettings {
        &self.settings
    }

    /// Asks until there is an answer, or waiting was of no use.
    pub(super) fn ask<T>(
        &self,
        doing: &str,
        question: impl Fn(&BaseConsumer<Quiet>) -> rdkafka::error::KafkaResult<T>,
    ) -> Result<T, LogError> {
        patiently(&format!("{doing} at {}", self.settings.brokers), || question(&self.asker))
    }

    /// How many partitions a topic has; none: it is not there.
    pub(super) fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        let doing = format!("asking about {topic}");
        let found = self.ask(&doing, |asker| {
            let metadata = asker.fetch_metadata(Some(topic), ASKED)?;
            let topic = metadata.topics().iter().find(|found| found.name() == topic);
            match topic.and_then(rdkafka::metadata::MetadataTopic::error) {
                Some(error) if fault::is_missing(error.into()) => Ok(0),
                Some(error) => Err(KafkaError::MetadataFetch(error.into())),
                None => Ok(topic.map_or(0, |topic| topic.partitions().len())),
            }
        })?;
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        if found == 0 {
            return Ok(None);
        }
        lock(&self.counts).insert(topic.to_owned(), found);
        Ok(Some(found))
    }

    /// Refuses what is not there.
    pub(super) fn known(&self, partition: &Partition) -> Result<(), LogError> {
        let known = lock(&self.counts).get(&partition.topic).copied();
        if known.is_some_and(|count| partition.partition < count) {
            return Ok(());
        }
        match self.partitions(&partition.topic)? {
            Some(count) if partition.partition < count => Ok(()),
            Some(_) | None => Err(LogError::NoSuchPartition(partition.clone())),
        }
    }

    /// The first position, and the end behind all records, committed or not.
    pub(super) fn bounds(&self, partition: &Partition) -> Result<(i64, i64), LogError> {
        self.known(partition)?;
        self.ask(&format!("asking for the bounds of {partition}"), |asker| {
            asker.fetch_watermarks(&partition.topic, number(partition), ASKED)
        })
    }

    /// The same, once and without patience.
    pub(super) fn end_now(&self, partition: &Partition) -> Option<i64> {
        let asked = self.asker.fetch_watermarks(&partition.topic, number(partition), ASKED);
        asked.ok().map(|(_, end)| end)
    }

    pub(super) fn now(&self) -> LogTime {
        let newest = LogTime::from_ms(self.newest.load(Ordering::Relaxed));
        self.clock.now().max(newest)
    }

    /// The log took a record at this time.
    pub(super) fn seen(&self, time: LogTime) {
        self.newest.fetch_max(time.as_ms(), Ordering::Relaxed);
    }

    /// Says who reads a partition for a group.
    pub(super) fn joined(&self, group: &str, of: &Partition, who: &Arc<GroupConsumer>) {
        lock(&self.members).insert((group.to_owned(), of.clone()), Arc::downgrade(who));
    }

    /// Who reads a partition for a group in this process.
    pub(super) fn member(&self, group: &str, of: &Partition) -> Option<Arc<GroupConsumer>> {
        lock(&self.members).get(&(group.to_owned(), of.clone()))?.upgrade()
    }

    pub(super) fn scanners(&self) -> &Scanners {
        &self.scanners
    }

    pub(super) fn views(&self) -> &Views {
        &self.views
    }

    /// Whether a topic is compacted, if that was asked before.
    pub(super) fn kept_compacted(&self, topic: &str) -> Option<bool> {
        lock(&self.compacted).get(topic).copied()
    }

    pub(super) fn keep_compacted(&self, topic: &str, compacted: bool) {
        lock(&self.compacted).insert(topic.to_owned(), compacted);
    }

    /// Makes topics and asks for their settings.
    pub(super) fn admin(&self) -> ClientConfig {
        properties(&self.settings)
    }

    /// A member of a group.
    pub(super) fn consumer(&self, group: &str, topics: usize) -> ClientConfig {
        let mut client = properties(&self.settings);
        let joins = topics > 1;
        if let Some(instance) = &self.settings.instance {
            client.set("group.instance.id", instance);
        }
        match self.settings.group_protocol {
            GroupProtocol::Classic => {
                let spread = if joins { "range" } else { "cooperative-sticky" };
                client.set("partition.assignment.strategy", spread);
                let of = |name: &str| self.settings.properties.contains_key(name);
                if !of("session.timeout.ms") && !of("heartbeat.interval.ms") {
                    client.set("session.timeout.ms", "10000").set("heartbeat.interval.ms", "2000");
                }
            }
            GroupProtocol::Consumer => {
                client.set("group.protocol", "consumer");
                client.set("group.remote.assignor", if joins { "range" } else { "uniform" });
            }
        }
        let longest = self.settings.longest_work.as_ms().to_string();
        let poll = "max.poll.interval.ms";
        if !self.settings.properties.contains_key(poll) {
            client.set(poll, longest);
        }
        reads(&mut client).set("group.id", group).clone()
    }

    /// Reads what it is told to, as a member of nothing.
    pub(super) fn scanner(&self) -> ClientConfig {
        let mut client = properties(&self.settings);
        client.set("queued.max.messages.kbytes", "4096");
        // It never joins; without a name the client assigns nothing.
        reads(&mut client).set("group.id", "ripcord.scan").clone()
    }

    /// Writes on its own.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut client = properties(&self.settings);
        client.set("message.timeout.ms", PATIENCE.as_ms().to_string());
        writes(&mut client).clone()
    }

    /// Writes transactions.
    pub(super) fn committer(&self, owner: &str) -> ClientConfig {
        let mut client = properties(&self.settings);
        client.set("transactional.id", owner).set("transaction.timeout.ms", "10000");
        writes(&mut client).clone()
    }
}

/// Asks again until there is an answer, or waiting was of no use.
pub(super) fn patiently<T>(
    doing: &str,
    question: impl Fn() -> rdkafka::error::KafkaResult<T>,
) -> Result<T, LogError> {
    let watch = Stopwatch::start();
    loop {
        match question() {
            Ok(answer) => return Ok(answer),
            Err(error) if fault::may_pass(&error) && watch.elapsed() < PATIENCE => {
                std::thread::sleep(AGAIN);
            }
            Err(error) => return Err(failed(doing, error)),
        }
    }
}

/// A partition's number as the client takes it.
pub(super) fn number(partition: &Partition) -> i32 {
    i32::try_from(partition.partition).unwrap_or(i32::MAX)
}

/// What every client is made with; the user's properties come last, so that they hold.
fn properties(settings: &KafkaSettings) -> ClientConfig {
    let mut client = ClientConfig::new();
    for (name, value) in [
        ("client.id", "ripcord"),
        ("allow.auto.create.topics", "false"),
        ("log.connection.close", "false"),
        ("reconnect.backoff.max.ms", "1000"),
        ("socket.keepalive.enable", "true"),
        // How late partitions that were added are seen.
        ("topic.metadata.refresh.interval.ms", "30000"),
        // A fetch that waits holds up a partition that begins.
        ("fetch.wait.max.ms", "100"),
        // The default, 1 s, is slept whenever the reader was slower than the fetcher.
        ("fetch.queue.backoff.ms", "10"),
        ("queued.min.messages", "20000"),
        ("queued.max.messages.kbytes", "32768"),
        ("retry.backoff.ms", "5"),
        ("linger.ms", "0"),
        ("compression.type", "lz4"),
    ] {
        client.set(name, value);
    }
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
        // What retention took is a gap in the positions, which measuring says.
        .set("auto.offset.reset", "earliest")
}

fn writes(client: &mut ClientConfig) -> &mut ClientConfig {
    client.set("enable.idempotence", "true").set("message.max.bytes", MAX_RECORD_BYTES)
}

/// Nothing panics while it holds it.
pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
