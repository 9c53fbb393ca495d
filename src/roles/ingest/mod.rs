//! The ingest role: measures the lanes of one source that fall to it, and tells the shards.
//!
//! Law: who claimed a lane last speaks for it. A claim is a commit with a higher epoch, which the
//! group refuses to who is out, and then a record in every inbox; frames of older epochs count
//! for nothing. So appends need no fence, and a process that comes back from the dead changes
//! nothing. What is committed is never newer than what the inboxes have acknowledged. The file is
//! long because claiming, holding and letting go of lanes must be read together.
//!
//! Over 300 lines: every answer of a reader has its place in one loop.

mod claim;
mod claimed;
mod decoded;
mod keys;
mod memory;
mod named;
mod news;
mod parts;
pub mod pipeline;
mod unmeasured;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use self::claimed::{ClaimedLane, Reread};
use self::keys::KeyWatch;
use self::named::NamedReader;
use self::unmeasured::Sampler;
pub use self::waiting::WaitingBytes;
use self::waiting::WaitingShare;
use crate::config::IngestSettings;
use crate::edge::clock::{Stopwatch, Uptime};
use crate::edge::diagnostics;
use crate::edge::diagnostics::counters::{self, TimedPhase};
use crate::edge::log::{Commit, Partition, Read, Reader, Record, Writer};
use crate::model::{LaneId, Source, Span};
use crate::shard::Inbox;
use crate::topics::{RoleError, Topics, ingest_role};

/// Time until a claim that did not go through is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(5);
/// The time between two looks whether the topics are there, while nothing is measured.
const LOOK_EVERY: Span = Span::from_s(5);

/// The role.
pub struct Ingest {
    topics: Topics,
    source: Source,
    settings: IngestSettings,
    process: String,
    lanes: u32,
    reader: Box<dyn Reader>,
    writer: Box<dyn Writer>,
    /// What the group gave to this member.
    assigned: BTreeSet<Partition>,
    /// Lanes that are assigned whole and not claimed yet.
    unclaimed: BTreeSet<u32>,
    held: BTreeMap<u32, ClaimedLane>,
    announced: bool,
    /// It was said that the topics do not go together, as they are now.
    uneven: bool,
    blocked: bool,
    beaten: Option<Uptime>,
    /// When it was last looked whether the topics are there.
    looked: Option<Uptime>,
    sampler: Sampler,
    keys: KeyWatch,
    names: NamedReader,
    waiting: WaitingShare,
}

/// The result of a turn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IngestTurn {
    /// Records read for the first time.
    pub records: u64,
    /// Nothing came.
    pub idle: bool,
}

impl Ingest {
    /// Joins the group that measures a source.
    ///
    /// # Errors
    /// A topic that is not there; topics with unequal partition counts.
    pub fn new(
        topics: Topics,
        source: Source,
        settings: IngestSettings,
    ) -> Result<Self, RoleError> {
        let lanes = lanes(&topics, &source)?;
        let names: Vec<_> = source.topics.iter().map(|topic| topic.name.clone()).collect();
        let group = topics.group(&ingest_role(&source.id));
        let reader = topics.log.reader(&group, &names)?;
        let writer = topics.log.writer(None)?;
        Ok(Self {
            process: format!("{group}/{}", Uuid::new_v4().simple()),
            keys: KeyWatch::new(&source, lanes),
            names: NamedReader::new(&settings.named),
            topics,
            source,
            settings,
            lanes,
            reader,
            writer,
            assigned: BTreeSet::new(),
            unclaimed: BTreeSet::new(),
            held: BTreeMap::new(),
            announced: false,
            uneven: false,
            blocked: false,
            beaten: None,
            looked: None,
            sampler: Sampler::default(),
            waiting: WaitingShare::new(WaitingBytes::new(usize::MAX)),
        })
    }

    /// Measures what came within `wait`, and tells the shards if it is time.
    ///
    /// # Errors
    /// What waiting cannot mend.
    pub fn turn(&mut self, wait: Duration) -> Result<IngestTurn, RoleError> {
        let mut turn = IngestTurn::default();
        self.learn_names()?;
        self.claim()?;
        let again = self.reread()?;
        let wait = if again { Duration::ZERO } else { self.patience(wait) };
        match self.reader.read(wait)? {
            Some(read) => self.take(read, &mut turn)?,
            None => turn.idle = !again,
        }
        self.tell_waiting();
        self.flush_and_commit()?;
        self.look()?;
        Ok(turn)
    }

    /// Reads some more again of the first lane that must; whether something is left. One lane after
    /// the other: a client of the log that turns from lane to lane fetches everything many times.
    fn reread(&mut self) -> Result<bool, RoleError> {
        let waits = |lane: &&mut ClaimedLane| !lane.is_read_again();
        let mute = |lane: &&mut ClaimedLane| !lane.speaks();
        let next = match self.held.values_mut().find(mute) {
            Some(lane) => Some(lane),
            None => self.held.values_mut().find(waits),
        };
        let Some(lane) = next else { return Ok(false) };
        match lane.reread(&self.topics, self.reader.as_mut())? {
            Reread::Done | Reread::More => {}
            Reread::Level => {
                let lane = lane.id().lane;
                self.succeed(lane)?;
            }
            Reread::Gone(partition, gap) => self.gone(&partition, gap)?,
        }
        Ok(true)
    }

    /// Flushes and commits everything, for a quick start next time.
    ///
    /// # Errors
    /// Storage.
    pub fn stop(&mut self) -> Result<(), RoleError> {
        let lanes: Vec<_> = self.held.keys().copied().collect();
        lanes.into_iter().try_for_each(|lane| self.release(lane))
    }

    /// The lanes measured here.
    pub fn held(&self) -> impl Iterator<Item = &LaneId> {
        self.held.values().map(ClaimedLane::id)
    }

    /// Every lane held here was read to its end.
    #[must_use]
    pub fn caught_up(&self) -> bool {
        self.unclaimed.is_empty() && self.held.values().all(ClaimedLane::at_end)
    }

    fn take(&mut self, read: Read, turn: &mut IngestTurn) -> Result<(), RoleError> {
        let now = self.topics.log.uptime();
        self.blocked &= matches!(read, Read::Revoking(_) | Read::Lost(_));
        match read {
            Read::Records(partition, records) => {
                turn.records = self.measure(&partition, &records)?;
            }
            Read::End(partition, _) => {
                if let Some(lane) = self.held.get_mut(&partition.partition) {
                    lane.ended(&partition, now);
                }
            }
            Read::Assigned(partitions) => {
                self.widen(&partitions)?;
                self.assign(partitions);
            }
            Read::Revoking(partitions) => {
                for partition in partitions {
                    self.assigned.remove(&partition);
                    self.release(partition.partition)?;
                }
            }
            Read::Lost(partitions) => {
                for partition in partitions {
                    self.assigned.remove(&partition);
                    self.lose(partition.partition);
                }
            }
            Read::Gone(partition, gap) => self.gone(&partition, gap)?,
            Read::Blocked(why) => {
                diagnostics::blocked(&self.process, &why);
                self.blocked = true;
            }
        }
        Ok(())
    }

    fn measure(&mut self, partition: &Partition, records: &[Record]) -> Result<u64, RoleError> {
        let Some(lane) = self.held.get_mut(&partition.partition) else { return Ok(0) };
        lane.take(partition, records, &self.topics, &mut self.sampler, self.keys.sample())?;
        Ok(records.len() as u64)
    }

    /// Partitions may be added while it runs. As long as not all topics have as many, the lanes
    /// stay as they were, and what the new partitions hold waits.
    fn widen(&mut self, given: &[Partition]) -> Result<(), RoleError> {
        if given.iter().all(|given| given.partition < self.lanes) {
            return Ok(());
        }
        match lanes(&self.topics, &self.source) {
            Ok(lanes) => {
                self.announced &= lanes == self.lanes;
                (self.lanes, self.uneven) = (lanes, false);
                // Keys are placed otherwise from now on.
                self.keys.widen(&self.source, lanes);
                Ok(())
            }
            Err(why @ RoleError::Lanes { .. }) => {
                if !std::mem::replace(&mut self.uneven, true) {
                    diagnostics::lanes_uneven(&self.source.id, &why.to_string());
                }
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    /// A lane begins once all its topics are assigned; one that is assigned again begins again.
    fn assign(&mut self, partitions: Vec<Partition>) {
        let touched: BTreeSet<u32> = partitions.iter().map(|given| given.partition).collect();
        self.assigned.extend(partitions);
        for lane in touched.into_iter().filter(|lane| *lane < self.lanes) {
            let whole = self.places(lane).all(|place| self.assigned.contains(&place));
            if whole {
                self.held.remove(&lane);
                self.unclaimed.insert(lane);
            }
        }
    }

    fn places(&self, lane: u32) -> impl Iterator<Item = Partition> {
        let topics = self.source.topics.iter();
        topics.map(move |topic| Partition { topic: topic.name.clone(), partition: lane })
    }

    /// Gives a lane back: what was measured is said and committed.
    fn release(&mut self, lane: u32) -> Result<(), RoleError> {
        self.unclaimed.remove(&lane);
        self.flush(&[lane])?;
        let Some(mut held) = self.held.remove(&lane) else { return Ok(()) };
        self.writer.append(held.last_records()?)?;
        let committed = held.commit(self.reader.as_mut(), self.topics.log.uptime())?;
        if committed == Commit::Done {
            self.writer.append(vec![held.report(&self.topics)?])?;
        }
        diagnostics::lane_released(held.id(), committed == Commit::Fenced);
        Ok(())
    }

    /// A lane was taken away: nothing more is said of it.
    fn lose(&mut self, lane: u32) {
        self.unclaimed.remove(&lane);
        if let Some(held) = self.held.remove(&lane) {
            diagnostics::lane_released(held.id(), true);
        }
    }

    /// Flushes, commits and sends signs of life, each if it is time.
    fn flush_and_commit(&mut self) -> Result<(), RoleError> {
        let now = self.topics.log.uptime();
        let mut due = Vec::new();
        for (id, lane) in &mut self.held {
            if !self.blocked {
                lane.rest(now, self.settings.idle_after);
            }
            if lane.flush_due(&self.settings).is_some_and(|due| due <= now) {
                due.push(*id);
            }
        }
        self.flush(&due)?;
        let mut lost = Vec::new();
        for (id, lane) in &mut self.held {
            let fenced =
                lane.commit_due(now) && lane.commit(self.reader.as_mut(), now)? == Commit::Fenced;
            if fenced {
                lost.push(*id);
            }
        }
        lost.into_iter().for_each(|lane| self.lose(lane));
        self.heartbeat()
    }

    /// Says the news of lanes, all at once: an append waits for the log, however much it holds.
    fn flush(&mut self, due: &[u32]) -> Result<(), RoleError> {
        let watch = Stopwatch::start();
        let mut records = Vec::new();
        for id in due {
            if let Some(lane) = self.held.get_mut(id) {
                records.extend(lane.pending_records(&self.topics, &mut self.sampler)?);
            }
        }
        if !records.is_empty() {
            self.writer.append(records)?;
            counters::took(TimedPhase::Flush, watch);
        }
        for id in due {
            if let Some(lane) = self.held.get_mut(id) {
                lane.told();
            }
        }
        Ok(())
    }

    /// Says that the lanes held are read; not while the log cannot be read, so that they stall.
    fn heartbeat(&mut self) -> Result<(), RoleError> {
        let now = self.topics.log.uptime();
        let due = self.beaten.is_none_or(|last| now - last >= self.settings.heartbeat);
        if !due || self.blocked || self.held.is_empty() {
            return Ok(());
        }
        self.beaten = Some(now);
        let lanes = self.held().cloned().collect();
        let beat = Inbox::Heartbeat { process: self.process.clone(), lanes };
        self.topics.publish(self.writer.as_mut(), None, &beat)?;
        if let Some(told) = self.keys.news(&self.topics, &self.source.id) {
            self.writer.append(vec![told])?;
        }
        Ok(())
    }

    /// While nothing is measured here, looks whether the topics are still there. A group without
    /// them assigns nothing, which is not told apart from a process too many.
    fn look(&mut self) -> Result<(), RoleError> {
        let now = self.topics.log.uptime();
        let busy = self.blocked || !self.held.is_empty() || !self.unclaimed.is_empty();
        if busy || self.looked.is_some_and(|last| now - last < LOOK_EVERY) {
            return Ok(());
        }
        self.looked = Some(now);
        match lanes(&self.topics, &self.source) {
            Err(why @ RoleError::Rests { .. }) => Err(why),
            // Anything else shows where it matters.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// How long may be waited for records, at most `wait`.
    fn patience(&self, wait: Duration) -> Duration {
        if !self.unclaimed.is_empty() {
            return wait.min(RETRY_AFTER);
        }
        let now = self.topics.log.uptime();
        let due = self.held.values().filter_map(|lane| lane.flush_due(&self.settings)).min();
        let left = due.map(|due| u64::try_from((due - now).as_ms()).unwrap_or(0));
        left.map_or(wait, |ms| wait.min(Duration::from_millis(ms)))
    }
}

/// Partitions of a source's topics, which must all have as many.
fn lanes(topics: &Topics, source: &Source) -> Result<u32, RoleError> {
    let mut counts = Vec::new();
    for topic in &source.topics {
        let missing = || {
            let (source_id, topic) = (source.id.clone(), topic.name.clone());
            RoleError::Rests { source_id, topic }
        };
        counts.push((&topic.name, topics.log.partitions(&topic.name)?.ok_or_else(missing)?));
    }
    let first = counts.first().map_or(0, |(_, count)| *count);
    if counts.iter().all(|(_, count)| *count == first) {
        return Ok(first);
    }
    let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} has {count}")).collect();
    Err(RoleError::Lanes { source_id: source.id.clone(), counts: counts.join(", ") })
}
