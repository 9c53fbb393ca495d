//! One lane: samples in, frames out.
//!
//! Law: a pure machine. The same records give the same frames, whatever the clock, the machine or
//! the speed; inside the allowed disorder also whatever the order. Every record read ends in
//! one bucket: measured, waiting, unmatched, late, duplicate, rejected or a tombstone. A lane keeps
//! nothing between two lives but a [`Resume`]: the rest is read again.
//!
//! What is deliberately absent: no clock (`now` is an argument, and only decides how often a cell
//! is sent), no bytes (records come decoded), no thresholds (what a count means is judge's).
//!
//! Two refinements of the plain rules, so that a re-read finds what the first reading found. An
//! outcome waits for its prediction as long as its own pane is open: once the watermark has
//! passed it, no prediction in time can come, and it is unmatched. And *late* is asked before
//! *duplicate*: a repeated record whose pane is closed is late.
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

mod admit;
mod ahead;
mod api;
mod calls;
mod cells;
mod close;
mod count;
mod flush;
mod halves;
mod inputs;
mod join;
mod ledger;
mod lost;
mod merge;
mod names;
mod owned;
mod panes;
mod place;
mod places;
mod placing;
mod remembered;
mod request;
mod skew;
mod slots;
mod table;
mod topic_clock;
mod watermark;

use self::admit::in_range;
use self::ahead::{ClockCheck, TopicClocks};
use self::flush::Flushed;
use self::inputs::RecentInputs;
use self::join::Join;
use self::ledger::{Disposition, Ledger, ReadPhase, RecordPlace};
use self::names::{FeatureIx, ModelIx, RequestKey, VersionIx};
use self::panes::Panes;
use self::places::Names;
use self::topic_clock::ReadTimes;
use self::watermark::Watermarks;
use crate::model::{EventTime, LaneId, LogTime, Sample, Source, Span};

pub use self::api::{Input, Output, SamplePart, UnreadRecord, WaitingElsewhere, WaitingLimit};
pub use self::halves::{Halves, Met};
pub use self::ledger::{Resume, TopicResume};
pub use self::owned::owned;

/// One partition of a source's topics, being measured.
///
/// After a restart ([`Lane::resume`]) feed the records from [`Resume::reread_from`] on, or from the
/// committed positions where those are earlier, in any interleaving of topics. Report a topic that
/// has nothing left to read again as [`Input::Drained`].
#[derive(Debug)]
pub struct Lane {
    id: LaneId,
    epoch: u64,
    horizon: Span,
    categories: usize,
    names: Names,
    ledger: Ledger,
    marks: Watermarks,
    clocks: TopicClocks,
    panes: Panes,
    join: Join,
    /// Halves of calls that wait for the other one.
    halves: Halves<RecordPlace>,
    inputs: RecentInputs,
    /// Not everything that a former life had read was read again.
    behind: bool,
    flushed: Flushed,
    /// Outcomes lost while records are read again: whose they are is known after the last one.
    lost_labels: Vec<(ModelIx, RequestKey, RecordPlace)>,
    /// Labels counted as lost in open panes, because what they would have met may be forgotten.
    unmet: Vec<(EventTime, ModelIx)>,
    /// The version of the sample being taken.
    version: Option<VersionIx>,
    /// Scratch: the features of the prediction being taken.
    features: Vec<Option<FeatureIx>>,
}

impl Lane {
    /// A lane of which nothing was read yet.
    #[must_use]
    pub fn new(source: &Source, lane: LaneId, epoch: u64) -> Self {
        let topics = source.topics.len();
        Self {
            id: lane,
            epoch,
            horizon: source.label_horizon,
            categories: source.max_categories,
            names: Names::new(source.limits),
            ledger: Ledger::new(topics),
            marks: Watermarks::new(source),
            clocks: TopicClocks::new(source),
            panes: Panes::new(source.pane, topics),
            join: Join::new(source),
            halves: Halves::new(source.max_waiting),
            behind: false,
            flushed: Flushed::new(epoch, topics),
            inputs: RecentInputs::new(),
            lost_labels: Vec::new(),
            unmet: Vec::new(),
            version: None,
            features: Vec::new(),
        }
    }

    /// A lane that continues where an earlier run stopped.
    #[must_use]
    pub fn resume(source: &Source, lane: LaneId, epoch: u64, from: &Resume) -> Self {
        let mut new = Self::new(source, lane, epoch);
        new.ledger.restore(from);
        new.marks.restore(from.watermark, &from.topics);
        for (topic, was) in from.topics.iter().enumerate() {
            new.clocks.restore(topic, was.before, was.newest);
            new.marks.grown(topic).into_iter().for_each(|span| new.clocks.allow(topic, span));
        }
        if let Some(mark) = from.watermark {
            // Nothing is in the panes yet: this only says which are closed.
            new.panes.close(mark);
        }
        new.flushed.restore(from, epoch);
        if new.ledger.caught_up() {
            (0..from.topics.len()).for_each(|topic| drop(new.clocks.caught_up(topic)));
        } else {
            new.behind = true;
            new.join.rebuild();
        }
        new
    }

    /// The newest event time that is believed.
    #[must_use]
    pub fn newest(&self) -> Option<EventTime> {
        self.marks.newest()
    }

    /// How many records after one of this time decide whether it moves time. Zero: it does not
    /// jump.
    #[must_use]
    pub fn asks(&self, topic: usize, ts: EventTime) -> u32 {
        if self.clocks.jumps(topic, ts) { self.clocks.asked() } else { 0 }
    }

    /// Whether a record of this time, followed by records of those times, moves time.
    #[must_use]
    pub fn believes(&self, topic: usize, ts: EventTime, following: &[EventTime]) -> bool {
        let read = ReadTimes { ts, appended: None, following: Some(following) };
        self.clocks.check(topic, ReadPhase::Live, read) == ClockCheck::Take
    }

    /// Positions of records that wait for those that decide about their clock.
    pub fn held(&self) -> impl Iterator<Item = i64> {
        let topics = 0..self.flushed.topics();
        topics.flat_map(|topic| self.clocks.held(topic)).map(|held| held.at.position)
    }

    /// Takes one input; what follows from it is added to `out`.
    pub fn step(&mut self, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Record { topic, position, appended, following, part, read } => {
                self.record((topic, position, part), (appended, following), Ok(read), out);
            }
            Input::Tombstone { topic, position } => {
                self.nothing((topic, position), Disposition::Tombstone, out);
            }
            Input::NotOurs { topic, position } => {
                self.nothing((topic, position), Disposition::NotOurs, out);
            }
            Input::Drained { topic } => self.drained(topic, out),
            Input::Busy { topic } => self.clocks.busy(topic),
            Input::Gone { topic, before } => {
                self.ledger.gone(topic, before);
                self.catch_up(out);
            }
            Input::Idle { topic } => {
                self.marks.set_idle(topic, true);
                self.drained(topic, out);
            }
            Input::End => self.end(out),
            Input::Unmet(models) => self.lose_labels_unmet(models),
            Input::Elsewhere(elsewhere) => {
                self.inputs.limit(elsewhere.input_bytes);
                let names = &self.names;
                self.join.elsewhere(&elsewhere, |model| names.model_name(model).clone());
            }
            Input::Named(named) => self.names.name(named),
            Input::Flush { now } => self.flush(now, out),
        }
        self.tell_full(out);
        for turn in self.join.turns() {
            let (model, waiting) = (self.names.model_name(turn.model).clone(), turn.waiting);
            out.push(match turn.stopped {
                Some(limit) => Output::JoinStopped { model, waiting, limit },
                None => Output::JoinResumed { model, waiting },
            });
        }
        let counters = self.ledger.counters();
        debug_assert_eq!(counters.read, counters.accounted(), "a record vanished: {counters:?}");
    }

    /// Whether everything that a former life had read was read again.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        !self.behind
    }

    /// The share of the label horizon that the lane remembers, 0 to 1.
    #[must_use]
    pub fn warm(&self) -> f64 {
        self.ledger.warm(self.marks.mark(), self.horizon)
    }

    /// A record that holds no sample, and is meant to hold none.
    fn nothing(
        &mut self,
        (topic, position): (usize, i64),
        disposition: Disposition,
        out: &mut Vec<Output>,
    ) {
        let at = (topic, position, SamplePart::WHOLE);
        self.record(at, (None, None), Err(disposition), out);
    }

    fn record(
        &mut self,
        (topic, position, part): (usize, i64, SamplePart),
        (appended, following): (Option<LogTime>, Option<&[EventTime]>),
        read: Result<Result<Sample<'_>, UnreadRecord<'_>>, Disposition>,
        out: &mut Vec<Output>,
    ) {
        let phase = match part.first {
            true => self.ledger.read(topic, position),
            false => self.ledger.read_more(topic),
        };
        let Some(phase) = phase else { return };
        if phase == ReadPhase::Live {
            self.marks.set_idle(topic, false);
            self.catch_up(out);
            // Another topic may still be read again.
            let settled = self.clocks.caught_up(topic);
            self.settle(settled, out);
        }
        let at = RecordPlace { topic, position, phase, newest_before: self.clocks.newest(topic) };
        match read {
            Err(nothing) => self.finish(&at, nothing, Span::ZERO, out),
            Ok(Err(record)) => {
                self.lose_record(record, &at);
                self.finish(&at, Disposition::Rejected(record.code), Span::ZERO, out);
            }
            Ok(Ok(sample)) => {
                match in_range(&sample).inspect(|()| self.pass_time(sample.ts(), &at)) {
                    Err(code) => {
                        self.lose_sample(&sample, &at);
                        self.finish(&at, Disposition::Rejected(code), Span::ZERO, out);
                    }
                    Ok(()) => {
                        let read = ReadTimes { ts: sample.ts(), appended, following };
                        self.admit(&at, read, sample, out);
                    }
                }
            }
        }
        if phase != ReadPhase::Live && part.last {
            self.ledger.reread(topic, position);
            self.catch_up(out);
        }
        self.advance();
    }
}
