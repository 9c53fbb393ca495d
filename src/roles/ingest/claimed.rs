//! One lane that this process speaks for: its feed, what must be read again, and when what it
//! measured is flushed and committed.
//!
//! Over 300 lines: a lane's life is told in one place.

mod aside;
mod catch_up;
mod reread;

pub(super) use self::reread::Reread;

use self::catch_up::CatchUp;
use super::memory::Memory;
use super::news::LaneNews;
use super::unmeasured::Sampler;
use crate::config::IngestSettings;
use crate::edge::clock::Uptime;
use crate::edge::diagnostics;
use crate::edge::log::{Commit, Committed, Outgoing, Partition, Reader, Record};
use crate::measure::{Input, Lane};
use crate::model::{EventTime, LaneId, NameKind, SampleRole, Source, Span};
use crate::roles::ingest::pipeline::{LanePipeline, RawRecord};
use crate::topics::placement::Placement;
use crate::topics::{RoleError, Topics};
use crate::wire::telemetry::{Raw, TextArena};

/// The least time between two commits …
const COMMIT_EVERY: Span = Span::from_s(1);
/// … unless this many records were read since.
const COMMIT_AFTER: u64 = 10_000;

/// Sums that wait before they are flushed at once: a backlog closes many panes between two flushes.
const FLUSH_AFTER: usize = 10_000;

/// A topic's partition in this lane.
#[derive(Debug)]
struct TopicPosition {
    partition: Partition,
    /// What must be read again: from, to (exclusive).
    again: Option<(i64, i64)>,
    /// Where reading goes on then.
    next: i64,
    /// How far the group's reader has come.
    read: i64,
    /// When the reader reached its end.
    end: Option<Uptime>,
    idle: bool,
}

/// A lane, claimed.
pub(super) struct ClaimedLane {
    id: LaneId,
    memory: Memory,
    news: LaneNews,
    feed: LanePipeline,
    /// The lane that will speak once it has read all of the label horizon again.
    catching_up: Option<CatchUp>,
    places: Vec<TopicPosition>,
    sought: bool,
    /// Something must be read again, or was.
    warming: bool,
    refused: Vec<Outgoing>,
    /// Something was read or said since the last flush.
    fresh: bool,
    flushed_at: Option<Uptime>,
    /// The memory is newer than what is committed.
    dirty: bool,
    read: u64,
    committed_at: Option<Uptime>,
}

impl ClaimedLane {
    /// The lane as `memory` left it.
    pub(super) fn new(
        topics: &Topics,
        source: &Source,
        id: LaneId,
        memory: Memory,
        news: LaneNews,
    ) -> Self {
        let epoch = memory.epoch;
        let lane = match &memory.resume {
            Some(resume) => Lane::resume(source, id.clone(), epoch, resume),
            None => Lane::new(source, id.clone(), epoch),
        };
        let feed = LanePipeline::new(topics.clone(), source.clone(), lane);
        Self {
            id,
            memory,
            news,
            feed,
            catching_up: None,
            places: Vec::new(),
            sought: false,
            warming: false,
            refused: Vec::new(),
            fresh: false,
            flushed_at: None,
            dirty: false,
            read: 0,
            committed_at: None,
        }
    }

    /// Adds the source's topics, each with the position to read on from where nothing is
    /// remembered. Where more than `first` old records must be read again, a successor reads them
    /// while this lane already measures new ones.
    pub(super) fn places(
        mut self,
        starts: Vec<(Partition, i64)>,
        first: u64,
        topics: &Topics,
    ) -> Self {
        let spans = self.memory.reread(self.feed.source());
        for ((partition, start), span) in starts.into_iter().zip(spans) {
            let next = span.map_or(start, |(_, next)| next);
            let again = span.filter(|(from, next)| from < next);
            self.warming |= again.is_some();
            let (read, end, idle) = (next, None, false);
            self.places.push(TopicPosition { partition, again, next, read, end, idle });
        }
        if self.past() > first {
            self.go_ahead(topics);
        }
        for topic in self.news.forgotten() {
            let gone = || Input::Gone { topic, before: i64::MIN };
            self.feeds_mut().for_each(|feed| feed.step(gone()));
            self.fresh = true;
        }
        self
    }

    /// Which lane it is.
    pub(super) fn id(&self) -> &LaneId {
        &self.id
    }

    /// What feeds the lane that speaks, and the one that will.
    pub(super) fn feeds(&self) -> impl Iterator<Item = &LanePipeline> {
        let next = self.catching_up.as_ref().map(CatchUp::feed);
        std::iter::once(&self.feed).chain(next)
    }

    /// Bytes that remembered requests take.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.feeds().map(|feed| feed.lane().waiting_bytes()).sum()
    }

    /// The one that remembers most: what another one remembers, it does, too, or will.
    pub(super) fn remembering(&self) -> &Lane {
        self.catching_up.as_ref().map_or(&self.feed, CatchUp::feed).lane()
    }

    /// What feeds them, to tell both something that no record does.
    pub(super) fn feeds_mut(&mut self) -> impl Iterator<Item = &mut LanePipeline> {
        let next = self.catching_up.as_mut().map(CatchUp::feed_mut);
        std::iter::once(&mut self.feed).chain(next)
    }

    /// Records and values whose names found no place since this was last asked.
    pub(super) fn take_refused(&mut self) -> impl Iterator<Item = (NameKind, u64)> + use<> {
        self.feed.take_refused()
    }

    /// What must be read again before it can speak was read.
    pub(super) fn speaks(&self) -> bool {
        self.sought
    }

    /// All that must be read again was, and no other lane is to succeed it.
    pub(super) fn is_read_again(&self) -> bool {
        self.sought && self.catching_up.is_none()
    }

    /// Records that must be read again only for the labels of later ones.
    fn past(&self) -> u64 {
        let resume = self.memory.resume.iter().flat_map(|resume| &resume.topics);
        let pasts = self.places.iter().zip(resume).filter_map(|(place, was)| {
            let (from, upto) = place.again?;
            u64::try_from(was.commit.unwrap_or(upto).min(upto) - from).ok()
        });
        pasts.sum()
    }

    /// Records that must be read again.
    pub(super) fn behind(&self) -> u64 {
        if let Some(next) = &self.catching_up {
            return next.behind();
        }
        let spans = self.places.iter().filter_map(|place| place.again);
        spans.map(|(from, next)| u64::try_from(next - from).unwrap_or(0)).sum()
    }

    fn topic_of(&self, partition: &Partition) -> Option<usize> {
        self.places.iter().position(|place| place.partition == *partition)
    }

    /// What people are told of the lane.
    pub(super) fn report(&mut self, topics: &Topics) -> Result<Outgoing, RoleError> {
        self.news.record(topics)
    }

    /// Measures records of one topic.
    pub(super) fn take(
        &mut self,
        partition: &Partition,
        records: &[Record],
        topics: &Topics,
        sampler: &mut Sampler,
        keys: &mut Placement,
    ) -> Result<(), RoleError> {
        let Some(topic) = self.topic_of(partition) else { return Ok(()) };
        let Some(place) = self.places.get_mut(topic) else { return Ok(()) };
        (place.end, place.idle) = (None, false);
        let mut texts = TextArena::new();
        for record in records {
            let decoded = self.feed.decode(fed(topic, record), &texts);
            if let Some(sample) = decoded.sample() {
                keys.observe(topic, partition.partition, record.key.as_deref(), sample);
            }
            self.feed.measure(decoded, unstated);
            texts.reset();
        }
        place.read = records.last().map_or(place.read, |last| last.position + 1);
        self.fresh |= !records.is_empty();
        self.read += records.len() as u64;
        self.sort_out(topics, sampler, Some((topic, records)))
    }

    /// The reader has reached the end of a topic.
    pub(super) fn ended(&mut self, partition: &Partition, now: Uptime) {
        for place in self.places.iter_mut().filter(|place| place.partition == *partition) {
            // What waited for more records now waits for time.
            self.fresh |= place.end.is_none();
            place.end.get_or_insert(now);
        }
    }

    /// Every topic was read to its end.
    pub(super) fn at_end(&self) -> bool {
        self.places.iter().all(|place| place.end.is_some())
    }

    /// Tells the lane which topics have been at their end for a while.
    pub(super) fn rest(&mut self, now: Uptime, idle_after: Span) {
        for (topic, place) in self.places.iter_mut().enumerate() {
            let rested = place.end.is_some_and(|since| now - since >= idle_after);
            if rested && !place.idle {
                place.idle = true;
                self.fresh = true;
                self.feed.step(Input::Idle { topic });
            }
        }
    }

    /// When a flush is due; none: there is nothing to say.
    pub(super) fn flush_due(&self, settings: &IngestSettings) -> Option<Uptime> {
        let many = self.feed.lane().unsent() >= FLUSH_AFTER;
        let last = self.flushed_at.filter(|_| !many);
        let free = last.map_or(Uptime::MIN, |last| last + settings.flush);
        let held_back = self.feed.next_wakeup().map(|at| at.max(free));
        if self.fresh { Some(free) } else { held_back }
    }

    /// The records for what changed. Call `told` once they are on the log.
    pub(super) fn pending_records(
        &mut self,
        topics: &Topics,
        sampler: &mut Sampler,
    ) -> Result<Vec<Outgoing>, RoleError> {
        let now = topics.log.uptime();
        (self.fresh, self.flushed_at) = (false, Some(now));
        for (topic, _) in self.places.iter().enumerate().filter(|(_, place)| place.end.is_none()) {
            self.feed.step(Input::Busy { topic });
        }
        self.feed.flush(now);
        self.sort_out(topics, sampler, None)?;
        let mut records = std::mem::take(&mut self.refused);
        records.extend(self.feed.frames_due()?);
        let whole = self.catching_up.is_none() && self.feed.lane().warm() >= 1.0;
        if self.sought && whole && !self.news.forgotten().is_empty() {
            self.news.remembers_all();
            diagnostics::warmed(&self.id);
        }
        if self.news.is_fresh() {
            records.push(self.news.record(topics)?);
        }
        Ok(records)
    }

    /// What shards have not been told yet of what was flushed.
    pub(super) fn last_records(&mut self) -> Result<Vec<Outgoing>, RoleError> {
        self.feed.frames()
    }

    /// The news stand on the log, and are remembered.
    pub(super) fn told(&mut self) {
        if self.sought {
            let source = self.feed.source().clone();
            self.dirty |= self.memory.flushed(self.feed.resume_point(), &source);
        }
    }

    /// Whether what is committed is too old.
    pub(super) fn commit_due(&self, now: Uptime) -> bool {
        let old = self.committed_at.is_none_or(|last| now - last >= COMMIT_EVERY);
        self.dirty && (old || self.read >= COMMIT_AFTER)
    }

    /// Commits positions and memory; the first topic decides who speaks for the lane. A commit
    /// that did not go through is made again with the next one.
    pub(super) fn commit(
        &mut self,
        reader: &mut dyn Reader,
        now: Uptime,
    ) -> Result<Commit, RoleError> {
        if !self.dirty {
            return Ok(Commit::Done);
        }
        (self.committed_at, self.read) = (Some(now), 0);
        let metadata = self.memory.encode()?;
        let resume = self.memory.resume.iter().flat_map(|resume| &resume.topics);
        let positions: Vec<_> = resume.map(|topic| topic.commit).collect();
        // The first topic's comes last: once it is committed, so are the others'.
        for (index, place) in self.places.iter().enumerate().rev() {
            let position = positions.get(index).copied().flatten().unwrap_or(place.next);
            let upto = Committed { position, metadata: metadata.clone() };
            match reader.commit(&place.partition, &upto)? {
                Commit::Done => {}
                other @ (Commit::Retry | Commit::Fenced | Commit::Unknown) => return Ok(other),
            }
        }
        if let Some(resume) = &self.memory.resume {
            self.news.committed(resume);
            self.fresh |= self.news.is_fresh();
        }
        self.dirty = false;
        Ok(Commit::Done)
    }
}

fn fed(topic: usize, record: &Record) -> RawRecord<'_> {
    let raw = Raw {
        key: record.key.as_deref(),
        headers: &record.headers,
        value: &record.value,
        log_time: Some(EventTime::from_ms(record.appended.as_ms())),
        path: None,
    };
    RawRecord {
        topic,
        position: record.position,
        appended: record.vouched.then_some(record.appended),
        raw: Some(raw),
    }
}

/// Live telemetry keeps what it states of roles.
fn unstated(_model: &str, _version: &str) -> SampleRole {
    SampleRole::Unstated
}
