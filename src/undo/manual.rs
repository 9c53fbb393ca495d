//! Rollbacks that a person begins, ends or approves.
//!
//! Choices: a freeze and an abort both end a rollback of which no step is done. A command that was
//! sent may still be carried out until it expires; the reply says so, and then facts show it.
//! Later, a person may go to another version: the new rollback supersedes the old one, and asks
//! each target to leave the version that the old one gave it. Aborting an automatic rollback
//! freezes the model, or the same breach would begin it again. A manual rollback works in every
//! mode and under a freeze, does not count as automatic, and may go to a version that is not
//! proven, which the reply says.

use super::case::{Case, Kind};
use super::context::ModelContext;
use super::explanation::Explanation;
use super::instructions::Handled;
use super::next::{release, rollback, unfreeze};
use super::plan::{has_targets, no_version};
use super::progress::some_done;
use super::proven::Fitness;
use crate::model::{Action, IncidentState, VersionId};
use crate::phrases::command;

impl ModelContext<'_> {
    pub(super) fn roll_back(&mut self, to: Option<&VersionId>, why: &str) -> Handled {
        if let Some(case) = self.model.under_way() {
            let going = case.incident.to.as_ref();
            let id = case.incident.id.clone();
            if to.is_none() || to == going {
                return Ok((format!("Incident {id} is already doing that."), Some(id)));
            }
            if !some_done(&case.incident) {
                let going = going.map_or("another version", |v| v.as_str());
                return Err(format!(
                    "incident {id} is rolling back to {going}; run `{}` first",
                    command("abort", &[self.id.as_str()], &[])
                ));
            }
        }
        let plan = self.model.plan_for(self.id, self.rules, to, self.now.log)?;
        let proven = plan.how.map_or("not proven, chosen by a person", Fitness::words);
        let why = Explanation::new("manual", format!("Requested by {why}."));
        let at = self.open_plain(Kind::Manual, &plan.from, why.clone());
        let id = self.case(at).map(|case| case.incident.id.clone());
        self.supersede(at, &format!("Superseded by a rollback to {}.", plan.to));
        self.carry_out(at, &plan, false, why);
        Ok((format!("Rolling back from {} to {} ({proven}).", plan.from, plan.to), id))
    }

    /// A new rollback supersedes stuck ones, and one that is half way.
    fn supersede(&mut self, by: usize, why: &str) {
        for at in 0..self.model.cases.len() {
            let half_way =
                |case: &Case| case.under_way() || case.incident.state == IncidentState::Stuck;
            if at != by && self.model.cases.get(at).is_some_and(half_way) {
                self.resolve(at, "superseded", why.to_owned());
            }
        }
    }

    pub(super) fn abort(&mut self, why: &str) -> Handled {
        let mut cases = self.model.cases.iter().enumerate();
        let Some((at, case)) = cases.find(|(_, case)| case.under_way()) else {
            let nothing = format!("No rollback of {} is under way; nothing was done.", self.id);
            return Ok((nothing, None));
        };
        let (id, from) = (case.incident.id.clone(), case.incident.version.clone());
        if some_done(&case.incident) {
            return Err(format!(
                "incident {id} has already switched a target and can only go forward; to go to \
                 another version, run `{}` (before going back to {from}, run `{}`)",
                rollback(self.id, Some("VERSION")),
                release(self.id, &from)
            ));
        }
        let automatic = case.automatic;
        if automatic {
            self.model.frozen = Some(format!("aborted by {why}"));
        }
        let known = self.call_off(at, &format!("Aborted by {why}"));
        if !automatic {
            return Ok((format!("Aborted; {known}."), Some(id)));
        }
        let again = format!("run `{}` to allow it again", unfreeze(self.id));
        Ok((format!("Aborted; {known}. Automatic action is frozen; {again}."), Some(id)))
    }

    pub(super) fn approved(&mut self, why: &str) -> Handled {
        if let Some(case) = self.model.under_way() {
            let id = case.incident.id.clone();
            return Ok((format!("Incident {id} is already rolling back."), Some(id)));
        }
        let Some(at) = self.approvable() else {
            return Err(format!(
                "no incident of the production version of {} is waiting for approval",
                self.id
            ));
        };
        has_targets(self.rules)?;
        let to = self.still(at)?;
        let id = self.case(at).map(|case| case.incident.id.clone());
        self.supersede(at, "Superseded by another rollback.");
        let why = Explanation::new("approved", format!("Approved by {why}."));
        self.begin(at, &to, false, why);
        Ok((format!("Rolling back to {to}."), id))
    }

    /// The last incident of the version in production that a rollback would end.
    pub(super) fn approvable(&self) -> Option<usize> {
        let serves = |version: &VersionId| self.model.serves(version);
        let waits = |case: &Case| {
            let half_way = case.incident.state == IncidentState::Stuck
                && case.incident.to.as_ref().is_some_and(serves);
            case.waits() && (serves(&case.incident.version) || half_way) && self.undoes(case)
        };
        self.model.cases.iter().rposition(waits)
    }

    /// Where an incident would go: its own target if that is still fit, else the one chosen now.
    pub(super) fn still(&self, at: usize) -> Result<VersionId, String> {
        let (log, policy) = (self.now.log, &self.rules.policy);
        let case = self.model.cases.get(at);
        let holds = |to: &VersionId| match case.map(|case| case.kind) {
            // Some targets have it in production already; the others follow.
            _ if self.model.serves(to) => true,
            // A person named it.
            Some(Kind::Manual) => self.model.usable(to, log).is_ok(),
            Some(Kind::Trigger | Kind::Dispute | Kind::Returned) | None => {
                self.model.fit(to, policy, log).is_ok()
            }
        };
        match case.and_then(|case| case.incident.to.clone()).filter(holds) {
            Some(to) => Ok(to),
            None => Ok(self.model.pick(policy, log).map_err(|why| no_version(&why))?.0),
        }
    }

    /// Whether an incident is one that a rollback ends.
    fn undoes(&self, case: &Case) -> bool {
        match (&case.incident.trigger, case.kind) {
            (_, Kind::Manual | Kind::Returned) => true,
            (_, Kind::Dispute) | (None, Kind::Trigger) => false,
            (Some(trigger), Kind::Trigger) => {
                let rule = self.rules.triggers.iter().find(|rule| rule.id == *trigger);
                rule.is_some_and(|rule| rule.action == Action::Rollback)
            }
        }
    }
}
