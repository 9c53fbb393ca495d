//! Snapshots of shards on the state topic: chunks and a manifest, in two slots in turn.
//!
//! A slot's manifest is deleted before its chunks are written, and written after them. So one of
//! the two slots always holds a whole snapshot, whenever a writer dies.

mod pack;

pub(crate) use self::pack::{PackStep, Packer};

use self::pack::{Manifest, unpack};
use super::Topics;
use super::access::Kept;
use crate::edge::diagnostics;
use crate::edge::log::{LogError, Outgoing, Topic};
use crate::shard::Shard;
use crate::wire::json::{self, JsonError};

/// The start of the key of everything that belongs to snapshots.
const SNAPSHOT: &str = "snapshot/";

/// A place for a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SnapshotSlot {
    A,
    B,
}

impl SnapshotSlot {
    const ALL: [Self; 2] = [Self::A, Self::B];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    fn key(self) -> String {
        let slot = match self {
            Self::A => "a",
            Self::B => "b",
        };
        format!("{SNAPSHOT}{slot}")
    }

    fn chunk_key(self, nth: usize) -> String {
        format!("{}/{nth}", self.key())
    }
}

/// The snapshots of a shard that are whole, the newest first.
pub(crate) struct StoredSnapshots {
    records: Kept,
    whole: Vec<(SnapshotSlot, Manifest)>,
}

impl StoredSnapshots {
    /// Reads what is stored.
    ///
    /// # Errors
    /// Storage.
    pub(crate) fn read(topics: &Topics, shard: u32) -> Result<Self, LogError> {
        let records = topics.kept(Topic::State, shard, SNAPSHOT)?;
        let mut whole = Vec::new();
        for slot in SnapshotSlot::ALL {
            let Some(record) = records.get(&slot.key()) else { continue };
            match json::decode::<Manifest>("manifest of a snapshot", &record.value) {
                Ok(manifest) => whole.push((slot, manifest)),
                Err(why) => diagnostics::snapshot_unreadable(shard, &why.to_string()),
            }
        }
        whole.sort_by_key(|(_, manifest)| std::cmp::Reverse(manifest.position));
        Ok(Self { records, whole })
    }

    /// The newest shard at or below a position that can be read.
    pub(crate) fn restore(&self, shard: u32, most: i64) -> Option<Shard> {
        let usable = self.whole.iter().filter(|(_, manifest)| manifest.position <= most);
        for (slot, manifest) in usable {
            let chunks =
                (0..manifest.chunks).map_while(|nth| self.records.get(&slot.chunk_key(nth)));
            let chunks: Vec<_> = chunks.map(|record| record.value.as_slice()).collect();
            match unpack(manifest, &chunks) {
                Ok(restored) => return Some(restored),
                Err(why) => diagnostics::snapshot_unreadable(shard, &why.to_string()),
            }
        }
        None
    }

    /// Where the next snapshot goes: not over the newest one.
    pub(crate) fn free(&self) -> SnapshotSlot {
        self.whole.first().map_or(SnapshotSlot::A, |(slot, _)| slot.other())
    }

    /// How many chunks lie in a slot.
    pub(crate) fn chunks(&self, slot: SnapshotSlot) -> usize {
        (0..).take_while(|nth| self.records.contains_key(&slot.chunk_key(*nth))).count()
    }
}

impl Topics {
    /// A slot without its manifest.
    pub(crate) fn empty_slot(&self, shard: u32, slot: SnapshotSlot) -> Outgoing {
        self.plain(Topic::State, shard, &slot.key(), Vec::new())
    }

    /// A chunk, or the mark that it is gone.
    pub(crate) fn chunk(
        &self,
        shard: u32,
        slot: SnapshotSlot,
        nth: usize,
        bytes: Vec<u8>,
    ) -> Outgoing {
        self.plain(Topic::State, shard, &slot.chunk_key(nth), bytes)
    }

    /// The manifest, which makes the chunks a snapshot.
    ///
    /// # Errors
    /// None that is known: it holds no number that JSON cannot.
    pub(crate) fn manifest(
        &self,
        shard: u32,
        slot: SnapshotSlot,
        manifest: &Manifest,
    ) -> Result<Outgoing, JsonError> {
        let value = json::encode("manifest of a snapshot", manifest)?;
        Ok(self.plain(Topic::State, shard, &slot.key(), value))
    }
}
