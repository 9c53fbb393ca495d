//! What a lane tells people of positions that are gone, kept on the status topic from one life of
//! the lane to the next.
//!
//! Law: a gap that is found again after a crash is the same gap, and is counted once.

use crate::edge::diagnostics;
use crate::edge::log::{Outgoing, Topic};
use crate::measure::Resume;
use crate::model::{LaneId, LogTime, Source};
use crate::topics::{RoleError, Topics, lane_key};
use crate::wire::json;
use crate::wire::lanes::{GapCause, LaneReport, PositionGap, TopicReport};

/// The report of a lane, and whether it must be published.
pub(super) struct LaneNews {
    report: LaneReport,
    fresh: bool,
}

impl LaneNews {
    /// As it was published last, in the order that the source's topics have now. A report that
    /// cannot be read starts empty.
    pub(super) fn recall(topics: &Topics, source: &Source, id: &LaneId) -> Result<Self, RoleError> {
        let kept = topics.latest(Topic::Status, shard(topics, id), &lane_key(id))?;
        let known = kept.and_then(|record| {
            let read = json::decode::<LaneReport>("lane report", &record.value);
            let place = topics.partition(Topic::Status, shard(topics, id));
            let told = |why: &json::JsonError| {
                let (name, at) = (&place.topic, place.partition);
                diagnostics::record_unreadable(name, at, record.position, &why.to_string());
            };
            read.inspect_err(told).ok()
        });
        let mut known = known.map(|report| report.topics).unwrap_or_default();
        let of = |name: &String| match known.iter().position(|topic| topic.topic == *name) {
            Some(index) => known.swap_remove(index),
            None => TopicReport { topic: name.clone(), ..TopicReport::default() },
        };
        let topics = source.topics.iter().map(|topic| &topic.name).map(of).collect();
        let report = LaneReport { source: id.source.clone(), lane: id.lane, topics };
        // Published at once: should this process lack the right, that shows now.
        Ok(Self { report, fresh: true })
    }

    /// A position of the topic that was committed once.
    pub(super) fn next(&self, topic: usize) -> Option<i64> {
        self.report.topics.get(topic).and_then(|topic| topic.next)
    }

    /// A position that is wanted is not there; reading goes on at another.
    pub(super) fn tell(
        &mut self,
        topic: usize,
        (from, to): (i64, i64),
        cause: GapCause,
        now: LogTime,
    ) {
        let Some(known) = self.report.topics.get_mut(topic) else { return };
        let records = match cause {
            GapCause::Deleted | GapCause::Moved => u64::try_from(to - from).unwrap_or(0),
            // Nobody knows what the old partition still held, and the new one is read whole.
            GapCause::CreatedAgain | GapCause::PositionLost => 0,
        };
        let told = PositionGap { from, to, records, cause, at: now };
        diagnostics::position_gap(&known.topic, self.report.lane, &told);
        match &known.last {
            Some(last) if (last.from, last.cause) == (told.from, cause) => {
                known.lost = known.lost.saturating_sub(last.records);
            }
            Some(_) | None => known.gaps += 1,
        }
        known.lost += records;
        known.last = Some(told);
        known.forgotten = true;
        // Positions of a partition that is no more say nothing about the new one.
        known.next = known.next.filter(|_| cause == GapCause::Deleted);
        self.fresh = true;
    }

    /// Records that had to be read again are gone.
    pub(super) fn forgot(&mut self, topic: usize, (from, to): (i64, i64)) {
        if let Some(known) = self.report.topics.get_mut(topic) {
            diagnostics::memory_gone(&known.topic, self.report.lane, from, to);
            known.forgotten = true;
            self.fresh = true;
        }
    }

    /// Topics of which the lane should remember more than it can.
    pub(super) fn forgotten(&self) -> Vec<usize> {
        let topics = self.report.topics.iter().enumerate();
        topics.filter(|(_, topic)| topic.forgotten).map(|(index, _)| index).collect()
    }

    /// A label horizon has passed: what is forgotten is no longer needed.
    pub(super) fn remembers_all(&mut self) {
        self.report.topics.iter_mut().for_each(|topic| topic.forgotten = false);
        self.fresh = true;
    }

    /// Positions were committed. Only the first ones are published at once.
    pub(super) fn committed(&mut self, resume: &Resume) {
        for (known, topic) in self.report.topics.iter_mut().zip(&resume.topics) {
            self.fresh |= known.next.is_none() && topic.next.is_some();
            known.next = topic.next.or(known.next);
        }
    }

    /// Whether something must be published.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The report as a record.
    pub(super) fn record(&mut self, topics: &Topics) -> Result<Outgoing, RoleError> {
        self.fresh = false;
        let id = LaneId { source: self.report.source.clone(), lane: self.report.lane };
        let value = json::encode("lane report", &self.report)?;
        Ok(topics.plain(Topic::Status, shard(topics, &id), &lane_key(&id), value))
    }
}

/// The partition of the status topic that reports of a lane go to.
fn shard(topics: &Topics, id: &LaneId) -> u32 {
    id.lane % topics.shards.max(1)
}
