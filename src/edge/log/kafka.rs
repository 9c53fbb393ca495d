//! The log on Kafka, which distributes lanes, shards and workers over machines.
//!
//! * A reader is a member of a consumer group. A shard's writer is a transactional producer, every
//!   other one an idempotent producer. All of them block the thread of the role that owns them.
//! * A fault that passes, such as a broker's restart, is waited out for a minute; only then does a
//!   role see an error and restart.
//! * Log time is the brokers' time: they stamp records of Ripcord's topics when they append them.
//!   If producers stamp a topic, its records say so.
//! * Positions have gaps, from transaction markers and compaction.

mod changes;
mod clients;
mod cluster;
mod commit;
mod ends;
mod fault;
mod partition;
mod patience;
mod reader;
mod record;
mod scan;
mod scanners;
mod sender;
mod statistics;
mod topics;
mod trial;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::cluster::Cluster;
use self::reader::KafkaReader;
use self::writer::KafkaWriter;
use super::{Log, LogClock, LogError, Partition, Reader, Record, Writer};
use crate::config::KafkaSettings;
use crate::edge::clock::Clock;

/// The largest record in bytes, before compression: the state of a shard is the largest.
pub const MAX_RECORD_BYTES: u64 = 16_777_216;

/// A log on a Kafka cluster. Clones share its connections.
#[derive(Clone)]
pub struct KafkaLog {
    cluster: Arc<Cluster>,
}

/// A topic as the brokers describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// How many partitions it has.
    pub partitions: u32,
    /// Copies of the partition that has the fewest.
    pub replication: u16,
    /// Its settings under Kafka's names: `cleanup.policy`, `retention.ms`,
    /// `message.timestamp.type`, `min.insync.replicas` and others.
    pub settings: BTreeMap<String, String>,
}

/// A property that the Kafka client refuses.
#[derive(Debug)]
pub struct RefusedProperty {
    /// Its name, if the client says it.
    pub property: Option<String>,
    /// Why, without its value.
    pub why: String,
}

/// Sets up every kind of client once, as the roles do, to learn whether the client takes the
/// properties, alone and together. No broker need be there.
///
/// # Errors
/// The first property that is refused.
pub fn try_properties(settings: &KafkaSettings) -> Result<(), RefusedProperty> {
    trial::every_kind(settings).map_err(|error| {
        let property = fault::property(&error).map(str::to_owned);
        RefusedProperty { property, why: fault::refusal(&error) }
    })
}

impl KafkaLog {
    /// Opens the log. It reaches the cluster once, so that a wrong address or password is reported
    /// immediately.
    ///
    /// # Errors
    /// A property that the client refuses; brokers that cannot be reached or refuse us.
    pub fn open(settings: &KafkaSettings, clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        let log = Self::unasked(settings, clock)?;
        log.cluster.reach()?;
        Ok(log)
    }

    /// The log, before the cluster was asked anything.
    ///
    /// # Errors
    /// A property that the client refuses.
    pub fn unasked(settings: &KafkaSettings, clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        Ok(Self { cluster: Arc::new(Cluster::new(settings.clone(), clock)?) })
    }

    /// Describes a topic; `None` if it does not exist.
    ///
    /// # Errors
    /// The brokers do not answer.
    pub fn describe(&self, topic: &str) -> Result<Option<Described>, LogError> {
        topics::describe(&self.cluster, topic)
    }

    /// Names this group wherever records are read outside of any group, so that a role needs no
    /// rights but those of its own group. Nothing is read in it.
    pub fn scan_as(&self, group: &str) {
        self.cluster.scan_as(group);
    }

    /// The first position of a partition that is still there, and its end.
    ///
    /// # Errors
    /// The brokers do not answer.
    pub fn bounds(&self, partition: &Partition) -> Result<(i64, i64), LogError> {
        self.cluster.bounds(partition)
    }

    /// Deletes topics with all their records.
    ///
    /// # Errors
    /// The brokers refuse, or do not answer.
    pub fn delete(&self, topics: &[String]) -> Result<(), LogError> {
        topics::delete(&self.cluster, topics)
    }
}

impl Log for KafkaLog {
    fn reader(&self, group: &str, topics: &[String]) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(KafkaReader::open(Arc::clone(&self.cluster), group, topics)?))
    }

    fn writer(&self, owner: Option<&str>) -> Result<Box<dyn Writer>, LogError> {
        Ok(Box::new(KafkaWriter::open(Arc::clone(&self.cluster), owner)?))
    }

    fn create(&self, topic: &str, partitions: u32, compacted: bool) -> Result<u32, LogError> {
        topics::create(&self.cluster, topic, partitions, compacted)
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.cluster.partitions(topic)
    }

    fn latest(&self, partition: &Partition, beginning: &str) -> Result<Vec<Record>, LogError> {
        self.cluster.latest(partition, beginning.as_bytes())
    }

    fn scan(
        &self,
        partition: &Partition,
        position: i64,
        most: usize,
    ) -> Result<Vec<Record>, LogError> {
        self.cluster.scan(partition, position, most)
    }

    fn clock(&self) -> &LogClock {
        self.cluster.clock()
    }
}
