//! What is observed: facts of targets, and closed panes of traffic.

use super::context::ModelContext;
use super::traffic::AGAINST;
use crate::model::{Fact, VersionId};
use crate::sums::LiveTraffic;

/// Facts kept of targets that the rules do not name.
const UNNAMED_KEPT: usize = 16;

impl ModelContext<'_> {
    /// A worker observed its target.
    pub(super) fn fact(&mut self, fact: &Fact) {
        self.keep(fact);
        self.settle();
    }

    /// Keeps what a target reports. A target that the rules do not name has to wait for them.
    fn keep(&mut self, fact: &Fact) {
        if !self.rules.targets.iter().any(|target| target.id == fact.target) {
            let known = self.model.unnamed.contains_key(&fact.target);
            if known || self.model.unnamed.len() < UNNAMED_KEPT {
                self.model.unnamed.insert(fact.target.clone(), fact.clone());
            }
            return;
        }
        self.raise_generation(fact.generation);
        let authority =
            self.rules.targets.iter().any(|target| target.id == fact.target && target.authority);
        let first = self.model.facts.get(&fact.target).is_none();
        if first && authority && self.model.assumed.is_none() {
            self.model.assumed = before_production(fact);
        }
        let moved = self.model.facts.get(&fact.target).map(|f| &f.production);
        if authority && moved.is_some_and(|production| *production != fact.production) {
            // Production changed after the person recorded it.
            self.model.promoted = None;
        }
        self.model.facts.insert(fact);
    }

    /// A new version is the time at which those are forgotten that are long silent.
    pub(super) fn make_room(&mut self, version: &VersionId) {
        if !self.model.versions.contains_key(version) {
            let since = self.now.event - self.rules.policy.forget_after;
            self.model.forget_silent(since);
        }
    }

    /// The rules may name other targets now.
    pub(super) fn other_rules(&mut self) {
        let mut facts = self.model.facts.take();
        facts.append(&mut self.model.unnamed);
        facts.values().for_each(|fact| self.keep(fact));
        self.settle();
    }

    /// A pane closed.
    pub(super) fn traffic(&mut self, pane: &LiveTraffic) {
        for (version, ..) in &pane.versions {
            self.make_room(version);
            self.model.version(version).heard_at = Some(pane.end);
        }
        self.model.traffic.take(pane);
        self.settle();
        let against = self.model.contradiction().is_some();
        let traffic = &mut self.model.traffic;
        // As many panes must agree until a dispute is over as it took to open it.
        traffic.against = match against {
            true => traffic.against.saturating_add(1).min(AGAINST),
            false if self.model.disputed.is_some() => traffic.against.saturating_sub(1),
            false => 0,
        };
        self.dispute();
        self.live_proof(pane);
    }
}

/// The version that most likely served before: the next older one.
fn before_production(fact: &Fact) -> Option<VersionId> {
    let production = fact.production.as_ref()?;
    let mut older = fact.versions.iter().skip_while(|v| v.version != *production).skip(1);
    older.next().map(|v| v.version.clone())
}
