//! What is written in one SQLite transaction.
//!
//! A change first finds all that could refuse it and only then writes; so a fault of its asker
//! leaves nothing behind, and a fault of the storage takes the whole transaction with it.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::board::{Board, PartitionSlot, StoredTopic};
use super::headers::packed;
use super::store::{Fault, place};
use crate::edge::log::log_clock::AppendStamp;
use crate::edge::log::{Commit, Committed, LogError, Outgoing, Partition, Transaction};
use crate::model::LogTime;

pub(super) struct Txn<'a> {
    db: &'a Connection,
    board: &'a Board,
    stamp: AppendStamp,
    /// The next positions, where they changed.
    ends: BTreeMap<i64, i64>,
    topics: BTreeMap<String, StoredTopic>,
}

impl<'a> Txn<'a> {
    /// Runs `body` in a transaction, whose records get this stamp. It is on the board when this
    /// returns, or did not happen.
    pub(super) fn run<T, E: From<rusqlite::Error>>(
        db: &'a Connection,
        board: &'a Board,
        stamp: AppendStamp,
        body: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut txn = Self { db, board, stamp, ends: BTreeMap::new(), topics: BTreeMap::new() };
        db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let result = body(&mut txn).and_then(|result| {
            txn.close()?;
            Ok(result)
        });
        if result.is_err() && !db.is_autocommit() {
            db.execute_batch("ROLLBACK")?;
        }
        result
    }

    fn close(self) -> rusqlite::Result<()> {
        for (slot, end) in &self.ends {
            let mut update = self.db.prepare_cached(
                "UPDATE ends SET next = ?2, time = ?3, ahead = ?4 WHERE slot = ?1",
            )?;
            update.execute((slot, end, self.stamp.time.as_ms(), self.stamp.ahead().as_ms()))?;
        }
        self.db.prepare_cached("COMMIT")?.execute([])?;
        if !self.ends.is_empty() || !self.topics.is_empty() {
            self.board.change(|known| {
                known.ends.extend(self.ends);
                known.topics.extend(self.topics);
            });
        }
        Ok(())
    }

    fn slot(&self, partition: &Partition) -> Result<PartitionSlot, LogError> {
        self.board.lock().slot(partition)
    }

    fn slots(&self, records: &[Outgoing]) -> Result<Vec<PartitionSlot>, LogError> {
        let known = self.board.lock();
        let slot = |record: &Outgoing| match known.slot(&record.to)? {
            slot if slot.compacted && record.key.is_none() => {
                Err(LogError::NoKey(record.to.clone()))
            }
            slot => Ok(slot),
        };
        records.iter().map(slot).collect()
    }

    fn end(&self, slot: PartitionSlot) -> i64 {
        self.ends.get(&slot.id).copied().unwrap_or_else(|| self.board.lock().end(slot))
    }

    /// Appends all of them.
    pub(super) fn append(&mut self, records: &[Outgoing]) -> Result<Vec<i64>, Fault> {
        let slots = self.slots(records)?;
        self.insert(records, &slots)
    }

    fn insert(&mut self, records: &[Outgoing], slots: &[PartitionSlot]) -> Result<Vec<i64>, Fault> {
        let mut insert = self.db.prepare_cached(
            "INSERT INTO records (place, time, ahead, key, headers, value)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut positions = Vec::with_capacity(records.len());
        for (record, slot) in records.iter().zip(slots) {
            let position = self.end(*slot);
            let at = place(*slot, position);
            if slot.compacted {
                self.supersede(*slot, record.key.as_deref(), at)?;
            }
            let headers = packed(&record.headers);
            let (time, ahead) = (self.stamp.time.as_ms(), self.stamp.ahead().as_ms());
            insert.execute(params![at, time, ahead, record.key, headers, record.value])?;
            self.ends.insert(slot.id, position + 1);
            positions.push(position);
        }
        Ok(positions)
    }

    /// Only the newest record of a key stays.
    fn supersede(&self, slot: PartitionSlot, key: Option<&[u8]>, at: i64) -> rusqlite::Result<()> {
        let mut old =
            self.db.prepare_cached("SELECT place FROM newest WHERE slot = ?1 AND key = ?2")?;
        let old: Option<i64> = old.query_row(params![slot.id, key], |row| row.get(0)).optional()?;
        if let Some(old) = old {
            self.db.prepare_cached("DELETE FROM records WHERE place = ?1")?.execute([old])?;
        }
        self.db
            .prepare_cached("INSERT OR REPLACE INTO newest (slot, key, place) VALUES (?1, ?2, ?3)")?
            .execute(params![slot.id, key, at])?;
        Ok(())
    }

    /// Outputs and position, unless another owner of that name came after `epoch`.
    pub(super) fn commit(
        &mut self,
        (owner, epoch): (&str, i64),
        transaction: &Transaction,
    ) -> Result<Commit, Fault> {
        let input = self.slot(&transaction.input)?;
        let slots = self.slots(&transaction.outputs)?;
        let mut newest = self.db.prepare_cached("SELECT epoch FROM owners WHERE name = ?1")?;
        if newest.query_row([owner], |row| row.get::<_, i64>(0))? != epoch {
            return Ok(Commit::Fenced);
        }
        self.insert(&transaction.outputs, &slots)?;
        let Transaction { group, position, metadata, .. } = transaction;
        self.set_position(group, input, *position, metadata)?;
        Ok(Commit::Done)
    }

    /// A member's position, unless another member has the partition.
    pub(super) fn position(
        &self,
        (group, member): (&str, Option<u64>),
        slot: PartitionSlot,
        upto: &Committed,
    ) -> Result<Commit, Fault> {
        let has = self.board.lock().member(group, slot);
        if has.is_some() && has != member {
            return Ok(Commit::Fenced);
        }
        self.set_position(group, slot, upto.position, &upto.metadata)?;
        Ok(Commit::Done)
    }

    fn set_position(
        &self,
        group: &str,
        slot: PartitionSlot,
        at: i64,
        metadata: &str,
    ) -> rusqlite::Result<()> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO positions VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![group, slot.id, at, metadata])?;
        Ok(())
    }

    /// Creates a topic unless it exists.
    pub(super) fn create(
        &mut self,
        topic: &str,
        partitions: u32,
        compacted: bool,
    ) -> Result<u32, Fault> {
        let there = self.board.lock().topics.get(topic).copied();
        if let Some(kept) = there.or_else(|| self.topics.get(topic).copied()) {
            return Ok(kept.partitions);
        }
        let first: i64 =
            self.db
                .query_row("SELECT coalesce(max(slot), 0) + 1 FROM ends", [], |row| row.get(0))?;
        let kept = StoredTopic { first, partitions: partitions.max(1), compacted };
        self.db.execute(
            "INSERT INTO topics VALUES (?1, ?2, ?3, ?4)",
            params![topic, first, kept.partitions, compacted],
        )?;
        let mut end = self.db.prepare("INSERT INTO ends (slot, next, time) VALUES (?1, 0, ?2)")?;
        for slot in first..first + i64::from(kept.partitions) {
            end.execute((slot, i64::MIN))?;
        }
        self.topics.insert(topic.to_owned(), kept);
        Ok(kept.partitions)
    }

    /// The epoch of a new owner of this name; from now on the earlier one is fenced.
    pub(super) fn own(&self, owner: &str) -> Result<i64, Fault> {
        let mut raise = self.db.prepare_cached(
            "INSERT INTO owners VALUES (?1, 1)
             ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
        )?;
        Ok(raise.query_row([owner], |row| row.get(0))?)
    }

    /// Deletes at most `most` records that are older than `before` and that every group has read;
    /// on a compacted topic only what marks a key as gone.
    pub(super) fn retain(
        &self,
        slot: PartitionSlot,
        before: LogTime,
        keep_from: i64,
        most: u32,
    ) -> Result<usize, Fault> {
        let read: Option<i64> = self.db.query_row(
            "SELECT min(position) FROM positions WHERE slot = ?1",
            [slot.id],
            |row| row.get(0),
        )?;
        let upto = read.unwrap_or(i64::MAX).min(keep_from).min(self.end(slot));
        let gone = "SELECT place FROM records
                    WHERE place >= ?1 AND place < ?2 AND time < ?3 AND (?4 OR length(value) = 0)
                    ORDER BY place LIMIT ?5";
        let places: Vec<i64> = self
            .db
            .prepare_cached(gone)?
            .query_map(
                params![place(slot, 0), place(slot, upto), before.as_ms(), !slot.compacted, most],
                |row| row.get(0),
            )?
            .collect::<rusqlite::Result<_>>()?;
        for at in &places {
            if slot.compacted {
                self.db
                    .prepare_cached(
                        "DELETE FROM newest WHERE slot = ?1 AND place = ?2 AND key =
                         (SELECT key FROM records WHERE place = ?2)",
                    )?
                    .execute((slot.id, at))?;
            }
            self.db.prepare_cached("DELETE FROM records WHERE place = ?1")?.execute([at])?;
        }
        Ok(places.len())
    }
}
