//! Records whose clock may be wrong: taken at once, held until others confirm them, or rejected.

use super::jump::{self, ClockCheck, UnconfirmedRecord};
use super::ledger::{Disposition, ReadPhase, RecordPlace};
use super::{Lane, Output};
use crate::model::{LogTime, Reject, Sample};

impl Lane {
    pub(super) fn admit(
        &mut self,
        at: &RecordPlace,
        appended: Option<LogTime>,
        sample: Sample<'_>,
        out: &mut Vec<Output>,
    ) {
        let ts = sample.ts();
        if at.phase == ReadPhase::Rebuild {
            self.ledger.rebuilt(at.topic, ts);
        }
        // What is read again and lies beyond the newest event was not taken the first time.
        let beyond = at.phase != ReadPhase::Live && Some(ts) > self.marks.newest();
        let sift = match self.jump.admit(ts, appended) {
            ClockCheck::Take if beyond => ClockCheck::Hold,
            sift @ (ClockCheck::Take | ClockCheck::Hold | ClockCheck::Refuse) => sift,
        };
        match sift {
            ClockCheck::Refuse => {
                self.lose_sample(&sample, at);
                self.finish(at, Disposition::Rejected(Reject::FromFuture), out);
            }
            ClockCheck::Take => {
                self.accept(at, &sample, out);
                let settled = self.jump.took(ts);
                self.settle(settled, out);
            }
            ClockCheck::Hold => {
                self.ledger.count_disposition(at, Disposition::Waiting);
                let settled = self.jump.hold(*at, jump::owned(sample));
                self.settle(settled, out);
            }
        }
    }

    fn accept(&mut self, at: &RecordPlace, sample: &Sample<'_>, out: &mut Vec<Output>) {
        let disposition = self.measured(sample, at);
        self.finish(at, disposition, out);
        self.ledger.remember(at.topic, sample.ts());
        if at.phase == ReadPhase::Live && !matches!(disposition, Disposition::Rejected(_)) {
            self.marks.observe(at.topic, sample.ts());
        }
    }

    /// Counts a sample, or what is lost with it.
    fn measured(&mut self, sample: &Sample<'_>, at: &RecordPlace) -> Disposition {
        let disposition = self.take(sample, at);
        match disposition {
            Disposition::Late | Disposition::Rejected(_) => self.lose_sample(sample, at),
            Disposition::Measured | Disposition::Waiting => self.lose_fields(sample.lost(), at),
            Disposition::Unmatched | Disposition::Duplicate => {}
        }
        disposition
    }

    /// Held records whose clock turned out right or wrong.
    pub(super) fn settle(
        &mut self,
        settled: Vec<(UnconfirmedRecord, bool)>,
        out: &mut Vec<Output>,
    ) {
        for (held, right) in settled {
            let mut at = held.at;
            // What a former life held, and this one settles, was counted as waiting by either.
            if !self.behind {
                at.phase = ReadPhase::Live;
            }
            let refused = Disposition::Rejected(Reject::FromFuture);
            let disposition = match right {
                true => self.measured(&held.sample, &at),
                false => {
                    self.lose_sample(&held.sample, &at);
                    refused
                }
            };
            if at.phase == ReadPhase::Live {
                self.ledger.settle(disposition);
                report(&at, disposition, out);
                if !matches!(disposition, Disposition::Rejected(_)) {
                    self.marks.observe(at.topic, held.sample.ts());
                }
            }
        }
    }

    /// Books what happened to a record that was just read.
    pub(super) fn finish(
        &mut self,
        at: &RecordPlace,
        disposition: Disposition,
        out: &mut Vec<Output>,
    ) {
        self.ledger.count_disposition(at, disposition);
        if at.phase == ReadPhase::Live {
            report(at, disposition, out);
        }
    }
}

/// Reports a record that was rejected or late.
fn report(at: &RecordPlace, disposition: Disposition, out: &mut Vec<Output>) {
    let (topic, position) = (at.topic, at.position);
    match disposition {
        Disposition::Rejected(code) => out.push(Output::Rejected { topic, position, code }),
        Disposition::Late => out.push(Output::Late { topic, position }),
        Disposition::Measured
        | Disposition::Waiting
        | Disposition::Unmatched
        | Disposition::Duplicate => {}
    }
}
