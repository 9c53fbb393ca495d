//! The inputs and outputs of a lane.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{
    EventTime, LogTime, ModelId, NameKind, NamedModels, Reject, Sample, SampleKind, Span,
};
use crate::sums::Frame;

/// An input of a lane.
#[expect(clippy::large_enum_variant, reason = "nearly every input is a record; none is stored")]
#[derive(Debug)]
pub enum Input<'a> {
    /// A record was read.
    Record {
        /// The topic, by its index in the source.
        topic: usize,
        /// Its position in the partition; ascending within a topic.
        position: i64,
        /// When the log received it, if the log records that; it confirms the record's clock.
        appended: Option<LogTime>,
        /// The times of the topic's next records, where they are known already: of as many as
        /// [`Lane::asks`](super::Lane::asks) for, or of all there are. `None`: they are not.
        following: Option<&'a [EventTime]>,
        /// Which of the samples of one record it is.
        part: SamplePart,
        /// The sample, or why there is none.
        read: Result<Sample<'a>, UnreadRecord<'a>>,
    },
    /// A record was read that is not meant to be a sample.
    NotOurs {
        /// The topic, by its index in the source.
        topic: usize,
        /// Its position in the partition.
        position: i64,
    },
    /// A record without a value was read.
    Tombstone {
        /// The topic, by its index in the source.
        topic: usize,
        /// Its position in the partition.
        position: i64,
    },
    /// The reader is at the end of the topic: a topic that is read again is no longer behind.
    Drained {
        /// The topic of the source.
        topic: usize,
    },
    /// More of the topic is there to be read: what waits for the next records goes on waiting.
    Busy {
        /// The topic of the source.
        topic: usize,
    },
    /// The lane wanted records before a position of the topic, and the log no longer has them:
    /// some that were not read yet, or some that had to be read again.
    Gone {
        /// The topic of the source.
        topic: usize,
        /// The first position that is there.
        before: i64,
    },
    /// The reader has been at the end of the topic for a while.
    Idle {
        /// The topic of the source.
        topic: usize,
    },
    /// The recording is over: every pane closes.
    End,
    /// What waits in the other lanes of this process.
    Elsewhere(WaitingElsewhere<'a>),
    /// Labels that the lane which goes before this one has counted as lost in panes that are open,
    /// by model; this one may have met them, in panes that are closed.
    Unmet(&'a [ModelId]),
    /// Models and versions that always have a place.
    Named(&'a Arc<NamedModels>),
    /// Send what changed.
    Flush {
        /// Log time; it only decides how often a cell is sent.
        now: LogTime,
    },
}

/// Requests that wait in the other lanes of a process: one model's may fill its memory from all.
#[derive(Debug, Clone, Copy)]
pub struct WaitingElsewhere<'a> {
    /// How many, by model.
    pub models: &'a BTreeMap<ModelId, usize>,
    /// Bytes that all requests of the others take.
    pub bytes: usize,
    /// Bytes that those of all lanes may take.
    pub most_bytes: usize,
    /// Bytes that the inputs of recent requests may take in this lane.
    pub input_bytes: usize,
}

/// What waiting requests have filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingLimit {
    /// The requests of one model that may wait.
    Requests(usize),
    /// The bytes that all requests of the process may take.
    Bytes(usize),
}

/// Which of the samples of one record a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplePart {
    /// The first.
    pub first: bool,
    /// The last.
    pub last: bool,
}

impl SamplePart {
    /// The only one.
    pub const WHOLE: Self = Self { first: true, last: true };
}

/// A record that is no sample, and what of it could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadRecord<'a> {
    /// Why.
    pub code: Reject,
    /// Its kind.
    pub kind: Option<SampleKind>,
    /// Its model.
    pub model: Option<&'a str>,
    /// Its version.
    pub version: Option<&'a str>,
}

/// An output of a lane.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// What changed since the last frame.
    Frame(Box<Frame>),
    /// The record could not be used.
    Rejected {
        /// The topic of the source.
        topic: usize,
        /// The position of the record.
        position: i64,
        /// Why.
        code: Reject,
    },
    /// The record came after its pane was closed.
    Late {
        /// The topic of the source.
        topic: usize,
        /// The position of the record.
        position: i64,
        /// How far it lies behind the newest event of its topic.
        behind: Span,
    },
    /// More requests of the model wait for an answer or an outcome than may: no labels are
    /// counted for it, its outcomes go unmatched. Ways out: a shorter `label_horizon`, a higher
    /// `max_waiting`, more partitions, or outcomes that carry version and prediction.
    JoinStopped {
        /// Whose join.
        model: ModelId,
        /// How many wait.
        waiting: usize,
        /// What may wait.
        limit: WaitingLimit,
    },
    /// As many names have a place as may; this one and those that follow it have none. Told again
    /// only after no name was refused for as long as a place is kept.
    NamesFull {
        /// The kind of name.
        kind: NameKind,
        /// The first one without a place; a version after its model, a feature after its version.
        name: String,
    },
    /// Fewer than half as many wait as may: labels are counted again.
    JoinResumed {
        /// Whose join.
        model: ModelId,
        /// How many wait.
        waiting: usize,
    },
}
