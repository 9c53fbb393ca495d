//! Clocks that run ahead: one bad one must not close every pane.
//!
//! Where the log says when it took a record, that vouches: an event may be ahead of it by
//! `max_jump`, and no more. Where it does not say, an event more than `max_jump` past the lane's
//! newest is held. Each further sample either confirms it (it jumps too, and lies within
//! `max_jump` of it) or speaks against it; `jump_confirmations` of either kind settle it, so at
//! most twice as many are held. Held records count as waiting, and are taken in the order in
//! which they came.
//!
//! Who reads a recording looks ahead, so that the first record is guarded as well: the lane
//! begins where most of the first ones lie.

use std::borrow::Cow;

use super::ledger::RecordPlace;
use crate::model::{
    EventTime, Feature, Health, LatencySample, LogTime, Outcome, Prediction, Reject, Run, Sample,
    Source, Span, Value,
};

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

/// Where event time begins if the first records say `times`: the start of the largest group
/// without a jump, of equally large ones the earliest. None: every clock is believed.
#[must_use]
pub fn beginning(mut times: Vec<EventTime>, source: &Source) -> Option<EventTime> {
    if source.jump_confirmations == 0 {
        return None;
    }
    times.retain(|ts| (TIMES.0..=TIMES.1).contains(ts));
    times.sort_unstable();
    let groups = times.chunk_by(|a, b| *b <= *a + source.max_jump);
    groups.rev().max_by_key(|group| group.len())?.first().copied()
}

/// A record that waits for others to confirm its clock.
#[derive(Debug)]
pub(super) struct UnconfirmedRecord {
    pub(super) at: RecordPlace,
    pub(super) sample: Sample<'static>,
    confirmed: u32,
    contradicted: u32,
}

/// What is to be done with a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClockCheck {
    Take,
    Hold,
    Refuse,
}

/// The guard of a lane's newest event time.
#[derive(Debug)]
pub(super) struct Jump {
    max: Span,
    confirmations: u32,
    newest: Option<EventTime>,
    held: Vec<UnconfirmedRecord>,
}

impl Jump {
    pub(super) fn new(source: &Source) -> Self {
        let confirmations = source.jump_confirmations;
        Self { max: source.max_jump, confirmations, newest: None, held: Vec::new() }
    }

    /// What to do with a sample of this time, which the log took at `appended`.
    pub(super) fn admit(&self, ts: EventTime, appended: Option<LogTime>) -> ClockCheck {
        if let Some(appended) = appended {
            let limit = EventTime::from_ms(appended.as_ms()) + self.max;
            return if ts > limit { ClockCheck::Refuse } else { ClockCheck::Take };
        }
        let jumps = self.newest.is_some_and(|newest| ts > newest + self.max);
        if jumps && self.confirmations > 0 { ClockCheck::Hold } else { ClockCheck::Take }
    }

    /// A sample was taken: what of the held it settles, and whether for the better.
    pub(super) fn took(&mut self, ts: EventTime) -> Vec<(UnconfirmedRecord, bool)> {
        self.newest = self.newest.max(Some(ts));
        if self.held.is_empty() {
            return Vec::new();
        }
        self.held.iter_mut().for_each(|held| held.contradicted += 1);
        self.settle()
    }

    /// A sample is held: what of the held it settles, itself included.
    pub(super) fn hold(
        &mut self,
        at: RecordPlace,
        sample: Sample<'static>,
    ) -> Vec<(UnconfirmedRecord, bool)> {
        let ts = sample.ts();
        let mut sure: Option<EventTime> = None;
        for held in &mut self.held {
            if far(held.sample.ts(), ts) <= self.max {
                held.confirmed += 1;
                if held.confirmed >= self.confirmations {
                    sure = sure.max(Some(held.sample.ts().max(ts)));
                }
            } else {
                held.contradicted += 1;
            }
        }
        self.held.push(UnconfirmedRecord { at, sample, confirmed: 0, contradicted: 0 });
        self.newest = self.newest.max(sure);
        self.settle()
    }

    fn settle(&mut self) -> Vec<(UnconfirmedRecord, bool)> {
        let Some(newest) = self.newest else { return Vec::new() };
        let (reach, limit) = (newest + self.max, self.confirmations);
        self.held
            .extract_if(.., |held| held.sample.ts() <= reach || held.contradicted >= limit)
            .map(|held| {
                let taken = held.sample.ts() <= reach;
                (held, taken)
            })
            .collect()
    }

    /// Nothing more comes: nobody confirmed what is still held.
    pub(super) fn end(&mut self) -> Vec<(UnconfirmedRecord, bool)> {
        std::mem::take(&mut self.held).into_iter().map(|held| (held, false)).collect()
    }

    pub(super) fn held(&self) -> &[UnconfirmedRecord] {
        &self.held
    }

    pub(super) fn newest(&self) -> Option<EventTime> {
        self.newest
    }

    /// The newest event was this; what of the held it settles.
    pub(super) fn reach(&mut self, newest: Option<EventTime>) -> Vec<(UnconfirmedRecord, bool)> {
        self.raise(newest);
        self.settle()
    }

    /// The newest event is at least this.
    pub(super) fn raise(&mut self, newest: Option<EventTime>) {
        self.newest = self.newest.max(newest);
    }
}

fn far(a: EventTime, b: EventTime) -> Span {
    if a > b { a - b } else { b - a }
}

/// The sample without its record: only what must outlive it is copied.
#[must_use]
pub fn owned(sample: Sample<'_>) -> Sample<'static> {
    match sample {
        Sample::Prediction(p) => Sample::Prediction(Prediction {
            id: text(p.id),
            model: text(p.model),
            version: text(p.version),
            request: p.request.map(text),
            prediction: p.prediction.map(Value::into_owned),
            features: p.features.into_iter().map(|(n, v)| (text(n), feature(v))).collect(),
            actual: p.actual.map(Value::into_owned),
            ts: p.ts,
            status: p.status,
            score: p.score,
            latency_us: p.latency_us,
            role: p.role,
            lost: p.lost,
        }),
        Sample::Outcome(o) => Sample::Outcome(Outcome {
            request: text(o.request),
            model: text(o.model),
            actual: o.actual.map(Value::into_owned),
            lost: o.lost,
            version: o.version.map(text),
            prediction: o.prediction.map(Value::into_owned),
            ts: o.ts,
        }),
        Sample::Latency(l) => Sample::Latency(LatencySample {
            model: text(l.model),
            version: text(l.version),
            id: l.id.map(text),
            ts: l.ts,
            latency_us: l.latency_us,
            lost: l.lost,
        }),
        Sample::Health(h) => {
            let (model, version) = (text(h.model), text(h.version));
            let (cpu_ratio, memory_bytes) = (h.cpu_ratio, h.memory_bytes);
            Sample::Health(Health {
                model,
                version,
                ts: h.ts,
                cpu_ratio,
                memory_bytes,
                lost: h.lost,
            })
        }
        Sample::Run(r) => {
            let (model, version) = (text(r.model), r.version.map(text));
            Sample::Run(Run { model, version, ts: r.ts, kind: r.kind, status: r.status })
        }
    }
}

fn text(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn feature(feature: Feature<'_>) -> Feature<'static> {
    match feature {
        Feature::Number(number) => Feature::Number(number),
        Feature::Category(name) => Feature::Category(text(name)),
        Feature::Missing => Feature::Missing,
        Feature::Unusable => Feature::Unusable,
    }
}
