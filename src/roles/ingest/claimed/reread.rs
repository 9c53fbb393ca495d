//! What a lane reads again before it goes on, and what it does where the log no longer has it.

use super::{ClaimedLane, fed, unstated};
use crate::edge::diagnostics;
use crate::edge::log::gap::{Gap, Missing};
use crate::edge::log::{Partition, Reader, Record};
use crate::measure::Input;
use crate::model::LogTime;
use crate::topics::{RoleError, Topics};
use crate::wire::lanes::GapCause;

/// Records of one topic that a turn reads again.
const BATCH: usize = 500;

/// Records of one topic that are read again.
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    /// Where the next ones begin.
    pub(super) next: i64,
    /// Where some are gone: the first position that is there.
    pub(super) gone: Option<i64>,
}

impl Batch {
    /// Reads some from a position on, none from `upto` on, outside the group.
    pub(super) fn read(
        topics: &Topics,
        reader: &mut dyn Reader,
        partition: &Partition,
        (from, upto): (i64, i64),
    ) -> Result<Self, RoleError> {
        let mut records = topics.log.scan(partition, from, BATCH)?;
        let mut next = records.last().map_or(upto, |last| (last.position + 1).min(upto));
        let mut first = from;
        // Not every hole is a loss: transactions and compaction leave some, too.
        if records.first().is_none_or(|record| record.position > from) {
            let (begin, end) = reader.bounds(partition)?;
            first = begin.min(upto);
            // A broker that leads since a moment ago may not know the end yet.
            if records.is_empty() && end < upto {
                next = from;
            }
        }
        records.retain(|record| record.position < upto);
        Ok(Self { records, next, gone: Some(first).filter(|first| *first > from) })
    }
}

/// How far the re-read of a lane has come.
pub(in crate::roles::ingest) enum Reread {
    /// There is more.
    More,
    /// All that must be read again was.
    Done,
    /// All of it was, by the lane that is to speak from now on.
    Level,
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
            return self.catch_up(topics, reader);
        }
        let behind = self.places.iter().enumerate();
        let mut behind = behind.filter_map(|(topic, place)| Some((topic, place.again?)));
        let Some((topic, (from, upto))) = behind.next() else {
            return self.read_on(reader, topics.log.now());
        };
        let Some(place) = self.places.get_mut(topic) else { return Ok(Reread::Done) };
        let batch = Batch::read(topics, reader, &place.partition, (from, upto))?;
        place.again = Some((batch.next, upto)).filter(|_| batch.next < upto);
        let drained = place.again.is_none();
        if let Some(first) = batch.gone {
            self.news.forgot(topic, (from, first));
            self.forgot(topic, first);
        }
        for record in &batch.records {
            self.feed.take(fed(topic, record), unstated);
        }
        if drained {
            self.feed.step(Input::Drained { topic });
        }
        self.fresh = true;
        Ok(Reread::More)
    }

    /// The lane that speaks reads on; its successor reads some more again.
    fn catch_up(&mut self, topics: &Topics, reader: &mut dyn Reader) -> Result<Reread, RoleError> {
        let Some(successor) = &mut self.catching_up else { return Ok(Reread::Done) };
        let level = successor.read(&self.places, &mut self.news, topics, reader)?;
        self.feed.tell_warm(successor.warm());
        Ok(if level { Reread::Level } else { Reread::More })
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
        if self.warming && self.catching_up.is_none() && self.news.forgotten().is_empty() {
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
            (place.next, place.read) = (gap.to, gap.to);
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
