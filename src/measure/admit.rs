//! Records whose clock may be wrong: taken at once, held until the next ones came, or refused.

use super::ahead::ClockCheck;
use super::ledger::{Disposition, ReadPhase, RecordPlace};
use super::owned::owned;
use super::topic_clock::{HeldRecord, ReadTimes};
use super::{Lane, Output};
use crate::model::{EventTime, LogTime, Reject, Sample, Span};

/// Times that RFC 3339 can write: 0001-01-01 to 9999-12-31. Beyond them no clock is right, and
/// no frame could be read back.
pub(super) const TIMES: (EventTime, EventTime) =
    (EventTime::from_ms(-62_135_596_800_000), EventTime::from_ms(253_402_300_799_999));

/// Whether the time of a sample can be written.
pub(super) fn in_range(sample: &Sample<'_>) -> Result<(), Reject> {
    match sample.ts() {
        ts if ts < TIMES.0 => Err(Reject::TooOld),
        ts if ts > TIMES.1 => Err(Reject::FromFuture),
        _ => Ok(()),
    }
}

impl Lane {
    pub(super) fn admit(
        &mut self,
        at: &RecordPlace,
        read: ReadTimes<'_>,
        sample: Sample<'_>,
        out: &mut Vec<Output>,
    ) {
        if at.phase == ReadPhase::Rebuild {
            self.ledger.rebuilt(at.topic, read.ts);
        }
        let settled = self.clocks.follow(at.topic, read.ts);
        self.settle(settled, out);
        self.clocks.begin(at.topic, read);
        match self.clocks.check(at.topic, at.phase, read) {
            ClockCheck::Refuse => {
                self.lose_sample(&sample, at);
                self.finish(at, Disposition::Rejected(Reject::FromFuture), Span::ZERO, out);
            }
            ClockCheck::Take => {
                if self.accept(at, read, &sample, out) {
                    self.took(at, read.appended, &sample, out);
                }
            }
            ClockCheck::Ahead => {
                self.clocks.was_ahead(at.topic, read.ts);
                self.accept(at, read, &sample, out);
            }
            ClockCheck::Unsure => {
                if self.accept(at, read, &sample, out) {
                    self.clocks.wait(at.topic, read.ts, None);
                }
            }
            ClockCheck::Hold => {
                self.ledger.count_disposition(at, Disposition::Waiting);
                let held = HeldRecord { at: *at, sample: owned(sample) };
                self.clocks.wait(at.topic, read.ts, Some(held));
            }
        }
    }

    /// Counts a sample, or what is lost with it. Returns whether it counts among its topic's times.
    fn accept(
        &mut self,
        at: &RecordPlace,
        read: ReadTimes<'_>,
        sample: &Sample<'_>,
        out: &mut Vec<Output>,
    ) -> bool {
        let disposition = self.measured(sample, at);
        self.finish(at, disposition, self.behind(at, sample), out);
        self.ledger.remember(at.topic, sample.ts());
        // A record whose name has no place tells the time like any other, or no place got free.
        let counts = match disposition {
            Disposition::Rejected(code) => {
                matches!(code, Reject::TooManyModels | Reject::TooManyVersions)
            }
            Disposition::Measured
            | Disposition::Waiting
            | Disposition::Unmatched
            | Disposition::Late
            | Disposition::Duplicate
            | Disposition::Tombstone
            | Disposition::NotOurs => true,
        };
        if counts && at.phase == ReadPhase::Live {
            self.learn(at, read);
        }
        counts
    }

    /// The topic's time is at least this sample's.
    fn took(
        &mut self,
        at: &RecordPlace,
        appended: Option<LogTime>,
        sample: &Sample<'_>,
        out: &mut Vec<Output>,
    ) {
        let settled = self.clocks.took(at.topic, (sample.ts(), appended));
        self.settle(settled, out);
    }

    /// How far behind the newest of its topic a sample came.
    fn behind(&self, at: &RecordPlace, sample: &Sample<'_>) -> Span {
        let newest = self.clocks.newest(at.topic).unwrap_or(sample.ts());
        (newest - sample.ts()).max(Span::ZERO)
    }

    /// Its version's clock becomes better known.
    fn learn(&mut self, at: &RecordPlace, read: ReadTimes<'_>) {
        let times = (read.ts, self.clocks.vouched(read));
        if let Some(disorder) = self.marks.learn(at.topic, self.version, times) {
            self.clocks.allow(at.topic, disorder);
        }
    }

    /// Counts a sample, or what is lost with it.
    fn measured(&mut self, sample: &Sample<'_>, at: &RecordPlace) -> Disposition {
        self.version = None;
        let disposition = self.take(sample, at);
        match disposition {
            Disposition::Late if !self.was_late(sample, at) => {}
            Disposition::Late | Disposition::Rejected(_) => self.lose_sample(sample, at),
            Disposition::Measured | Disposition::Waiting => self.lose_fields(sample.lost(), at),
            Disposition::Unmatched
            | Disposition::Duplicate
            | Disposition::Tombstone
            | Disposition::NotOurs => {}
        }
        disposition
    }

    /// Whether a record that is late was so when it was read for the first time, as far as its
    /// own topic tells: others may have held the watermark back then.
    fn was_late(&self, sample: &Sample<'_>, at: &RecordPlace) -> bool {
        let end = self.panes.end_of(sample.ts());
        let mark = at.newest_before.map(|newest| newest - self.clocks.disorder(at.topic));
        at.phase == ReadPhase::Live || Some(end) <= mark
    }

    /// Held records whose clock turned out right or wrong.
    pub(super) fn settle(&mut self, settled: Vec<(HeldRecord, bool)>, out: &mut Vec<Output>) {
        for (held, right) in settled {
            let mut at = held.at;
            // What a former life held, and this one settles, was counted as waiting by either.
            if !self.behind {
                at.phase = ReadPhase::Live;
            }
            let disposition = if right {
                self.measured(&held.sample, &at)
            } else {
                self.lose_sample(&held.sample, &at);
                Disposition::Rejected(Reject::FromFuture)
            };
            if at.phase == ReadPhase::Live {
                self.ledger.settle(disposition);
                report(&at, disposition, self.behind(&at, &held.sample), out);
            }
        }
    }

    /// Books what happened to a record that was just read.
    pub(super) fn finish(
        &mut self,
        at: &RecordPlace,
        disposition: Disposition,
        behind: Span,
        out: &mut Vec<Output>,
    ) {
        self.ledger.count_disposition(at, disposition);
        if at.phase == ReadPhase::Live {
            report(at, disposition, behind, out);
        }
    }
}

/// Reports a record that was rejected or late.
fn report(at: &RecordPlace, disposition: Disposition, behind: Span, out: &mut Vec<Output>) {
    let (topic, position) = (at.topic, at.position);
    match disposition {
        Disposition::Rejected(code) => out.push(Output::Rejected { topic, position, code }),
        Disposition::Late => out.push(Output::Late { topic, position, behind }),
        Disposition::Measured
        | Disposition::Waiting
        | Disposition::Unmatched
        | Disposition::Duplicate
        | Disposition::Tombstone
        | Disposition::NotOurs => {}
    }
}
