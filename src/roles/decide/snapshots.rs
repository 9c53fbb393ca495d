//! When a shard is snapshotted, and how its snapshot is written while the role works.
//!
//! A snapshot only saves time after a restart. So one that fails is told and tried again later, and
//! never ends the role.

use super::{Decide, Owned};
use crate::edge::clock::{Stopwatch, Uptime};
use crate::edge::diagnostics;
use crate::edge::log::{Outgoing, Record, Topic, Writer};
use crate::model::Span;
use crate::shard::{Shard, Snapshot};
use crate::topics::snapshots::{PackStep, Packer, SnapshotSlot, StoredSnapshots};
use crate::topics::{RoleError, Topics};

/// Bytes of an inbox after which a shard is snapshotted: about a second of folding.
const AFTER_BYTES: usize = 64 * 1024 * 1024;

/// Time after which one is, if anything was folded.
const AFTER: Span = Span::from_s(60);

/// How long the last one may take before a shard is given up.
const LAST_WITHIN: Span = Span::from_s(4);

/// The snapshots of one shard.
pub(super) struct ShardSnapshots {
    /// Where the next one goes.
    free: SnapshotSlot,
    /// Chunks that lie in slot A and in slot B.
    chunks: [usize; 2],
    writing: Option<SnapshotBeingWritten>,
    /// The position of the newest one.
    at: i64,
    begun: Uptime,
    /// Bytes folded since.
    folded: usize,
}

struct SnapshotBeingWritten {
    packer: Packer,
    chunks: usize,
}

impl ShardSnapshots {
    /// Those that are stored, of a shard restored at a position.
    pub(super) fn new(stored: &StoredSnapshots, at: i64, now: Uptime) -> Self {
        let chunks = [SnapshotSlot::A, SnapshotSlot::B].map(|slot| stored.chunks(slot));
        Self { free: stored.free(), chunks, writing: None, at, begun: now, folded: 0 }
    }

    /// Records were folded.
    pub(super) fn folded(&mut self, records: &[Record]) {
        self.folded += records.iter().map(|record| record.value.len()).sum::<usize>();
    }

    pub(super) fn due(&self, now: Uptime) -> bool {
        let old = now - self.begun >= AFTER && self.folded > 0;
        self.writing.is_none() && (self.folded >= AFTER_BYTES || old)
    }

    /// Whether anything was folded since the newest one.
    fn stale(&self, shard: &Shard) -> bool {
        self.writing.as_ref().map_or(self.at, |one| one.packer.position()) != shard.next()
    }

    /// Begins one of a shard whose position is committed.
    fn begin(&mut self, shard: &Shard, now: Uptime) {
        (self.begun, self.folded) = (now, 0);
        match Packer::new(Snapshot::of(shard)) {
            Ok(packer) => self.writing = Some(SnapshotBeingWritten { packer, chunks: 0 }),
            Err(why) => diagnostics::snapshot_failed(shard.id(), &why),
        }
    }

    /// Goes on with the one that is being written. Answers whether there is more to write.
    fn step(&mut self, topics: &Topics, log: &mut dyn Writer, shard: u32) -> bool {
        let Some(mut one) = self.writing.take() else { return false };
        match self.write(topics, log, shard, &mut one) {
            Ok(true) => self.writing = Some(one),
            Ok(false) => {}
            Err(why) => diagnostics::snapshot_failed(shard, why.as_ref()),
        }
        self.writing.is_some()
    }

    fn write(
        &mut self,
        topics: &Topics,
        log: &mut dyn Writer,
        shard: u32,
        one: &mut SnapshotBeingWritten,
    ) -> Result<bool, Box<dyn std::error::Error>> {
        let slot = self.free;
        let mut records: Vec<Outgoing> = Vec::new();
        if one.chunks == 0 {
            records.push(topics.empty_slot(shard, slot));
        }
        let mut add = |chunks: Vec<Vec<u8>>| {
            for chunk in chunks {
                records.push(topics.chunk(shard, slot, one.chunks, chunk));
                one.chunks += 1;
            }
        };
        let last = match one.packer.step()? {
            PackStep::Chunks(chunks) => {
                add(chunks);
                None
            }
            PackStep::Last(chunks, manifest) => {
                add(chunks);
                Some(manifest)
            }
        };
        log.append(records)?;
        let lying = &mut self.chunks[slot as usize];
        let Some(manifest) = last else {
            *lying = (*lying).max(one.chunks);
            return Ok(true);
        };
        let mut records = vec![topics.manifest(shard, slot, &manifest)?];
        // What is left there of a larger one.
        let left = one.chunks..*lying;
        records.extend(left.map(|nth| topics.chunk(shard, slot, nth, Vec::new())));
        log.append(records)?;
        (*lying, self.free, self.at) = (one.chunks, slot.other(), manifest.position);
        diagnostics::snapshotted(shard, manifest.position, manifest.bytes);
        Ok(false)
    }

    /// Writes a whole one now.
    pub(super) fn whole(&mut self, topics: &Topics, log: &mut dyn Writer, shard: &Shard) {
        self.begin(shard, topics.log.uptime());
        while self.step(topics, log, shard.id()) {}
    }
}

impl Decide {
    /// Begins the snapshots that are due, and goes on a little with those that are being written.
    pub(super) fn write_snapshots(&mut self) -> Result<(), RoleError> {
        if !self.snapshots {
            return Ok(());
        }
        let now = self.topics.log.uptime();
        let due = self.owned.iter().filter(|(_, owned)| owned.snapshots.due(now));
        for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.begin_snapshot(id)?;
        }
        for (id, Owned { snapshots, .. }) in &mut self.owned {
            snapshots.step(&self.topics, self.writer.as_mut(), *id);
        }
        Ok(())
    }

    /// Whether a snapshot is being written.
    pub(super) fn is_writing_snapshots(&self) -> bool {
        self.owned.values().any(|owned| owned.snapshots.writing.is_some())
    }

    /// A snapshot at the commit would be useless before it, so the position is committed first.
    fn begin_snapshot(&mut self, id: u32) -> Result<(), RoleError> {
        let Some(owned) = self.owned.get(&id) else { return Ok(()) };
        let (inbox, next) = (self.topics.partition(Topic::Inbox, id), owned.shard.next());
        if !self.commit(&inbox, next, &[])? {
            return Ok(());
        }
        let now = self.topics.log.uptime();
        if let Some(Owned { shard, snapshots, .. }) = self.owned.get_mut(&id) {
            snapshots.begin(shard, now);
        }
        Ok(())
    }

    /// The last snapshot of a shard that is about to be given up, for a quick start elsewhere; as
    /// far as that is done soon.
    pub(super) fn last_snapshot(&mut self, id: u32) -> Result<(), RoleError> {
        let stale = |owned: &Owned| owned.snapshots.stale(&owned.shard);
        if self.owned.get(&id).is_some_and(stale) {
            self.begin_snapshot(id)?;
        }
        let watch = Stopwatch::start();
        if let Some(Owned { snapshots, .. }) = self.owned.get_mut(&id) {
            while watch.elapsed() < LAST_WITHIN
                && snapshots.step(&self.topics, self.writer.as_mut(), id)
            {}
        }
        Ok(())
    }
}
