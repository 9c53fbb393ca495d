//! One lane: samples in, frames out.
//!
//! Law: a pure machine. The same records give the same frames, whatever the clock, the machine or
//! the speed; inside the allowed disorder also whatever the order. Every record read ends in
//! one bucket: measured, waiting, unmatched, late, duplicate or rejected. A lane keeps nothing
//! between two lives but a [`Resume`]: the rest is read again.
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
mod api;
mod count;
mod flush;
mod inputs;
mod join;
mod jump;
mod ledger;
mod lost;
mod names;
mod panes;
mod request;
mod watermark;

use self::flush::Flushed;
use self::inputs::RecentInputs;
use self::join::Join;
use self::jump::{ClockCheck, Jump};
use self::ledger::{Disposition, Ledger, ReadPhase, RecordPlace};
use self::names::{FeatureIx, Names};
use self::panes::Panes;
use self::watermark::Watermarks;
use crate::model::{EventTime, LaneId, LogTime, Sample, Source, Span};

pub use self::api::{Input, Output, UnreadRecord};
pub use self::jump::beginning;
pub use self::ledger::{Resume, TopicResume};

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
    cap: usize,
    categories: usize,
    names: Names,
    ledger: Ledger,
    marks: Watermarks,
    jump: Jump,
    panes: Panes,
    join: Join,
    inputs: RecentInputs,
    /// Not everything that a former life had read was read again.
    behind: bool,
    flushed: Flushed,
    /// Scratch: the features of the prediction being taken.
    features: Vec<FeatureIx>,
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
            cap: source.max_waiting,
            categories: source.max_categories,
            names: Names::new(),
            ledger: Ledger::new(topics),
            marks: Watermarks::new(source),
            jump: Jump::new(source),
            panes: Panes::new(source.pane, topics),
            join: Join::new(source),
            behind: false,
            flushed: Flushed::new(epoch, topics),
            inputs: RecentInputs::default(),
            features: Vec::new(),
        }
    }

    /// A lane that continues where an earlier run stopped.
    #[must_use]
    pub fn resume(source: &Source, lane: LaneId, epoch: u64, from: &Resume) -> Self {
        let mut new = Self::new(source, lane, epoch);
        new.ledger.restore(from);
        new.marks.restore(from.watermark, from.topics.iter().map(|topic| topic.newest));
        new.jump.raise(from.newest_before);
        if let Some(mark) = from.watermark {
            // Nothing is in the panes yet: this only says which are closed.
            new.panes.close(mark);
        }
        new.flushed.restore(from, epoch);
        if new.ledger.caught_up() {
            new.jump.raise(new.marks.newest());
        } else {
            new.behind = true;
            new.join.rebuild();
        }
        new
    }

    /// Event time begins here, as far as a look ahead shows: see [`beginning`].
    pub fn begin(&mut self, at: Option<EventTime>) {
        self.jump.raise(at);
    }

    /// The newest event time that was believed.
    #[must_use]
    pub fn newest(&self) -> Option<EventTime> {
        self.jump.newest()
    }

    /// Whether a sample of this time, for whose clock nobody vouches, is taken at once.
    #[must_use]
    pub fn believes(&self, ts: EventTime) -> bool {
        self.jump.admit(ts, None) == ClockCheck::Take
    }

    /// Positions of records that wait for others to confirm their clock.
    pub fn held(&self) -> impl Iterator<Item = i64> {
        self.jump.held().iter().map(|held| held.at.position)
    }

    /// Takes one input; what follows from it is added to `out`.
    pub fn step(&mut self, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Record { topic, position, appended, read } => {
                self.record((topic, position), appended, read, out);
            }
            Input::Drained { topic } => self.drained(topic, out),
            Input::Gone { topic, before } => {
                self.ledger.gone(topic, before);
                self.catch_up(out);
            }
            Input::Idle { topic } => {
                self.marks.set_idle(topic, true);
                self.drained(topic, out);
            }
            Input::End => self.end(out),
            Input::Flush { now } => self.flush(now, out),
        }
        for turn in self.join.turns() {
            let (model, waiting) = (self.names.model_name(turn.model).clone(), turn.waiting);
            out.push(if turn.stopped {
                Output::JoinStopped { model, waiting, cap: self.cap }
            } else {
                Output::JoinResumed { model, waiting }
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

    fn record(
        &mut self,
        (topic, position): (usize, i64),
        appended: Option<LogTime>,
        read: Result<Sample<'_>, UnreadRecord<'_>>,
        out: &mut Vec<Output>,
    ) {
        let Some(phase) = self.ledger.read(topic, position) else { return };
        if phase == ReadPhase::Live {
            self.marks.set_idle(topic, false);
            self.catch_up(out);
        }
        let at = RecordPlace { topic, position, phase, newest_before: self.jump.newest() };
        match read {
            Err(record) => {
                self.lose_record(record, &at);
                self.finish(&at, Disposition::Rejected(record.code), out);
            }
            Ok(sample) => match jump::in_range(&sample) {
                Err(code) => {
                    self.lose_sample(&sample, &at);
                    self.finish(&at, Disposition::Rejected(code), out);
                }
                Ok(()) => self.admit(&at, appended, sample, out),
            },
        }
        if phase != ReadPhase::Live {
            self.ledger.reread(topic, position);
            self.catch_up(out);
        }
        self.advance();
    }

    fn drained(&mut self, topic: usize, out: &mut Vec<Output>) {
        self.ledger.drained(topic);
        self.catch_up(out);
        self.advance();
    }

    /// Ends the re-read once no topic is behind.
    fn catch_up(&mut self, out: &mut Vec<Output>) {
        if !self.behind || !self.ledger.caught_up() {
            return;
        }
        self.behind = false;
        self.join.caught_up();
        let held = self.jump.held().len() as u64;
        self.ledger.reconcile(self.join.outcomes_waiting() + held);
        let settled = self.jump.reach(self.marks.newest());
        self.settle(settled, out);
    }

    /// Moves the watermark on and closes what it passes; not while records are read again.
    fn advance(&mut self) {
        if !self.behind && self.marks.advance() {
            self.close();
        }
    }

    fn close(&mut self) {
        let Some(mark) = self.marks.mark() else { return };
        let waiting = self.panes.close(mark);
        for _ in 0..self.join.give_up(waiting) {
            self.ledger.settle(Disposition::Unmatched);
        }
        self.join.forget(mark, &self.panes);
        self.inputs.forget(mark);
    }

    fn end(&mut self, out: &mut Vec<Output>) {
        self.ledger.drained_all();
        self.catch_up(out);
        let unsure = self.jump.end();
        self.settle(unsure, out);
        let end = self.marks.newest().map(|newest| self.panes.end_of(newest));
        if self.marks.raise(end) {
            self.close();
        }
    }
}
