//! What a lane says to a shard: the partials that changed, and how far it has come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{PairSums, VersionSums};
use crate::model::{EventTime, LaneId, ModelId, Reject, SampleRole, VersionId};

/// The partials of a lane that changed since its last frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Which lane.
    pub lane: LaneId,
    /// Who speaks for it; older epochs are ignored.
    pub epoch: u64,
    /// Positions read since the last frame, per topic of the source: from, to (exclusive).
    pub positions: Vec<(i64, i64)>,
    /// Panes that end at or before it are closed in the lane.
    pub watermark: EventTime,
    /// The newest event time read.
    pub newest: EventTime,
    /// Nothing more stands on the log, and has not for a while.
    pub idle: bool,
    /// How much of the label horizon was read again, 0 to 1; under 1 no labels are counted.
    pub warm: f64,
    /// What became of every record of the lane so far.
    pub counters: Counters,
    /// Sums since the pane's first event; each replaces the last one of its cell.
    pub versions: Vec<VersionPartial>,
    /// The same for pairs of versions.
    pub pairs: Vec<PairPartial>,
}

/// The sums of a version's cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionPartial {
    /// Start of the pane.
    pub pane: EventTime,
    /// Which model.
    pub model: ModelId,
    /// Which version.
    pub version: VersionId,
    /// Whether users saw the answers.
    pub role: SampleRole,
    /// The sums.
    pub sums: VersionSums,
}

/// The sums of a pair's cell; `a` is the smaller name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairPartial {
    /// Start of the pane.
    pub pane: EventTime,
    /// Which model.
    pub model: ModelId,
    /// The first version.
    pub a: VersionId,
    /// The second version.
    pub b: VersionId,
    /// The sums.
    pub sums: PairSums,
}

/// What became of every record: read is the sum of the others, always.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Records read.
    pub read: u64,
    /// Taken into a pane, each once.
    pub measured: u64,
    /// Outcomes whose prediction may still come.
    pub waiting: u64,
    /// Outcomes whose prediction never came.
    pub unmatched: u64,
    /// Came after their pane was closed in the lane.
    pub late: u64,
    /// Seen before.
    pub duplicate: u64,
    /// Could not be used, by reason.
    pub rejected: BTreeMap<Reject, u64>,
}

impl Counters {
    /// Adds another lane's.
    pub fn merge(&mut self, other: &Self) {
        self.read += other.read;
        self.measured += other.measured;
        self.waiting += other.waiting;
        self.unmatched += other.unmatched;
        self.late += other.late;
        self.duplicate += other.duplicate;
        for (code, count) in &other.rejected {
            *self.rejected.entry(*code).or_default() += count;
        }
    }

    /// Records that ended somewhere; equals `read` unless one vanished.
    #[must_use]
    pub fn accounted(&self) -> u64 {
        let rejected: u64 = self.rejected.values().sum();
        self.measured + self.waiting + self.unmatched + self.late + self.duplicate + rejected
    }
}
