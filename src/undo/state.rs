//! What undo remembers, per model. All of it is bounded, and all of it is the saga's journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::traffic::Traffic;
use super::transition::next_state;
use super::verify::ProofProgress;
use crate::model::{
    EventTime, Fact, FeatureName, Incident, IncidentEvent, IncidentState, LogTime, Mode, Signal,
    Span, TargetId, TriggerId, Verdict, VersionId,
};

/// Incidents that are over, kept per model.
const CLOSED_KEPT: usize = 32;
/// Alerts open at once per model; past it they are ruled on, and no incident is opened.
pub(super) const ALERTS_OPEN: usize = 64;
/// Versions remembered per model, beyond those that facts name.
const VERSIONS_KEPT: usize = 256;

/// One model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct ModelState {
    /// Of the last rollback; never goes back.
    pub(super) generation: u64,
    /// Set at run time; none: as for all, or as in the rules.
    pub(super) mode: Option<Mode>,
    /// Why automatic action is stopped.
    pub(super) frozen: Option<String>,
    /// The last of each target that the rules name.
    pub(super) facts: BTreeMap<TargetId, Fact>,
    /// The last of each target that the rules do not name: they may, later.
    #[serde(default)]
    pub(super) unnamed: BTreeMap<TargetId, Fact>,
    /// A person's word for which version serves.
    pub(super) promoted: Option<VersionId>,
    pub(super) production: Option<Production>,
    /// Was production before the first one seen.
    pub(super) assumed: Option<VersionId>,
    pub(super) traffic: Traffic,
    /// Since when two sources of facts disagree.
    pub(super) quarrel_since: Option<LogTime>,
    /// What two sources disagree on, once it lasts.
    pub(super) disputed: Option<String>,
    pub(super) versions: BTreeMap<VersionId, VersionState>,
    /// Until when no automatic rollback starts on a signal.
    pub(super) cooldowns: BTreeMap<Signal, LogTime>,
    /// When automatic rollbacks of this period began.
    pub(super) rollbacks: Vec<LogTime>,
    /// In the order of their opening.
    pub(super) cases: Vec<Case>,
    /// The earliest deadline.
    pub(super) wakeup: Option<LogTime>,
}

/// Which version serves, and who says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Production {
    pub(super) version: VersionId,
    pub(super) source: ProductionSource,
    /// None: it served when it was first seen.
    pub(super) promoted_at: Option<EventTime>,
}

/// Who says which version serves, the most trusted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ProductionSource {
    /// A target with authority.
    Fact,
    /// A person.
    Promoted,
    /// Answers stated to be live.
    Telemetry,
    /// Most answers; nobody said that users saw them.
    Inferred,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct VersionState {
    /// A person vouches for it.
    pub(super) vouched: bool,
    /// It was in production for the proving period, and no breach revoked that.
    pub(super) served: bool,
    /// Event time in production with every armed trigger healthy.
    pub(super) healthy_for: Span,
    /// Where the healthy time was last added to.
    pub(super) healthy_at: Option<EventTime>,
    pub(super) quarantine: Option<Quarantine>,
    /// What judge last said of it, sorted.
    pub(super) said: Vec<LastVerdict>,
    /// When it was last heard of.
    pub(super) heard_at: Option<EventTime>,
}

/// A version that may not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Quarantine {
    /// None: until a person releases it.
    pub(super) until: Option<LogTime>,
    pub(super) why: String,
}

/// What judge last said of a version and a trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastVerdict {
    pub(super) trigger: TriggerId,
    pub(super) feature: Option<FeatureName>,
    pub(super) verdict: Verdict,
    /// It had enough to say something.
    pub(super) armed: bool,
}

/// What an incident is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// A trigger spoke.
    Trigger,
    /// A person asked.
    Manual,
    /// Two sources disagree on which version serves.
    Dispute,
    /// A quarantined version serves.
    Returned,
}

/// An incident and what only undo needs of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Case {
    pub(super) incident: Incident,
    pub(super) kind: Kind,
    /// Nobody asked for its rollback.
    pub(super) automatic: bool,
    /// When the step under way is asked for again.
    pub(super) ask_at: Option<LogTime>,
    /// When the state it is in has lasted too long, or long enough.
    pub(super) deadline: Option<LogTime>,
    pub(super) watch: ProofProgress,
    /// Its record changed in this step.
    #[serde(skip)]
    pub(super) changed: bool,
}

impl Case {
    /// Over.
    pub(super) fn closed(&self) -> bool {
        self.incident.state == IncidentState::Resolved
    }

    /// Commands are out.
    pub(super) fn under_way(&self) -> bool {
        self.incident.state == IncidentState::Mitigating
    }

    /// Live traffic has shown the switch.
    pub(super) fn restored(&self) -> bool {
        match self.incident.state {
            IncidentState::Mitigated
            | IncidentState::Verified
            | IncidentState::MitigatedUnverified => true,
            IncidentState::Open
            | IncidentState::Mitigating
            | IncidentState::Resolved
            | IncidentState::Frozen
            | IncidentState::Stuck => false,
        }
    }

    /// Nothing of it is under way or done; it waits.
    pub(super) fn waits(&self) -> bool {
        match self.incident.state {
            IncidentState::Open | IncidentState::Frozen | IncidentState::Stuck => true,
            IncidentState::Mitigating
            | IncidentState::Mitigated
            | IncidentState::Verified
            | IncidentState::MitigatedUnverified
            | IncidentState::Resolved => false,
        }
    }

    /// Changes the record and notes whether it did.
    pub(super) fn amend(&mut self, change: impl FnOnce(&mut Incident)) {
        let before = self.incident.clone();
        change(&mut self.incident);
        self.changed |= before != self.incident;
    }

    /// Moves on. The callers ask only for moves that the table has.
    pub(super) fn advance(&mut self, phase: IncidentEvent, now: LogTime, because: String) -> bool {
        let Ok(state) = next_state(self.incident.state, phase) else {
            return false;
        };
        self.incident.state = state;
        self.incident.because = because;
        self.incident.changed_at = now;
        self.changed = true;
        true
    }
}

impl ModelState {
    /// A version's state, made where there is none; the longest unheard of makes room.
    pub(super) fn version(&mut self, version: &VersionId) -> &mut VersionState {
        if !self.versions.contains_key(version) && self.versions.len() >= VERSIONS_KEPT {
            let oldest = self
                .versions
                .iter()
                .filter(|(name, state)| self.may_forget(name, state))
                .min_by_key(|(_, state)| state.heard_at)
                .or_else(|| self.versions.iter().min_by_key(|(_, state)| state.heard_at))
                .map(|(name, _)| name.clone());
            if let Some(name) = oldest {
                self.versions.remove(&name);
            }
        }
        self.versions.entry(version.clone()).or_default()
    }

    fn may_forget(&self, name: &VersionId, state: &VersionState) -> bool {
        state.quarantine.is_none()
            && !state.vouched
            && !self.serves(name)
            && !self.facts.values().any(|f| f.versions.iter().any(|v| v.version == *name))
    }

    /// Whether a target, traffic or a person named it.
    pub(super) fn knows(&self, version: &VersionId) -> bool {
        let mut named = self.facts.values().flat_map(|fact| &fact.versions);
        self.versions.contains_key(version) || named.any(|fact| fact.version == *version)
    }

    /// Whether this version is in production.
    pub(super) fn serves(&self, version: &VersionId) -> bool {
        self.production.as_ref().is_some_and(|p| p.version == *version)
    }

    /// Why a version may not serve at `now`.
    pub(super) fn quarantine(&self, version: &VersionId, now: LogTime) -> Option<&Quarantine> {
        let quarantine = self.versions.get(version)?.quarantine.as_ref()?;
        quarantine.until.is_none_or(|until| now < until).then_some(quarantine)
    }

    /// The rollback under way.
    pub(super) fn under_way(&self) -> Option<&Case> {
        self.cases.iter().find(|case| case.under_way())
    }

    /// Forgets incidents that ended longest ago, and finds the earliest deadline.
    pub(super) fn tidy(&mut self, dispute_after: Span) {
        let closed = self.cases.iter().filter(|case| case.closed()).count();
        let mut surplus = closed.saturating_sub(CLOSED_KEPT);
        self.cases.retain(|case| {
            let drop = surplus > 0 && case.closed();
            surplus -= usize::from(drop);
            !drop
        });
        let quarrel = self.quarrel_since.filter(|_| self.disputed.is_none());
        self.wakeup = self
            .cases
            .iter()
            .filter(|case| !case.closed())
            .flat_map(|case| [case.ask_at, case.deadline])
            .flatten()
            .chain(quarrel.map(|since| since + dispute_after))
            .min();
    }
}
