//! Reads the local log as a member of a group.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;

use super::board::{BoardState, PartitionSlot};
use super::core::Core;
use super::store::{self, Fault};
use crate::edge::log::lock::lock;
use crate::edge::log::{Commit, Committed, LogError, Partition, Read, Reader};
use crate::model::LogTime;

/// Records in one answer at most.
const BATCH: usize = 500;

pub(super) struct LocalReader {
    db: Arc<Mutex<Connection>>,
    core: Arc<Core>,
    group: String,
    /// The number under which it joined.
    member: Option<u64>,
    /// Takeovers known of when it joined or last lost something.
    takeovers: u64,
    parts: Vec<AssignedPartition>,
    /// Whose turn it is.
    turn: usize,
}

struct AssignedPartition {
    name: Partition,
    slot: PartitionSlot,
    /// The next position to read; `None` before the first seek.
    at: Option<i64>,
    end_said: bool,
    lost: bool,
}

/// What can be reported.
enum Step {
    Lost(Vec<usize>),
    Fetch(usize, i64, i64),
    End(usize, i64),
}

impl LocalReader {
    pub(super) fn open(core: Arc<Core>, group: &str, topics: &[String]) -> Result<Self, LogError> {
        let mut parts = Vec::new();
        let known = core.shared.board.lock();
        for topic in topics {
            let partitions = known.topics.get(topic).map_or(1, |kept| kept.partitions);
            for partition in 0..partitions {
                let name = Partition { topic: topic.clone(), partition };
                let slot = known.slot(&name)?;
                parts.push(AssignedPartition {
                    name,
                    slot,
                    at: None,
                    end_said: false,
                    lost: false,
                });
            }
        }
        drop(known);
        let db = core.connect()?;
        Ok(Self { core, db, group: group.to_owned(), member: None, takeovers: 0, parts, turn: 0 })
    }

    fn join(&mut self) -> Read {
        let slots = self.parts.iter().map(|part| part.slot);
        let join = |known: &mut BoardState| (known.join(&self.group, slots), known.takeovers);
        let (member, takeovers) = self.core.shared.board.change(join);
        (self.member, self.takeovers) = (Some(member), takeovers);
        Read::Assigned(self.parts.iter().map(|part| part.name.clone()).collect())
    }

    /// What can be reported now: losses first, then the partition whose turn it is.
    fn step(&self, known: &BoardState) -> Option<Step> {
        if self.takeovers != known.takeovers {
            let lost = |part: &AssignedPartition| {
                !part.lost && known.member(&self.group, part.slot) != self.member
            };
            let lost: Vec<usize> =
                (0..self.parts.len()).filter(|index| lost(&self.parts[*index])).collect();
            if !lost.is_empty() {
                return Some(Step::Lost(lost));
            }
        }
        let from_turn = self.parts.iter().enumerate().cycle().skip(self.turn);
        from_turn.take(self.parts.len()).find_map(|(index, part)| {
            let at = part.at.filter(|_| !part.lost)?;
            let end = known.end(part.slot);
            if at < end {
                Some(Step::Fetch(index, at, end))
            } else if part.end_said {
                None
            } else {
                Some(Step::End(index, at))
            }
        })
    }

    fn slot(&self, partition: &Partition) -> Result<PartitionSlot, LogError> {
        self.core.shared.board.lock().slot(partition)
    }

    fn end(&self, slot: PartitionSlot) -> i64 {
        self.core.shared.board.lock().end(slot)
    }

    /// Looks something up in the file.
    fn read_store<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LogError> {
        let found = query(&lock(&self.db));
        found.map_err(|error| self.core.shared.said("reading", Fault::Sql(error)))
    }
}

impl Reader for LocalReader {
    fn read(&mut self, wait: Duration) -> Result<Option<Read>, LogError> {
        let Some(member) = self.member else { return Ok(Some(self.join())) };
        loop {
            let step = self.core.shared.board.wait(member, wait, |known| self.step(known));
            match step {
                None => return Ok(None),
                Some(Step::Lost(lost)) => {
                    let mut names = Vec::with_capacity(lost.len());
                    for index in lost {
                        self.parts[index].lost = true;
                        names.push(self.parts[index].name.clone());
                    }
                    return Ok(Some(Read::Lost(names)));
                }
                Some(Step::End(index, at)) => {
                    self.turn = (index + 1) % self.parts.len();
                    self.parts[index].end_said = true;
                    return Ok(Some(Read::End(self.parts[index].name.clone(), at)));
                }
                Some(Step::Fetch(index, at, end)) => {
                    let slot = self.parts[index].slot;
                    let (found, next) =
                        self.read_store(|db| store::records(db, slot, (at, end), BATCH))?;
                    let part = &mut self.parts[index];
                    (part.at, part.end_said) = (Some(next), false);
                    // Nothing found: retention was faster. Then the end is next.
                    if !found.is_empty() {
                        self.turn = (index + 1) % self.parts.len();
                        return Ok(Some(Read::Records(self.parts[index].name.clone(), found)));
                    }
                }
            }
        }
    }

    fn seek(&mut self, partition: &Partition, position: i64) -> Result<(), LogError> {
        let board = &self.core.shared.board;
        let here = |part: &&mut AssignedPartition| part.name == *partition && !part.lost;
        match self.parts.iter_mut().find(here) {
            Some(part) if self.member.is_some() => {
                let end = board.lock().end(part.slot);
                (part.at, part.end_said) = (Some(position.clamp(0, end)), false);
                Ok(())
            }
            _ => Err(LogError::NotAssigned(partition.clone())),
        }
    }

    fn committed(&mut self, partition: &Partition) -> Result<Option<Committed>, LogError> {
        let slot = self.slot(partition)?;
        let found = self.read_store(|db| store::committed(db, &self.group, slot))?;
        Ok(found.map(|(position, metadata)| Committed { position, metadata }))
    }

    fn commit(&mut self, partition: &Partition, upto: &Committed) -> Result<Commit, LogError> {
        let slot = self.slot(partition)?;
        let (group, member, upto) = (self.group.clone(), self.member, upto.clone());
        self.core.write("committing a position to", move |txn| {
            txn.position((&group, member), slot, &upto)
        })
    }

    /// Times never fall within a partition, so halving finds it.
    fn position_at(&mut self, partition: &Partition, time: LogTime) -> Result<i64, LogError> {
        let slot = self.slot(partition)?;
        let end = self.end(slot);
        self.read_store(|db| {
            let (mut low, mut high) = (0, end);
            let mut answer = end;
            while low < high {
                let middle = low + (high - low) / 2;
                match store::first(db, slot, (middle, high))? {
                    Some((position, at)) if at < time => low = position + 1,
                    Some((position, _)) => (answer, high) = (position, middle),
                    None => high = middle,
                }
            }
            Ok(answer)
        })
    }

    fn bounds(&mut self, partition: &Partition) -> Result<(i64, i64), LogError> {
        let slot = self.slot(partition)?;
        let end = self.end(slot);
        let first = self.read_store(|db| store::first(db, slot, (0, end)))?;
        Ok((first.map_or(end, |(position, _)| position), end))
    }

    fn known_end(&self, partition: &Partition) -> Option<i64> {
        let part = self.parts.iter().find(|part| part.name == *partition)?;
        Some(self.end(part.slot))
    }
}

impl Drop for LocalReader {
    fn drop(&mut self) {
        if let Some(member) = self.member {
            let slots = self.parts.iter().map(|part| part.slot);
            self.core.shared.board.change(|known| known.leave(&self.group, member, slots));
        }
    }
}
