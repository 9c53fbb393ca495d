//! Disputes: two sources disagree on which version is in production.
//!
//! Law: sources may disagree for as long as a promotion takes. While they disagree for longer,
//! nothing happens automatically.

use super::case::{Case, Kind};
use super::context::ModelContext;
use super::explanation::Explanation;
use super::state::{DISPUTE_AFTER, ModelState, ProductionSource};
use super::traffic::AGAINST;
use crate::model::ModelRules;

impl ModelState {
    /// What two sources disagree on, apart from traffic.
    fn quarrel(&self, rules: &ModelRules) -> Option<String> {
        let fact = self.by_fact(rules)?;
        if let Some(other) = self.observed(rules).find(|version| *version != fact) {
            return Some(format!(
                "one target with authority reports {fact}, another reports {other}"
            ));
        }
        let promoted = self.promoted.as_ref().filter(|version| *version != fact)?;
        Some(format!("{promoted} was recorded as promoted, but the targets report {fact}"))
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
        (other != *version)
            .then(|| format!("{version} is reported in production, but {other} answers users"))
    }
}

impl ModelContext<'_> {
    /// Opens or ends the dispute on which version is in production.
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
        let open = |case: &Case| case.kind == Kind::Dispute && !case.closed();
        let at = self.model.cases.iter().position(open);
        match (&dispute, at, self.model.production.as_ref().map(|p| p.version.clone())) {
            (Some(words), None, Some(version)) => {
                let because = format!(
                    "Disputed: {words}. Nothing is rolled back automatically until they agree: \
                     correct the one that is wrong."
                );
                self.open_plain(Kind::Dispute, &version, Explanation::new("dispute", because));
            }
            (None, Some(at), _) => {
                self.resolve(at, "agreed", "All sources agree again.".to_owned());
            }
            (Some(_), _, _) | (None, None, _) => {}
        }
        self.model.disputed = dispute;
    }
}
