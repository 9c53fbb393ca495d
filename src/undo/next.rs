//! The one command that a person can type next, for each reason why an incident waits.
//!
//! Law: what is named here is accepted at the moment at which it is named. An alert, a rollback
//! that makes progress and a dispute ask for no command.

use super::case::Case;
use super::context::ModelContext;
use super::plan::has_targets;
use super::policy::Hold;
use super::progress::some_done;
use crate::model::{IncidentState, Mode, ModelId, VersionId};
use crate::phrases::command;

/// Lets the rollback begin that waits for approval.
pub(super) fn approve(model: &ModelId) -> String {
    command("approve", &[model.as_str()], &[])
}

/// Lifts a freeze of one model.
pub(super) fn unfreeze(model: &ModelId) -> String {
    command("unfreeze", &[model.as_str()], &[])
}

/// Lifts the freeze of all models.
pub(super) const UNFREEZE_ALL: &str = "ripcord unfreeze --all";

/// Lets a version be promoted again.
pub(super) fn release(model: &ModelId, version: &VersionId) -> String {
    command("release", &[model.as_str(), version.as_str()], &[])
}

/// Rolls back, to a version or to the newest one that is fit.
pub(super) fn rollback(model: &ModelId, to: Option<&str>) -> String {
    let mut options: Vec<(&str, &str)> = to.map(|to| ("--to", to)).into_iter().collect();
    options.push(("--reason", "…"));
    command("rollback", &[model.as_str()], &options)
}

impl ModelContext<'_> {
    /// The command that lets an incident's rollback begin, if it can.
    pub(super) fn next_approve(&self, at: usize) -> Option<String> {
        has_targets(self.rules).ok()?;
        match self.still(at) {
            Ok(_) => Some(approve(self.id)),
            Err(_) => self.next_vouch(),
        }
    }

    /// No record names a command that later events made useless.
    pub(super) fn refresh_next(&mut self, at: usize) {
        let Some(incident) = self.model.cases.get(at).map(|case| &case.incident) else { return };
        let Some(next) = &incident.next else { return };
        let fresh = if *next == approve(self.id) {
            match self.approvable() {
                Some(waits) => self.next_approve(waits),
                None => None,
            }
        } else if *next == UNFREEZE_ALL || *next == unfreeze(self.id) {
            self.next_unfreeze()
        } else if next.starts_with("ripcord vouch") {
            match self.approvable() {
                Some(waits) if waits == at => self.next_approve(waits),
                Some(_) | None => self.next_vouch(),
            }
        } else if next.starts_with("ripcord rollback") {
            // Where the incident goes may have changed, too.
            incident.to.as_ref().and_then(|to| self.next_rollback(to))
        } else {
            return;
        };
        if let Some(case) = self.case(at) {
            case.amend(|incident| incident.next = fresh);
        }
    }

    /// The command that puts `to` back into production for every target.
    pub(super) fn next_rollback(&self, to: &VersionId) -> Option<String> {
        self.model.usable(to, self.now.log).ok()?;
        let elsewhere = |case: &Case| case.incident.to.as_ref() != Some(to);
        // A rollback that has switched nothing yet is aborted first.
        let first = |case: &Case| elsewhere(case) && !some_done(&case.incident);
        let free = !self.model.under_way().is_some_and(first);
        free.then(|| rollback(self.id, Some(to.as_str())))
    }

    /// The command that makes a version fit to roll back to, if there is one that lacks only that.
    pub(super) fn next_vouch(&self) -> Option<String> {
        let version = self.model.nearly_fit(self.now.log)?;
        Some(command("vouch", &[self.id.as_str(), version.as_str()], &[]))
    }

    /// The command that says which version is in production.
    pub(super) fn next_promoted(&self) -> String {
        command("promoted", &[self.id.as_str(), "VERSION"], &[])
    }

    /// The command that lifts the freeze in force.
    pub(super) fn next_unfreeze(&self) -> Option<String> {
        if self.every.frozen.is_some() {
            return Some(UNFREEZE_ALL.to_owned());
        }
        self.model.frozen.as_ref().map(|_| unfreeze(self.id))
    }

    /// The command that removes what holds an automatic rollback back.
    pub(super) fn next_of_hold(&self, at: usize, hold: &Hold, mode: Mode) -> Option<String> {
        if mode == Mode::Observe {
            return None;
        }
        match hold {
            Hold::Frozen(_) => self.next_unfreeze(),
            Hold::BudgetUsed(_) if mode == Mode::Act => self.next_unfreeze(),
            Hold::NoVersion(_) => self.next_vouch(),
            Hold::BudgetUsed(_) | Hold::Cooldown { .. } | Hold::Unproven(_) => {
                self.next_approve(at)
            }
            Hold::Disputed(_) | Hold::Stuck(_) | Hold::NoTarget(_) => None,
        }
    }

    /// Once a rollback has worked, what is left to do is to let the withdrawn version back in when
    /// it is fixed.
    pub(super) fn suggest_release(&mut self, at: usize) {
        let Some(case) = self.model.cases.get(at) else { return };
        let version = case.incident.version.clone();
        let over = match case.incident.state {
            IncidentState::Verified | IncidentState::Resolved => case.incident.mitigated_at,
            IncidentState::Open
            | IncidentState::Mitigating
            | IncidentState::Mitigated
            | IncidentState::MitigatedUnverified
            | IncidentState::Frozen
            | IncidentState::Stuck => None,
        };
        let quarantined = self.model.quarantine(&version, self.now.log).is_some();
        if over.is_none() || !quarantined || self.model.serves(&version) {
            return;
        }
        let next = Some(release(self.id, &version));
        if let Some(case) = self.case(at) {
            case.amend(|incident| incident.next = next);
        }
    }

    /// A command was given, so that no incident names it any longer.
    pub(super) fn given(&mut self, command: &str) {
        for case in &mut self.model.cases {
            if case.incident.next.as_deref() == Some(command) {
                case.amend(|incident| incident.next = None);
            }
        }
    }
}
