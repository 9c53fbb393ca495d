//! What all clients of one cluster share: their properties, a client that asks about topics, and
//! this process's members of groups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::metadata::MetadataTopic;

use super::changes::GroupConsumer;
use super::clients::{self, Quiet};
use super::fault::{self, failed};
use super::partition::number;
use super::patience::{REQUEST, patiently};
use super::scanners::{Scanners, Views};
use crate::config::KafkaSettings;
use crate::edge::clock::Clock;
use crate::edge::log::lock::lock;
use crate::edge::log::right::{AccessRight, Operation};
use crate::edge::log::{LogClock, LogError, Partition};

/// How long the first answer may take.
const REACHED: Duration = Duration::from_secs(15);
/// Callbacks of the client that are served before a request.
const HEARD: usize = 16;

/// The group that is named where nothing else is said; nobody ever joins it.
const NOBODY: &str = "ripcord.scan";

/// One cluster.
pub(super) struct Cluster {
    settings: KafkaSettings,
    clock: LogClock,
    /// In no group; sees uncommitted records, too.
    asker: BaseConsumer<Quiet>,
    counts: Mutex<BTreeMap<String, u32>>,
    compacted: Mutex<BTreeMap<String, bool>>,
    /// Topics whose settings this user may not ask for.
    untold: Mutex<BTreeSet<String>>,
    members: Mutex<BTreeMap<(String, Partition), Weak<GroupConsumer>>>,
    /// The group that readers outside of groups name.
    scans_as: Mutex<String>,
    scanners: Scanners,
    views: Views,
}

impl Cluster {
    /// Sets up its first client; the brokers are not asked anything yet.
    pub(super) fn new(settings: KafkaSettings, clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        let asker = clients::asker(&settings)
            .create_with_context(Quiet::default())
            .map_err(|error| failed("setting up a Kafka client (check kafka.properties)", error))?;
        Ok(Self {
            settings,
            clock: LogClock::of_brokers(clock),
            asker,
            counts: Mutex::default(),
            compacted: Mutex::default(),
            untold: Mutex::default(),
            scans_as: Mutex::new(NOBODY.to_owned()),
            members: Mutex::default(),
            scanners: Scanners::default(),
            views: Views::default(),
        })
    }

    /// Asks the brokers for a sign of life.
    pub(super) fn reach(&self) -> Result<(), LogError> {
        let doing = format!("reaching the brokers {}", self.settings.brokers);
        let hint = "check kafka.brokers, and kafka.properties for TLS and passwords";
        let reached = self.asker.fetch_metadata(None, REACHED);
        self.serve_callbacks();
        match (reached, self.asker.context().reason()) {
            (Ok(_), _) => Ok(()),
            (Err(_), Some(why)) => {
                Err(LogError::Storage { doing, source: format!("{why}; {hint}").into() })
            }
            (Err(error), None) => {
                Err(LogError::Storage { doing, source: format!("{error}; {hint}").into() })
            }
        }
    }

    pub(super) fn settings(&self) -> &KafkaSettings {
        &self.settings
    }

    /// Asks about a topic, patiently.
    pub(super) fn ask<T>(
        &self,
        doing: &str,
        topic: &str,
        question: impl Fn(&BaseConsumer<Quiet>) -> KafkaResult<T>,
    ) -> Result<T, LogError> {
        self.serve_callbacks();
        let needs = [AccessRight::topic(Operation::Describe, topic)];
        let doing = format!("{doing} at {}", self.settings.brokers);
        patiently(&doing, &needs, || question(&self.asker))
    }

    /// Runs the client's callbacks, which it would queue without bound otherwise.
    fn serve_callbacks(&self) {
        for _ in 0..HEARD {
            // What it returns went to the client's context already.
            drop(self.asker.poll(Duration::ZERO));
        }
    }

    /// How many partitions a topic has; `None` if it does not exist.
    pub(super) fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.ask(&format!("asking about {topic}"), topic, |_| self.partitions_now(topic))
    }

    /// The same, asked once.
    pub(super) fn partitions_now(&self, topic: &str) -> KafkaResult<Option<u32>> {
        let metadata = self.asker.fetch_metadata(Some(topic), REQUEST)?;
        let described = metadata.topics().iter().find(|found| found.name() == topic);
        let found = match described.and_then(MetadataTopic::error) {
            Some(error) if fault::is_missing(error.into()) => 0,
            Some(error) => return Err(KafkaError::MetadataFetch(error.into())),
            None => described.map_or(0, |found| found.partitions().len()),
        };
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        if found == 0 {
            return Ok(None);
        }
        lock(&self.counts).insert(topic.to_owned(), found);
        Ok(Some(found))
    }

    /// Refuses a partition that does not exist.
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
        let doing = format!("asking for the bounds of {partition}");
        self.ask(&doing, &partition.topic, |asker| {
            asker.fetch_watermarks(&partition.topic, number(partition), REQUEST)
        })
    }

    /// The end, asked once and without patience.
    pub(super) fn end_within(&self, partition: &Partition, wait: Duration) -> Option<i64> {
        let asked = self.asker.fetch_watermarks(&partition.topic, number(partition), wait);
        asked.ok().map(|(_, end)| end)
    }

    /// The log's time here: this machine's, and not before the newest record that was seen.
    pub(super) fn clock(&self) -> &LogClock {
        &self.clock
    }

    /// Registers the reader of a partition for a group.
    pub(super) fn joined(&self, group: &str, of: &Partition, who: &Arc<GroupConsumer>) {
        lock(&self.members).insert((group.to_owned(), of.clone()), Arc::downgrade(who));
    }

    /// The reader of a partition for a group in this process.
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

    /// Whether it was found that this user may not ask for a topic's settings.
    pub(super) fn is_untold(&self, topic: &str) -> bool {
        lock(&self.untold).contains(topic)
    }

    pub(super) fn keep_untold(&self, topic: &str) {
        lock(&self.untold).insert(topic.to_owned());
    }

    /// The group that is named where records are read outside of any group.
    pub(super) fn scan_group(&self) -> String {
        lock(&self.scans_as).clone()
    }

    pub(super) fn scan_as(&self, group: &str) {
        group.clone_into(&mut lock(&self.scans_as));
    }

    pub(super) fn keep_compacted(&self, topic: &str, compacted: bool) {
        lock(&self.compacted).insert(topic.to_owned(), compacted);
    }
}
