//! What the server answers and the command line reads, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{
    EventTime, IncidentId, LogTime, ModelId, Namespace, Reject, SourceId, Stage, TargetId,
    VersionId, Want,
};
use crate::shard::ModelStatus;
use crate::sums::Counters;
use crate::wire::lanes::LaneReport;

/// `GET /api/status`: everything at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// `ripcord.status/1`.
    pub schema: String,
    /// Of the program that answers.
    pub version: String,
    /// The environment.
    pub namespace: Namespace,
    /// Who may write: `token` or `loopback-only`.
    pub writing: String,
    /// The log's time.
    pub now: LogTime,
    /// The clock of this server, and log time.
    pub clock: ClockView,
    /// What has stopped, each in a sentence; empty if all is well.
    pub stopped: Vec<String>,
    /// When decide and each source's ingest last said something.
    pub roles: Vec<RoleView>,
    /// Seconds since the newest record of each model was measured.
    pub record_age_seconds: BTreeMap<ModelId, f64>,
    /// How every record was counted, by source.
    pub records: BTreeMap<SourceId, Counters>,
    /// The rules of the highest revision that a shard has; `None` before any shard reported.
    pub rules: Option<RulesView>,
    /// Why a target cannot be observed, for those that cannot.
    pub trouble: BTreeMap<String, String>,
    /// Lanes that could not read what they wanted: records were lost, or are forgotten.
    pub lanes: Vec<LaneReport>,
    /// What is wrong with the keys of a source's records, for those whose keys are placed wrongly.
    pub keys: BTreeMap<SourceId, String>,
    /// Each shard.
    pub shards: Vec<ShardView>,
    /// Each model.
    pub models: BTreeMap<ModelId, ModelStatus>,
}

/// The clocks, as the server sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockView {
    /// What the clock of the server's machine shows.
    pub host: LogTime,
    /// How far log time is ahead of the clock that stamps the records, in seconds.
    pub log_ahead_seconds: f64,
}

/// The last word of a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleView {
    /// `decide`, or `ingest` and a source.
    pub role: String,
    /// How long ago it was, in seconds, by the clock of the server; `None`: nothing since it
    /// started.
    pub age_seconds: Option<f64>,
}

/// Which rules are in force, and who put them there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesView {
    /// It grows with each `config apply`.
    pub revision: u64,
    /// The hash of the rules.
    pub hash: String,
    /// Who put them in force; `None` for the config of the first start.
    pub by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardView {
    /// Which.
    pub shard: u32,
    /// When it last reported its status; `None` if never.
    pub told_at: Option<LogTime>,
    /// How long ago that was, in seconds, by the clock of the server; `None`: not since it started.
    pub age_seconds: Option<f64>,
    /// Records of its inbox that are not folded yet, by its last report.
    pub lag: Option<u64>,
    /// The newest event time read.
    pub read_to: Option<EventTime>,
    /// Hash of the rules in force.
    pub rules: Option<String>,
    /// Cells that arrived after their pane was closed.
    pub after_close: u64,
    /// Sums that were not taken, because their names have no place.
    #[serde(default)]
    pub refused_names: u64,
    /// Gaps in positions.
    pub gaps: u64,
    /// Records of the inbox that could not be read.
    pub unreadable: u64,
    /// Answers of workers that nothing waited for.
    pub ignored_answers: u64,
    /// Illegal state changes of incidents: each is a defect of Ripcord.
    #[serde(default)]
    pub illegal_moves: u64,
    /// Generations reported by targets that are too high to be true.
    #[serde(default)]
    pub refused_fences: u64,
}

/// An instruction that is in the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedInstruction {
    /// Its id; the same id twice is one instruction.
    pub id: String,
    /// Where its reply will be.
    pub location: String,
}

/// The state of an instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum InstructionState {
    /// Not all shards that must read it have done so.
    Pending {
        /// Which.
        id: String,
    },
    /// It was accepted.
    Accepted {
        /// Which.
        id: String,
        /// What was done.
        detail: String,
        /// The incident that it opened or changed.
        incident: Option<IncidentId>,
    },
    /// It was refused.
    Refused {
        /// Which.
        id: String,
        /// Why not, and what to do.
        detail: String,
    },
}

/// What a rollback would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanView {
    /// Which model.
    pub model: ModelId,
    /// The version that would be withdrawn.
    pub from: VersionId,
    /// The version that would serve instead.
    pub to: VersionId,
    /// Why it is fit to roll back to; `None` if nothing proves it.
    pub fit: Option<String>,
    /// The fencing number it would carry.
    pub generation: u64,
    /// The commands to each target, in order.
    pub steps: Vec<StepView>,
}

/// A step that would be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// Which target.
    pub target: TargetId,
    /// Which stage of the plan.
    pub stage: Stage,
    /// The wanted state.
    pub want: Want,
}

/// How the records were received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TelemetryReceipt {
    /// Records that are durable on the log.
    pub taken: u64,
    /// Records that the mapping leaves out; they are not stored.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_ours: u64,
    /// Records that were rejected, and samples of records that hold others.
    pub rejected_count: u64,
    /// The first of them.
    pub rejected: Vec<RejectedRecord>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A record that cannot be used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedRecord {
    /// On which line it begins, from 1.
    pub line: u64,
    /// Which element of a list it is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<u64>,
    /// Why, by the code of the counters.
    pub code: Reject,
    /// Which field, what was found, what is expected.
    pub detail: String,
}

/// What `check-config --json` prints about settings that are refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefusedConfig {
    /// Every problem.
    pub refused: Vec<RefusedSetting>,
}

/// A setting that is refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefusedSetting {
    /// Which setting.
    pub path: String,
    /// Its value, if it has one.
    pub value: Option<String>,
    /// The file or variable that sets it; `None` if nothing does.
    pub origin: Option<String>,
    /// What would be accepted.
    pub would_do: String,
}
