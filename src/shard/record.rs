//! What stands in an inbox, and what a shard puts out.

use serde::{Deserialize, Serialize};

use crate::model::{
    Command, CommandResult, EventTime, Fact, Incident, Instruction, LaneId, LogTime, RuleSet,
    SourceId, Span,
};
use crate::sums::{Assessment, Frame};
use crate::undo::{Reply, Ruling};

/// Everything a shard may react to. The kind is the key: `{"frame": {…}}`, so that a record is
/// read in one pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inbox {
    /// The first record: for how many shards the topics were made.
    Format {
        /// How many.
        shards: u32,
    },
    /// The rules from now on, if their revision is higher than that of the present ones.
    Rules(RuleSet),
    /// A source's lanes.
    Source {
        /// Which source.
        source: SourceId,
        /// Its topics.
        topics: Vec<String>,
        /// Partitions of each.
        lanes: u32,
        /// Length of a pane, in milliseconds.
        pane: Span,
    },
    /// Somebody speaks for a lane from now on.
    Claim {
        /// Which lane.
        lane: LaneId,
        /// Higher than anybody's before.
        epoch: u64,
    },
    /// A lane's news.
    Frame(Frame),
    /// A process that measures lives.
    Heartbeat {
        /// Which process.
        process: String,
        /// What it measures.
        lanes: Vec<LaneId>,
    },
    /// What a worker observed.
    Fact(Fact),
    /// What a worker says of a command.
    Answer(CommandResult),
    /// What a person or a program asks.
    Instruction(Instruction),
    /// Time passed and nothing else came.
    Tick,
}

/// What a shard puts out.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// For a worker.
    Command(Box<Command>),
    /// An incident's record, anew.
    Incident(Box<Incident>),
    /// A verdict that changed, with its evidence.
    Decision(Box<Decision>),
    /// How an instruction fared.
    Reply(Reply),
}

/// A verdict that changed or led to something. It holds all that it can be computed again from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Unique in the namespace.
    pub id: String,
    /// The newest event time that was read.
    pub read_to: EventTime,
    /// When the record that led to it was appended.
    pub logged_at: LogTime,
    /// Where that stands in the shard's inbox.
    pub position: i64,
    /// Hash of the rules.
    pub rules: String,
    /// Version of the program.
    pub build: String,
    /// What judge said.
    pub assessment: Assessment,
    /// What undo did about it.
    pub ruling: Option<Ruling>,
}
