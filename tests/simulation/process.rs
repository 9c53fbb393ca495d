//! A process's way to the log. What it writes may fail, be unknown or late, or be its last deed;
//! from then on nothing of it reaches the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ripcord::edge::clock::Stopwatch;
use ripcord::edge::log::{
    Commit, Committed, Log, LogClock, LogError, Outgoing, Partition, Read, Reader, Record,
    Transaction, Writer,
};
use ripcord::model::LogTime;

use crate::broker::Broker;
use crate::common::stepped::Stepped;
use crate::fault::{Fault, Faults};
use crate::groups::MemberId;

/// Records of one answer at most.
const BATCH: usize = 50;

/// What all processes of a world share.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) broker: Arc<Broker>,
    pub(crate) clock: Arc<Stepped>,
    faults: Arc<Mutex<Faults>>,
}

impl Site {
    pub(crate) fn new(start_ms: i64, faults: Faults) -> Self {
        let clock = Arc::new(Stepped::new(start_ms));
        let broker = Broker::new(Arc::clone(&clock) as _);
        Self { broker, clock, faults: Arc::new(Mutex::new(faults)) }
    }

    /// The same broker, as one meets it whom no fault strikes.
    pub(crate) fn without_faults(&self) -> Self {
        Self { faults: Arc::new(Mutex::new(Faults::none())), ..self.clone() }
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One process.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) site: Site,
    pub(crate) id: u64,
    dead: Arc<AtomicBool>,
    /// The records that it may still append, if that is limited; a commit counts as one.
    left: Arc<Mutex<Option<usize>>>,
}

impl Process {
    pub(crate) fn new(site: &Site, id: u64) -> Self {
        Self { site: site.clone(), id, dead: Arc::default(), left: Arc::default() }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// It dies once it has appended so many more records; a commit counts as one.
    pub(crate) fn dies_after(&self, records: usize) {
        *self.left.lock().unwrap() = Some(records);
    }

    /// How many of so many records it still appends.
    fn spend(&self, records: usize) -> usize {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left) = &mut *left else { return records };
        let spent = records.min(*left);
        *left -= spent;
        spent
    }

    fn kill(&self) -> Result<(), LogError> {
        self.dead.store(true, Ordering::SeqCst);
        self.alive()
    }

    fn alive(&self) -> Result<(), LogError> {
        if self.is_dead() { Err(failed("the process was killed")) } else { Ok(()) }
    }

    /// A fault of a write, if one strikes. One that is killed before does nothing more.
    fn before(&self, faults: &[Fault]) -> Result<Option<Fault>, LogError> {
        self.alive()?;
        if self.site.faults().strikes(Fault::KillBefore) {
            self.kill()?;
        }
        let fault = self.site.faults().first(faults);
        if self.site.faults().strikes(Fault::AnswerDelayed) {
            let ms = self.site.faults().between(100, 4000);
            self.site.clock.pass(ms);
        }
        Ok(fault)
    }

    /// It was written; perhaps that was the last deed.
    fn after(&self) -> Result<(), LogError> {
        if self.site.faults().strikes(Fault::KillAfter) { self.kill() } else { Ok(()) }
    }
}

fn failed(why: &str) -> LogError {
    LogError::Storage { doing: "a write of the simulation".to_owned(), source: why.into() }
}

impl Log for Process {
    fn reader(&self, group: &str, topics: &[String]) -> Result<Box<dyn Reader>, LogError> {
        let mut partitions = Vec::new();
        for topic in topics {
            let missing = || Partition { topic: topic.clone(), partition: 0 };
            let count = self.site.broker.partitions(topic);
            let count = count.ok_or_else(|| LogError::NoSuchPartition(missing()))?;
            let named = |partition| Partition { topic: topic.clone(), partition };
            partitions.extend((0..count).map(named));
        }
        Ok(Box::new(MemberReader {
            process: self.clone(),
            group: group.to_owned(),
            partitions,
            member: None,
            mine: BTreeSet::new(),
            places: BTreeMap::new(),
            last: None,
        }))
    }

    fn writer(&self, owner: Option<&str>) -> Result<Box<dyn Writer>, LogError> {
        self.alive()?;
        let owned = |name: &str| (name.to_owned(), self.site.broker.own(name));
        Ok(Box::new(ProcessWriter { process: self.clone(), owner: owner.map(owned) }))
    }

    fn create(&self, topic: &str, partitions: u32, compacted: bool) -> Result<u32, LogError> {
        Ok(self.site.broker.create(topic, partitions, compacted))
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        Ok(self.site.broker.partitions(topic))
    }

    fn latest(&self, partition: &Partition, beginning: &str) -> Result<Vec<Record>, LogError> {
        self.site.broker.latest(partition, beginning)
    }

    fn scan(
        &self,
        partition: &Partition,
        position: i64,
        most: usize,
    ) -> Result<Vec<Record>, LogError> {
        self.site.broker.scan(partition, position, most)
    }

    fn clock(&self) -> &LogClock {
        self.site.broker.clock()
    }
}

/// Where a member reads on in a partition.
struct ReadPlace {
    at: i64,
    end_said: bool,
}

struct MemberReader {
    process: Process,
    group: String,
    partitions: Vec<Partition>,
    member: Option<MemberId>,
    /// What it was told is its own.
    mine: BTreeSet<Partition>,
    /// What of it was sought.
    places: BTreeMap<Partition, ReadPlace>,
    /// Whose records came last: the next one's turn is after it.
    last: Option<Partition>,
}

impl MemberReader {
    /// What the group says. A member that was given up joins again, once it knows.
    fn told(&mut self) -> Option<Read> {
        let mut state = self.process.site.broker.lock();
        let has = |member: &MemberId| state.groups.has(&self.group, *member);
        let Some(member) = self.member.filter(has) else {
            if self.member.take().is_some() && !self.mine.is_empty() {
                self.places.clear();
                return Some(Read::Lost(std::mem::take(&mut self.mine).into_iter().collect()));
            }
            let partitions = self.partitions.iter().cloned();
            let member = state.groups.join(&self.group, self.process.id, partitions);
            self.member = Some(member);
            return state.groups.next(&self.group, member);
        };
        state.groups.next(&self.group, member)
    }

    fn obey(&mut self, told: &Read) {
        match told {
            Read::Assigned(partitions) => self.mine.extend(partitions.iter().cloned()),
            Read::Revoking(partitions) | Read::Lost(partitions) => {
                for partition in partitions {
                    self.mine.remove(partition);
                    self.places.remove(partition);
                }
            }
            Read::Records(..) | Read::End(..) | Read::Gone(..) | Read::Blocked(_) => {}
        }
    }

    /// Records or an end of the partition whose turn it is.
    fn fetched(&mut self) -> Result<Option<Read>, LogError> {
        let state = self.process.site.broker.lock();
        let after = |p: &&Partition| self.last.as_ref().is_some_and(|last| *p > last);
        let keys: Vec<_> = self.places.keys().cloned().collect();
        let (later, first): (Vec<_>, Vec<_>) = keys.iter().partition(after);
        for partition in later.into_iter().chain(first) {
            let Some(place) = self.places.get_mut(partition) else { continue };
            let (_, end) = state.bounds(partition)?;
            let records = state.records(partition, place.at, BATCH)?;
            if let Some(newest) = records.last() {
                (place.at, place.end_said) = (newest.position + 1, false);
                self.last = Some(partition.clone());
                return Ok(Some(Read::Records(partition.clone(), records)));
            }
            if !std::mem::replace(&mut place.end_said, true) {
                self.last = Some(partition.clone());
                return Ok(Some(Read::End(partition.clone(), end)));
            }
        }
        Ok(None)
    }
}

impl Reader for MemberReader {
    fn read(&mut self, wait: Duration) -> Result<Option<Read>, LogError> {
        self.process.alive()?;
        let watch = Stopwatch::start();
        loop {
            if let Some(told) = self.told() {
                self.obey(&told);
                return Ok(Some(told));
            }
            match self.process.site.faults().first(&[Fault::ReadNothing, Fault::ReadBlocked]) {
                Some(Fault::ReadBlocked) => {
                    return Ok(Some(Read::Blocked("the simulation says so".to_owned())));
                }
                Some(_) => return Ok(None),
                None => {}
            }
            let found = self.fetched()?;
            let waited = watch.elapsed().as_ms().unsigned_abs();
            if found.is_some() || wait <= Duration::from_millis(waited) {
                return Ok(found);
            }
            // Only conformance comes here: the roles of a world are not to wait.
            let broker = &self.process.site.broker;
            drop(broker.wait(broker.lock(), Duration::from_millis(5)));
        }
    }

    fn seek(&mut self, partition: &Partition, position: i64) -> Result<(), LogError> {
        if !self.mine.contains(partition) {
            return Err(LogError::NotAssigned(partition.clone()));
        }
        let (first, end) = self.process.site.broker.lock().bounds(partition)?;
        let place = ReadPlace { at: position.clamp(first.min(end), end), end_said: false };
        self.places.insert(partition.clone(), place);
        Ok(())
    }

    fn committed(&mut self, partition: &Partition) -> Result<Option<Committed>, LogError> {
        self.process.alive()?;
        let state = self.process.site.broker.lock();
        state.bounds(partition)?;
        Ok(state.groups.committed(&self.group, partition))
    }

    fn commit(&mut self, partition: &Partition, upto: &Committed) -> Result<Commit, LogError> {
        let fault = self.process.before(&[
            Fault::CommitRetry,
            Fault::CommitUnknownUnwritten,
            Fault::CommitUnknownWritten,
        ])?;
        let mut state = self.process.site.broker.lock();
        state.bounds(partition)?;
        let owner = state.groups.owner(&self.group, partition);
        if owner.is_some() && owner != self.member {
            return Ok(Commit::Fenced);
        }
        match fault {
            Some(Fault::CommitRetry) => return Ok(Commit::Retry),
            Some(Fault::CommitUnknownUnwritten) => return Ok(Commit::Unknown),
            _ => {}
        }
        state.groups.store(&self.group, partition, upto.clone());
        drop(state);
        self.process.after()?;
        Ok(if fault.is_some() { Commit::Unknown } else { Commit::Done })
    }

    fn position_at(&mut self, partition: &Partition, time: LogTime) -> Result<i64, LogError> {
        let state = self.process.site.broker.lock();
        let (first, end) = state.bounds(partition)?;
        let records = state.records(partition, first, usize::MAX)?;
        let found = records.iter().find(|record| record.time >= time);
        Ok(found.map_or(end, |record| record.position))
    }

    fn bounds(&mut self, partition: &Partition) -> Result<(i64, i64), LogError> {
        self.process.site.broker.lock().bounds(partition)
    }
}

impl Drop for MemberReader {
    /// A process that was killed tells nobody: the group gives it up later.
    fn drop(&mut self) {
        if let Some(member) = self.member.filter(|_| !self.process.is_dead()) {
            self.process.site.broker.lock().groups.leave(&self.group, member);
        }
    }
}

struct ProcessWriter {
    process: Process,
    /// Its name and the epoch it was opened with.
    owner: Option<(String, u64)>,
}

impl Writer for ProcessWriter {
    fn append(&mut self, mut records: Vec<Outgoing>) -> Result<Vec<i64>, LogError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let fault =
            self.process.before(&[Fault::AppendRefused, Fault::AppendInPart, Fault::AppendLost])?;
        match fault {
            Some(Fault::AppendRefused) => return Err(failed("it was refused")),
            Some(Fault::AppendInPart) => {
                let some = self.process.site.faults().below(records.len());
                records.truncate(some);
            }
            _ => {}
        }
        let all = records.len();
        records.truncate(self.process.spend(all));
        let positions = self.process.site.broker.append(records)?;
        if positions.len() < all {
            self.process.kill()?;
        }
        self.process.after()?;
        if fault.is_some() { Err(failed("no answer came")) } else { Ok(positions) }
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<Commit, LogError> {
        let (name, epoch) = self.owner.as_ref().ok_or(LogError::NoOwner)?;
        let fault = self.process.before(&[
            Fault::CommitRetry,
            Fault::CommitUnknownUnwritten,
            Fault::CommitUnknownWritten,
            Fault::CommitFenced,
        ])?;
        let broker = &self.process.site.broker;
        match fault {
            Some(Fault::CommitRetry) => return Ok(Commit::Retry),
            Some(Fault::CommitUnknownUnwritten) => return Ok(Commit::Unknown),
            Some(Fault::CommitFenced) => {
                broker.own(name);
            }
            _ => {}
        }
        if self.process.spend(1) == 0 {
            self.process.kill()?;
        }
        let done = broker.transact((name, *epoch), transaction)?;
        self.process.after()?;
        let unknown = done == Commit::Done && fault == Some(Fault::CommitUnknownWritten);
        Ok(if unknown { Commit::Unknown } else { done })
    }
}
