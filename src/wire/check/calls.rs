//! Calls of which two records say one half each, met as a lane lets them meet.

use super::SourceCheck;
use crate::measure::Met;
use crate::model::{EventTime, Half, HalfSide, Prediction, Sample, SampleKind};

impl SourceCheck<'_> {
    pub(super) fn half(&mut self, half: Half<'static>) {
        match half.side {
            HalfSide::Asked => self.half_counts.asked += 1,
            HalfSide::Answered => self.half_counts.answered += 1,
        }
        let counts = &mut self.half_counts;
        match self.halves.take(half, ()) {
            Met::Waits => {}
            Met::Repeated => counts.repeated += 1,
            Met::TooLate | Met::Full => counts.too_late += 1,
            Met::Both(calls, ()) => {
                counts.met += 1;
                self.calls(calls);
            }
        }
    }

    /// Halves that have waited long enough when time has come to `over`.
    pub(super) fn give_up(&mut self, over: EventTime) {
        for (calls, ()) in self.halves.due(over) {
            self.half_counts.alone += 1;
            self.calls(calls);
        }
    }

    fn calls(&mut self, calls: Vec<Prediction<'static>>) {
        for call in calls {
            self.half_counts.calls += 1;
            self.judged(SampleKind::Prediction, &Sample::Prediction(call));
        }
    }
}
