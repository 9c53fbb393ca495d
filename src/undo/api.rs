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
    /// Judge assessed a version.
    Assessed(&'a Assessment),
    /// A pane closed.
    Traffic(&'a LiveTraffic),
    /// A worker answered.
    Answer(&'a CommandResult),
    /// A worker observed its target.
    Fact(&'a Fact),
    /// A person or a program asks.
    Instruction(&'a Instruction),
    /// The rules changed.
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
    /// What was decided about an assessment that changed or led to something.
    Ruling(Ruling),
    /// The reply to an instruction.
    Reply(Reply),
}

/// What was decided about an assessment.
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
    /// The version that is restored, or would be.
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
    /// There was nothing to do.
    Nothing,
    /// People were notified.
    Alerted,
    /// The mode leaves it to people.
    WouldHave,
    /// Something prevents it.
    Held,
    /// A rollback began.
    Acted,
    /// A rollback is already under way.
    Joined,
    /// An incident ended.
    Resolved,
}

/// The reply to an instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The instruction's id.
    pub instruction: String,
    /// It was accepted; else it was refused.
    pub accepted: bool,
    /// What was done, or why not and what to do.
    pub detail: String,
    /// The incident that it opened or moved.
    pub incident: Option<IncidentId>,
}
