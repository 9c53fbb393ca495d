//! A log in memory for many processes: what stays of a simulated world when all of them die.
//!
//! It keeps the contract of every log. Like Kafka, and unlike the local log, it spreads the
//! partitions of a group over its members, and a transaction leaves a gap in the positions.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use ripcord::edge::clock::Clock;
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::{
    Commit, Committed, Log, LogClock, LogError, Outgoing, Partition, Record, Transaction,
};

use crate::groups::Groups;

/// Shared by all processes of a world.
pub(crate) struct Broker {
    state: Mutex<BrokerState>,
    changed: Condvar,
    /// Only its clock is used: no other way leads to one.
    clock: LocalLog,
}

#[derive(Default)]
pub(crate) struct BrokerState {
    topics: BTreeMap<String, StoredTopic>,
    pub(crate) groups: Groups,
    /// The epoch of each owner.
    owners: BTreeMap<String, u64>,
}

struct StoredTopic {
    compacted: bool,
    partitions: Vec<StoredPartition>,
}

#[derive(Default)]
struct StoredPartition {
    records: Vec<Record>,
    /// The next position.
    end: i64,
    /// Where the last record of each key lies.
    newest: BTreeMap<Vec<u8>, usize>,
}

impl StoredPartition {
    fn from(&self, position: i64) -> &[Record] {
        let first = self.records.partition_point(|record| record.position < position);
        &self.records[first..]
    }
}

impl BrokerState {
    fn partition(&self, of: &Partition) -> Result<&StoredPartition, LogError> {
        let topic = self.topics.get(&of.topic);
        let found = topic.and_then(|topic| topic.partitions.get(of.partition as usize));
        found.ok_or_else(|| LogError::NoSuchPartition(of.clone()))
    }

    /// The first position that is there, and the end.
    pub(crate) fn bounds(&self, of: &Partition) -> Result<(i64, i64), LogError> {
        let kept = self.partition(of)?;
        Ok((kept.records.first().map_or(kept.end, |record| record.position), kept.end))
    }

    /// At most `most` records from a position on.
    pub(crate) fn records(
        &self,
        of: &Partition,
        position: i64,
        most: usize,
    ) -> Result<Vec<Record>, LogError> {
        Ok(self.partition(of)?.from(position).iter().take(most).cloned().collect())
    }

    /// Refuses before anything is written.
    fn check(&self, records: &[Outgoing]) -> Result<(), LogError> {
        for record in records {
            self.partition(&record.to)?;
            let compacted = self.topics.get(&record.to.topic).is_some_and(|topic| topic.compacted);
            if compacted && record.key.is_none() {
                return Err(LogError::NoKey(record.to.clone()));
            }
        }
        Ok(())
    }

    fn write(&mut self, records: Vec<Outgoing>, clock: &LogClock) -> Vec<i64> {
        let (time, appended) = (clock.now(), clock.host());
        let mut positions = Vec::with_capacity(records.len());
        for Outgoing { to, key, headers, value } in records {
            let topic = self.topics.get_mut(&to.topic).expect("it was checked");
            let kept = &mut topic.partitions[to.partition as usize];
            if let Some(key) = &key {
                kept.newest.insert(key.clone(), kept.records.len());
            }
            let position = kept.end;
            kept.end += 1;
            let record = Record { position, time, appended, vouched: true, key, headers, value };
            kept.records.push(record);
            positions.push(position);
        }
        positions
    }
}

impl Broker {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let clock = LocalLog::in_memory(clock).unwrap();
        Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), clock })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, BrokerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait for records.
    pub(crate) fn wake_all(&self) {
        self.changed.notify_all();
    }

    /// Waits for a change, at most so long.
    pub(crate) fn wait<'a>(
        &self,
        state: MutexGuard<'a, BrokerState>,
        wait: std::time::Duration,
    ) -> MutexGuard<'a, BrokerState> {
        self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn clock(&self) -> &LogClock {
        self.clock.clock()
    }

    /// Appends all of them, or refuses all.
    pub(crate) fn append(&self, records: Vec<Outgoing>) -> Result<Vec<i64>, LogError> {
        let mut state = self.lock();
        state.check(&records)?;
        let positions = state.write(records, self.clock());
        drop(state);
        self.wake_all();
        Ok(positions)
    }

    /// A new owner of this name: its epoch, which fences the earlier ones.
    pub(crate) fn own(&self, owner: &str) -> u64 {
        let mut state = self.lock();
        let epoch = state.owners.entry(owner.to_owned()).or_default();
        *epoch += 1;
        *epoch
    }

    /// Writes a transaction, unless the owner is fenced.
    pub(crate) fn transact(
        &self,
        (owner, epoch): (&str, u64),
        transaction: &Transaction,
    ) -> Result<Commit, LogError> {
        let mut state = self.lock();
        state.check(&transaction.outputs)?;
        state.partition(&transaction.input)?;
        if state.owners.get(owner) != Some(&epoch) {
            return Ok(Commit::Fenced);
        }
        state.write(transaction.outputs.clone(), self.clock());
        for output in &transaction.outputs {
            // Where Kafka keeps the mark of the commit.
            let topic = state.topics.get_mut(&output.to.topic).expect("it was checked");
            let kept = &mut topic.partitions[output.to.partition as usize];
            if kept.records.last().is_some_and(|last| last.position + 1 == kept.end) {
                kept.end += 1;
            }
        }
        let Transaction { group, input, position, metadata, .. } = transaction;
        let upto = Committed { position: *position, metadata: metadata.clone() };
        state.groups.store(group, input, upto);
        drop(state);
        self.wake_all();
        Ok(Commit::Done)
    }

    pub(crate) fn create(&self, topic: &str, partitions: u32, compacted: bool) -> u32 {
        let mut state = self.lock();
        let kept = state.topics.entry(topic.to_owned()).or_insert_with(|| {
            let partitions = (0..partitions.max(1)).map(|_| StoredPartition::default()).collect();
            StoredTopic { compacted, partitions }
        });
        kept.partitions.len() as u32
    }

    pub(crate) fn partitions(&self, topic: &str) -> Option<u32> {
        self.lock().topics.get(topic).map(|kept| kept.partitions.len() as u32)
    }

    pub(crate) fn latest(&self, of: &Partition, beginning: &str) -> Result<Vec<Record>, LogError> {
        let state = self.lock();
        let kept = state.partition(of)?;
        let compacted = state.topics.get(&of.topic).is_some_and(|topic| topic.compacted);
        let beginning = beginning.as_bytes();
        let keys = kept.newest.range(beginning.to_vec()..);
        let keys = keys.take_while(|(key, _)| key.starts_with(beginning));
        let mut found: Vec<usize> = keys.map(|(_, at)| *at).collect();
        found.sort_unstable();
        let found = found.into_iter().map(|at| &kept.records[at]);
        Ok(found.filter(|record| !compacted || !record.value.is_empty()).cloned().collect())
    }

    pub(crate) fn scan(
        &self,
        of: &Partition,
        position: i64,
        most: usize,
    ) -> Result<Vec<Record>, LogError> {
        self.lock().records(of, position, most)
    }

    /// Everything that a topic holds.
    pub(crate) fn all(&self, topic: &str) -> Vec<(Partition, Record)> {
        let state = self.lock();
        let kept = state.topics.get(topic);
        let kept = kept.into_iter().flat_map(|kept| (0..).zip(&kept.partitions));
        let named = kept.flat_map(|(partition, kept)| {
            let at = Partition { topic: topic.to_owned(), partition };
            kept.records.iter().map(move |record| (at.clone(), record.clone()))
        });
        named.collect()
    }

    /// Takes the last record of a partition away: what no log may do.
    pub(crate) fn lose_last(&self, of: &Partition) {
        let mut state = self.lock();
        let topic = state.topics.get_mut(&of.topic).unwrap();
        topic.partitions[of.partition as usize].records.pop();
    }
}
