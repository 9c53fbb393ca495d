//! The records of an inbox, and the outputs of a shard.

use serde::{Deserialize, Serialize};

use crate::model::{
    Command, CommandResult, EventTime, Fact, Incident, Instruction, LaneId, LogTime, RuleSet,
    SourceId, Span,
};
use crate::sums::{Assessment, Frame};
use crate::undo::{Reply, Ruling};

/// Everything a shard reacts to. The kind is the key: `{"frame": {…}}`, so that a record is
/// read in one pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inbox {
    /// The first record: the number of shards that the topics were created for.
    Format {
        /// The number.
        shards: u32,
    },
    /// New rules, accepted if their revision is higher than the current one.
    Rules(RuleSet),
    /// A source's lanes.
    Source {
        /// The source.
        source: SourceId,
        /// Its topics.
        topics: Vec<String>,
        /// Partitions of each.
        lanes: u32,
        /// Length of a pane.
        pane: Span,
        /// All sources that there are; if there are none: not stated.
        #[serde(default)]
        known: Vec<SourceId>,
    },
    /// A process takes over a lane.
    Claim {
        /// The lane.
        lane: LaneId,
        /// Higher than any epoch before.
        epoch: u64,
    },
    /// New sums of a lane.
    Frame(Frame),
    /// A sign of life from a measuring process.
    Heartbeat {
        /// The process.
        process: String,
        /// The lanes it measures.
        lanes: Vec<LaneId>,
    },
    /// A worker's observation.
    Fact(Fact),
    /// A worker's answer to a command.
    Answer(CommandResult),
    /// A request from a person or a program.
    Instruction(Instruction),
    /// Time has passed without other records.
    Tick,
}

/// An output of a shard.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// For a worker.
    Command(Box<Command>),
    /// The current state of an incident.
    Incident(Box<Incident>),
    /// A verdict that changed, with its evidence.
    Decision(Box<Decision>),
    /// The reply to an instruction.
    Reply(Reply),
}

/// A verdict that changed or had consequences, with everything needed to recompute it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Unique in the namespace.
    pub id: String,
    /// The newest event time read so far.
    pub read_to: EventTime,
    /// When the inbox record that led to it was appended.
    pub logged_at: LogTime,
    /// The position of that record in the shard's inbox.
    pub position: i64,
    /// Hash of the rules in force.
    pub rules: String,
    /// The build of the program; see [`BUILD`](super::BUILD).
    pub build: String,
    /// The judge's assessment.
    pub assessment: Assessment,
    /// The resulting ruling, if any.
    pub ruling: Option<Ruling>,
}
