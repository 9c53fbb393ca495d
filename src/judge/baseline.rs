//! The baseline that a version is compared with: the registry's, or a learned one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bounds;
use super::design::Moments;
use crate::model::{Baseline, Limit, Signal, Standing, Statistic, Tolerance, Trigger, VersionId};

/// Baselines that are learned from the first samples of each version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Learned {
    #[serde(with = "crate::sums::entries")]
    sums: BTreeMap<(VersionId, Signal), Moments>,
    /// What was lost meanwhile.
    #[serde(with = "crate::sums::entries")]
    lost: BTreeMap<(VersionId, Signal), u64>,
}

impl Learned {
    /// Keeps what was learned of these versions only.
    pub(super) fn retain(&mut self, stays: impl Fn(&VersionId) -> bool) {
        self.sums.retain(|(version, _), _| stays(version));
        self.lost.retain(|(version, _), _| stays(version));
    }

    /// Takes a bucket of a version, and what was lost of it, until `enough` samples were seen.
    pub fn take(
        &mut self,
        version: &VersionId,
        signal: Signal,
        (sums, lost): (Moments, u64),
        enough: u64,
    ) {
        let key = (version.clone(), signal);
        let learned = self.sums.entry(key.clone()).or_default();
        if learned.n < enough as f64 {
            learned.add(sums);
            *self.lost.entry(key).or_default() += lost;
        }
    }

    /// Whether more was lost than learned: what is left says nothing of the version.
    #[must_use]
    pub fn loses_more(&self, version: &VersionId, signal: Signal) -> bool {
        let lost = self.lost.get(&(version.clone(), signal));
        lost.is_some_and(|lost| *lost > self.n(version, signal))
    }

    /// The baseline of a version. `None` before it has seen enough.
    #[must_use]
    pub fn get(&self, version: &VersionId, signal: Signal, enough: u64) -> Option<Baseline> {
        let sums = self.sums.get(&(version.clone(), signal))?;
        let mean = sums.mean().filter(|_| sums.n >= enough as f64)?;
        let value = if signal == Signal::Accuracy { 1.0 - mean } else { mean };
        Some(Baseline { value, n: sums.n as u64 })
    }

    /// The versions that were seen.
    pub fn versions(&self) -> impl Iterator<Item = &VersionId> {
        self.sums.keys().map(|(version, _)| version)
    }

    /// Samples of a version so far.
    #[must_use]
    pub fn n(&self, version: &VersionId, signal: Signal) -> u64 {
        self.sums.get(&(version.clone(), signal)).map_or(0, |sums| sums.n as u64)
    }
}

/// A version's own baseline: the registry's, else the learned one.
#[must_use]
pub fn own(
    standing: &Standing,
    learned: &Learned,
    version: &VersionId,
    signal: Signal,
    enough: u64,
) -> Option<Baseline> {
    registered(standing, version, signal).or_else(|| learned.get(version, signal, enough))
}

fn registered(standing: &Standing, version: &VersionId, signal: Signal) -> Option<Baseline> {
    standing.versions.get(version).and_then(|known| known.baselines.get(&signal)).copied()
}

/// The baseline that a version is held against: its own from the registry; else, as long as it
/// is not proven, that of a proven one; else its own learned one. So a version that was bad from
/// the start never sets its own measure while a better one is known.
#[must_use]
pub fn of(
    standing: &Standing,
    learned: &Learned,
    version: &VersionId,
    signal: Signal,
    enough: u64,
) -> Option<Baseline> {
    let is_proven = standing.versions.get(version).is_some_and(|known| known.proven);
    let proven = || {
        let others = standing.versions.iter().filter(|(_, known)| known.proven && !is_proven);
        others.rev().find_map(|(other, _)| own(standing, learned, other, signal, enough))
    };
    registered(standing, version, signal)
        .or_else(proven)
        .or_else(|| learned.get(version, signal, enough))
}

/// The upper bound of a baseline, as the value that a watch sums: wrong answers, failures, ms.
#[must_use]
pub fn upper(signal: Signal, baseline: Baseline) -> f64 {
    match signal {
        Signal::Accuracy => bounds::rate_upper(1.0 - baseline.value, baseline.n as f64),
        Signal::ErrorRate => bounds::rate_upper(baseline.value, baseline.n as f64),
        Signal::Latency | Signal::FeatureDrift => baseline.value,
    }
}

/// The limit for a version as a number. `None` if it needs a baseline and there is none.
#[must_use]
pub fn null(trigger: &Trigger, baseline: Option<Baseline>) -> Option<f64> {
    match trigger.limit {
        Limit::Rate(rate) => Some(rate),
        Limit::Paired(tolerance) => Some(tolerance),
        Limit::MeanMs { limit, .. } | Limit::Psi { limit, .. } => Some(limit),
        Limit::Baseline(tolerance) => {
            let baseline = baseline?;
            let more = match tolerance {
                Tolerance::Points(points) => points,
                Tolerance::Relative(share) => share * baseline.value,
            };
            let level = match trigger.statistic {
                Statistic::EDetector => upper(trigger.signal, baseline),
                // Literally: the baseline as it was measured, however few samples it has.
                Statistic::Window { .. } => 1.0 - baseline.value,
            };
            Some(whole(level + more).min(0.999))
        }
    }
}

/// A sum of decimal fractions without the last bits that binary ones add: 1 − 0.9 + 0.05 is 0.15,
/// so that a rule which must not fire *at* its limit does not.
fn whole(x: f64) -> f64 {
    const DIGITS: f64 = 1e12;
    libm::round(x * DIGITS) / DIGITS
}
