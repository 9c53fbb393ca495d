//! What people say of versions: promoted, vouched for, quarantined, released.

use std::collections::BTreeSet;

use super::case::{Case, Kind};
use super::context::ModelContext;
use super::instructions::{Handled, NAMED};
use super::next::{release, rollback};
use super::progress::some_done;
use super::state::Quarantine;
use crate::model::VersionId;

impl ModelContext<'_> {
    pub(super) fn quarantine(&mut self, version: &VersionId, why: &str) -> Handled {
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
                let known = self.call_off(at, &format!("{version} was quarantined by {why}"));
                let words = "was rolling back to it and is called off";
                (format!(" Incident {id} {words}; {known}."), Some(id))
            }
            Some((_, case)) => {
                let id = case.incident.id.clone();
                let words = "is rolling back to it and has already switched a target";
                let elsewhere = format!("run `{}`", rollback(self.id, Some("VERSION")));
                let more =
                    format!(" Incident {id} {words}; to go to another version, {elsewhere}.");
                (more, Some(id))
            }
            None if self.model.serves(version) => {
                let withdraw = format!("run `{}`", rollback(self.id, None));
                (format!(" It stays in production; to withdraw it, {withdraw}."), None)
            }
            None => (String::new(), None),
        };
        Ok((format!("{version} is in quarantine until it is released.{more}"), id))
    }

    pub(super) fn promoted(&mut self, version: &VersionId) -> Handled {
        self.must_exist(version)?;
        if let Some(quarantine) = self.model.quarantine(version, self.now.log) {
            return Err(format!(
                "{version} is in quarantine ({}); run `{}` first",
                quarantine.why,
                release(self.id, version)
            ));
        }
        self.model.promoted = Some(version.clone());
        self.settle();
        let by_fact = self.model.by_fact(self.rules).filter(|fact| *fact != version);
        let words = match by_fact {
            Some(fact) => {
                format!("Recorded, but the targets report {fact}; until they change, that counts.")
            }
            None => format!("{version} is in production."),
        };
        Ok((words, None))
    }

    pub(super) fn vouch(&mut self, version: &VersionId) -> Handled {
        // Where no target lists versions, only people may know the one that served before.
        let listed = !self.model.facts.versions().is_empty();
        let unseen = match self.must_be_known(version) {
            Ok(()) => "",
            Err(why) if listed => return Err(why),
            Err(_) => " No traffic of it was seen yet: check the name.",
        };
        self.model.version(version).vouched = true;
        let quarantined = self.model.quarantine(version, self.now.log).is_some();
        let but = if quarantined { " It stays in quarantine until it is released." } else { "" };
        Ok((format!("{version} is vouched for and counts as proven.{unseen}{but}"), None))
    }

    pub(super) fn release(&mut self, version: &VersionId) -> Handled {
        self.must_be_known(version)?;
        let was = self.model.quarantine(version, self.now.log).is_some();
        self.model.version(version).quarantine = None;
        let returned = |case: &Case| {
            case.kind == Kind::Returned && case.waits() && case.incident.version == *version
        };
        if let Some(at) = self.model.cases.iter().position(returned) {
            self.resolve(at, "released", format!("{version} was released."));
        }
        self.given(&release(self.id, version));
        let words =
            if was { "may be promoted again" } else { "was not in quarantine; nothing changed" };
        Ok((format!("{version} {words}."), None))
    }

    /// A version that is named must be one that a target lists or that sent traffic.
    fn must_be_known(&self, version: &VersionId) -> Result<(), String> {
        if self.model.knows(version) {
            return Ok(());
        }
        let named = self.model.facts.versions().iter();
        let known: BTreeSet<_> = named.chain(self.model.versions.keys()).collect();
        let known: Vec<_> = known.into_iter().rev().take(NAMED).map(VersionId::as_str).collect();
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        Err(format!(
            "{} has no version {version}: no target lists it and no traffic came from it; check \
             the name (known: {known})",
            self.id
        ))
    }

    fn must_exist(&self, version: &VersionId) -> Result<(), String> {
        let facts = &self.model.facts;
        if facts.versions().is_empty() || facts.list(version) {
            return Ok(());
        }
        Err(format!("no target of {} lists {version}; register it, or check the name", self.id))
    }
}
