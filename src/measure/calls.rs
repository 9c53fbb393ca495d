//! Calls of which two records say one half each.

use super::Lane;
use super::count::unplaced;
use super::halves::Met;
use super::ledger::{Disposition, ReadPhase, RecordPlace};
use super::owned::owned;
use crate::model::{EventTime, Prediction, Sample};

impl Lane {
    /// One half of a call; with the other one it is as many predictions as the longer says.
    pub(super) fn half(&mut self, sample: &Sample<'_>, at: &RecordPlace) -> Disposition {
        let Sample::Half(half) = owned(sample.clone()) else { return Disposition::Measured };
        match self.halves.take(half, *at) {
            Met::Waits => Disposition::Waiting,
            Met::Repeated => Disposition::Duplicate,
            Met::TooLate => Disposition::Unmatched,
            Met::Full => {
                self.lose_sample(sample, at);
                Disposition::Unmatched
            }
            Met::Both(calls, first) => {
                if at.phase == ReadPhase::Live {
                    self.ledger.settle(Disposition::Measured);
                }
                // What one of the two feeds for the first time, both do.
                let at = if first.phase > at.phase { first } else { *at };
                self.calls(calls, &at)
            }
        }
    }

    /// Counts what two halves made, and returns what happened to the last of it.
    fn calls(&mut self, calls: Vec<Prediction<'_>>, at: &RecordPlace) -> Disposition {
        let mut all = Disposition::Unmatched;
        for call in calls {
            let taken = self.prediction(&call, at);
            all = taken.unwrap_or_else(|why| unplaced(&why));
            match all {
                Disposition::Measured => self.lose_fields(call.lost, at),
                Disposition::Rejected(_) => self.lose_sample(&Sample::Prediction(call), at),
                Disposition::Waiting
                | Disposition::Unmatched
                | Disposition::Late
                | Disposition::Duplicate
                | Disposition::Tombstone
                | Disposition::NotOurs => {}
            }
        }
        all
    }

    /// Halves that have waited long enough are calls by themselves, or left out.
    pub(super) fn give_up_halves(&mut self, mark: EventTime) {
        for (calls, mut at) in self.halves.due(mark) {
            // While records are read again, a former life has counted it.
            if !self.behind {
                at.phase = ReadPhase::Live;
            }
            let disposition = self.calls(calls, &at);
            if at.phase == ReadPhase::Live {
                self.ledger.settle(disposition);
            }
        }
    }
}
