//! What only a live run can measure.

use serde::Serialize;

use super::Replayed;
use crate::config::RulesInWords;

/// How long each phase of the rollback took, by the wall clock of the reader of the topics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Phases {
    /// From the sending of the last event that the decision needed, to the command on the log.
    pub decide_ms: f64,
    /// From the commands on the log until their workers started, steps added up.
    pub pickup_ms: f64,
    /// How long the workers took, steps added up.
    pub act_ms: f64,
    /// From the last answer until live traffic proved the switch.
    pub mitigate_ms: f64,
}

/// Requests, and those that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CallCounts {
    /// How many were sent.
    pub sent: u64,
    /// How many got no good answer.
    pub failed: u64,
}

/// The requests of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Requested {
    /// Predictions that were asked for.
    pub sent: u64,
    /// Requests of any kind without a good answer.
    pub failed: u64,
    /// Requests of the steady callers, in addition to the predictions.
    pub beside: u64,
    /// Tries that were repeated, since nobody answered.
    pub repeated: u64,
    /// While the rollback was under way.
    pub during_switch: CallCounts,
    /// Answers of the withdrawn version after the switch, by the router's counters.
    pub withdrawn_after_switch: u64,
    /// The share of right answers that callers saw and counted, 0 to 1.
    pub accuracy_served: Option<f64>,
    /// The same if the version that went bad had answered throughout.
    pub accuracy_without: Option<f64>,
}

/// The result of a demo.
#[derive(Debug)]
pub struct DemoResult {
    /// As a replay reports it.
    pub replayed: Replayed,
    /// How long each phase took.
    pub phases: Phases,
    /// What callers saw.
    pub requests: Requested,
    /// What the rules mean, for the report.
    pub rules: Vec<RulesInWords>,
    /// What went wrong; empty if the rollback is verified and nothing else happened.
    pub faults: Vec<String>,
}
