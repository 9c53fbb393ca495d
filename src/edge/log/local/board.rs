//! What every thread of a local log knows: which topics there are, where each partition ends,
//! which reader has it. A write shows here after it is durable, whole, and wakes who waits.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::edge::log::{LogError, Partition};

/// Locks; a panic elsewhere left nothing half-done behind these locks.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A topic: its partitions are the slots from `first` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) first: i64,
    pub(super) partitions: u32,
    pub(super) compacted: bool,
}

/// The number that stands for a partition in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) id: i64,
    pub(super) compacted: bool,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) topics: BTreeMap<String, Kept>,
    /// The next position of each slot.
    pub(super) ends: BTreeMap<i64, i64>,
    /// The member that has a slot, by group.
    members: BTreeMap<i64, BTreeMap<String, u64>>,
    joined: u64,
    /// How often a member took something over from another.
    pub(super) takeovers: u64,
    waiting: usize,
}

impl Known {
    pub(super) fn slot(&self, partition: &Partition) -> Result<Slot, LogError> {
        match self.topics.get(&partition.topic) {
            Some(kept) if partition.partition < kept.partitions => Ok(Slot {
                id: kept.first + i64::from(partition.partition),
                compacted: kept.compacted,
            }),
            _ => Err(LogError::NoSuchPartition(partition.clone())),
        }
    }

    pub(super) fn end(&self, slot: Slot) -> i64 {
        self.ends.get(&slot.id).copied().unwrap_or(0)
    }

    /// A new member takes these over. Members are numbered in the order in which they joined.
    pub(super) fn join(&mut self, group: &str, slots: impl Iterator<Item = Slot>) -> u64 {
        self.joined += 1;
        for slot in slots {
            let groups = self.members.entry(slot.id).or_default();
            if groups.insert(group.to_owned(), self.joined).is_some() {
                self.takeovers += 1;
            }
        }
        self.joined
    }

    pub(super) fn leave(&mut self, group: &str, member: u64, slots: impl Iterator<Item = Slot>) {
        for slot in slots {
            if self.member(group, slot) == Some(member)
                && let Some(groups) = self.members.get_mut(&slot.id)
            {
                groups.remove(group);
            }
        }
    }

    pub(super) fn member(&self, group: &str, slot: Slot) -> Option<u64> {
        self.members.get(&slot.id)?.get(group).copied()
    }
}

#[derive(Debug, Default)]
pub(super) struct Board {
    known: Mutex<Known>,
    changed: Condvar,
}

impl Board {
    pub(super) fn new(known: Known) -> Self {
        Self { known: Mutex::new(known), changed: Condvar::new() }
    }

    pub(super) fn look(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }

    /// Changes what is known, and wakes whoever waits for a change.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.look();
        let result = change(&mut known);
        if known.waiting > 0 {
            self.changed.notify_all();
        }
        result
    }

    /// Waits until `found` finds something, at most `wait`.
    pub(super) fn wait<T>(
        &self,
        wait: Duration,
        mut found: impl FnMut(&Known) -> Option<T>,
    ) -> Option<T> {
        let mut known = self.look();
        let mut result = found(&known);
        if result.is_some() || wait.is_zero() {
            return result;
        }
        known.waiting += 1;
        let (mut known, _) = self
            .changed
            .wait_timeout_while(known, wait, |known| {
                result = found(known);
                result.is_none()
            })
            .unwrap_or_else(PoisonError::into_inner);
        known.waiting -= 1;
        result
    }
}
