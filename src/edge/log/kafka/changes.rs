//! What a group says to its member. It comes up inside a poll and is only written down there: what
//! follows from it may take long and may fail.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::clients;
use super::partition::partitions;
use crate::edge::diagnostics;
use crate::edge::log::Partition;
use crate::edge::log::lock::lock;

pub(super) type GroupConsumer = BaseConsumer<Changes>;

/// What the group said and the role has not heard yet.
#[derive(Default)]
pub(super) struct Changes {
    heard: Mutex<VecDeque<Rebalance>>,
    closing: AtomicBool,
}

/// One thing that it said.
pub(super) enum Rebalance {
    /// These are the member's from now on.
    Given(Vec<Partition>),
    /// These are to be let go; or they are lost already.
    Taken { partitions: Vec<Partition>, lost: bool },
}

impl Changes {
    /// What came next and was not heard yet.
    pub(super) fn next(&self) -> Option<Rebalance> {
        lock(&self.heard).pop_front()
    }

    /// The member leaves: what it still has to let go, it lets go by itself.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

impl ClientContext for Changes {
    fn log(&self, level: RDKafkaLogLevel, about: &str, text: &str) {
        clients::said(level, about, text);
    }

    /// Whoever polls hears it, too.
    fn error(&self, _: KafkaError, _: &str) {}
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
