//! Answers by day, version and role: what charts, tables and baselines are made from.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Baseline, Baselines, EventTime, ModelId, SampleRole, Signal, VersionId};
use crate::sums::Counts;

/// Answers of one version in one role on one day.
pub type Day = (EventTime, ModelId, VersionId, SampleRole);

/// Sums of one version in one role.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sums {
    /// Labelled answers and the wrong ones.
    pub labels: Counts,
    /// Predictions and the failed ones.
    pub answers: Counts,
    /// Timed answers.
    pub timed: u64,
    /// Their durations in milliseconds, added up.
    pub timed_ms: f64,
}

impl Sums {
    fn merge(&mut self, other: Self) {
        self.labels.merge(other.labels);
        self.answers.merge(other.answers);
        self.timed += other.timed;
        self.timed_ms += other.timed_ms;
    }

    /// The share of right answers among the labelled ones, 0 to 1.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        self.labels.rate().map(|wrong| 1.0 - wrong)
    }

    /// The mean time of an answer in milliseconds.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        (self.timed > 0).then(|| self.timed_ms / self.timed as f64)
    }

    /// The sums as a registry keeps them.
    #[must_use]
    pub fn baselines(&self) -> Baselines {
        [
            (Signal::Accuracy, self.accuracy(), self.labels.n),
            (Signal::ErrorRate, self.answers.rate(), self.answers.n),
            (Signal::Latency, self.mean_ms(), self.timed),
        ]
        .into_iter()
        .filter_map(|(signal, value, n)| Some((signal, Baseline { value: value?, n })))
        .collect()
    }
}

/// Answers by day.
#[derive(Debug, Clone, Default)]
pub struct Days(BTreeMap<Day, Sums>);

impl Days {
    /// Adds sums to those of their day.
    pub fn add(&mut self, day: Day, sums: Sums) {
        self.0.entry(day).or_default().merge(sums);
    }

    /// All days.
    pub fn iter(&self) -> impl Iterator<Item = (&Day, &Sums)> {
        self.0.iter()
    }

    /// The versions of a model that a sample named.
    #[must_use]
    pub fn versions(&self, model: &ModelId) -> BTreeSet<&VersionId> {
        self.0.keys().filter(|day| day.1 == *model).map(|day| &day.2).collect()
    }

    /// All sums of one version, in any role.
    #[must_use]
    pub fn total(&self, model: &ModelId, version: &VersionId) -> Sums {
        self.sum(|(_, of, by, _)| of == model && by == version)
    }

    /// What users saw.
    #[must_use]
    pub fn live(&self, model: &ModelId) -> Sums {
        self.sum(|(_, of, _, role)| of == model && *role == SampleRole::Live)
    }

    /// The versions whose answers users saw.
    #[must_use]
    pub fn answered_live(&self, model: &ModelId) -> Vec<VersionId> {
        let live = self.0.iter().filter(|((_, of, _, role), sums)| {
            of == model && *role == SampleRole::Live && sums.answers.n > 0
        });
        live.map(|(day, _)| day.2.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn sum(&self, wanted: impl Fn(&Day) -> bool) -> Sums {
        let mut sum = Sums::default();
        for (_, sums) in self.iter().filter(|(day, _)| wanted(day)) {
            sum.merge(*sums);
        }
        sum
    }
}
