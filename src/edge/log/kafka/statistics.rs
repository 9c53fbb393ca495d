//! What a member's client counts about itself: where partitions end, rebalances, connections that
//! were lost, errors. Only members have it: a client that is seldom polled would pile it up.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rdkafka::statistics::{Broker, Statistics};

use crate::edge::diagnostics::counters;
use crate::edge::diagnostics::metrics::{self, Metric};
use crate::edge::log::Partition;
use crate::edge::log::lock::lock;

/// How often the client tells it, in milliseconds.
pub(super) const EVERY_MS: &str = "5000";

/// What one client told last.
#[derive(Default)]
pub(super) struct ClientStatistics {
    ends: Mutex<BTreeMap<Partition, i64>>,
    totals: Mutex<BTreeMap<Metric, u64>>,
}

impl ClientStatistics {
    /// The end of a partition: the last stable one, if the client knows it.
    pub(super) fn end(&self, partition: &Partition) -> Option<i64> {
        lock(&self.ends).get(partition).copied()
    }

    /// Takes what a client tells. Its numbers begin at zero with the client; those of the process
    /// go on.
    pub(super) fn take(&self, told: &Statistics) {
        *lock(&self.ends) = ends(told);
        let mut known = lock(&self.totals);
        for (metric, total) in totals(told) {
            let before = known.insert(metric, total).unwrap_or(0);
            counters::add(metric, Vec::new(), total.saturating_sub(before));
        }
    }
}

fn ends(told: &Statistics) -> BTreeMap<Partition, i64> {
    let topics = told.topics.iter();
    let all = topics.flat_map(|(topic, of)| of.partitions.iter().map(move |of| (topic, of)));
    let known = all.filter(|(_, (_, of))| of.ls_offset >= 0);
    let named = known.filter_map(|(topic, (number, of))| {
        let partition = u32::try_from(*number).ok()?;
        Some((Partition { topic: topic.clone(), partition }, of.ls_offset))
    });
    named.collect()
}

fn totals(told: &Statistics) -> [(Metric, u64); 3] {
    let sum = |of: fn(&Broker) -> u64| told.brokers.values().map(of).sum();
    let lost = |broker: &Broker| u64::try_from(broker.disconnects.unwrap_or(0)).unwrap_or(0);
    let errors = |broker: &Broker| broker.txerrs + broker.rxerrs + broker.req_timeouts;
    let rebalances = told.cgrp.as_ref().map_or(0, |group| group.rebalance_cnt);
    [
        (metrics::KAFKA_REBALANCES, u64::try_from(rebalances).unwrap_or(0)),
        (metrics::KAFKA_DISCONNECTS, sum(lost)),
        (metrics::KAFKA_ERRORS, sum(errors)),
    ]
}

#[cfg(test)]
mod tests {
    use rdkafka::statistics::{ConsumerGroup, Partition as PartitionNumbers, Topic};

    use super::*;

    #[test]
    fn the_end_is_the_last_stable_one_and_unknown_ones_are_left_out() {
        let numbers = |ls_offset| PartitionNumbers { ls_offset, ..Default::default() };
        let partitions = [(0, numbers(7)), (1, numbers(-1001)), (-1, numbers(5))];
        let topic = Topic { partitions: partitions.into(), ..Default::default() };
        let told = Statistics { topics: [("t".to_owned(), topic)].into(), ..Default::default() };
        let client = ClientStatistics::default();
        client.take(&told);
        let end = |partition| client.end(&Partition { topic: "t".to_owned(), partition });
        assert_eq!([end(0), end(1), end(2)], [Some(7), None, None]);
    }

    #[test]
    fn the_numbers_of_all_brokers_are_summed() {
        let broker = |disconnects, txerrs, rxerrs, req_timeouts| Broker {
            disconnects,
            txerrs,
            rxerrs,
            req_timeouts,
            ..Default::default()
        };
        let brokers = [("a", broker(Some(2), 1, 0, 3)), ("b", broker(None, 0, 5, 0))];
        let told = Statistics {
            brokers: brokers.map(|(name, broker)| (name.to_owned(), broker)).into(),
            cgrp: Some(ConsumerGroup { rebalance_cnt: 4, ..Default::default() }),
            ..Default::default()
        };
        assert_eq!(totals(&told).map(|(_, total)| total), [4, 2, 9]);
    }
}
