//! What was measured, by day, version and role: what the story, the charts and baselines show.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Baseline, Baselines, EventTime, LaneId, ModelId, SampleRole, Signal, Span, VersionId,
};
use crate::sums::{Counts, Frame};

const DAY: Span = Span::from_s(24 * 3600);

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
pub struct DailyAnswers {
    pane: Span,
    /// The last word of each lane on each open cell.
    open: BTreeMap<LaneId, BTreeMap<Day, Sums>>,
    days: BTreeMap<Day, Sums>,
}

impl DailyAnswers {
    /// An empty one, for panes of this length.
    #[must_use]
    pub fn new(pane: Span) -> Self {
        Self { pane, ..Self::default() }
    }

    /// Takes a frame; a cell's later sums replace its earlier ones.
    pub fn take(&mut self, frame: &Frame) {
        let open = self.open.entry(frame.lane.clone()).or_default();
        for cell in &frame.versions {
            let key = (cell.pane, cell.model.clone(), cell.version.clone(), cell.role);
            let latency = cell.sums.latency.as_deref();
            let sums = Sums {
                labels: cell.sums.labels,
                answers: cell.sums.answers,
                timed: latency.map_or(0, crate::sums::Latency::n),
                timed_ms: latency.map_or(0.0, crate::sums::Latency::sum_ms),
            };
            open.insert(key, sums);
        }
        let (pane, watermark) = (self.pane, frame.watermark);
        close(open, &mut self.days, |start| start + pane <= watermark);
    }

    /// Nothing more comes: what is open counts as it stands.
    pub(crate) fn end(&mut self) {
        for mut open in std::mem::take(&mut self.open).into_values() {
            close(&mut open, &mut self.days, |_| true);
        }
    }

    /// All days.
    pub fn days(&self) -> impl Iterator<Item = (&Day, &Sums)> {
        self.days.iter()
    }

    /// The versions of a model that a sample named.
    #[must_use]
    pub fn versions(&self, model: &ModelId) -> BTreeSet<&VersionId> {
        self.days.keys().filter(|day| day.1 == *model).map(|day| &day.2).collect()
    }

    /// All of one version, in any role.
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
        let live = self.days.iter().filter(|((_, of, _, role), sums)| {
            of == model && *role == SampleRole::Live && sums.answers.n > 0
        });
        live.map(|(day, _)| day.2.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn sum(&self, wanted: impl Fn(&Day) -> bool) -> Sums {
        let mut sum = Sums::default();
        for (_, sums) in self.days().filter(|(day, _)| wanted(day)) {
            sum.merge(*sums);
        }
        sum
    }
}

/// Moves the cells of panes that are over, by their start, to their days.
fn close(
    open: &mut BTreeMap<Day, Sums>,
    days: &mut BTreeMap<Day, Sums>,
    over: impl Fn(EventTime) -> bool,
) {
    while let Some(first) = open.first_entry() {
        if !over(first.key().0) {
            break;
        }
        let ((pane, model, version, role), sums) = first.remove_entry();
        days.entry((pane.floor(DAY), model, version, role)).or_default().merge(sums);
    }
}
