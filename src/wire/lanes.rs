//! What ingest reports of a lane on the status topic: how far it has come, and what the log no
//! longer had when it was to be read.

use serde::{Deserialize, Serialize};

use crate::model::{LogTime, SourceId};

/// One lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneReport {
    /// Its source.
    pub source: SourceId,
    /// Its number: that of the partition.
    pub lane: u32,
    /// Each topic of the source.
    pub topics: Vec<TopicReport>,
}

/// One partition of a lane.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TopicReport {
    /// The topic.
    pub topic: String,
    /// A position that was committed; reading has come further. `None` before the first commit.
    pub next: Option<i64>,
    /// How often a position that was wanted was not on the log.
    pub gaps: u64,
    /// Records that were deleted before they were read, at most.
    pub lost: u64,
    /// The newest gap.
    pub last: Option<PositionGap>,
    /// Whether records that the lane should remember are gone, so that outcomes may stay unmatched;
    /// not any more once a label horizon has passed.
    pub forgotten: bool,
}

/// A position that was wanted and was not on the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionGap {
    /// The position that was wanted.
    pub from: i64,
    /// The first position that was there: reading went on here.
    pub to: i64,
    /// Records lost, at most: marks of transactions take positions, too.
    pub records: u64,
    /// Why.
    pub cause: GapCause,
    /// When it was found.
    pub at: LogTime,
}

/// Why a position is not on the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapCause {
    /// Records were deleted before they were read.
    Deleted,
    /// The partition ends before the position: it was created again, or lost its last records, or
    /// somebody moved the group. It is read from its start.
    CreatedAgain,
    /// Somebody moved the group to another position. What lies between is not read, or read twice.
    Moved,
    /// The group has no position any more: it was away for too long, or somebody deleted it, or
    /// the topic was created again. It is read from its start.
    PositionLost,
}

impl LaneReport {
    /// Whether people should know of it.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.topics.iter().any(|topic| topic.gaps > 0 || topic.forgotten)
    }
}
