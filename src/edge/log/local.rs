//! The log as one SQLite file: the embedded default. One process, no server, durable.
//!
//! * One thread writes. What waits for it together goes into one SQLite transaction, which is
//!   synced before any of it is acknowledged; so an acknowledged write survives a power loss, and
//!   a killed process leaves the file whole.
//! * Log time is the clock's, but never less than it was, also not across restarts. While it is
//!   ahead of the clock it grows by half of what the monotonic clock grows by.
//! * Positions start at 0 and have no gaps, except where compaction or retention deleted.
//! * A group has one member: the reader of it that joined last has all partitions, the earlier one
//!   learns that it lost them.
//! * Nothing is ever unavailable here, so it never answers `Revoking`, `Blocked`, `Retry` or
//!   `Unknown`.

mod board;
mod core;
mod headers;
mod intact;
mod open;
mod reader;
mod store;
mod txn;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::board::Board;
use self::core::{Core, Shared, Way, WriterThread};
use self::intact::LogFiles;
use self::reader::LocalReader;
use self::store::Fault;
use super::lock::lock;
use super::{
    Commit, Log, LogClock, LogError, Outgoing, Partition, Reader, Record, Transaction, Writer,
};
use crate::edge::clock::Clock;
use crate::edge::files::{self, FileError};
use crate::model::Span;

/// Records that retention deletes in one transaction, so that writes are not held up for long.
const DELETED_AT_ONCE: u32 = 5000;

/// A log in a folder, or in memory. It is closed when it and all its readers and writers are.
#[derive(Clone)]
pub struct LocalLog {
    core: Arc<Core>,
}

impl LocalLog {
    /// Opens the log in `folder`; creates both if they do not exist.
    ///
    /// # Errors
    /// In use, damaged, or the storage failed.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        let name = format!("the log in {}", folder.display());
        let failed = |error: std::io::Error| LogError::Storage {
            doing: format!("opening {name}"),
            source: Box::new(error),
        };
        let refused = |source: FileError| LogError::Storage {
            doing: format!("opening {name}"),
            source: Box::new(source),
        };
        files::make_folder(folder).map_err(refused)?;
        // SQLite is to follow no link, and the folder may be one.
        let folder = &folder.canonicalize().map_err(failed)?;
        let held = files::own(&folder.join("lock")).map_err(refused)?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LogError::InUse { what: name, choose: "folder" });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let path = folder.join("log.sqlite");
        // SQLite would make it readable for all; its other files take their mode from it.
        drop(files::own(&path).map_err(refused)?);
        let db = open::file(Some(&path), &name)?;
        // The names of new files must survive a power loss, too.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        let beside = open::beside(&path, &name)?;
        let shared = shared(&db, name.clone(), clock)?;
        let files = LogFiles::open(&path, &name, shared.board.lock().records())?;
        let thread = WriterThread::start(db, files, Arc::clone(&shared)).map_err(failed)?;
        let way = Way::File { path, thread, _held: held };
        Ok(Self { core: Arc::new(Core { shared, db: Arc::new(Mutex::new(beside)), way }) })
    }

    /// A log that lives as long as this. Who appends writes it himself: with nothing to sync,
    /// handing over to a thread and back would cost several times the write.
    ///
    /// # Errors
    /// Storage.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        let name = "the log in memory".to_owned();
        let db = open::file(None, &name)?;
        let shared = shared(&db, name, clock)?;
        Ok(Self { core: Arc::new(Core { shared, db: Arc::new(Mutex::new(db)), way: Way::Memory }) })
    }

    /// Wakes every reader, so that those that go by the log's time check it again. For a
    /// clock that is moved by hand.
    pub fn wake_all(&self) {
        self.core.shared.board.wake_all();
    }

    /// Waits until every reader that has joined waits and has nothing left to read. Returns whether
    /// that happened `within` the time. Roles do their work between two reads, so then it is done.
    #[must_use]
    pub fn wait_idle(&self, within: Duration) -> bool {
        self.core.shared.board.wait_idle(within)
    }

    /// Deletes records of a partition that are older than `older_than`, but none from the
    /// position on that the slowest group has committed, and none from `keep_from` on: what must
    /// stay though it was read. A group that never committed is not known. On a compacted topic
    /// only marks of keys that are gone are deleted. Answers how many records it deleted.
    ///
    /// # Errors
    /// Storage.
    pub fn retain(
        &self,
        partition: &Partition,
        older_than: Span,
        keep_from: Option<i64>,
    ) -> Result<u64, LogError> {
        let slot = self.core.shared.board.lock().slot(partition)?;
        let before = self.now() - older_than;
        let keep_from = keep_from.unwrap_or(i64::MAX).max(0);
        let mut deleted = 0;
        loop {
            let more = self.core.write("deleting old records of", move |txn| {
                txn.retain(slot, before, keep_from, DELETED_AT_ONCE)
            })?;
            deleted += more as u64;
            if more < DELETED_AT_ONCE as usize {
                return Ok(deleted);
            }
        }
    }
}

fn shared(
    db: &rusqlite::Connection,
    name: String,
    clock: Arc<dyn Clock>,
) -> Result<Arc<Shared>, LogError> {
    let (known, newest) =
        store::load(db).map_err(|error| store::explain(&name, "opening", &error))?;
    Ok(Arc::new(Shared::new(name, Board::new(known), LogClock::new(clock, newest))))
}

impl Log for LocalLog {
    fn reader(&self, group: &str, topics: &[String]) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(LocalReader::open(Arc::clone(&self.core), group, topics)?))
    }

    fn writer(&self, owner: Option<&str>) -> Result<Box<dyn Writer>, LogError> {
        let core = Arc::clone(&self.core);
        let owner = match owner {
            None => None,
            Some(name) => {
                let (name, asked) = (name.to_owned(), name.to_owned());
                let epoch = core.write("opening a writer of", move |txn| txn.own(&asked))?;
                Some((name, epoch))
            }
        };
        Ok(Box::new(LocalWriter { core, owner }))
    }

    fn create(&self, topic: &str, partitions: u32, compacted: bool) -> Result<u32, LogError> {
        let topic = topic.to_owned();
        self.core.write("making a topic on", move |txn| txn.create(&topic, partitions, compacted))
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        Ok(self.core.shared.board.lock().topics.get(topic).map(|kept| kept.partitions))
    }

    fn latest(&self, partition: &Partition, beginning: &str) -> Result<Vec<Record>, LogError> {
        let slot = self.core.shared.board.lock().slot(partition)?;
        let found = store::latest(&lock(&self.core.db), slot, beginning.as_bytes());
        found.map_err(|error| self.core.shared.said("reading", Fault::Sql(error)))
    }

    fn scan(
        &self,
        partition: &Partition,
        position: i64,
        most: usize,
    ) -> Result<Vec<Record>, LogError> {
        let known = self.core.shared.board.lock();
        let slot = known.slot(partition)?;
        let end = known.end(slot);
        drop(known);
        let db = lock(&self.core.db);
        let (mut found, mut from) = (Vec::new(), position.clamp(0, end));
        while found.len() < most && from < end {
            let batch = store::records(&db, slot, (from, end), most - found.len());
            let (records, next) =
                batch.map_err(|error| self.core.shared.said("reading", Fault::Sql(error)))?;
            found.extend(records);
            from = next;
        }
        Ok(found)
    }

    fn clock(&self) -> &LogClock {
        &self.core.shared.clock
    }
}

struct LocalWriter {
    core: Arc<Core>,
    /// Its name and the epoch it was opened with.
    owner: Option<(String, i64)>,
}

impl Writer for LocalWriter {
    fn append(&mut self, records: Vec<Outgoing>) -> Result<Vec<i64>, LogError> {
        self.core.write("appending to", move |txn| txn.append(&records))
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<Commit, LogError> {
        let (name, epoch) = self.owner.clone().ok_or(LogError::NoOwner)?;
        let transaction = transaction.clone();
        self.core.write("committing to", move |txn| txn.commit((&name, epoch), &transaction))
    }
}
