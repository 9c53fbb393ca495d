//! What each version is, and who says so.
//!
//! The first of these that speaks: a fact of a target with authority; a person's `promoted`;
//! answers stated to be live; most answers, and then Ripcord at most recommends. Two that disagree
//! for longer than a change of production takes: disputed, and nothing automatic happens.

use std::collections::BTreeMap;

use super::ModelContext;
use super::state::{Kind, ModelState, Production, ProductionSource};
use super::traffic::{AGAINST, LATELY};
use crate::model::{
    EventTime, Fact, IncidentEvent, IncidentState, LogTime, ModelId, ModelRules, Role, Span,
    Standing, VersionId, VersionStanding,
};

/// Facts kept of targets that the rules do not name.
const UNNAMED_KEPT: usize = 16;
/// Sources other than traffic may disagree for so long: a promotion takes time.
pub(super) const DISPUTE_AFTER: Span = Span::from_s(60);

impl ModelState {
    /// The versions that targets with authority have in production, in the order of the rules.
    fn observed<'a>(&'a self, rules: &'a ModelRules) -> impl Iterator<Item = &'a VersionId> + 'a {
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
        let named = self.facts.values().flat_map(|fact| &fact.versions).map(|v| &v.version);
        let mut versions = BTreeMap::new();
        for version in self.versions.keys().chain(named) {
            let standing = || VersionStanding {
                role: self.role(version, event),
                proven: self.quarantine(version, log).is_none() && self.how(version).is_some(),
                baselines: self.baselines(version),
            };
            versions.entry(version.clone()).or_insert_with(standing);
        }
        Standing {
            production: self.production.as_ref().map(|p| p.version.clone()),
            promoted_at: self.production.as_ref().and_then(|p| p.promoted_at),
            versions,
        }
    }

    /// What two sources disagree on, apart from traffic.
    fn quarrel(&self, rules: &ModelRules) -> Option<String> {
        let fact = self.by_fact(rules)?;
        if let Some(other) = self.observed(rules).find(|version| *version != fact) {
            return Some(format!("one target with authority serves {fact}, another {other}"));
        }
        let promoted = self.promoted.as_ref().filter(|version| *version != fact)?;
        Some(format!("{promoted} was said to be promoted and the observed facts say {fact}"))
    }

    /// What live traffic says against the facts.
    pub(super) fn contradiction(&self) -> Option<String> {
        let production = self.production.as_ref()?;
        match production.source {
            ProductionSource::Fact | ProductionSource::Promoted => {}
            ProductionSource::Telemetry | ProductionSource::Inferred => return None,
        }
        if !self.traffic.states_roles {
            return None;
        }
        // What opened a dispute at nine tenths does not end it at a little less.
        let tenths = if self.disputed.is_some() { 5 } else { 9 };
        let other = self.traffic.most_answers(|n, total| 10 * n >= tenths * total)?;
        let version = &production.version;
        (other != *version).then(|| {
            format!("{version} is said to be in production and users are answered by {other}")
        })
    }
}

impl ModelContext<'_> {
    /// A worker observed its target.
    pub(super) fn fact(&mut self, fact: &Fact) {
        self.keep(fact);
        self.settle();
    }

    /// Keeps what a target says; a target that the rules do not name has to wait for them.
    fn keep(&mut self, fact: &Fact) {
        if !self.rules.targets.iter().any(|target| target.id == fact.target) {
            let known = self.model.unnamed.contains_key(&fact.target);
            if known || self.model.unnamed.len() < UNNAMED_KEPT {
                self.model.unnamed.insert(fact.target.clone(), fact.clone());
            }
            return;
        }
        // The target refuses what is older, so the next rollback is newer.
        self.model.generation = self.model.generation.max(fact.generation);
        let authority =
            self.rules.targets.iter().any(|target| target.id == fact.target && target.authority);
        let first = !self.model.facts.contains_key(&fact.target);
        if first && authority && self.model.assumed.is_none() {
            self.model.assumed = before_production(fact);
        }
        let moved = self.model.facts.get(&fact.target).map(|f| &f.production);
        if authority && moved.is_some_and(|production| *production != fact.production) {
            // The world moved on after the person's word.
            self.model.promoted = None;
        }
        self.model.facts.insert(fact.target.clone(), fact.clone());
    }

    /// The rules may name other targets now.
    pub(super) fn other_rules(&mut self) {
        let mut facts = std::mem::take(&mut self.model.facts);
        facts.append(&mut self.model.unnamed);
        facts.values().for_each(|fact| self.keep(fact));
        self.settle();
    }

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
        let later = |case: &super::Case| case.under_way() && case.incident.to.as_ref() == Some(new);
        let ours = self.model.cases.iter().any(later);
        for at in 0..self.model.cases.len() {
            let Some(case) = self.model.cases.get(at) else { continue };
            let withdrawn = case.incident.version.clone();
            let to_new = case.incident.to.as_ref() == Some(new);
            let third = !to_new && withdrawn != *new;
            let stuck = case.incident.state == IncidentState::Stuck;
            if case.under_way() && third {
                let why = format!("{new} went into production while {withdrawn} was rolled back.");
                self.advance(at, IncidentEvent::Stick, why);
            } else if stuck && third && withdrawn != *old {
                self.advance(at, IncidentEvent::Resolve, format!("{new} went into production."));
            } else if case.restored() && withdrawn == *new && ours {
                let why = format!("{new} serves again by a later rollback.");
                self.advance(at, IncidentEvent::Resolve, why);
            } else if case.restored() && withdrawn == *new {
                self.advance(at, IncidentEvent::Stick, undone(new, self.id));
                // Answers of the old world may still come in; they prove nothing any more.
                if let Some(case) = self.case(at) {
                    case.amend(|incident| incident.switched_at = None);
                }
            } else if case.restored() && !to_new {
                self.advance(at, IncidentEvent::Resolve, format!("{new} went into production."));
            } else if case.waits() && withdrawn == *old && case.kind != Kind::Dispute {
                let stuck_on_it = case.incident.switched_at.is_some() && to_new;
                if !stuck_on_it {
                    let why = format!("{old} is no longer in production, {new} is.");
                    self.advance(at, IncidentEvent::Resolve, why);
                }
            }
        }
    }

    /// A version that may not serve, serves.
    fn came_back(&mut self, version: &VersionId) {
        let Some(quarantine) = self.model.quarantine(version, self.now.log) else { return };
        let told = |case: &super::Case| !case.closed() && case.incident.version == *version;
        if self.model.cases.iter().any(told) {
            return;
        }
        let why = format!(
            "{version} is in production although it is in quarantine ({}). Take it back with \
             `ripcord rollback {}`, or allow it with `ripcord release {} {version}`.",
            quarantine.why, self.id, self.id
        );
        self.open_plain(Kind::Returned, version, why);
    }

    /// Opens or ends the dispute on which version serves.
    pub(super) fn dispute(&mut self) {
        if self.model.under_way().is_some() {
            self.model.traffic.against = 0;
            self.model.quarrel_since = None;
            return;
        }
        let quarrel = self.model.quarrel(self.rules);
        self.model.quarrel_since =
            quarrel.as_ref().map(|_| self.model.quarrel_since.unwrap_or(self.now.log));
        let lasting = self.model.quarrel_since.is_some_and(|at| self.now.log - at >= DISPUTE_AFTER);
        let against = self.model.traffic.against;
        let spoken = match &self.model.disputed {
            Some(words) if against > 0 => Some(words.clone()),
            Some(_) | None if against >= AGAINST => self.model.contradiction(),
            Some(_) | None => None,
        };
        let dispute = quarrel.filter(|_| lasting).or(spoken);
        let open = |case: &super::Case| case.kind == Kind::Dispute && !case.closed();
        let at = self.model.cases.iter().position(open);
        match (&dispute, at, self.model.production.as_ref().map(|p| p.version.clone())) {
            (Some(words), None, Some(version)) => {
                let why = format!(
                    "Disputed: {words}. Nothing is rolled back automatically until they agree: \
                     mend the one that is wrong."
                );
                self.open_plain(Kind::Dispute, &version, why);
            }
            (None, Some(at), _) => {
                self.advance(at, IncidentEvent::Resolve, "All sources agree again.".to_owned());
            }
            (Some(_), _, _) | (None, None, _) => {}
        }
        self.model.disputed = dispute;
    }
}

/// What is said of a restored world that was changed back.
fn undone(version: &VersionId, model: &ModelId) -> String {
    format!(
        "{version} is in production again: someone or something undid the rollback. Find out what \
         (a reconciler, a deployment), then say `ripcord approve {model}`."
    )
}

/// The version that most likely served before: the next older one.
fn before_production(fact: &Fact) -> Option<VersionId> {
    let production = fact.production.as_ref()?;
    let mut older = fact.versions.iter().skip_while(|v| v.version != *production).skip(1);
    older.next().map(|v| v.version.clone())
}
