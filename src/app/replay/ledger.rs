//! What was right, by day, version and role: what the story and the charts show.

use std::collections::BTreeMap;

use crate::model::{EventTime, ModelId, SampleRole, Span, VersionId};
use crate::sums::{Counts, Frame};

const DAY: Span = Span::from_s(24 * 3600);

/// Labelled answers of one version in one role on one day.
pub type Day = (EventTime, ModelId, VersionId, SampleRole);

/// Labelled answers and the wrong ones among them.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    pane: Span,
    /// The last word on each open cell.
    open: BTreeMap<Day, Counts>,
    days: BTreeMap<Day, Counts>,
}

impl Ledger {
    /// An empty one, for panes of this length.
    #[must_use]
    pub fn new(pane: Span) -> Self {
        Self { pane, ..Self::default() }
    }

    /// Takes a frame; a cell's later sums replace its earlier ones.
    pub fn take(&mut self, frame: &Frame) {
        for cell in frame.versions.iter().filter(|cell| cell.sums.labels.n > 0) {
            let key = (cell.pane, cell.model.clone(), cell.version.clone(), cell.role);
            self.open.insert(key, cell.sums.labels);
        }
        while let Some(first) = self.open.first_entry() {
            if first.key().0 + self.pane > frame.watermark {
                break;
            }
            let ((pane, model, version, role), counts) = first.remove_entry();
            let day = (pane.floor(DAY), model, version, role);
            self.days.entry(day).or_default().merge(counts);
        }
    }

    /// All days.
    pub fn days(&self) -> impl Iterator<Item = (&Day, Counts)> {
        self.days.iter().map(|(day, counts)| (day, *counts))
    }

    /// The share of right answers among those that users saw.
    #[must_use]
    pub fn served(&self, model: &ModelId) -> Option<f64> {
        self.accuracy(|(_, of, _, role)| of == model && *role == SampleRole::Live)
    }

    /// The share of right answers of one version, in any role.
    #[must_use]
    pub fn of_version(&self, model: &ModelId, version: &VersionId) -> Option<f64> {
        self.accuracy(|(_, of, by, _)| of == model && by == version)
    }

    fn accuracy(&self, wanted: impl Fn(&Day) -> bool) -> Option<f64> {
        let mut sum = Counts::default();
        for (_, counts) in self.days().filter(|(day, _)| wanted(day)) {
            sum.merge(counts);
        }
        sum.rate().map(|wrong| 1.0 - wrong)
    }
}
