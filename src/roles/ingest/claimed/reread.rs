//! What a lane reads again before it goes on, and what it does where the log no longer has it.

use super::{ClaimedLane, fed, unstated};
use crate::edge::diagnostics;
use crate::edge::log::gap::{Gap, Missing};
use crate::edge::log::{Partition, Reader};
use crate::measure::Input;
use crate::model::LogTime;
use crate::topics::{RoleError, Topics};
use crate::wire::lanes::GapCause;

/// Records of one topic that a turn reads again.
const BATCH: usize = 500;

/// How far the re-read of a lane has come.
pub(in crate::roles::ingest) enum Reread {
    /// There is more.
    More,
    /// All that must be read again was.
    Done,
    /// A partition was created again meanwhile.
    Gone(Partition, Gap),
}

impl ClaimedLane {
    /// Reads some more again, outside the group; after the last one the reader is sent to where
    /// it goes on. So no new record overtakes an old one.
    pub(in crate::roles::ingest) fn reread(
        &mut self,
        topics: &Topics,
        reader: &mut dyn Reader,
    ) -> Result<Reread, RoleError> {
        if self.sought {
            return Ok(Reread::Done);
        }
        let behind = self.places.iter().enumerate();
        let mut behind = behind.filter_map(|(topic, place)| Some((topic, place.again?)));
        let Some((topic, (from, upto))) = behind.next() else {
            return self.read_on(reader, topics.log.now());
        };
        let Some(place) = self.places.get_mut(topic) else { return Ok(Reread::Done) };
        let records = topics.log.scan(&place.partition, from, BATCH)?;
        let after = records.last().map_or(upto, |last| last.position + 1);
        place.again = Some((after, upto)).filter(|_| after < upto);
        let drained = place.again.is_none();
        // Not every hole is a loss: transactions and compaction leave some, too.
        if records.first().is_none_or(|record| record.position > from) {
            let first = reader.bounds(&place.partition)?.0.min(upto);
            if first > from {
                self.news.forgot(topic, (from, first));
                self.forgot(topic, first);
            }
        }
        for record in records.iter().filter(|record| record.position < upto) {
            self.feed.take(fed(topic, record), unstated);
        }
        if drained {
            self.feed.step(Input::Drained { topic });
        }
        self.fresh = true;
        Ok(Reread::More)
    }

    /// Everything was read again: sends the reader to where it goes on.
    fn read_on(&mut self, reader: &mut dyn Reader, now: LogTime) -> Result<Reread, RoleError> {
        let places = self.places.iter().map(|place| (place.partition.clone(), place.next));
        for (partition, next) in places.collect::<Vec<_>>() {
            let gap = Gap::at(next, reader.bounds(&partition)?);
            match gap.map(|gap| (gap, gap.missing)) {
                Some((gap, Missing::BehindEnd)) => return Ok(Reread::Gone(partition, gap)),
                Some((gap, Missing::Deleted)) => self.lose(&partition, gap, now),
                None => {}
            }
        }
        for place in &self.places {
            reader.seek(&place.partition, place.next)?;
        }
        self.sought = true;
        if self.warming && self.news.forgotten().is_empty() {
            diagnostics::warmed(&self.id);
        }
        Ok(Reread::Done)
    }

    /// Records were deleted before they were read.
    pub(in crate::roles::ingest) fn lose(&mut self, partition: &Partition, gap: Gap, now: LogTime) {
        let Some(topic) = self.topic_of(partition) else { return };
        self.news.tell(topic, (gap.from, gap.to), GapCause::Deleted, now);
        self.forgot(topic, gap.to);
        if let Some(place) = self.places.get_mut(topic) {
            place.next = gap.to;
        }
    }

    /// The lane's memory of a topic lacks what lay before a position.
    pub(super) fn forgot(&mut self, topic: usize, before: i64) {
        self.feed.step(Input::Gone { topic, before });
        self.fresh = true;
    }

    /// A partition was created again: nothing that is remembered of it holds.
    pub(in crate::roles::ingest) fn forget(
        &mut self,
        partition: &Partition,
        gap: Gap,
        now: LogTime,
    ) {
        let Some(topic) = self.topic_of(partition) else { return };
        self.news.tell(topic, (gap.from, gap.to), GapCause::CreatedAgain, now);
        self.memory.forget(topic);
        if let Some(place) = self.places.get_mut(topic) {
            place.next = gap.to;
        }
        self.dirty = true;
    }
}
