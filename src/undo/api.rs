//! What undo takes and what it gives.

use serde::{Deserialize, Serialize};

use crate::model::{
    Command, CommandResult, EventTime, Fact, FeatureName, Incident, IncidentId, Instruction,
    LogTime, ModelId, TriggerId, Verdict, VersionId,
};
use crate::sums::{Assessment, LiveTraffic};

/// When a step happens, on both times, and where answers to it go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The inbox's time.
    pub log: LogTime,
    /// The newest event time that the shard has seen.
    pub event: EventTime,
    /// The shard's inbox partition.
    pub reply_to: u32,
}

/// What undo reacts to.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Judge spoke.
    Assessed(&'a Assessment),
    /// A pane closed.
    Traffic(&'a LiveTraffic),
    /// A worker answered.
    Answer(&'a CommandResult),
    /// A worker observed.
    Fact(&'a Fact),
    /// A person or a program asks.
    Instruction(&'a Instruction),
    /// The rules are others than before.
    Rules,
    /// Time passed.
    Tick,
}

/// What undo wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// For a worker.
    Command(Command),
    /// A record that changed.
    Incident(Incident),
    /// What became of an assessment that changed, or that led to something.
    Ruling(Ruling),
    /// How an instruction fared.
    Reply(Reply),
}

/// What became of an assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Which model.
    pub model: ModelId,
    /// Which version.
    pub version: VersionId,
    /// Which rule.
    pub trigger: TriggerId,
    /// Which input, where the signal is about one.
    pub feature: Option<FeatureName>,
    /// Event time up to which the assessment holds.
    pub at: EventTime,
    /// What it said.
    pub verdict: Verdict,
    /// What was done.
    pub did: Response,
    /// Where the version goes back to, or would.
    pub to: Option<VersionId>,
    /// Why, for people.
    pub because: String,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
}

/// What was done about an assessment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Nothing was to be done.
    Nothing,
    /// People were told.
    Alerted,
    /// The mode leaves it to people.
    WouldHave,
    /// Something stands against it.
    Held,
    /// A rollback began.
    Acted,
    /// One is under way already.
    Joined,
    /// An incident ended.
    Resolved,
}

/// How an instruction fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The instruction's id.
    pub instruction: String,
    /// It was taken; else refused.
    pub accepted: bool,
    /// What was done, or why not and what to do.
    pub detail: String,
    /// The incident that it opened or moved.
    pub incident: Option<IncidentId>,
}
