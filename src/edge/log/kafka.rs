//! The log on Kafka.

use std::sync::Arc;

use super::{Log, LogError, Partition, Reader, Record, Writer};
use crate::config::KafkaSettings;
use crate::edge::clock::Clock;
use crate::model::LogTime;

/// A log on a Kafka cluster. Clones share its connections.
#[derive(Clone)]
pub struct KafkaLog;

/// A topic as the brokers have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// How many partitions it has.
    pub partitions: u32,
    /// Copies of the partition that has the fewest.
    pub replication: u16,
    /// What the brokers say of its settings, by the names that Kafka gives them: `cleanup.policy`,
    /// `retention.ms`, `message.timestamp.type`, `min.insync.replicas` and the like.
    pub settings: std::collections::BTreeMap<String, String>,
}

impl KafkaLog {
    /// Opens the log: reaches the cluster once, so that a wrong address or password is said at
    /// once.
    ///
    /// # Errors
    /// A property that the client refuses; brokers that cannot be reached or refuse us.
    pub fn open(_settings: &KafkaSettings, _clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        todo!()
    }

    /// A topic as it stands there; none: it does not.
    ///
    /// # Errors
    /// The brokers do not answer.
    pub fn describe(&self, _topic: &str) -> Result<Option<Described>, LogError> {
        todo!()
    }
}

impl Log for KafkaLog {
    fn reader(&self, _group: &str, _topics: &[String]) -> Result<Box<dyn Reader>, LogError> {
        todo!()
    }
    fn writer(&self, _owner: Option<&str>) -> Result<Box<dyn Writer>, LogError> {
        todo!()
    }
    fn create(&self, _topic: &str, _partitions: u32, _compacted: bool) -> Result<u32, LogError> {
        todo!()
    }
    fn partitions(&self, _topic: &str) -> Result<Option<u32>, LogError> {
        todo!()
    }
    fn latest(&self, _partition: &Partition) -> Result<Vec<Record>, LogError> {
        todo!()
    }
    fn scan(&self, _at: &Partition, _position: i64, _most: usize) -> Result<Vec<Record>, LogError> {
        todo!()
    }
    fn now(&self) -> LogTime {
        todo!()
    }
}
