//! What the threads of a local log share: which topics exist, where each partition ends, and which
//! reader has it. A write appears here as a whole once it is durable, and wakes those who wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::edge::log::lock::lock;
use crate::edge::log::{LogError, Partition};

/// A topic: its partitions are the slots from `first` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredTopic {
    pub(super) first: i64,
    pub(super) partitions: u32,
    pub(super) compacted: bool,
}

/// The number of a partition in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PartitionSlot {
    pub(super) id: i64,
    pub(super) compacted: bool,
}

#[derive(Debug, Default)]
pub(super) struct BoardState {
    pub(super) topics: BTreeMap<String, StoredTopic>,
    /// The next position of each slot.
    pub(super) ends: BTreeMap<i64, i64>,
    /// The member that has a slot, by group.
    members: BTreeMap<i64, BTreeMap<String, u64>>,
    joined: u64,
    /// How often a member took something over from another.
    pub(super) takeovers: u64,
    /// Readers that have joined.
    present: BTreeSet<u64>,
    /// Those of them that looked after the last change, found nothing and wait.
    resting: BTreeSet<u64>,
    /// How often the readers were called.
    calls: u64,
    waiting: usize,
}

impl BoardState {
    pub(super) fn slot(&self, partition: &Partition) -> Result<PartitionSlot, LogError> {
        match self.topics.get(&partition.topic) {
            Some(kept) if partition.partition < kept.partitions => Ok(PartitionSlot {
                id: kept.first + i64::from(partition.partition),
                compacted: kept.compacted,
            }),
            _ => Err(LogError::NoSuchPartition(partition.clone())),
        }
    }

    pub(super) fn end(&self, slot: PartitionSlot) -> i64 {
        self.ends.get(&slot.id).copied().unwrap_or(0)
    }

    /// How many records the log has taken, also those that are deleted by now.
    pub(super) fn records(&self) -> u64 {
        self.ends.values().map(|end| u64::try_from(*end).unwrap_or(0)).sum()
    }

    /// A new member takes these over. Members are numbered in the order in which they joined.
    pub(super) fn join(&mut self, group: &str, slots: impl Iterator<Item = PartitionSlot>) -> u64 {
        self.joined += 1;
        for slot in slots {
            let groups = self.members.entry(slot.id).or_default();
            if groups.insert(group.to_owned(), self.joined).is_some() {
                self.takeovers += 1;
            }
        }
        self.present.insert(self.joined);
        self.joined
    }

    pub(super) fn leave(
        &mut self,
        group: &str,
        member: u64,
        slots: impl Iterator<Item = PartitionSlot>,
    ) {
        self.present.remove(&member);
        for slot in slots {
            if self.member(group, slot) == Some(member)
                && let Some(groups) = self.members.get_mut(&slot.id)
            {
                groups.remove(group);
            }
        }
    }

    pub(super) fn member(&self, group: &str, slot: PartitionSlot) -> Option<u64> {
        self.members.get(&slot.id)?.get(group).copied()
    }

    fn is_quiet(&self) -> bool {
        self.resting == self.present
    }
}

#[derive(Debug, Default)]
pub(super) struct Board {
    known: Mutex<BoardState>,
    changed: Condvar,
    /// A reader has nothing left to read.
    rested: Condvar,
}

impl Board {
    pub(super) fn new(known: BoardState) -> Self {
        Self { known: Mutex::new(known), ..Self::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BoardState> {
        lock(&self.known)
    }

    /// Changes the state, and wakes every thread that waits for a change.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut BoardState) -> T) -> T {
        let mut known = self.lock();
        let result = change(&mut known);
        known.resting.clear();
        if known.waiting > 0 {
            self.changed.notify_all();
        }
        result
    }

    /// Waits until `found` finds something for the reader `member`, or the readers are called; at
    /// most `wait`.
    pub(super) fn wait<T>(
        &self,
        member: u64,
        wait: Duration,
        mut found: impl FnMut(&BoardState) -> Option<T>,
    ) -> Option<T> {
        let mut known = self.lock();
        let mut result = found(&known);
        if result.is_some() || wait.is_zero() {
            return result;
        }
        let calls = known.calls;
        known.waiting += 1;
        let (mut known, _) = self
            .changed
            .wait_timeout_while(known, wait, |known| {
                result = found(known);
                let waits = result.is_none() && known.calls == calls;
                if waits {
                    known.resting.insert(member);
                    self.rested.notify_all();
                }
                waits
            })
            .unwrap_or_else(PoisonError::into_inner);
        known.waiting -= 1;
        known.resting.remove(&member);
        result
    }

    /// Ends the waiting of every reader, as if its time were over.
    pub(super) fn wake_all(&self) {
        self.change(|known| known.calls += 1);
    }

    /// Waits until every reader that has joined waits and has nothing left to read. Returns whether
    /// that happened `within` the time.
    pub(super) fn wait_idle(&self, within: Duration) -> bool {
        let known = self.lock();
        let waited = self.rested.wait_timeout_while(known, within, |known| !known.is_quiet());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_quiet()
    }
}
