//! What people ask for. Asked twice under one id is asked once.
//!
//! Over 300 lines: one order after the other.
//!
//! Choices: the last word on a mode or a freeze wins, so one for all models replaces what was set
//! for single ones. A freeze and an abort both end a rollback of which no step is done; a command
//! that is out may still be carried out until it expires, which is said, and then facts show it.
//! Afterwards a person may go elsewhere: the new rollback takes the old one's place, and asks each
//! target to leave what the old one made it. An abort of an
//! automatic rollback freezes the model, else the same breach would begin it again. A manual
//! rollback works in every mode and under a freeze, does not count as automatic, and its target
//! need not be proven, which the reply says.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::has_targets;
use super::saga::some_done;
use super::state::{Case, Kind, ModelState, Quarantine};
use super::{GlobalOverrides, ModelContext, NAMED, Reply, scope_name};
use crate::model::{
    Action, Ask, IncidentEvent, IncidentId, IncidentState, Instruction, ModelId, VersionId,
};

/// What an order came to: taken, with words and an incident, or refused with words.
type Fared = Result<(String, Option<IncidentId>), String>;

/// Sets a mode, a freeze or its end for all models; the words of the reply.
pub(super) fn set_for_all(
    every: &mut GlobalOverrides,
    models: &mut BTreeMap<ModelId, ModelState>,
    instruction: &Instruction,
) -> String {
    let why = words(instruction);
    match &instruction.ask {
        Ask::Mode { scope, mode } => {
            every.mode = Some(*mode);
            models.values_mut().for_each(|model| model.mode = None);
            format!("{} is in mode {}.", scope_name(scope), mode.name())
        }
        Ask::Freeze { scope } => {
            every.frozen = Some(why);
            format!("Automatic action is frozen for {}.", scope_name(scope))
        }
        Ask::Unfreeze { scope } => {
            every.frozen = None;
            for model in models.values_mut() {
                model.frozen = None;
                model.rollbacks.clear();
            }
            format!("Automatic action is allowed for {}.", scope_name(scope))
        }
        Ask::Rollback { .. }
        | Ask::Abort { .. }
        | Ask::Approve { .. }
        | Ask::Promoted { .. }
        | Ask::Vouch { .. }
        | Ask::Quarantine { .. }
        | Ask::Release { .. } => "This is about one model and none is named.".to_owned(),
    }
}

impl ModelContext<'_> {
    /// A person or a program asks something of this model.
    pub(super) fn instruction(&mut self, instruction: &Instruction) -> Reply {
        let why = words(instruction);
        let fared = match &instruction.ask {
            Ask::Rollback { to, .. } => self.roll_back(to.as_ref(), &why),
            Ask::Abort { .. } => self.abort(&why),
            Ask::Approve { .. } => self.approved(&why),
            Ask::Mode { mode, .. } => {
                self.model.mode = Some(*mode);
                Ok((format!("{} is in mode {}.", self.id, mode.name()), None))
            }
            Ask::Freeze { .. } => {
                self.model.frozen = Some(why);
                self.stop_what_is_not_switched();
                Ok((format!("Automatic action is frozen for {}.", self.id), None))
            }
            Ask::Unfreeze { .. } => self.unfreeze(),
            Ask::Promoted { version, .. } => self.promoted(version),
            Ask::Vouch { version, .. } => self.vouch(version),
            Ask::Quarantine { version, .. } => self.quarantine(version, &why),
            Ask::Release { version, .. } => self.release(version),
        };
        let instruction = instruction.id.clone();
        match fared {
            Ok((detail, incident)) => Reply { instruction, accepted: true, detail, incident },
            Err(detail) => Reply { instruction, accepted: false, detail, incident: None },
        }
    }

    fn roll_back(&mut self, to: Option<&VersionId>, why: &str) -> Fared {
        if let Some(case) = self.model.under_way() {
            let going = case.incident.to.as_ref();
            let id = case.incident.id.clone();
            if to.is_none() || to == going {
                return Ok((format!("Incident {id} is doing that already."), Some(id)));
            }
            if !some_done(&case.incident) {
                let going = going.map_or("another version", |v| v.as_str());
                return Err(format!(
                    "incident {id} is rolling back to {going}; say `ripcord abort {}` first",
                    self.id
                ));
            }
        }
        let plan = self.model.plan_for(self.id, self.rules, to, self.now.log)?;
        let proven = plan.how.map_or("not proven, by a person's word", super::Fitness::words);
        let at = self.open_plain(Kind::Manual, &plan.from, String::new());
        let id = self.case(at).map(|case| case.incident.id.clone());
        self.supersede(
            at,
            &format!("A rollback to {} took its place, asked for by {why}.", plan.to),
        );
        self.carry_out(at, &plan, false, format!("Asked for by {why}."));
        Ok((format!("{} goes back to {} ({proven}).", plan.from, plan.to), id))
    }

    /// A new rollback takes the place of stuck ones, and of one that is half way.
    fn supersede(&mut self, by: usize, why: &str) {
        for at in 0..self.model.cases.len() {
            let half_way =
                |case: &Case| case.under_way() || case.incident.state == IncidentState::Stuck;
            if at != by && self.model.cases.get(at).is_some_and(half_way) {
                self.advance(at, IncidentEvent::Resolve, why.to_owned());
            }
        }
    }

    fn abort(&mut self, why: &str) -> Fared {
        let mut cases = self.model.cases.iter().enumerate();
        let Some((at, case)) = cases.find(|(_, case)| case.under_way()) else {
            return Ok((format!("Nothing of {} is under way; nothing was done.", self.id), None));
        };
        let (id, from) = (case.incident.id.clone(), case.incident.version.clone());
        if some_done(&case.incident) {
            return Err(format!(
                "incident {id} has switched a target already, and only goes forward: `ripcord \
                 rollback {} --to VERSION` goes elsewhere, and to {from} after `ripcord release \
                 {} {from}`",
                self.id, self.id
            ));
        }
        let automatic = case.automatic;
        let became = self.call_off(at, &format!("Aborted by {why}"));
        if !automatic {
            return Ok((format!("Aborted; {became}."), Some(id)));
        }
        self.model.frozen = Some(format!("aborted by {why}"));
        let again = format!("say `ripcord unfreeze {}` to allow it again", self.id);
        Ok((format!("Aborted; {became}. Automatic action is frozen, {again}."), Some(id)))
    }

    fn quarantine(&mut self, version: &VersionId, why: &str) -> Fared {
        self.must_be_known(version)?;
        self.model.version(version).quarantine =
            Some(Quarantine { until: None, why: why.to_owned() });
        let goes_there =
            |case: &Case| case.under_way() && case.incident.to.as_ref() == Some(version);
        let going = self.model.cases.iter().position(goes_there);
        let case = going.and_then(|at| Some((at, self.model.cases.get(at)?)));
        let (more, id) = match case {
            Some((at, case)) if !some_done(&case.incident) => {
                let id = case.incident.id.clone();
                let became = self.call_off(at, &format!("{version} was quarantined by {why}"));
                (format!(" Incident {id} was going there and is called off; {became}."), Some(id))
            }
            Some((_, case)) => {
                let id = case.incident.id.clone();
                let (model, words) = (self.id, "is going there and has switched a target already");
                let elsewhere = format!("say `ripcord rollback {model} --to VERSION`");
                (format!(" Incident {id} {words}; to go elsewhere, {elsewhere}."), Some(id))
            }
            None if self.model.serves(version) => {
                (" It is in production, and this takes nothing back.".to_owned(), None)
            }
            None => (String::new(), None),
        };
        Ok((format!("{version} is in quarantine until it is released.{more}"), id))
    }

    fn approved(&mut self, why: &str) -> Fared {
        if let Some(case) = self.model.under_way() {
            let id = case.incident.id.clone();
            return Ok((format!("Incident {id} is rolling back already."), Some(id)));
        }
        let production = self.model.production.as_ref().map(|p| p.version.clone());
        let serves =
            |version: Option<&VersionId>| version.is_some() && version == production.as_ref();
        let waits = |case: &Case| {
            let half_way =
                case.incident.state == IncidentState::Stuck && serves(case.incident.to.as_ref());
            case.waits() && (serves(Some(&case.incident.version)) || half_way) && self.undoes(case)
        };
        let Some(at) = self.model.cases.iter().rposition(waits) else {
            return Err(format!(
                "no incident of the version of {} in production waits for approval",
                self.id
            ));
        };
        has_targets(self.rules)?;
        let to = self.still(at)?;
        let id = self.case(at).map(|case| case.incident.id.clone());
        self.supersede(at, "Another rollback took its place.");
        self.begin(at, &to, false, format!("Approved by {why}."));
        Ok((format!("Going back to {to}."), id))
    }

    /// Where an incident goes: its own target if that still holds, else the one chosen now.
    fn still(&self, at: usize) -> Result<VersionId, String> {
        let (log, policy) = (self.now.log, &self.rules.policy);
        let case = self.model.cases.get(at);
        let holds = |to: &VersionId| match case.map(|case| case.kind) {
            // It serves by some targets already, the others shall follow.
            _ if self.model.serves(to) => true,
            // A person named it.
            Some(Kind::Manual) => self.model.usable(to, log).is_ok(),
            Some(Kind::Trigger | Kind::Dispute | Kind::Returned) | None => {
                self.model.fit(to, policy, log).is_ok()
            }
        };
        match case.and_then(|case| case.incident.to.clone()).filter(holds) {
            Some(to) => Ok(to),
            None => Ok(self.model.pick(policy, log)?.0),
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

    fn unfreeze(&mut self) -> Fared {
        if let Some(why) = &self.every.frozen {
            return Err(format!("every model is frozen ({why}); say `ripcord unfreeze --all`"));
        }
        self.model.frozen = None;
        self.model.rollbacks.clear();
        let id = self.id;
        let words = "rollbacks before this no longer count against its limit";
        Ok((format!("Automatic action is allowed for {id}; {words}."), None))
    }

    fn promoted(&mut self, version: &VersionId) -> Fared {
        self.must_exist(version)?;
        if let Some(quarantine) = self.model.quarantine(version, self.now.log) {
            return Err(format!(
                "{version} is in quarantine ({}); say `ripcord release {} {version}` first",
                quarantine.why, self.id
            ));
        }
        self.model.promoted = Some(version.clone());
        self.settle();
        let by_fact = self.model.by_fact(self.rules).filter(|fact| *fact != version);
        let words = match by_fact {
            Some(fact) => format!("Noted; the observed facts say {fact} until they change."),
            None => format!("{version} is in production."),
        };
        Ok((words, None))
    }

    fn vouch(&mut self, version: &VersionId) -> Fared {
        // Where no target lists versions, the one that served before may be known to people alone.
        let listed = self.model.facts.values().any(|fact| !fact.versions.is_empty());
        let unseen = match self.must_be_known(version) {
            Ok(()) => "",
            Err(why) if listed => return Err(why),
            Err(_) => " No traffic of it was seen so far: check the name.",
        };
        self.model.version(version).vouched = true;
        let quarantined = self.model.quarantine(version, self.now.log).is_some();
        let but = if quarantined { " It stays in quarantine until it is released." } else { "" };
        Ok((format!("{version} is proven by a person's word.{unseen}{but}"), None))
    }

    fn release(&mut self, version: &VersionId) -> Fared {
        self.must_be_known(version)?;
        let was = self.model.quarantine(version, self.now.log).is_some();
        self.model.version(version).quarantine = None;
        let returned = |case: &Case| {
            case.kind == Kind::Returned && case.waits() && case.incident.version == *version
        };
        if let Some(at) = self.model.cases.iter().position(returned) {
            self.advance(at, IncidentEvent::Resolve, format!("{version} was released."));
        }
        let words = if was { "may serve again" } else { "was not in quarantine; nothing changed" };
        Ok((format!("{version} {words}."), None))
    }

    /// What is said of a version is about one that a target knows or traffic was seen of.
    fn must_be_known(&self, version: &VersionId) -> Result<(), String> {
        if self.model.knows(version) {
            return Ok(());
        }
        let named = self.model.facts.values().flat_map(|f| f.versions.iter().map(|v| &v.version));
        let known: BTreeSet<_> = named.chain(self.model.versions.keys()).collect();
        let known: Vec<_> = known.into_iter().rev().take(NAMED).map(VersionId::as_str).collect();
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        Err(format!("no target and no traffic of {} named {version}; known are {known}", self.id))
    }

    fn must_exist(&self, version: &VersionId) -> Result<(), String> {
        let mut named = self.model.facts.values().flat_map(|fact| &fact.versions).peekable();
        if named.peek().is_none() || named.any(|fact| fact.version == *version) {
            return Ok(());
        }
        Err(format!("no target of {} knows {version}; register it, or check the name", self.id))
    }
}

/// Who and why, in one line.
fn words(instruction: &Instruction) -> String {
    format!("{}: {}", instruction.by, instruction.reason)
}
