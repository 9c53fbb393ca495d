//! Frames: what a lane says, how often, and from where a next life would go on.

use super::admit::TIMES;
use super::ledger::{Resume, TopicResume};
use super::skew::Skewed;
use super::{Lane, Output};
use crate::model::{EventTime, LogTime};
use crate::sums::{Counters, Frame, VersionSkew};

/// The state in a frame apart from its sums. A frame with nothing new is not sent.
#[derive(Debug, Clone, PartialEq)]
struct FrameState {
    next: Vec<Option<i64>>,
    watermark: Option<EventTime>,
    newest: Option<EventTime>,
    idle: bool,
    warm: f64,
    counters: Counters,
    skews: Vec<VersionSkew>,
}

/// The last flush.
#[derive(Debug)]
pub(super) struct Flushed {
    said: Option<FrameState>,
    resume: Resume,
    /// When the next cell is due of those held back.
    wait: Option<LogTime>,
}

impl Flushed {
    pub(super) fn new(epoch: u64, topics: usize) -> Self {
        let topics = vec![TopicResume::default(); topics];
        let resume = Resume { epoch, topics, ..Resume::default() };
        Self { said: None, resume, wait: None }
    }

    /// How many topics the source has.
    pub(super) fn topics(&self) -> usize {
        self.resume.topics.len()
    }

    pub(super) fn restore(&mut self, from: &Resume, epoch: u64) {
        self.resume = Resume { epoch, ..from.clone() };
    }
}

impl Lane {
    /// Where a next life would go on after the last flush. To be written once the log has
    /// acknowledged that flush's frame, and before the next flush.
    #[must_use]
    pub fn resume_point(&self) -> Resume {
        self.flushed.resume.clone()
    }

    /// When a flush will send a cell that the last one held back, or will believe a clock that
    /// waits for others. `None` if nothing waits.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<LogTime> {
        self.flushed.wait.into_iter().chain(self.clocks.due()).min()
    }

    /// How many sums wait to be sent for the last time. They should not become many.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.panes.unsent()
    }

    /// Another lane has told the sums of all panes that are closed by now: they need not be sent.
    pub fn was_told(&mut self) {
        self.panes.forget_closed();
    }

    pub(super) fn flush(&mut self, now: LogTime, out: &mut Vec<Output>) {
        let settled = self.clocks.passed(now);
        self.settle(settled, out);
        self.advance();
        let said = self.said();
        // Until everything was read again the sums are smaller than what was sent before.
        let sending = if self.is_caught_up() {
            self.panes.send(now, &self.names)
        } else {
            Default::default()
        };
        self.flushed.wait = sending.wait;
        let silent = sending.versions.is_empty()
            && sending.pairs.is_empty()
            && sending.unknown.is_empty()
            && sending.features.is_empty();
        let untouched = self.flushed.said.is_none() && said == FrameState::nothing(said.next.len());
        if silent && (untouched || self.flushed.said.as_ref() == Some(&said)) {
            return;
        }
        if self.is_caught_up() {
            self.flushed.resume = self.resume_now();
        }
        out.push(Output::Frame(Box::new(Frame {
            lane: self.id.clone(),
            epoch: self.epoch,
            positions: self.ledger.positions(),
            watermark: said.watermark.unwrap_or(TIMES.0),
            newest: said.newest.unwrap_or(TIMES.0),
            idle: said.idle,
            warm: said.warm,
            counters: said.counters.clone(),
            versions: sending.versions,
            pairs: sending.pairs,
            features: sending.features,
            unknown: sending.unknown,
            skews: said.skews.clone(),
            more: false,
        })));
        self.ledger.framed();
        self.flushed.said = Some(said);
    }

    fn said(&self) -> FrameState {
        let topics = self.flushed.resume.topics.len();
        FrameState {
            next: (0..topics).map(|topic| self.ledger.next(topic)).collect(),
            watermark: self.marks.mark(),
            newest: self.marks.newest(),
            idle: self.marks.all_idle(),
            warm: self.warm(),
            counters: self.ledger.counters().clone(),
            skews: self.skews(),
        }
    }

    fn skews(&self) -> Vec<VersionSkew> {
        let skewed = self.marks.skewed().map(|Skewed { version, ahead }| {
            let (model, version) = self.names.version_name(version);
            VersionSkew { model: model.clone(), version: version.clone(), ahead }
        });
        let mut skews: Vec<_> = skewed.collect();
        skews.sort_by(|a, b| (&a.model, &a.version).cmp(&(&b.model, &b.version)));
        skews
    }

    fn resume_now(&self) -> Resume {
        let topics = 0..self.flushed.resume.topics.len();
        Resume {
            epoch: self.epoch,
            topics: topics.map(|topic| self.resume_topic(topic)).collect(),
            watermark: self.marks.mark(),
            counters: self.ledger.counters().clone(),
        }
    }

    fn resume_topic(&self, topic: usize) -> TopicResume {
        let (next, newest) = (self.ledger.next(topic), self.clocks.newest(topic));
        let held = self.clocks.held(topic).map(|held| held.at);
        let halves = self.halves.places().copied().filter(|at| at.topic == topic);
        let waiting = held.chain(halves).map(|at| (at.position, at.newest_before));
        let first = waiting.chain(self.panes.first_position(topic)).min();
        let (commit, before) =
            first.map_or((next, newest), |(position, before)| (Some(position), before));
        TopicResume { commit, next, newest, before, disorder: self.marks.grown(topic) }
    }
}

impl FrameState {
    fn nothing(topics: usize) -> Self {
        Self {
            next: vec![None; topics],
            watermark: None,
            newest: None,
            idle: false,
            warm: 1.0,
            counters: Counters::default(),
            skews: Vec::new(),
        }
    }
}
