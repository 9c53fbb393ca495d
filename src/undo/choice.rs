//! Which version a rollback goes to.
//!
//! A registry may list thousands of versions that nobody proved. A choice looks only at those that
//! something speaks for.

use std::collections::BTreeSet;

use super::proven::Fitness;
use super::state::ModelState;
use crate::model::{LogTime, Policy, VersionId};
use crate::phrases::log_moment;

/// Reasons named one by one when no version is fit.
const NAMED: usize = 8;

impl ModelState {
    /// Every version there is, newest first; as remembered where no target lists any.
    fn candidates(&self) -> Box<dyn Iterator<Item = &VersionId> + '_> {
        if self.facts.versions().is_empty() {
            Box::new(self.versions.keys().rev())
        } else {
            Box::new(self.facts.versions().iter())
        }
    }

    /// How many candidates there are apart from this version.
    fn count_others(&self, than: &VersionId) -> usize {
        let (all, listed) = match self.facts.versions().len() {
            0 => (self.versions.len(), self.versions.contains_key(than)),
            listed => (listed, self.facts.list(than)),
        };
        all - usize::from(listed)
    }

    /// The candidates that something speaks for, newest first.
    fn spoken_for(&self) -> Vec<&VersionId> {
        let known = self.versions.iter().filter(|(_, state)| state.vouched || state.served);
        let known = known.map(|(version, _)| version).chain(self.assumed.as_ref());
        if self.facts.versions().is_empty() {
            let known: BTreeSet<_> = known.filter(|one| self.versions.contains_key(*one)).collect();
            return known.into_iter().rev().collect();
        }
        let known: BTreeSet<usize> = known.filter_map(|one| self.facts.rank(one)).collect();
        let ranks = known.union(self.facts.proven());
        ranks.filter_map(|rank| self.facts.versions().get(*rank)).collect()
    }

    /// Whether a version can be gone back to at all, proven or not.
    pub(super) fn usable(&self, version: &VersionId, log: LogTime) -> Result<(), String> {
        if self.serves(version) {
            return Err(format!("{version} is already in production"));
        }
        let known = match self.facts.versions().is_empty() {
            true => self.versions.contains_key(version),
            false => self.facts.list(version),
        };
        if !known {
            return Err(format!("{version} is not known; register it, or check the name"));
        }
        if let Some(quarantine) = self.quarantine(version, log) {
            let until = match quarantine.until {
                Some(until) => format!("until {}", log_moment(until)),
                None => "until it is released".to_owned(),
            };
            return Err(format!("{version} is in quarantine {until} ({})", quarantine.why));
        }
        if self.facts.of(version).any(|fact| fact.artifact_present == Some(false)) {
            return Err(format!("the files of {version} are missing or have changed"));
        }
        Ok(())
    }

    /// Whether a rollback may choose a version by itself, and what makes it fit.
    pub(super) fn fit(
        &self,
        version: &VersionId,
        policy: &Policy,
        log: LogTime,
    ) -> Result<Fitness, String> {
        self.usable(version, log)?;
        if let Some(how) = self.fitness(version) {
            return Ok(how);
        }
        if self.assumed.as_ref() != Some(version) {
            return Err(format!("{version} is not proven"));
        }
        if policy.trust_assumed {
            return Ok(Fitness::Assumed);
        }
        Err(format!("{version} is only assumed to be good, and trust_assumed is off"))
    }

    /// The version that a rollback of production would go to; else the reasons why there is none.
    pub(super) fn pick(
        &self,
        policy: &Policy,
        log: LogTime,
    ) -> Result<(VersionId, Fitness), String> {
        let Some(production) = &self.production else {
            return Err("it is not known which version is in production".to_owned());
        };
        for version in self.spoken_for() {
            if let Ok(how) = self.fit(version, policy, log) {
                return Ok((version.clone(), how));
            }
        }
        let others = self.candidates().filter(|version| **version != production.version);
        let reasons = others.take(NAMED).map(|version| self.fit(version, policy, log));
        let reasons: Vec<_> = reasons.filter_map(Result::err).collect();
        if reasons.is_empty() {
            return Err("no other version is known".to_owned());
        }
        let mut text = reasons.join("; ");
        let more = self.count_others(&production.version).saturating_sub(reasons.len());
        if more > 0 {
            text.push_str(&format!("; and {more} more"));
        }
        Err(text)
    }

    /// A version that a rollback could go to if a person vouched for it.
    pub(super) fn nearly_fit(&self, log: LogTime) -> Option<VersionId> {
        let nearly = |version: &&VersionId| {
            self.usable(version, log).is_ok() && self.fitness(version).is_none()
        };
        self.candidates().find(nearly).cloned()
    }
}
