//! Records whose clock may be wrong: taken at once, held until others confirm them, or rejected.

use super::jump::{self, Sift, UnconfirmedRecord};
use super::ledger::{At, Disposition, ReadPhase};
use super::{Lane, Output};
use crate::model::{LogTime, Reject, Sample};

impl Lane {
    pub(super) fn sift(
        &mut self,
        at: &At,
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
        let sift = match self.jump.sift(ts, appended) {
            Sift::Take if beyond => Sift::Hold,
            sift @ (Sift::Take | Sift::Hold | Sift::Refuse) => sift,
        };
        match sift {
            Sift::Refuse => self.finish(at, Disposition::Rejected(Reject::FromFuture), out),
            Sift::Take => {
                self.accept(at, &sample, out);
                let settled = self.jump.took(ts);
                self.settle(settled, out);
            }
            Sift::Hold => {
                self.ledger.rule_set(at, Disposition::Waiting);
                let settled = self.jump.hold(*at, jump::owned(sample));
                self.settle(settled, out);
            }
        }
    }

    fn accept(&mut self, at: &At, sample: &Sample<'_>, out: &mut Vec<Output>) {
        let bucket = self.take(sample, at);
        self.finish(at, bucket, out);
        if at.phase == ReadPhase::Live && !matches!(bucket, Disposition::Rejected(_)) {
            self.marks.observe(at.topic, sample.ts());
        }
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
            let bucket = if right { self.take(&held.sample, &at) } else { refused };
            if at.phase == ReadPhase::Live {
                self.ledger.settle(bucket);
                report(&at, bucket, out);
                if !matches!(bucket, Disposition::Rejected(_)) {
                    self.marks.observe(at.topic, held.sample.ts());
                }
            }
        }
    }

    /// Books what happened to a record that was just read.
    pub(super) fn finish(&mut self, at: &At, bucket: Disposition, out: &mut Vec<Output>) {
        self.ledger.rule_set(at, bucket);
        if at.phase == ReadPhase::Live {
            report(at, bucket, out);
        }
    }
}

/// Reports a record that was rejected or late.
fn report(at: &At, bucket: Disposition, out: &mut Vec<Output>) {
    let (topic, position) = (at.topic, at.position);
    match bucket {
        Disposition::Rejected(code) => out.push(Output::Rejected { topic, position, code }),
        Disposition::Late => out.push(Output::Late { topic, position }),
        Disposition::Measured
        | Disposition::Waiting
        | Disposition::Unmatched
        | Disposition::Duplicate => {}
    }
}
