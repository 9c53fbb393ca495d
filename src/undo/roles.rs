//! What each version is, and which source says so.
//!
//! The first of these that is known decides: a fact of a target with authority; a person's
//! `promoted`; answers stated to be live; the version with most answers, and then Ripcord at most
//! recommends.

use std::collections::BTreeMap;

use super::case::{Case, Kind};
use super::context::ModelContext;
use super::explanation::Explanation;
use super::state::{ModelState, Production, ProductionSource};
use super::traffic::LATELY;
use crate::model::{
    EventTime, IncidentEvent, IncidentState, LogTime, ModelRules, Role, Standing, VersionId,
    VersionStanding,
};

impl ModelState {
    /// The versions that targets with authority have in production, in the order of the rules.
    pub(super) fn observed<'a>(
        &'a self,
        rules: &'a ModelRules,
    ) -> impl Iterator<Item = &'a VersionId> + 'a {
        rules
            .targets
            .iter()
            .filter(|target| target.authority)
            .filter_map(|target| self.facts.get(&target.id)?.production.as_ref())
    }

    /// The version that observed facts make production, never a worker's answer.
    pub(super) fn by_fact<'a>(&'a self, rules: &'a ModelRules) -> Option<&'a VersionId> {
        self.observed(rules).next()
    }

    fn source(&self, rules: &ModelRules) -> Option<(VersionId, ProductionSource)> {
        if let Some(version) = self.by_fact(rules) {
            return Some((version.clone(), ProductionSource::Fact));
        }
        if let Some(version) = &self.promoted {
            return Some((version.clone(), ProductionSource::Promoted));
        }
        let source = if self.traffic.states_roles {
            ProductionSource::Telemetry
        } else {
            ProductionSource::Inferred
        };
        // Two thirds, so that a half share does not make production flap.
        self.traffic.most_answers(|n, total| 3 * n >= 2 * total).map(|version| (version, source))
    }

    /// What a version is at `event`.
    pub(super) fn role(&self, version: &VersionId, event: EventTime) -> Role {
        if self.serves(version) {
            return Role::Production;
        }
        let heard = self.versions.get(version).and_then(|state| state.heard_at);
        if self.traffic.live(version, event) {
            Role::Canary
        } else if heard.is_some_and(|at| event - at <= LATELY) {
            Role::Shadow
        } else {
            Role::Idle
        }
    }

    pub(super) fn standing(&self, log: LogTime, event: EventTime) -> Standing {
        let mut versions = BTreeMap::new();
        for version in self.versions.keys().chain(self.facts.versions()) {
            let standing = || VersionStanding {
                role: self.role(version, event),
                proven: self.quarantine(version, log).is_none() && self.fitness(version).is_some(),
                baselines: self.baselines(version),
            };
            versions.entry(version.clone()).or_insert_with(standing);
        }
        Standing {
            production: self.production.as_ref().map(|p| p.version.clone()),
            promoted_at: self.production.as_ref().and_then(|p| p.promoted_at),
            versions,
            named: self.named(),
        }
    }
}

impl ModelContext<'_> {
    /// Finds who is in production, and whether that changed.
    pub(super) fn settle(&mut self) {
        let found = self.model.source(self.rules);
        let old = self.model.production.take();
        self.model.production = match (found, old.clone()) {
            (Some((version, source)), Some(old)) if old.version == version => {
                Some(Production { source, ..old })
            }
            (Some((version, source)), old) => {
                let promoted_at = old.is_some().then_some(self.now.event);
                Some(Production { version, source, promoted_at })
            }
            // A source that falls silent does not put a version out of production.
            (None, old) => old,
        };
        let new = self.model.production.clone();
        if let Some(new) = new
            && old.as_ref().is_none_or(|old| old.version != new.version)
        {
            self.model.traffic.restart();
            self.starts_proving(&new.version);
            if let Some(old) = old {
                self.promotion(&old.version, &new.version);
            }
            self.came_back(&new.version);
        }
        self.dispute();
    }

    /// Another version went into production: what was said of the old one is over.
    fn promotion(&mut self, old: &VersionId, new: &VersionId) {
        let later = |case: &Case| case.under_way() && case.incident.to.as_ref() == Some(new);
        let ours = self.model.cases.iter().any(later);
        for at in 0..self.model.cases.len() {
            let Some(case) = self.model.cases.get(at) else { continue };
            let withdrawn = case.incident.version.clone();
            let to_new = case.incident.to.as_ref() == Some(new);
            let third = !to_new && withdrawn != *new;
            let stuck = case.incident.state == IncidentState::Stuck;
            let promoted = || format!("{new} went into production.");
            if case.under_way() && third {
                self.overtaken(at, new);
            } else if stuck && third && withdrawn != *old {
                self.resolve(at, "promoted", promoted());
            } else if case.restored() && withdrawn == *new && ours {
                let because = format!("A later rollback put {new} back into production.");
                self.resolve(at, "restored", because);
            } else if case.restored() && withdrawn == *new {
                self.stick(at, "undone", undone(new));
                // Answers from before may still come in; they prove nothing any more.
                if let Some(case) = self.case(at) {
                    case.amend(|incident| incident.switched_at = None);
                }
            } else if case.restored() && !to_new {
                self.resolve(at, "promoted", promoted());
            } else if case.waits() && withdrawn == *old && case.kind != Kind::Dispute {
                let stuck_on_it = case.incident.switched_at.is_some() && to_new;
                if !stuck_on_it {
                    let because = format!("{new} is in production instead of {old}.");
                    self.resolve(at, "replaced", because);
                }
            }
        }
    }

    /// Somebody promoted a third version during a rollback.
    fn overtaken(&mut self, at: usize, new: &VersionId) {
        let Some(case) = self.model.cases.get(at) else { return };
        let because = format!(
            "{new} went into production while {} was being rolled back.",
            case.incident.version
        );
        let next = case.incident.to.as_ref().and_then(|to| self.next_rollback(to));
        let why = Explanation::new("overtaken", because).then(next);
        self.advance(at, IncidentEvent::Stick, why);
    }

    /// A version in quarantine went into production.
    fn came_back(&mut self, version: &VersionId) {
        let Some(quarantine) = self.model.quarantine(version, self.now.log) else { return };
        let known = |case: &Case| !case.closed() && case.incident.version == *version;
        if self.model.cases.iter().any(known) {
            return;
        }
        let because = format!(
            "{version} is in production although it is in quarantine ({}).",
            quarantine.why
        );
        self.open_plain(Kind::Returned, version, Explanation::new("returned", because));
    }
}

/// What is said when a rollback is reversed.
fn undone(version: &VersionId) -> String {
    format!(
        "{version} is in production again: something reversed the rollback, perhaps a reconciler \
         or a deployment. Stop it first."
    )
}
