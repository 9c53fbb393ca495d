//! The record of one breach, from its opening to its end.

use serde::{Deserialize, Serialize};

use super::{
    EventTime, FeatureName, IncidentId, LogTime, Mode, ModelId, Proof, Reference, Signal, Step,
    TriggerId, Verdict, VersionId,
};

/// The state of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Detected; nothing has been done.
    Open,
    /// Commands have been sent.
    Mitigating,
    /// Live traffic confirms the switch.
    Mitigated,
    /// The statistic that fired confirms that it helped.
    Verified,
    /// Mitigated, but not confirmed in time by the statistic.
    MitigatedUnverified,
    /// Ended.
    Resolved,
    /// Automatic action is stopped; a person must look at it.
    Frozen,
    /// A step cannot be carried out or proven; a person must act.
    Stuck,
}

impl IncidentState {
    /// As in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Mitigating => "mitigating",
            Self::Mitigated => "mitigated",
            Self::Verified => "verified",
            Self::MitigatedUnverified => "mitigated_unverified",
            Self::Resolved => "resolved",
            Self::Frozen => "frozen",
            Self::Stuck => "stuck",
        }
    }
}

/// An event that changes the state of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentEvent {
    /// A rollback was decided.
    Act,
    /// Live traffic confirmed the switch.
    Mitigate,
    /// The statistic confirmed the benefit.
    Verify,
    /// The time to confirm the benefit ran out.
    Expire,
    /// There is nothing left to do.
    Resolve,
    /// Automatic action was stopped.
    Freeze,
    /// It cannot continue without a person.
    Stick,
}

/// The record of one breach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Derived from model, version, trigger and opening.
    pub id: IncidentId,
    /// The model.
    pub model: ModelId,
    /// The version that went bad.
    pub version: VersionId,
    /// The trigger that fired first. `None` if a person asked for the rollback.
    pub trigger: Option<TriggerId>,
    /// The trigger's signal.
    pub signal: Option<Signal>,
    /// The feature, if the signal is about one.
    pub feature: Option<FeatureName>,
    /// What the comparison was based on.
    pub reference: Reference,
    /// The latest verdict.
    pub verdict: Verdict,
    /// The state.
    pub state: IncidentState,
    /// The reason for the state, for people.
    pub because: String,
    /// The command to type next. `None` if nothing needs to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The mode in which it was decided.
    pub mode: Mode,
    /// The version that is, or would be, restored.
    pub to: Option<VersionId>,
    /// The fencing number of its commands.
    pub generation: Option<u64>,
    /// The steps of the plan, which is made once and whole.
    pub plan: Vec<Step>,
    /// The strongest proof so far.
    pub proof: Option<Proof>,
    /// Whether live proof relies on the registry for which version is live.
    pub by_registry: bool,
    /// The likely start of the breach.
    pub breach_from: Option<EventTime>,
    /// Samples of the version from the likely start to the decision.
    pub samples: u64,
    /// Event time that had been read when it opened …
    pub opened_at: EventTime,
    /// … when it was decided …
    pub decided_at: Option<EventTime>,
    /// … when the last step was answered; evidence before that is about the old state …
    pub switched_at: Option<EventTime>,
    /// … when live traffic confirmed it …
    pub mitigated_at: Option<EventTime>,
    /// … when the statistic confirmed it …
    pub verified_at: Option<EventTime>,
    /// … and when it ended.
    pub closed_at: Option<EventTime>,
    /// Log time of the latest change of state.
    pub changed_at: LogTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_one_name() {
        for state in [
            IncidentState::Open,
            IncidentState::Mitigating,
            IncidentState::Mitigated,
            IncidentState::Verified,
            IncidentState::MitigatedUnverified,
            IncidentState::Resolved,
            IncidentState::Frozen,
            IncidentState::Stuck,
        ] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
    }
}
