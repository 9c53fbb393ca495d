//! A log that misbehaves by script: an aid for tests of what is on a log.
//!
//! It wraps any log and passes everything on, but for what the script says. A fault strikes after
//! a stated number of calls of its kind went unharmed; nothing is random, so a test that fails
//! fails again. What the contract makes of a fault the shim keeps, too: of partitions that were
//! taken away nothing is read and for them nothing is committed, until they are assigned and
//! sought again; a writer that was fenced stays so.
//!
//! Over 300 lines: it wears all three faces of a log.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ripcord::edge::log::{
    Commit, Committed, Log, LogClock, LogError, Outgoing, Partition, Read, Reader, Record,
    Transaction, Writer,
};
use ripcord::model::LogTime;

/// What a commit comes to instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// `Retry`; nothing is written.
    Retry,
    /// `Fenced`, now and ever after; nothing is written.
    Fenced,
    /// `Unknown`, though it was written.
    UnknownWritten,
    /// `Unknown`, and it was not written.
    UnknownUnwritten,
}

/// Faults that still wait, each with the calls that it lets pass before.
type Waiting<K, F> = BTreeMap<K, VecDeque<(u64, F)>>;

#[derive(Debug, Default)]
struct Script {
    reads: Waiting<String, Read>,
    commits: Waiting<String, CommitFault>,
    appends: Waiting<String, usize>,
    /// What was taken away, by group.
    gone: BTreeMap<String, BTreeSet<Partition>>,
    scans: BTreeMap<String, usize>,
    scans_held: usize,
}

impl Script {
    fn gone(&self, group: &str, partition: &Partition) -> bool {
        self.gone.get(group).is_some_and(|gone| gone.contains(partition))
    }
}

/// The fault that strikes this call, if one does.
fn strike<F>(waiting: &mut Waiting<String, F>, key: &str) -> Option<F> {
    let queue = waiting.get_mut(key)?;
    match queue.front_mut() {
        Some((0, _)) => queue.pop_front().map(|(_, fault)| fault),
        Some((calls, _)) => {
            *calls -= 1;
            None
        }
        None => None,
    }
}

fn add<F>(waiting: &mut Waiting<String, F>, key: &str, after: u64, fault: F) {
    waiting.entry(key.to_owned()).or_default().push_back((after, fault));
}

/// A log with a script of faults.
#[derive(Clone)]
pub struct Shim {
    log: Arc<dyn Log>,
    script: Arc<Mutex<Script>>,
    held: Arc<(Mutex<BTreeSet<String>>, Condvar)>,
}

/// The longest that an append is held.
const MOST_HELD: Duration = Duration::from_secs(60);

impl Shim {
    /// Wraps `log`; without a script it does as that does.
    #[must_use]
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self { log, script: Arc::default(), held: Arc::default() }
    }

    /// A reader of `group` yields `says` once, after `after` further answers with records.
    ///
    /// `Revoking` takes its partitions away with the next read, `Lost` at once; `Assigned` gives
    /// them back. A group's faults strike in the order in which they were added.
    pub fn on_read(&self, group: &str, after: u64, says: Read) {
        add(&mut self.script().reads, group, after, says);
    }

    /// A commit of a writer opened for `owner`, or of a reader of that group, fails, after `after`
    /// further ones.
    pub fn on_commit(&self, owner: &str, after: u64, fault: CommitFault) {
        add(&mut self.script().commits, owner, after, fault);
    }

    /// An append whose first record goes to `topic` fails, after `after` further ones; its first
    /// `written` records are on the log all the same.
    pub fn on_append(&self, topic: &str, after: u64, written: usize) {
        add(&mut self.script().appends, topic, after, written);
    }

    /// Appends whose first record goes to `topic` wait until it is released.
    pub fn hold(&self, topic: &str) {
        self.held().insert(topic.to_owned());
    }

    /// Scans of `topic` wait until it is released.
    pub fn hold_scans(&self, topic: &str) {
        self.held().insert(format!("scan {topic}"));
    }

    /// How many scans wait.
    #[must_use]
    pub fn held_scans(&self) -> usize {
        self.script().scans_held
    }

    /// How often `topic` was scanned.
    #[must_use]
    pub fn scans(&self, topic: &str) -> usize {
        self.script().scans.get(topic).copied().unwrap_or_default()
    }

    /// They go on.
    pub fn release(&self, topic: &str) {
        self.held().retain(|held| held != topic && held.strip_prefix("scan ") != Some(topic));
        self.held.1.notify_all();
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.held.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many faults have not struck yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        fn count<F>(waiting: &Waiting<String, F>) -> usize {
            waiting.values().map(VecDeque::len).sum()
        }
        let script = self.script();
        count(&script.reads) + count(&script.commits) + count(&script.appends)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for Shim {
    fn reader(&self, group: &str, topics: &[String]) -> Result<Box<dyn Reader>, LogError> {
        let reader = self.log.reader(group, topics)?;
        Ok(Box::new(ShimReader {
            shim: self.clone(),
            reader,
            group: group.to_owned(),
            revoking: Vec::new(),
            unsought: BTreeSet::new(),
        }))
    }

    fn writer(&self, owner: Option<&str>) -> Result<Box<dyn Writer>, LogError> {
        let writer = self.log.writer(owner)?;
        let owner = owner.map(str::to_owned);
        Ok(Box::new(ShimWriter { shim: self.clone(), writer, owner, fenced: false }))
    }

    fn create(&self, topic: &str, partitions: u32, compacted: bool) -> Result<u32, LogError> {
        self.log.create(topic, partitions, compacted)
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.log.partitions(topic)
    }

    fn latest(&self, partition: &Partition, beginning: &str) -> Result<Vec<Record>, LogError> {
        self.log.latest(partition, beginning)
    }

    fn scan(
        &self,
        partition: &Partition,
        position: i64,
        most: usize,
    ) -> Result<Vec<Record>, LogError> {
        *self.script().scans.entry(partition.topic.clone()).or_default() += 1;
        let name = format!("scan {}", partition.topic);
        let held = self.held();
        if held.contains(&name) {
            self.script().scans_held += 1;
            let is_held = |held: &mut BTreeSet<String>| held.contains(&name);
            drop(self.held.1.wait_timeout_while(held, MOST_HELD, is_held));
            self.script().scans_held -= 1;
        }
        self.log.scan(partition, position, most)
    }

    fn clock(&self) -> &LogClock {
        self.log.clock()
    }
}

struct ShimReader {
    shim: Shim,
    reader: Box<dyn Reader>,
    group: String,
    /// What the next read lets go.
    revoking: Vec<Partition>,
    /// What was given back and must be sought before it is read.
    unsought: BTreeSet<Partition>,
}

impl ShimReader {
    /// What the script says now. Only answers with records are counted.
    fn scripted(&self) -> Option<Read> {
        let mut script = self.shim.script();
        let queue = script.reads.get_mut(&self.group)?;
        if queue.front()?.0 > 0 {
            return None;
        }
        queue.pop_front().map(|(_, says)| says)
    }

    /// One more answer with records.
    fn count(&self) {
        let mut script = self.shim.script();
        if let Some((after, _)) = script.reads.get_mut(&self.group).and_then(VecDeque::front_mut) {
            *after = after.saturating_sub(1);
        }
    }

    fn take(&self, partitions: impl IntoIterator<Item = Partition>) {
        self.shim.script().gone.entry(self.group.clone()).or_default().extend(partitions);
    }

    /// Keeps what `says` means.
    fn obey(&mut self, says: &Read) {
        match says {
            Read::Revoking(partitions) => self.revoking.clone_from(partitions),
            Read::Lost(partitions) => self.take(partitions.iter().cloned()),
            Read::Assigned(partitions) => {
                let mut script = self.shim.script();
                if let Some(gone) = script.gone.get_mut(&self.group) {
                    gone.retain(|partition| !partitions.contains(partition));
                }
                drop(script);
                self.unsought.extend(partitions.iter().cloned());
            }
            Read::Records(..) | Read::End(..) | Read::Gone(..) | Read::Blocked(_) => {}
        }
    }

    fn withheld(&self, partition: &Partition) -> bool {
        self.unsought.contains(partition) || self.shim.script().gone(&self.group, partition)
    }
}

impl Reader for ShimReader {
    fn read(&mut self, wait: Duration) -> Result<Option<Read>, LogError> {
        let revoked = std::mem::take(&mut self.revoking);
        self.take(revoked);
        if let Some(says) = self.scripted() {
            self.obey(&says);
            return Ok(Some(says));
        }
        loop {
            let read = self.reader.read(wait)?;
            match &read {
                Some(Read::Records(partition, _) | Read::End(partition, _))
                    if self.withheld(partition) => {}
                Some(Read::Records(..)) => {
                    self.count();
                    return Ok(read);
                }
                _ => return Ok(read),
            }
        }
    }

    fn seek(&mut self, partition: &Partition, position: i64) -> Result<(), LogError> {
        if self.shim.script().gone(&self.group, partition) {
            return Err(LogError::NotAssigned(partition.clone()));
        }
        self.unsought.remove(partition);
        self.reader.seek(partition, position)
    }

    fn committed(&mut self, partition: &Partition) -> Result<Option<Committed>, LogError> {
        self.reader.committed(partition)
    }

    fn commit(&mut self, partition: &Partition, upto: &Committed) -> Result<Commit, LogError> {
        if self.shim.script().gone(&self.group, partition) {
            return Ok(Commit::Fenced);
        }
        let fault = strike(&mut self.shim.script().commits, &self.group);
        faulty(fault, || self.reader.commit(partition, upto))
    }

    fn position_at(&mut self, partition: &Partition, time: LogTime) -> Result<i64, LogError> {
        self.reader.position_at(partition, time)
    }

    fn bounds(&mut self, partition: &Partition) -> Result<(i64, i64), LogError> {
        self.reader.bounds(partition)
    }
}

struct ShimWriter {
    shim: Shim,
    writer: Box<dyn Writer>,
    owner: Option<String>,
    fenced: bool,
}

impl Writer for ShimWriter {
    fn append(&mut self, mut records: Vec<Outgoing>) -> Result<Vec<i64>, LogError> {
        let topic = records.first().map(|record| record.to.topic.clone()).unwrap_or_default();
        let is_held = |held: &mut BTreeSet<String>| held.contains(&topic);
        let held = self.shim.held();
        drop(self.shim.held.1.wait_timeout_while(held, MOST_HELD, is_held));
        let Some(written) = strike(&mut self.shim.script().appends, &topic) else {
            return self.writer.append(records);
        };
        records.truncate(written);
        self.writer.append(records)?;
        Err(LogError::Storage {
            doing: format!("appending to {topic}"),
            source: "the script of a test says so".into(),
        })
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<Commit, LogError> {
        let fault = match &self.owner {
            Some(owner) => strike(&mut self.shim.script().commits, owner),
            None => None,
        };
        self.fenced |= fault == Some(CommitFault::Fenced);
        if self.fenced || self.shim.script().gone(&transaction.group, &transaction.input) {
            return Ok(Commit::Fenced);
        }
        faulty(fault, || self.writer.commit(transaction))
    }
}

/// What a commit comes to.
fn faulty(
    fault: Option<CommitFault>,
    commit: impl FnOnce() -> Result<Commit, LogError>,
) -> Result<Commit, LogError> {
    match fault {
        None => commit(),
        Some(CommitFault::Retry) => Ok(Commit::Retry),
        Some(CommitFault::Fenced) => Ok(Commit::Fenced),
        Some(CommitFault::UnknownUnwritten) => Ok(Commit::Unknown),
        Some(CommitFault::UnknownWritten) => match commit()? {
            Commit::Done | Commit::Unknown => Ok(Commit::Unknown),
            refused @ (Commit::Retry | Commit::Fenced) => Ok(refused),
        },
    }
}
