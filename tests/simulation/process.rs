//! A process's way to the log. What it writes may fail, be unknown or late, or be its last deed;
//! from then on nothing of it reaches the log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ripcord::edge::log::{
    Commit, Log, LogClock, LogError, Outgoing, Partition, Reader, Record, Transaction, Writer,
};

use crate::broker::Broker;
use crate::common::stepped::Stepped;
use crate::fault::{Fault, Faults};
use crate::member::MemberReader;

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

    /// It dies once it has appended this number of records; a commit counts as one.
    pub(crate) fn dies_after(&self, records: usize) {
        *self.left.lock().unwrap() = Some(records);
    }

    /// How many of these records it still appends.
    fn spend(&self, records: usize) -> usize {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left) = &mut *left else { return records };
        let spent = records.min(*left);
        *left -= spent;
        spent
    }

    /// Nothing of it reaches the log from now on.
    pub(crate) fn kill(&self) -> Result<(), LogError> {
        self.dead.store(true, Ordering::SeqCst);
        self.alive()
    }

    pub(crate) fn alive(&self) -> Result<(), LogError> {
        if self.is_dead() { Err(failed("the process was killed")) } else { Ok(()) }
    }

    /// A fault of a write, if one strikes. One that is killed before does nothing more.
    pub(crate) fn before(&self, faults: &[Fault]) -> Result<Option<Fault>, LogError> {
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
    pub(crate) fn after(&self) -> Result<(), LogError> {
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
        Ok(Box::new(MemberReader::new(self, group, partitions)))
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
