//! Frames: what a lane says, how often, and from where a next life would go on.

use super::jump::TIMES;
use super::ledger::{Resume, TopicResume};
use super::{Lane, Output};
use crate::model::{EventTime, LogTime};
use crate::sums::{Counters, Frame};

/// The state in a frame apart from its sums. A frame with nothing new is not sent.
#[derive(Debug, Clone, PartialEq)]
struct FrameState {
    next: Vec<Option<i64>>,
    watermark: Option<EventTime>,
    newest: Option<EventTime>,
    idle: bool,
    warm: f64,
    counters: Counters,
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

    /// When a flush will send a cell that the last one held back. `None` if none was.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<LogTime> {
        self.flushed.wait
    }

    pub(super) fn flush(&mut self, now: LogTime, out: &mut Vec<Output>) {
        let said = self.said();
        // Until everything was read again the sums are smaller than what was sent before.
        let sending = if self.is_caught_up() {
            self.panes.send(now, &self.names)
        } else {
            Default::default()
        };
        self.flushed.wait = sending.wait;
        let silent =
            sending.versions.is_empty() && sending.pairs.is_empty() && sending.unknown.is_empty();
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
            unknown: sending.unknown,
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
        }
    }

    fn resume_now(&self) -> Resume {
        let held = self.jump.held();
        let topics = self.flushed.resume.topics.len();
        let topics = (0..topics).map(|topic| {
            let next = self.ledger.next(topic);
            let holding = held.iter().filter(|h| h.at.topic == topic).map(|h| h.at.position);
            let first = self.panes.first_position(topic).into_iter().chain(holding).min();
            TopicResume { commit: first.or(next), next, newest: self.marks.newest_of(topic) }
        });
        let before = held.iter().map(|h| h.at.newest_before).chain(self.panes.newest_before());
        Resume {
            epoch: self.epoch,
            topics: topics.collect(),
            watermark: self.marks.mark(),
            newest_before: before.min().unwrap_or_else(|| self.jump.newest()),
            counters: self.ledger.counters().clone(),
        }
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
        }
    }
}
