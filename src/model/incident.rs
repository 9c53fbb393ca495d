//! The record of one breach, from its opening to its end.

use serde::{Deserialize, Serialize};

use super::{
    EventTime, FeatureName, IncidentId, LogTime, Mode, ModelId, Proof, Reference, Signal, Step,
    TriggerId, Verdict, VersionId,
};

/// How far an incident came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Seen; nothing was set in motion.
    Open,
    /// Commands are out.
    Mitigating,
    /// Live traffic shows the switch.
    Mitigated,
    /// The statistic that fired shows that it helped.
    Verified,
    /// It was mitigated and nothing showed in time that it helped.
    MitigatedUnverified,
    /// Over.
    Resolved,
    /// Automatic action is stopped; a person must look.
    Frozen,
    /// A step cannot be done or proven; a person must act.
    Stuck,
}

impl IncidentState {
    /// The words for it on every screen, page and message.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Mitigating => "rolling back",
            Self::Mitigated => "mitigated",
            Self::Verified => "verified",
            Self::MitigatedUnverified => "mitigated (unverified)",
            Self::Resolved => "resolved",
            Self::Frozen => "frozen",
            Self::Stuck => "stuck",
        }
    }
}

/// What moves an incident on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentEvent {
    /// A rollback was decided.
    Act,
    /// Live traffic proves the switch.
    Mitigate,
    /// The statistic proves the benefit.
    Verify,
    /// The time for that is over.
    Expire,
    /// Nothing is left to do.
    Resolve,
    /// Automatic action is stopped.
    Freeze,
    /// It cannot go on alone.
    Stick,
}

/// The record of one breach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Derived from model, version, trigger and opening.
    pub id: IncidentId,
    /// Which model.
    pub model: ModelId,
    /// Which version went bad.
    pub version: VersionId,
    /// The rule that fired first; none: a person asked.
    pub trigger: Option<TriggerId>,
    /// What it reads.
    pub signal: Option<Signal>,
    /// Which input, where the signal is about one.
    pub feature: Option<FeatureName>,
    /// What the comparison rested on.
    pub reference: Reference,
    /// What judge last said.
    pub verdict: Verdict,
    /// How far it came.
    pub state: IncidentState,
    /// Why it is in this state, for people.
    pub because: String,
    /// The command to type next; `None` if nothing is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// In which mode it was decided.
    pub mode: Mode,
    /// Where it went or would go.
    pub to: Option<VersionId>,
    /// The fencing number of its commands.
    pub generation: Option<u64>,
    /// Its steps, made once, whole.
    pub plan: Vec<Step>,
    /// The best proof so far.
    pub proof: Option<Proof>,
    /// Live proof rests on the registry's word for which version is live.
    pub by_registry: bool,
    /// The likely start of the breach.
    pub breach_from: Option<EventTime>,
    /// Samples of the version between the likely start and the decision.
    pub samples: u64,
    /// Event time up to which the river had read at the opening.
    pub opened_at: EventTime,
    /// … when it was decided.
    pub decided_at: Option<EventTime>,
    /// … when the last step was answered: evidence before it is of the old world.
    pub switched_at: Option<EventTime>,
    /// … when live traffic proved it.
    pub mitigated_at: Option<EventTime>,
    /// … when the statistic proved it.
    pub verified_at: Option<EventTime>,
    /// … when it ended.
    pub closed_at: Option<EventTime>,
    /// Log time of the last change of state.
    pub changed_at: LogTime,
}
