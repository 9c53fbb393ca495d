//! The shape of a replay's summary, `ripcord.replay/1`: a promise to those who read the JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{
    EventTime, FeatureName, IncidentId, IncidentState, LogTime, Mode, ModelId, Namespace, Proof,
    Reason, Reference, Reject, Role, Signal, Statistic, TriggerId, Verdict, VersionId,
};
use crate::sums::Counters;

/// The result of a replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Which shape.
    pub schema: &'static str,
    /// Which build.
    pub version: &'static str,
    /// Always that of replays.
    pub namespace: Namespace,
    /// SHA-256 of the rules in force.
    pub rules_hash: String,
    /// SHA-256 over every output, in order: the same bytes, the same decisions.
    pub outputs_hash: String,
    /// SHA-256 over what was decided, without prose, build and derived ids: builds that decide
    /// alike have the same one.
    pub decisions_hash: String,
    /// The mode.
    pub mode: Mode,
    /// How every record was counted.
    pub records: Counters,
    /// By model.
    pub models: BTreeMap<ModelId, ModelSummary>,
    /// Every rollback.
    pub rollbacks: Vec<RollbackSummary>,
    /// Rollbacks that the mode did not allow.
    pub would_have: Vec<WouldHave>,
    /// Versions in production that could not be called healthy, at the end or most of the time.
    pub blind: Vec<BlindSummary>,
    /// Every incident.
    pub incidents: Vec<IncidentSummary>,
    /// The first records of each kind that could not be used.
    pub refused: Vec<RefusedSummary>,
    /// What a reader must know to understand the numbers, in sentences.
    pub notes: Vec<String>,
}

/// A record that could not be used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefusedSummary {
    /// Which file.
    pub file: String,
    /// Which line, from 1.
    pub line: i64,
    /// Why; `None` if it came too late.
    pub code: Option<Reject>,
    /// In words.
    pub detail: String,
}

/// A version of which so much was lost that it could not be called healthy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlindSummary {
    /// The model.
    pub model: ModelId,
    /// The version.
    pub version: VersionId,
    /// By which trigger.
    pub trigger: TriggerId,
    /// Why.
    pub reason: Reason,
    /// Since when, if it was so at the end.
    pub since: Option<EventTime>,
    /// For how many seconds in all.
    pub total_s: f64,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelSummary {
    /// The version that served at the start.
    pub production_at_start: Option<VersionId>,
    /// The version that serves at the end.
    pub production_at_end: Option<VersionId>,
    /// The share of right answers that users saw; `None` without labels.
    pub accuracy_served: Option<f64>,
    /// The same if the starting version had answered throughout.
    pub accuracy_without: Option<f64>,
    /// The share of failed answers among those that users saw.
    pub error_rate_served: Option<f64>,
    /// The same if the starting version had answered throughout.
    pub error_rate_without: Option<f64>,
    /// The mean time, in milliseconds, of the answers that users saw.
    pub latency_ms_served: Option<f64>,
    /// The same if the starting version had answered throughout.
    pub latency_ms_without: Option<f64>,
    /// The versions that answered live.
    pub answered_live: Vec<VersionId>,
    /// Its versions.
    pub versions: BTreeMap<VersionId, VersionSummary>,
}

/// One version at the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionSummary {
    /// Its role.
    pub role: Option<Role>,
    /// Fit to roll back to.
    pub proven: bool,
    /// May not be promoted.
    pub quarantined: bool,
}

/// One rollback.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RollbackSummary {
    /// Its incident.
    pub incident: IncidentId,
    /// Which model.
    pub model: ModelId,
    /// The version that was withdrawn.
    pub from: VersionId,
    /// The version that serves instead.
    pub to: Option<VersionId>,
    /// The fencing number of its commands.
    pub generation: Option<u64>,
    /// The rule that fired; `None` if a person asked.
    pub trigger: Option<TriggerId>,
    /// The signal that it reads.
    pub signal: Option<Signal>,
    /// What the comparison was based on.
    pub reference: Reference,
    /// The likely start of the breach.
    pub breach_from: Option<EventTime>,
    /// Event time up to which the pipeline had read at the decision.
    pub decided_at: Option<EventTime>,
    /// … when live traffic proved it.
    pub mitigated_at: Option<EventTime>,
    /// … when the statistic proved it.
    pub verified_at: Option<EventTime>,
    /// The best proof.
    pub proof: Option<Proof>,
    /// How it ended.
    pub outcome: IncidentState,
    /// Why it ended so.
    pub because: String,
    /// How long the detection took.
    pub detection: Detection,
    /// The verdict behind it; `None` if a person asked.
    pub evidence: Option<RollbackEvidence>,
    /// … when the last step was answered.
    pub switched_at: Option<EventTime>,
    /// … when it was over.
    pub closed_at: Option<EventTime>,
    /// Its states, in order.
    pub story: Vec<StateChange>,
}

/// A state that an incident reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StateChange {
    /// Which state.
    pub state: IncidentState,
    /// When.
    pub at: LogTime,
    /// Why.
    pub because: String,
}

/// What a verdict is based on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RollbackEvidence {
    /// The value since the likely change.
    pub value: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// The largest value that is tolerated.
    pub tolerated: Option<f64>,
    /// Whether it is a difference to another version on the same requests.
    pub paired: bool,
    /// How it was gathered.
    pub rule: Statistic,
    /// The statistic: odds for an e-detector, the value itself for a window.
    pub statistic: f64,
    /// The value at which the rule fires: odds, or the limit of a window.
    pub threshold: f64,
    /// Samples since the likely change.
    pub samples: u64,
    /// The decision that holds all of it.
    pub decision: String,
}

/// How long the detection took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Detection {
    /// Seconds of event time from the likely start to the decision.
    pub event_time_s: Option<f64>,
    /// Samples from the likely start to the decision.
    pub labels: u64,
}

/// A rollback that was not done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WouldHave {
    /// Its incident.
    pub incident: IncidentId,
    /// Which model.
    pub model: ModelId,
    /// The version that would be withdrawn.
    pub from: VersionId,
    /// The version that would serve instead.
    pub to: Option<VersionId>,
    /// The rule that fired.
    pub trigger: Option<TriggerId>,
    /// The signal that it reads.
    pub signal: Option<Signal>,
    /// The likely start of the breach.
    pub breach_from: Option<EventTime>,
    /// Event time up to which the pipeline had read.
    pub opened_at: EventTime,
    /// Why it was not done.
    pub because: String,
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentSummary {
    /// Its name.
    pub id: IncidentId,
    /// Which model.
    pub model: ModelId,
    /// Which version.
    pub version: VersionId,
    /// The rule that fired first.
    pub trigger: Option<TriggerId>,
    /// The signal that it reads.
    pub signal: Option<Signal>,
    /// Which input, where the signal is about one.
    pub feature: Option<FeatureName>,
    /// The worst verdict on it: what it was about.
    pub verdict: Verdict,
    /// Which part of the traffic; `None` for all of it.
    pub segment: Option<String>,
    /// Its state.
    pub state: IncidentState,
    /// Event time up to which the pipeline had read at the opening.
    pub opened_at: EventTime,
    /// … when it ended.
    pub closed_at: Option<EventTime>,
    /// Why it is in this state.
    pub because: String,
}
