//! Rebalances of a group. They arrive inside a poll and are only queued there, because acting on
//! them may take long and may fail.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::clients;
use super::partition::partitions;
use super::statistics::ClientStatistics;
use crate::edge::diagnostics;
use crate::edge::log::Partition;
use crate::edge::log::lock::lock;

pub(super) type GroupConsumer = BaseConsumer<Changes>;

/// The rebalances that the role has not seen yet.
#[derive(Default)]
pub(super) struct Changes {
    heard: Mutex<VecDeque<Rebalance>>,
    closing: AtomicBool,
    statistics: ClientStatistics,
}

/// One of them.
pub(super) enum Rebalance {
    /// These are assigned to the member from now on.
    Given(Vec<Partition>),
    /// These must be given up, or are `lost` already.
    Taken { partitions: Vec<Partition>, lost: bool },
}

impl Changes {
    /// The next one, in order.
    pub(super) fn next(&self) -> Option<Rebalance> {
        lock(&self.heard).pop_front()
    }

    /// The end of a partition, as far as the client knows it.
    pub(super) fn end(&self, partition: &Partition) -> Option<i64> {
        self.statistics.end(partition)
    }

    /// The member leaves: from now on it gives up at once what is taken from it.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

impl ClientContext for Changes {
    fn log(&self, level: RDKafkaLogLevel, about: &str, text: &str) {
        clients::said(level, about, text);
    }

    /// The poll returns it, too.
    fn error(&self, _: KafkaError, _: &str) {}

    fn stats(&self, told: Statistics) {
        self.statistics.take(&told);
    }
}

impl ConsumerContext for Changes {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let given = what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if !self.closing.load(Ordering::Relaxed) {
            let partitions = partitions(list);
            lock(&self.heard).push_back(if given {
                Rebalance::Given(partitions)
            } else {
                Rebalance::Taken { partitions, lost: consumer.assignment_lost() }
            });
        } else if !given && let Err(error) = let_go(consumer, list) {
            diagnostics::kafka_trouble("leaving a group", &error.to_string());
        }
    }
}

/// Tells the client that partitions are no longer read.
pub(super) fn let_go(
    consumer: &GroupConsumer,
    list: &TopicPartitionList,
) -> Result<(), KafkaError> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
    }
}
