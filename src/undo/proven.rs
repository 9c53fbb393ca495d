//! Which versions are fit to roll back to, and which of them a rollback goes to.
//!
//! A version proves itself in event time, because only event time tells how long it was judged:
//! the time between two assessments counts while the version is in production and every armed
//! trigger that rolls back finds it healthy. A trigger with too few samples or no baseline is not
//! armed and makes no difference, but at least one trigger must be healthy. Systemic, stale and
//! unproven verdicts stop the clock; a breach resets it to zero.

use serde::{Deserialize, Serialize};

use super::context::ModelContext;
use super::state::{LastVerdict, ModelState};
use crate::model::{
    Action, Baselines, LogTime, Policy, Reason, Span, TriggerId, Verdict, VersionFact, VersionId,
};
use crate::phrases::log_moment;
use crate::sums::Assessment;

/// Reasons named one by one when no version is fit.
const NAMED: usize = 8;
/// Triggers and inputs remembered per version.
const SAID_KEPT: usize = 1024;

/// What makes a version fit to roll back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fitness {
    /// It was in production for the proving period without a breach.
    Served,
    /// The registry says so.
    Registry,
    /// A person vouches for it.
    Vouched,
    /// It was production before the first one seen, and the rules trust that.
    Assumed,
}

impl Fitness {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Served => "proven in production",
            Self::Registry => "proven by the registry",
            Self::Vouched => "vouched for",
            Self::Assumed => "assumed: it served before",
        }
    }
}

impl ModelState {
    /// What targets say of a version.
    fn said_of<'a>(&'a self, version: &'a VersionId) -> impl Iterator<Item = &'a VersionFact> {
        self.facts.values().flat_map(|fact| &fact.versions).filter(|v| v.version == *version)
    }

    /// How good a version was, from the first target that knows.
    pub(super) fn baselines(&self, version: &VersionId) -> Baselines {
        let mut known = self.said_of(version).map(|fact| &fact.baselines);
        known.find(|baselines| !baselines.is_empty()).cloned().unwrap_or_default()
    }

    /// What makes a version fit, quarantine apart and nothing assumed.
    pub(super) fn fitness(&self, version: &VersionId) -> Option<Fitness> {
        if self.said_of(version).any(|fact| fact.proven_good) {
            return Some(Fitness::Registry);
        }
        let state = self.versions.get(version)?;
        if state.vouched {
            return Some(Fitness::Vouched);
        }
        state.served.then_some(Fitness::Served)
    }

    /// Every version there is, newest first: by when it was made where all say so, else as listed.
    fn candidates(&self) -> Vec<VersionId> {
        let mut listed: Vec<&VersionId> = Vec::new();
        for fact in self.facts.values().flat_map(|fact| &fact.versions) {
            if !listed.contains(&&fact.version) {
                listed.push(&fact.version);
            }
        }
        if listed.is_empty() {
            return self.versions.keys().rev().cloned().collect();
        }
        let made = |version: &VersionId| self.said_of(version).find_map(|fact| fact.created_at);
        if listed.iter().all(|version| made(version).is_some()) {
            listed.sort_by_key(|version| std::cmp::Reverse(made(version)));
        }
        listed.into_iter().cloned().collect()
    }

    /// Whether a version can be gone back to at all, proven or not.
    pub(super) fn usable(&self, version: &VersionId, log: LogTime) -> Result<(), String> {
        if self.serves(version) {
            return Err(format!("{version} is already in production"));
        }
        if !self.candidates().contains(version) {
            return Err(format!("{version} is not known; register it, or check the name"));
        }
        if let Some(quarantine) = self.quarantine(version, log) {
            let until = match quarantine.until {
                Some(until) => format!("until {}", log_moment(until)),
                None => "until it is released".to_owned(),
            };
            return Err(format!("{version} is in quarantine {until} ({})", quarantine.why));
        }
        if self.said_of(version).any(|fact| fact.artifact_present == Some(false)) {
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
        if self.production.is_none() {
            return Err("it is not known which version is in production".to_owned());
        }
        let mut reasons = Vec::new();
        for version in self.candidates() {
            if self.serves(&version) {
                continue;
            }
            match self.fit(&version, policy, log) {
                Ok(how) => return Ok((version, how)),
                Err(why) => reasons.push(why),
            }
        }
        if reasons.is_empty() {
            return Err("no other version is known".to_owned());
        }
        let more = reasons.len().saturating_sub(NAMED);
        reasons.truncate(NAMED);
        let mut text = reasons.join("; ");
        if more > 0 {
            text.push_str(&format!("; and {more} more"));
        }
        Err(text)
    }
}

impl ModelState {
    /// A version that a rollback could go to if a person vouched for it.
    pub(super) fn nearly_fit(&self, log: LogTime) -> Option<VersionId> {
        let mut usable = self.candidates().into_iter();
        usable.find(|version| self.usable(version, log).is_ok() && self.fitness(version).is_none())
    }
}

impl ModelContext<'_> {
    /// A version went into production: its healthy time starts again.
    pub(super) fn starts_proving(&mut self, version: &VersionId) {
        let state = self.model.version(version);
        state.healthy_for = Span::ZERO;
        state.healthy_at = None;
    }

    /// Remembers what was said and what it means for the version's standing.
    pub(super) fn remember(&mut self, a: &Assessment) {
        let period = self.rules.policy.proving_period;
        let serves = self.model.serves(&a.version);
        let rolls_back = |id: &TriggerId| {
            let rule = self.rules.triggers.iter().find(|rule| rule.id == *id);
            rule.is_some_and(|rule| rule.action == Action::Rollback)
        };
        let state = self.model.version(&a.version);
        state.heard_at = state.heard_at.max(Some(a.at));
        if !rolls_back(&a.trigger) {
            return;
        }
        state.said.retain(|said| rolls_back(&said.trigger));
        let was_healthy = healthy(&state.said);
        note_verdict(&mut state.said, a);
        if a.verdict == Verdict::Breach {
            state.served = false;
            state.healthy_for = Span::ZERO;
        }
        if !serves || !healthy(&state.said) {
            state.healthy_at = None;
            return;
        }
        if let Some(since) = state.healthy_at.filter(|since| was_healthy && *since < a.at) {
            let total = state.healthy_for.as_ms().saturating_add((a.at - since).as_ms());
            state.healthy_for = Span::from_ms(total);
        }
        state.healthy_at = state.healthy_at.max(Some(a.at));
        state.served |= state.healthy_for >= period;
    }
}

/// At least one armed trigger, and all of them healthy.
fn healthy(said: &[LastVerdict]) -> bool {
    let mut armed = said.iter().filter(|said| said.armed).peekable();
    armed.peek().is_some() && armed.all(|said| said.verdict == Verdict::Healthy)
}

fn note_verdict(said: &mut Vec<LastVerdict>, a: &Assessment) {
    let armed = match a.verdict {
        Verdict::Insufficient => !matches!(a.reason, Reason::TooFewSamples | Reason::NoBaseline),
        Verdict::Healthy
        | Verdict::Breach
        | Verdict::Systemic
        | Verdict::Stale
        | Verdict::Blind => true,
    };
    let new = LastVerdict {
        trigger: a.trigger.clone(),
        feature: a.feature.clone(),
        verdict: a.verdict,
        armed,
    };
    let place = said
        .binary_search_by(|old| (&old.trigger, &old.feature).cmp(&(&new.trigger, &new.feature)));
    match place {
        Ok(at) => {
            if let Some(old) = said.get_mut(at) {
                *old = new;
            }
        }
        Err(at) if said.len() < SAID_KEPT => said.insert(at, new),
        Err(_) => {}
    }
}
