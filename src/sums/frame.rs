//! Frames: a lane's report to a shard of the sums that changed and of its progress.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::features::{self, FeaturesPartial};
use super::{Losses, PairTable, VersionSums};
use crate::model::{EventTime, LaneId, LostField, ModelId, Reject, SampleRole, Span, VersionId};

/// What changed in a lane since its last frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The lane.
    pub lane: LaneId,
    /// The epoch of the process that measures the lane; older epochs are ignored.
    pub epoch: u64,
    /// Positions read since the last frame, per topic of the source: from and to (exclusive).
    pub positions: Vec<(i64, i64)>,
    /// Panes that end at or before this time are closed in the lane.
    pub watermark: EventTime,
    /// The newest event time read.
    pub newest: EventTime,
    /// Whether the lane has been at the end of the log for a while.
    pub idle: bool,
    /// Share of the label horizon that was read again, 0 to 1. No labels are counted below 1.
    pub warm: f64,
    /// What happened to every record of the lane so far.
    pub counters: Counters,
    /// Sums of each version since the pane's first event; they replace earlier ones of the cell.
    pub versions: Vec<VersionPartial>,
    /// The same for each pair of versions.
    pub pairs: Vec<PairPartial>,
    /// The inputs in panes that have closed since the last frame.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "features")]
    pub features: Vec<FeaturesPartial>,
    /// The same for what was lost of nobody knows which version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<UnknownPartial>,
    /// Versions whose clocks are off by more than the allowed disorder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skews: Vec<VersionSkew>,
    /// More parts of the same flush follow. Only the last one tells how far the lane has come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// A version whose clock is constantly off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSkew {
    /// The model.
    pub model: ModelId,
    /// The version.
    pub version: VersionId,
    /// How far its records are ahead of the newest of their topic; negative: behind.
    pub ahead: Span,
}

/// The sums of one version in one pane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionPartial {
    /// Start of the pane.
    pub pane: EventTime,
    /// The model.
    pub model: ModelId,
    /// The version.
    pub version: VersionId,
    /// Whether users saw the answers.
    pub role: SampleRole,
    /// The sums.
    pub sums: VersionSums,
}

/// What was lost in one pane of nobody knows which version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownPartial {
    /// Start of the pane.
    pub pane: EventTime,
    /// The model. `None` if that cannot be read either: it may be any of the source.
    pub model: Option<ModelId>,
    /// What was lost.
    pub lost: Losses,
}

/// The sums of a pair of versions in one pane; `a` has the smaller name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairPartial {
    /// Start of the pane.
    pub pane: EventTime,
    /// The model.
    pub model: ModelId,
    /// The first version.
    pub a: VersionId,
    /// The second version.
    pub b: VersionId,
    /// Which of the two was right, in the pane of the later truth.
    pub table: PairTable,
}

/// What happened to every record. `read` is always the sum of the others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Records read.
    pub read: u64,
    /// Records counted in a pane, each once.
    pub measured: u64,
    /// Outcomes that still wait for their prediction.
    pub waiting: u64,
    /// Outcomes without a prediction.
    pub unmatched: u64,
    /// Records that came after their pane had closed in the lane.
    pub late: u64,
    /// Records seen before.
    pub duplicate: u64,
    /// Records without a value, which on a compacted topic delete their key.
    #[serde(default)]
    pub tombstones: u64,
    /// Records that the mapping leaves out: they are no samples, and meant to be none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_ours: u64,
    /// Records rejected, by reason.
    pub rejected: BTreeMap<Reject, u64>,
    /// Fields that could not be used of records that could, by field. Not part of the sum.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: BTreeMap<LostField, u64>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Counters {
    /// Adds another lane's counters.
    pub fn merge(&mut self, other: &Self) {
        self.read += other.read;
        self.measured += other.measured;
        self.waiting += other.waiting;
        self.unmatched += other.unmatched;
        self.late += other.late;
        self.duplicate += other.duplicate;
        self.tombstones += other.tombstones;
        self.not_ours += other.not_ours;
        for (code, count) in &other.rejected {
            *self.rejected.entry(*code).or_default() += count;
        }
        for (field, count) in &other.lost {
            *self.lost.entry(*field).or_default() += count;
        }
    }

    /// Records accounted for. Equals `read` unless one was lost.
    #[must_use]
    pub fn accounted(&self) -> u64 {
        let rejected: u64 = self.rejected.values().sum();
        let told = self.measured + self.waiting + self.unmatched + self.late + self.duplicate;
        told + rejected + self.tombstones + self.not_ours
    }
}
