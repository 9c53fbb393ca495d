//! A member of a group.
//!
//! A rebalance reaches the role with its next read. What the role is about to lose, it gives up
//! with the read after that; until then it may commit. Assigned partitions are paused until the
//! role seeks.
//!
//! Over 300 lines: every answer of the client has its place in one loop.

mod place;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::Message;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::changes::{Changes, GroupConsumer, Rebalance, let_go};
use super::clients;
use super::cluster::Cluster;
use super::ends::PartitionEnds;
use super::fault::{self, GroupError, failed, refused};
use super::partition::{list, number};
use super::patience::{REQUEST, patiently};
use super::record;
use crate::edge::clock::Stopwatch;
use crate::edge::diagnostics;
use crate::edge::log::gap::Gap;
use crate::edge::log::right::{AccessRight, Operation};
use crate::edge::log::{
    ANSWER_BYTES, Commit, Committed, LogError, Partition, Read, Reader, Record,
};
use crate::model::LogTime;

/// Records in one answer at most.
const BATCH: usize = 1000;
/// The longest that a poll takes before ends are looked at.
const SLICE: Duration = Duration::from_millis(25);

/// A partition that the group gave to this member.
#[derive(Default)]
struct AssignedPartition {
    /// The next position to read; `None` before the first seek.
    at: Option<i64>,
    /// It was sought then, and the client does not know yet.
    sought: Option<Stopwatch>,
}

pub(super) struct KafkaReader {
    cluster: Arc<Cluster>,
    consumer: Arc<GroupConsumer>,
    group: String,
    topics: Vec<String>,
    subscribed: bool,
    parts: BTreeMap<Partition, AssignedPartition>,
    ends: PartitionEnds,
    /// What is given up with the next read.
    leaving: Vec<Partition>,
    /// A record that arrived among those of another partition.
    next: Option<(Partition, Record)>,
    trouble: Option<KafkaError>,
    /// Positions that were wanted and are not there.
    gone: VecDeque<(Partition, Gap)>,
}

impl KafkaReader {
    pub(super) fn open(
        cluster: Arc<Cluster>,
        group: &str,
        topics: &[String],
    ) -> Result<Self, LogError> {
        for topic in topics {
            cluster.known(&Partition { topic: topic.clone(), partition: 0 })?;
        }
        let client = clients::member(cluster.settings(), group, topics.len());
        let consumer: GroupConsumer = client
            .create_with_context(Changes::default())
            .map_err(|error| failed(&format!("becoming a member of {group}"), error))?;
        Ok(Self {
            ends: PartitionEnds::new(Arc::clone(&cluster)),
            cluster,
            consumer: Arc::new(consumer),
            group: group.to_owned(),
            topics: topics.to_vec(),
            subscribed: false,
            parts: BTreeMap::new(),
            leaving: Vec::new(),
            next: None,
            trouble: None,
            gone: VecDeque::new(),
        })
    }

    /// Joins with the first read; gives up what the read before announced.
    fn settle(&mut self) -> Result<(), LogError> {
        if !self.subscribed {
            let topics: Vec<_> = self.topics.iter().map(String::as_str).collect();
            self.did("joining", self.consumer.subscribe(&topics))?;
            self.subscribed = true;
        }
        let leaving = std::mem::take(&mut self.leaving);
        if !leaving.is_empty() {
            self.give_up(&leaving)?;
        }
        Ok(())
    }

    fn give_up(&mut self, leaving: &[Partition]) -> Result<(), LogError> {
        self.did("letting go of partitions of", let_go(&self.consumer, &list(leaving)))?;
        for partition in leaving {
            self.forget(partition);
        }
        Ok(())
    }

    fn forget(&mut self, partition: &Partition) {
        self.parts.remove(partition);
        self.ends.forget(partition);
        self.gone.retain(|(of, _)| of != partition);
        if self.next.as_ref().is_some_and(|(of, _)| of == partition) {
            self.next = None;
        }
    }

    fn did<T>(&self, doing: &str, result: Result<T, KafkaError>) -> Result<T, LogError> {
        result.map_err(|error| failed(&format!("{doing} {}", self.group), error))
    }

    /// The next rebalance.
    fn change(&mut self) -> Result<Option<Read>, LogError> {
        let change = self.consumer.context().next();
        match change {
            None => Ok(None),
            Some(Rebalance::Given(partitions)) => {
                self.take(&partitions)?;
                Ok(Some(Read::Assigned(partitions)))
            }
            Some(Rebalance::Taken { partitions, lost: true }) => {
                self.give_up(&partitions)?;
                Ok(Some(Read::Lost(partitions)))
            }
            Some(Rebalance::Taken { partitions, lost: false }) => {
                self.leaving.clone_from(&partitions);
                Ok(Some(Read::Revoking(partitions)))
            }
        }
    }

    /// Whether a record belongs to what is read now.
    fn came(&mut self, of: &Partition, record: &Record) -> Result<bool, LogError> {
        let Some(part) = self.parts.get_mut(of).filter(|part| part.sought.is_none()) else {
            return Ok(false);
        };
        let Some(at) = part.at else { return Ok(false) };
        if record.position < at {
            let why = format!(
                "it restarts at {}, but {at} was expected; it was deleted and created again",
                record.position
            );
            return Err(LogError::Damaged { what: of.to_string(), why });
        }
        part.at = Some(record.position + 1);
        self.ends.moved(of);
        Ok(true)
    }

    /// Collects the records at hand of one partition, starting with `first`.
    fn collect(&mut self, of: Partition, first: Record) -> Result<Option<Read>, LogError> {
        if !self.came(&of, &first)? {
            return Ok(None);
        }
        let (mut bytes, mut records) = (first.bytes(), vec![first]);
        while records.len() < BATCH && bytes < ANSWER_BYTES {
            match self.consumer.poll(Duration::ZERO) {
                Some(Ok(message)) => {
                    let record = record::of(&message, &self.cluster);
                    if message.partition() != number(&of) || message.topic() != of.topic {
                        self.next = Some((record::place(&message), record));
                        break;
                    }
                    bytes += record.bytes();
                    records.push(record);
                }
                Some(Err(error)) => {
                    self.trouble = Some(error);
                    break;
                }
                None => break,
            }
        }
        if let Some((part, last)) = self.parts.get_mut(&of).zip(records.last()) {
            part.at = Some(last.position + 1);
        }
        Ok(Some(Read::Records(of, records)))
    }

    /// What an error in the stream comes to; most of them pass.
    fn take_error(&mut self, error: KafkaError) -> Result<Option<Read>, LogError> {
        match fault::meaning(&error) {
            GroupError::End(number) => {
                for (partition, part) in &self.parts {
                    if partition.partition == number && part.at.is_some() && part.sought.is_none() {
                        self.ends.hint(partition);
                    }
                }
                Ok(None)
            }
            GroupError::OutOfRange => {
                self.leave_gaps()?;
                Ok(None)
            }
            GroupError::Silence => {
                self.ends.blocked();
                Ok(Some(Read::Blocked(format!("no broker answers at {}", self.brokers()))))
            }
            GroupError::Replaced => Err(LogError::InUse {
                what: format!("the place of this process in {}", self.group),
                choose: "kafka.instance",
            }),
            GroupError::Refused => {
                Err(refused(&format!("reading as {}", self.group), &self.needs(), error))
            }
            GroupError::Passing => {
                diagnostics::kafka_trouble(&self.group, &error.to_string());
                Ok(None)
            }
        }
    }

    /// What reading takes. Of several topics, one that this user may not ask about comes first.
    fn needs(&self) -> Vec<AccessRight> {
        let told = |topic: &&String| {
            let asked = self.cluster.partitions(topic);
            !matches!(asked, Err(LogError::Denied { .. }))
        };
        let (known, denied): (Vec<_>, Vec<_>) = self.topics.iter().partition(told);
        let read = |topic: &String| AccessRight::topic(Operation::Read, topic);
        let topics = denied.into_iter().chain(known).map(read);
        std::iter::once(AccessRight::group(Operation::Read, &self.group)).chain(topics).collect()
    }

    fn brokers(&self) -> &str {
        &self.cluster.settings().brokers
    }

    /// What can be reported without waiting.
    fn ready(&mut self) -> Result<Option<Read>, LogError> {
        if let Some(read) = self.change()? {
            return Ok(Some(read));
        }
        if let Some(error) = self.trouble.take()
            && let Some(read) = self.take_error(error)?
        {
            return Ok(Some(read));
        }
        if let Some((of, gap)) = self.gone.pop_front() {
            return Ok(Some(Read::Gone(of, gap)));
        }
        self.seek_on()?;
        if let Some((of, record)) = self.next.take()
            && let Some(read) = self.collect(of, record)?
        {
            return Ok(Some(read));
        }
        let parts = &self.parts;
        let at = |of: &Partition| parts.get(of).filter(|part| part.sought.is_none())?.at;
        let Some((of, end)) = self.ends.reached(&self.consumer, at) else { return Ok(None) };
        // The reader stays where it is: should a record still come, it is read.
        Ok(Some(Read::End(of, end)))
    }
}

impl Reader for KafkaReader {
    fn read(&mut self, wait: Duration) -> Result<Option<Read>, LogError> {
        self.settle()?;
        let watch = Stopwatch::start();
        loop {
            if let Some(read) = self.ready()? {
                return Ok(Some(read));
            }
            let past = Duration::from_millis(watch.elapsed().as_ms().unsigned_abs());
            let left = wait.saturating_sub(past);
            let polled = self.consumer.poll(left.min(SLICE));
            let came = match polled {
                Some(Ok(message)) => {
                    Some((record::place(&message), record::of(&message, &self.cluster)))
                }
                Some(Err(error)) => {
                    self.trouble = Some(error);
                    None
                }
                None if left.is_zero() => return self.ready(),
                None => None,
            };
            self.next = came;
        }
    }

    fn seek(&mut self, partition: &Partition, position: i64) -> Result<(), LogError> {
        if !self.parts.contains_key(partition) {
            return Err(LogError::NotAssigned(partition.clone()));
        }
        let (first, end) = self.cluster.bounds(partition)?;
        if self.next.as_ref().is_some_and(|(of, _)| of == partition) {
            self.next = None;
        }
        self.ends.moved(partition);
        self.gone.retain(|(of, _)| of != partition);
        if let Some(part) = self.parts.get_mut(partition) {
            *part = AssignedPartition {
                at: Some(position.clamp(first, end)),
                sought: Some(Stopwatch::start()),
            };
        }
        Ok(())
    }

    fn committed(&mut self, partition: &Partition) -> Result<Option<Committed>, LogError> {
        self.cluster.known(partition)?;
        let doing = format!("asking how far {} has come in {partition}", self.group);
        let needs = [
            AccessRight::group(Operation::Read, &self.group),
            AccessRight::topic(Operation::Read, &partition.topic),
        ];
        let asked = || self.consumer.committed_offsets(list([partition]), REQUEST);
        let found = patiently(&doing, &needs, asked)?;
        let Some(found) = found.elements().into_iter().next() else { return Ok(None) };
        // Not the same as no position: with none, the reader would start from the beginning.
        found.error().map_err(|error| refused(&doing, &needs, error))?;
        let Offset::Offset(position) = found.offset() else { return Ok(None) };
        Ok(Some(Committed { position, metadata: found.metadata().to_owned() }))
    }

    fn commit(&mut self, partition: &Partition, upto: &Committed) -> Result<Commit, LogError> {
        if !self.parts.contains_key(partition) {
            return Ok(Commit::Fenced);
        }
        let list = record::position(partition, upto.position, &upto.metadata)
            .map_err(|error| failed(&format!("committing a position of {partition}"), error))?;
        match self.consumer.commit(&list, CommitMode::Sync) {
            Ok(()) => Ok(Commit::Done),
            Err(error) => match fault::code(&error) {
                Some(code) if fault::is_out(code) => Ok(Commit::Fenced),
                Some(code) if fault::is_moving(code) => Ok(Commit::Retry),
                _ if fault::may_pass(&error) => Ok(Commit::Unknown),
                _ => {
                    let doing = format!("committing a position of {partition}");
                    Err(refused(&doing, &self.needs(), error))
                }
            },
        }
    }

    fn position_at(&mut self, partition: &Partition, time: LogTime) -> Result<i64, LogError> {
        self.cluster.known(partition)?;
        let doing = format!("asking for a time in {partition}");
        let needs = [AccessRight::topic(Operation::Describe, &partition.topic)];
        let found = patiently(&doing, &needs, || {
            let mut asked = TopicPartitionList::new();
            let time = Offset::Offset(time.as_ms());
            asked.add_partition_offset(&partition.topic, number(partition), time)?;
            self.consumer.offsets_for_times(asked, REQUEST)
        })?;
        match found.elements().first().map(|found| found.offset()) {
            Some(Offset::Offset(position)) => Ok(position),
            _ => Ok(self.cluster.bounds(partition)?.1),
        }
    }

    fn bounds(&mut self, partition: &Partition) -> Result<(i64, i64), LogError> {
        self.cluster.bounds(partition)
    }

    fn known_end(&self, partition: &Partition) -> Option<i64> {
        self.consumer.context().end(partition)
    }
}

impl Drop for KafkaReader {
    /// Leaves the group in order; a member that was named keeps its place until it is missed.
    fn drop(&mut self) {
        self.consumer.context().close();
        // Rebalances that are still queued must be answered, or the client waits for that.
        while let Some(change) = self.consumer.context().next() {
            if let Rebalance::Taken { partitions, .. } = change {
                self.leaving.extend(partitions);
            }
        }
        if !self.leaving.is_empty()
            && let Err(error) = let_go(&self.consumer, &list(&self.leaving))
        {
            diagnostics::kafka_trouble("leaving a group", &error.to_string());
        }
        self.consumer.unsubscribe();
    }
}
