//! What a lane is told, and what it says.

use crate::model::{LogTime, ModelId, Reject, Sample};
use crate::sums::Frame;

/// What a lane is told.
#[expect(clippy::large_enum_variant, reason = "nearly every input is a record; none is stored")]
#[derive(Debug)]
pub enum Input<'a> {
    /// A record was read.
    Record {
        /// Which topic of the source, by its place there.
        topic: usize,
        /// Where it stands in the partition; ascending within a topic.
        position: i64,
        /// When the log took it, where the log says so: that vouches for its clock.
        appended: Option<LogTime>,
        /// The sample, or why there is none.
        read: Result<Sample<'a>, Reject>,
    },
    /// The reader stands at the topic's end: a topic that is read again is no longer behind.
    Drained {
        /// Which topic of the source.
        topic: usize,
    },
    /// The topic is drained at its high watermark, and has been for a while.
    Idle {
        /// Which topic of the source.
        topic: usize,
    },
    /// The recording is over: every pane closes.
    End,
    /// Say what changed.
    Flush {
        /// The log's time; rules only how often a cell is sent.
        now: LogTime,
    },
}

/// What a lane says.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// What changed since the last frame.
    Frame(Box<Frame>),
    /// The record could not be used.
    Rejected {
        /// Which topic of the source.
        topic: usize,
        /// Where the record stands.
        position: i64,
        /// Why.
        code: Reject,
    },
    /// The record came after its pane was closed.
    Late {
        /// Which topic of the source.
        topic: usize,
        /// Where the record stands.
        position: i64,
    },
    /// More requests of the model wait for an answer or an outcome than may: no labels are
    /// counted for it, its outcomes go unmatched. Ways out: a shorter `label_horizon`, a higher
    /// `max_waiting`, more partitions, or outcomes that carry version and prediction.
    JoinStopped {
        /// Whose join.
        model: ModelId,
        /// How many wait.
        waiting: usize,
        /// How many may.
        cap: usize,
    },
    /// Fewer than half as many wait as may: labels are counted again.
    JoinResumed {
        /// Whose join.
        model: ModelId,
        /// How many wait.
        waiting: usize,
    },
}
