//! A lane that reads the label horizon again while another one speaks for it.
//!
//! Errors, latency and inputs of new records need nothing from before, so they must not wait for
//! hours of old predictions. Who speaks meanwhile counts as one more former life: it remembers only
//! what came in its own time, and an outcome that meets none of that is a lost label. This lane
//! reads behind it and says nothing. Once it has read as far, it succeeds it in the next epoch.

use super::reread::Batch;
use super::{ClaimedLane, TopicPosition, fed, unstated};
use crate::edge::diagnostics;
use crate::edge::log::{Commit, Reader};
use crate::measure::{Input, Lane, Resume};
use crate::model::LaneId;
use crate::roles::ingest::news::LaneNews;
use crate::roles::ingest::pipeline::LanePipeline;
use crate::topics::{RoleError, Topics};

/// Batches that a turn reads of what is new: more than come meanwhile.
const BATCHES: usize = 8;

/// The share of the label horizon that is told as remembered until the lane is the one that speaks.
const NEARLY: f64 = 0.999;

/// The lane that reads again.
pub(super) struct CatchUp {
    feed: LanePipeline,
    epoch: u64,
    topics: Vec<TopicAgain>,
}

/// How far a topic was read again.
#[derive(Debug, Clone, Copy)]
struct TopicAgain {
    from: i64,
    next: i64,
    /// What a former life had read.
    known: i64,
    drained: bool,
    /// It rests, as the lane that speaks was told.
    idle: bool,
}

impl CatchUp {
    /// The successor of the lane that `feed` measures. From each topic it reads what it must read
    /// again, and then what the other one reads.
    pub(super) fn new(
        topics: &Topics,
        feed: &LanePipeline,
        (id, epoch): (LaneId, u64),
        resume: &Resume,
        places: &[TopicPosition],
    ) -> Self {
        let source = feed.source().clone();
        let lane = Lane::resume(&source, id, epoch, resume);
        let again = places.iter().map(|place| {
            let (from, known) = place.again.unwrap_or((place.next, place.next));
            TopicAgain { from, next: from, known, drained: false, idle: false }
        });
        let again = again.collect();
        Self { feed: LanePipeline::new(topics.clone(), source, lane), epoch, topics: again }
    }

    /// What feeds it.
    pub(super) fn feed(&self) -> &LanePipeline {
        &self.feed
    }

    /// The same, to tell it something that no record does.
    pub(super) fn feed_mut(&mut self) -> &mut LanePipeline {
        &mut self.feed
    }

    /// Records of former lives that it has not read again.
    pub(super) fn behind(&self) -> u64 {
        let left = self.topics.iter().map(|topic| u64::try_from(topic.known - topic.next));
        left.map(|left| left.unwrap_or(0)).sum()
    }

    /// The share of what must be read again that was, or the share of the label horizon that the
    /// lane remembers if that is less.
    pub(super) fn warm(&self) -> f64 {
        let shares = self.topics.iter().map(|topic| {
            let (read, all) = (topic.next - topic.from, topic.known - topic.from);
            if read >= all { 1.0 } else { read as f64 / all as f64 }
        });
        shares.fold(self.feed.lane().warm().min(NEARLY), f64::min)
    }

    /// Reads some more. Whether it has read as far as the lane that speaks.
    pub(super) fn read(
        &mut self,
        places: &[TopicPosition],
        news: &mut LaneNews,
        topics: &Topics,
        reader: &mut dyn Reader,
    ) -> Result<bool, RoleError> {
        for (topic, place) in places.iter().enumerate() {
            // All of the past is read before anything new, as its former life did.
            let past = self.topics.iter().any(|topic| !topic.drained);
            for _ in 0..if past { 1 } else { BATCHES } {
                let known = self.topics.get(topic).map_or(place.read, |again| again.known);
                let upto = if past { known } else { place.read };
                self.read_batch(topic, (place, upto), news, topics, reader)?;
            }
        }
        self.rest(places);
        // What is closed here, and what could not be used, was told by the lane that speaks.
        self.feed.was_told();
        let mut all = self.topics.iter().zip(places);
        Ok(all.all(|(again, place)| again.drained && again.next >= place.read))
    }

    /// Topics that rest hold no time back here either, once all of them was read.
    fn rest(&mut self, places: &[TopicPosition]) {
        for (topic, (again, place)) in self.topics.iter_mut().zip(places).enumerate() {
            let rests = place.idle && again.drained && again.next >= place.read;
            if rests && !again.idle {
                self.feed.step(Input::Idle { topic });
            }
            again.idle = rests;
        }
    }

    /// Reads one batch of a topic.
    fn read_batch(
        &mut self,
        topic: usize,
        (place, upto): (&TopicPosition, i64),
        news: &mut LaneNews,
        topics: &Topics,
        reader: &mut dyn Reader,
    ) -> Result<(), RoleError> {
        let Some(again) = self.topics.get_mut(topic) else { return Ok(()) };
        let from = again.next;
        if from < upto {
            let batch = Batch::read(topics, reader, &place.partition, (from, upto))?;
            if let Some(first) = batch.gone {
                // Of what is new the lane that speaks has told it.
                if from < again.known {
                    news.forgot(topic, (from, first));
                }
                self.feed.step(Input::Gone { topic, before: first });
            }
            batch.records.iter().for_each(|record| self.feed.take(fed(topic, record), unstated));
            again.next = batch.next;
        }
        if again.next >= again.known && !again.drained {
            again.drained = true;
            self.feed.step(Input::Drained { topic });
        }
        Ok(())
    }
}

impl ClaimedLane {
    /// The lane goes ahead: it reads only what it must to measure new records, and a successor
    /// reads again the rest.
    pub(super) fn go_ahead(&mut self, topics: &Topics) {
        let Some(resume) = self.memory.resume.clone() else { return };
        let speaks = (self.id.clone(), self.memory.epoch + 1);
        let next = CatchUp::new(topics, &self.feed, speaks, &resume, &self.places);
        self.feed.tell_warm(next.warm());
        self.catching_up = Some(next);
        for (topic, was) in resume.topics.iter().enumerate() {
            let Some(place) = self.places.get_mut(topic) else { continue };
            let Some((from, upto)) = place.again else { continue };
            let commit = was.commit.unwrap_or(upto);
            place.again = Some((commit, upto)).filter(|_| commit < upto);
            if from < commit {
                self.feed.step(Input::Gone { topic, before: commit });
            }
            if place.again.is_none() {
                self.feed.step(Input::Drained { topic });
            }
        }
    }

    /// The lane that has read everything again speaks from here on. Call it once what the other one
    /// had to say is on the log; before the successor says anything, every shard must be told of
    /// the epoch that is returned. `None`: the commit did not go through.
    pub(in crate::roles::ingest) fn succeed(
        &mut self,
        reader: &mut dyn Reader,
        topics: &Topics,
    ) -> Result<(Commit, Option<u64>), RoleError> {
        let Some(next) = &self.catching_up else { return Ok((Commit::Done, None)) };
        let epoch = next.epoch;
        (self.memory.epoch, self.dirty) = (epoch, true);
        let committed = self.commit(reader, topics.log.uptime())?;
        if committed != Commit::Done {
            return Ok((committed, None));
        }
        if let Some(mut next) = self.catching_up.take() {
            next.feed.step(Input::Unmet(&self.feed.lane().unmet()));
            self.feed = next.feed;
        }
        // Whether it was told of each topic that rests is not known here.
        self.places.iter_mut().for_each(|place| place.idle = false);
        (self.fresh, self.flushed_at) = (true, None);
        if self.news.forgotten().is_empty() {
            diagnostics::warmed(&self.id);
        }
        Ok((committed, Some(epoch)))
    }
}
