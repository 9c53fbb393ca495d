//! A process's reader: a member of a group, which may be told at any time that what it reads is
//! another's now.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ripcord::edge::clock::Stopwatch;
use ripcord::edge::log::{Commit, Committed, LogError, Partition, Read, Reader};
use ripcord::model::LogTime;

use crate::fault::Fault;
use crate::groups::MemberId;
use crate::process::Process;

/// Records of one answer at most.
const BATCH: usize = 50;

/// Where a member reads on in a partition.
struct ReadPlace {
    at: i64,
    end_said: bool,
}

pub(crate) struct MemberReader {
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
    /// It joins with its first read.
    pub(crate) fn new(process: &Process, group: &str, partitions: Vec<Partition>) -> Self {
        Self {
            process: process.clone(),
            group: group.to_owned(),
            partitions,
            member: None,
            mine: BTreeSet::new(),
            places: BTreeMap::new(),
            last: None,
        }
    }

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
