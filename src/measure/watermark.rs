//! How far event time has come.
//!
//! A topic's watermark is its newest event less the disorder it may come in; the lane's is the
//! smallest over the topics that are not idle, and never goes back. A topic of which nothing was
//! read yet holds it, and so does a lane whose topics are all idle: silence proves nothing.

use crate::model::{EventTime, Source, Span};

#[derive(Debug, Clone, Copy)]
struct TopicTime {
    disorder: Span,
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
            .map(|t| TopicTime { disorder: t.allowed_disorder, newest: None, idle: false })
            .collect();
        Self { topics, mark: None }
    }

    /// Where it stood before a restart.
    pub(super) fn restore(
        &mut self,
        mark: Option<EventTime>,
        newest: impl Iterator<Item = Option<EventTime>>,
    ) {
        self.mark = mark;
        for (topic, newest) in self.topics.iter_mut().zip(newest) {
            topic.newest = newest;
        }
    }

    /// An event of the topic was taken.
    pub(super) fn observe(&mut self, topic: usize, ts: EventTime) {
        if let Some(topic) = self.topics.get_mut(topic) {
            topic.newest = topic.newest.max(Some(ts));
        }
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
            let mark = newest - topic.disorder;
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

    pub(super) fn newest_of(&self, topic: usize) -> Option<EventTime> {
        self.topics.get(topic).and_then(|t| t.newest)
    }

    pub(super) fn newest(&self) -> Option<EventTime> {
        self.topics.iter().filter_map(|t| t.newest).max()
    }

    pub(super) fn all_idle(&self) -> bool {
        self.topics.iter().all(|t| t.idle)
    }
}
