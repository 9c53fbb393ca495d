//! How far event time has come.
//!
//! A topic's watermark is its newest event less the disorder it may come in; the lane's is the
//! smallest over the topics that are not idle, and never goes back. A topic of which nothing was
//! read yet holds it, and so does a lane whose topics are all idle: silence proves nothing.

use std::collections::BTreeSet;

use super::ledger::TopicResume;
use super::names::VersionIx;
use super::skew::{Skewed, TopicSkew};
use crate::model::{EventTime, Source, Span};

#[derive(Debug)]
struct TopicTime {
    skew: TopicSkew,
    newest: Option<EventTime>,
    idle: bool,
}

/// The watermarks of a lane's topics, and the lane's own.
#[derive(Debug)]
pub(super) struct Watermarks {
    topics: Vec<TopicTime>,
    mark: Option<EventTime>,
}

impl Watermarks {
    pub(super) fn new(source: &Source) -> Self {
        let topics = source
            .topics
            .iter()
            .map(|topic| TopicTime {
                skew: TopicSkew::new(topic.allowed_disorder, source),
                newest: None,
                idle: false,
            })
            .collect();
        Self { topics, mark: None }
    }

    /// Where it stood before a restart.
    pub(super) fn restore(&mut self, mark: Option<EventTime>, topics: &[TopicResume]) {
        self.mark = mark;
        for (topic, was) in self.topics.iter_mut().zip(topics) {
            topic.newest = was.newest;
            topic.skew.restore(was.disorder);
        }
    }

    /// The newest event of the topic is this.
    pub(super) fn observe(&mut self, topic: usize, newest: Option<EventTime>) {
        if let Some(topic) = self.topics.get_mut(topic) {
            topic.newest = topic.newest.max(newest);
        }
    }

    /// A record of this version came, of this time, and the log vouches for that one. Returns how
    /// far out of order its records may be from now on, if that changed.
    pub(super) fn learn(
        &mut self,
        topic: usize,
        version: Option<VersionIx>,
        times: (EventTime, Option<EventTime>),
    ) -> Option<Span> {
        let topic = self.topics.get_mut(topic)?;
        let changed = topic.skew.observe(version, times, topic.newest?);
        changed.then(|| topic.skew.allowed())
    }

    /// These versions have left.
    pub(super) fn forget(&mut self, versions: &BTreeSet<VersionIx>) {
        self.topics.iter_mut().for_each(|topic| topic.skew.forget(versions));
    }

    /// How far out of order a topic's records may be, if that is more than the settings allow.
    pub(super) fn grown(&self, topic: usize) -> Option<Span> {
        self.topics.get(topic).and_then(|topic| topic.skew.grown())
    }

    /// The versions whose clocks are off.
    pub(super) fn skewed(&self) -> impl Iterator<Item = Skewed> {
        self.topics.iter().flat_map(|topic| topic.skew.skewed())
    }

    /// The topic was read from, or has been drained for a while.
    pub(super) fn set_idle(&mut self, topic: usize, idle: bool) {
        if let Some(topic) = self.topics.get_mut(topic) {
            topic.idle = idle;
        }
    }

    /// Moves the lane's watermark on as far as its topics allow; whether it moved.
    pub(super) fn advance(&mut self) -> bool {
        let mut lowest: Option<EventTime> = None;
        for topic in self.topics.iter().filter(|t| !t.idle) {
            let Some(newest) = topic.newest else { return false };
            let mark = newest - topic.skew.allowed();
            lowest = Some(lowest.map_or(mark, |l| l.min(mark)));
        }
        self.raise(lowest)
    }

    /// Moves the lane's watermark on to `mark`, never back; whether it moved.
    pub(super) fn raise(&mut self, mark: Option<EventTime>) -> bool {
        let moved = mark > self.mark;
        self.mark = self.mark.max(mark);
        moved
    }

    pub(super) fn mark(&self) -> Option<EventTime> {
        self.mark
    }

    pub(super) fn newest(&self) -> Option<EventTime> {
        self.topics.iter().filter_map(|t| t.newest).max()
    }

    pub(super) fn all_idle(&self) -> bool {
        self.topics.iter().all(|t| t.idle)
    }
}
