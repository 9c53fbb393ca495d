//! Which versions are fit to roll back to.
//!
//! A version proves itself in event time, because only event time tells how long it was judged:
//! the time between two assessments counts while the version is in production and every armed
//! trigger that rolls back finds it healthy. A trigger with too few samples or no baseline is not
//! armed and makes no difference, but at least one trigger must be healthy. Systemic, stale and
//! unproven verdicts stop the clock; a breach resets it to zero.

use serde::{Deserialize, Serialize};

use super::context::ModelContext;
use super::state::{LastVerdict, ModelState};
use crate::model::{Action, Baselines, Reason, Span, TriggerId, Verdict, VersionId};
use crate::sums::Assessment;

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
    /// How good a version was, from the first target that knows.
    pub(super) fn baselines(&self, version: &VersionId) -> Baselines {
        let mut known = self.facts.of(version).map(|fact| &fact.baselines);
        known.find(|baselines| !baselines.is_empty()).cloned().unwrap_or_default()
    }

    /// What makes a version fit, quarantine apart and nothing assumed.
    pub(super) fn fitness(&self, version: &VersionId) -> Option<Fitness> {
        if self.facts.of(version).any(|fact| fact.proven_good) {
            return Some(Fitness::Registry);
        }
        let state = self.versions.get(version)?;
        if state.vouched {
            return Some(Fitness::Vouched);
        }
        state.served.then_some(Fitness::Served)
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
        self.make_room(&a.version);
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
