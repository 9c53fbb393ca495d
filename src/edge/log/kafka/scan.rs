//! Reads partitions outside any group, and keeps the last record of each key where that is asked
//! for again and again.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

use super::clients::{self, Quiet};
use super::cluster::Cluster;
use super::fault::{self, failed, refused};
use super::partition::number;
use super::patience::{PATIENCE, REQUEST, patiently};
use super::scanners::{CompactedView, Scanner};
use super::{record, topics};
use crate::edge::clock::Stopwatch;
use crate::edge::log::lock::lock;
use crate::edge::log::right::{AccessRight, Operation};
use crate::edge::log::{LogError, Partition, Record};

/// Clients kept for the next scan.
const KEPT: usize = 4;
/// Records that a view takes at once.
const BATCH: usize = 2000;
/// The longest that a poll takes.
const POLL: Duration = Duration::from_millis(100);

impl Cluster {
    /// Records from `position` on that are committed, at most `most`.
    pub(super) fn scan(
        &self,
        partition: &Partition,
        position: i64,
        most: usize,
    ) -> Result<Vec<Record>, LogError> {
        self.known(partition)?;
        let mut scanner = self.take_scanner(partition, position)?;
        let records = scanner.scan(self, partition, position, most)?;
        let mut kept = lock(&self.scanners().0);
        if kept.len() < KEPT {
            kept.push(scanner);
        }
        Ok(records)
    }

    /// The one that is at that position already, or any.
    fn take_scanner(&self, partition: &Partition, position: i64) -> Result<Scanner, LogError> {
        let mut kept = lock(&self.scanners().0);
        let stands = |scanner: &Scanner| {
            scanner.at.as_ref().is_some_and(|(of, at)| of == partition && *at == position)
        };
        let idle = |scanner: &Scanner| scanner.at.is_none();
        let found = kept.iter().position(stands).or_else(|| kept.iter().position(idle));
        let found = found.or_else(|| (kept.len() >= KEPT).then_some(0));
        if let Some(found) = found {
            return Ok(kept.remove(found));
        }
        drop(kept);
        let consumer = clients::scanner(self.settings(), &self.scan_group())
            .create_with_context(Quiet::default());
        let consumer = consumer.map_err(|error| failed("setting up a Kafka client", error))?;
        Ok(Scanner { consumer, at: None, end: 0 })
    }

    /// The last record of each key that begins so, by position.
    pub(super) fn latest(
        &self,
        partition: &Partition,
        beginning: &[u8],
    ) -> Result<Vec<Record>, LogError> {
        self.known(partition)?;
        let compacted = topics::compacted(self, &partition.topic)?;
        let view = Arc::clone(lock(self.views()).entry(partition.clone()).or_default());
        let mut view = lock(&view);
        if self.bounds(partition)?.1 < view.next {
            // It was deleted and made again.
            *view = CompactedView::default();
        }
        loop {
            let records = self.scan(partition, view.next, BATCH)?;
            let Some(last) = records.last() else { break };
            view.next = last.position + 1;
            for record in records {
                let Some(key) = record.key.clone() else { continue };
                if compacted && record.value.is_empty() {
                    view.records.remove(&key);
                } else {
                    view.records.insert(key, record);
                }
            }
        }
        let wanted = view.records.range(beginning.to_vec()..);
        let wanted = wanted.take_while(|(key, _)| key.starts_with(beginning));
        let mut latest: Vec<_> = wanted.map(|(_, record)| record.clone()).collect();
        latest.sort_by_key(|record| record.position);
        Ok(latest)
    }
}

impl Scanner {
    fn scan(
        &mut self,
        cluster: &Cluster,
        partition: &Partition,
        position: i64,
        most: usize,
    ) -> Result<Vec<Record>, LogError> {
        let stands = self.at.take().is_some_and(|(of, at)| of == *partition && at == position);
        let mut from = position;
        if !stands || from >= self.end {
            let doing = format!("asking for the bounds of {partition}");
            let needs = [AccessRight::topic(Operation::Describe, &partition.topic)];
            let ask =
                || self.consumer.fetch_watermarks(&partition.topic, number(partition), REQUEST);
            let (first, end) = patiently(&doing, &needs, ask)?;
            (from, self.end) = (position.clamp(first, end), end);
        }
        if from >= self.end || most == 0 {
            return Ok(Vec::new());
        }
        if !stands || from != position {
            self.go(partition, from)?;
        }
        self.collect(cluster, partition, (from, most), !stands)
    }

    fn go(&self, partition: &Partition, from: i64) -> Result<(), LogError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&partition.topic, number(partition), Offset::Offset(from))
            .and_then(|()| self.consumer.assign(&list))
            .map_err(|error| failed(&format!("reading {partition}"), error))
    }

    /// Reads on from a position until there are `most`, or the end was reached. An end that was
    /// said of a place where the client stood before, not `sent` there now, may be an old one.
    fn collect(
        &mut self,
        cluster: &Cluster,
        partition: &Partition,
        (from, most): (i64, usize),
        mut sent: bool,
    ) -> Result<Vec<Record>, LogError> {
        let needs = [
            AccessRight::topic(Operation::Read, &partition.topic),
            AccessRight::group(Operation::Describe, &cluster.scan_group()),
        ];
        let reading = |error| refused(&format!("reading {partition}"), &needs, error);
        let mut records: Vec<Record> = Vec::new();
        let mut watch = Stopwatch::start();
        loop {
            match self.consumer.poll(POLL) {
                Some(Ok(message)) => {
                    records.push(record::of(&message, cluster));
                    watch = Stopwatch::start();
                }
                Some(Err(KafkaError::PartitionEOF(_))) if !sent => {
                    self.go(partition, records.last().map_or(from, |last| last.position + 1))?;
                    sent = true;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.consumer.unassign().map_err(reading)?;
                    return Ok(records);
                }
                None if watch.elapsed() > PATIENCE => {
                    let silent = RDKafkaErrorCode::OperationTimedOut;
                    return Err(reading(KafkaError::MessageConsumption(silent)));
                }
                Some(Err(error)) if !fault::may_pass(&error) => return Err(reading(error)),
                Some(Err(error)) if watch.elapsed() > PATIENCE => return Err(reading(error)),
                Some(Err(_)) | None => {}
            }
            let Some(last) = records.last() else { continue };
            let next = last.position + 1;
            if next >= self.end {
                self.consumer.unassign().map_err(reading)?;
                return Ok(records);
            }
            if records.len() >= most {
                self.at = Some((partition.clone(), next));
                return Ok(records);
            }
        }
    }
}
