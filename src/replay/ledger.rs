//! Sums frames up into answers by day.

use std::collections::BTreeMap;

use crate::model::{EventTime, LaneId, Span};
use crate::show::data::{Day, Days, Sums};
use crate::sums::Frame;

const DAY: Span = Span::from_s(24 * 3600);

/// Takes frames and adds up the answers of each day.
#[derive(Debug, Clone, Default)]
pub struct DailyAnswers {
    pane: Span,
    /// The last sums of each lane in each open pane.
    open: BTreeMap<LaneId, BTreeMap<Day, Sums>>,
    days: Days,
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

    /// The days of all panes that are closed.
    #[must_use]
    pub fn closed(self) -> Days {
        self.days
    }

    /// Nothing more comes: open panes count as they are.
    pub(crate) fn end(mut self) -> Days {
        for mut open in std::mem::take(&mut self.open).into_values() {
            close(&mut open, &mut self.days, |_| true);
        }
        self.days
    }
}

/// Moves the cells of panes that are over, by their start, to their days.
fn close(open: &mut BTreeMap<Day, Sums>, days: &mut Days, over: impl Fn(EventTime) -> bool) {
    while let Some(first) = open.first_entry() {
        if !over(first.key().0) {
            break;
        }
        let ((pane, model, version, role), sums) = first.remove_entry();
        days.add((pane.floor(DAY), model, version, role), sums);
    }
}
