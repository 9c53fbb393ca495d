//! What undo remembers about a model. It is bounded, and it is the journal of its rollbacks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::facts::Facts;
use super::traffic::Traffic;
use crate::model::{
    EventTime, Fact, FeatureName, LogTime, Mode, Signal, Span, TargetId, TriggerId, Verdict,
    VersionId,
};

/// Incidents that are over, kept per model.
const CLOSED_KEPT: usize = 32;
/// Alerts that may be open at once per model; further ones are only ruled on.
pub(super) const ALERTS_OPEN: usize = 64;
/// Versions remembered per model, beyond those that facts name.
const VERSIONS_KEPT: usize = 256;

/// Sources other than traffic may disagree for this long: a promotion takes time.
pub(super) const DISPUTE_AFTER: Span = Span::from_s(60);

/// One model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct ModelState {
    /// Of the last rollback; never goes back.
    pub(super) generation: u64,
    /// Set at run time; `None` if the mode of all models or of the rules applies.
    pub(super) mode: Option<Mode>,
    /// Why automatic action is stopped.
    pub(super) frozen: Option<String>,
    /// The last of each target that the rules name.
    pub(super) facts: Facts,
    /// The last of each target that the rules do not name, in case they do later.
    #[serde(default)]
    pub(super) unnamed: BTreeMap<TargetId, Fact>,
    /// The version that a person recorded as promoted.
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

/// The version in production, and which source says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Production {
    pub(super) version: VersionId,
    pub(super) source: ProductionSource,
    /// `None` if it was in production when it was first seen.
    pub(super) promoted_at: Option<EventTime>,
}

/// The sources for the version in production, the most trusted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ProductionSource {
    /// A target with authority.
    Fact,
    /// A person.
    Promoted,
    /// Answers stated to be live.
    Telemetry,
    /// Most answers, without a statement that users saw them.
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
    /// When it last appeared.
    pub(super) heard_at: Option<EventTime>,
}

/// A version that may not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Quarantine {
    /// `None` if only a person can release it.
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

impl ModelState {
    /// A version's state, created if missing; the one that appeared longest ago makes room.
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

    /// Forgets the versions that were last heard of before `since`, but for those that a rollback
    /// may go to.
    pub(super) fn forget_silent(&mut self, since: EventTime) {
        let silent = |(name, state): &(&VersionId, &VersionState)| {
            let target = state.served || self.assumed.as_ref() == Some(*name);
            let old = state.heard_at.is_some_and(|at| at < since);
            old && !target && self.may_forget(name, state)
        };
        let silent: Vec<_> =
            self.versions.iter().filter(silent).map(|(name, _)| name.clone()).collect();
        silent.iter().for_each(|version| drop(self.versions.remove(version)));
    }

    fn may_forget(&self, name: &VersionId, state: &VersionState) -> bool {
        state.quarantine.is_none()
            && !state.vouched
            && !self.serves(name)
            && !self.named_by_cases(name)
            && !self.facts.list(name)
    }

    /// Whether an incident that is not over is about it, or goes back to it.
    fn named_by_cases(&self, name: &VersionId) -> bool {
        let mut open = self.cases.iter().filter(|case| !case.closed()).map(|case| &case.incident);
        open.any(|incident| incident.version == *name || incident.to.as_ref() == Some(name))
    }

    /// Whether more than telemetry speaks of the model: a target, a person, or an incident that is
    /// open. One that was rolled back is remembered, too: its generation never goes back.
    pub(super) fn named(&self) -> bool {
        let mut versions = self.versions.values();
        self.facts.any()
            || !self.unnamed.is_empty()
            || self.promoted.is_some()
            || self.mode.is_some()
            || self.frozen.is_some()
            || self.generation > 0
            || versions.any(|version| version.vouched || version.quarantine.is_some())
            || self.cases.iter().any(|case| !case.closed())
    }

    /// A version that telemetry no longer has a place for is forgotten, if nothing else needs it.
    pub(super) fn forget_version(&mut self, version: &VersionId) {
        let may = |state: &VersionState| {
            let target = state.served || self.assumed.as_ref() == Some(version);
            !target && self.may_forget(version, state)
        };
        if self.versions.get(version).is_some_and(may) {
            self.versions.remove(version);
        }
    }

    /// Whether a target, traffic or a person has named it.
    pub(super) fn knows(&self, version: &VersionId) -> bool {
        self.versions.contains_key(version) || self.facts.list(version)
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
    pub(super) fn tidy(&mut self) {
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
            .chain(quarrel.map(|since| since + DISPUTE_AFTER))
            .min();
    }
}
