//! How writes reach the file, and readers their connection.

use std::fs::File;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::board::Board;
use super::intact::LogFiles;
use super::open;
use super::store::{self, Fault};
use super::txn::Txn;
use crate::edge::log::LogError;
use crate::edge::log::lock::lock;
use crate::edge::log::log_clock::LogClock;

/// Writes that share one transaction, and so one sync, at most.
const BATCH: usize = 1000;

/// What the writer thread shares with the others.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) board: Board,
    pub(super) clock: LogClock,
}

impl Shared {
    pub(super) fn new(name: String, board: Board, clock: LogClock) -> Self {
        Self { name, board, clock }
    }

    pub(super) fn said(&self, doing: &str, fault: Fault) -> LogError {
        match fault {
            Fault::Asked(error) => error,
            Fault::Sql(error) => store::explain(&self.name, doing, &error),
        }
    }

    fn explain(&self, doing: &str, fault: BatchFault) -> LogError {
        match fault {
            BatchFault::Sql(error) => store::explain(&self.name, doing, &error),
            BatchFault::Files(why) => store::damage(&self.name, &why),
        }
    }
}

/// Where writes go.
pub(super) enum Way {
    /// Written on the caller's thread.
    Memory,
    /// Written by one thread.
    File { path: PathBuf, thread: WriterThread, _held: File },
}

pub(super) struct Core {
    pub(super) shared: Arc<Shared>,
    /// What reads outside a reader; in memory the only connection.
    pub(super) db: Arc<Mutex<Connection>>,
    pub(super) way: Way,
}

impl Core {
    /// A connection to read through.
    pub(super) fn connect(&self) -> Result<Arc<Mutex<Connection>>, LogError> {
        match &self.way {
            Way::Memory => Ok(Arc::clone(&self.db)),
            Way::File { path, .. } => {
                let db = open::beside(path, &self.shared.name)?;
                Ok(Arc::new(Mutex::new(db)))
            }
        }
    }

    /// Writes; what `change` did is durable when this returns.
    pub(super) fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, LogError> {
        match &self.way {
            Way::Memory => {
                let db = lock(&self.db);
                let Shared { board, .. } = &*self.shared;
                Txn::run(&db, board, self.shared.clock.stamp(), change)
                    .map_err(|fault| self.shared.said(doing, fault))
            }
            Way::File { thread, .. } => {
                let (reply, answer) = mpsc::sync_channel(1);
                thread.send(Box::new(Write { doing, change: Some(change), result: None, reply }));
                answer.recv().unwrap_or_else(|_| {
                    Err(LogError::Storage {
                        doing: format!("{doing} {}", self.shared.name),
                        source: "its writer thread has stopped; restart the process".into(),
                    })
                })
            }
        }
    }
}

/// Why nothing of what shares a transaction was written.
#[derive(Clone)]
enum BatchFault {
    Sql(Arc<rusqlite::Error>),
    /// The files are not those that were opened.
    Files(String),
}

/// A write on its way through the writer thread.
trait Job: Send {
    /// Runs in a transaction. An error ends that for all that share it.
    fn run(&mut self, txn: &mut Txn<'_>) -> rusqlite::Result<()>;

    /// Tells the asker how the transaction ended.
    fn answer(self: Box<Self>, shared: &Shared, end: Result<(), BatchFault>);
}

struct Write<F, T> {
    doing: &'static str,
    change: Option<F>,
    result: Option<Result<T, LogError>>,
    reply: SyncSender<Result<T, LogError>>,
}

impl<F, T: Send> Job for Write<F, T>
where
    F: FnOnce(&mut Txn<'_>) -> Result<T, Fault> + Send,
{
    fn run(&mut self, txn: &mut Txn<'_>) -> rusqlite::Result<()> {
        let Some(change) = self.change.take() else { return Ok(()) };
        self.result = Some(match change(txn) {
            Ok(done) => Ok(done),
            Err(Fault::Asked(error)) => Err(error),
            Err(Fault::Sql(error)) => return Err(error),
        });
        Ok(())
    }

    fn answer(self: Box<Self>, shared: &Shared, end: Result<(), BatchFault>) {
        let result = match (end, self.result) {
            (Err(error), _) => Some(Err(shared.explain(self.doing, error))),
            (Ok(()), result) => result,
        };
        if let Some(result) = result {
            // Who no longer waits need not know.
            drop(self.reply.send(result));
        }
    }
}

/// The thread that writes the file: writes that wait at the same time are committed together.
pub(super) struct WriterThread {
    jobs: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    pub(super) fn start(
        db: Connection,
        files: LogFiles,
        shared: Arc<Shared>,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("ripcord-log".to_owned())
            .spawn(move || write_all(&db, files, &shared, &queue))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// If the thread is gone the job is dropped, which its asker sees.
    fn send(&self, job: Box<dyn Job>) {
        if let Some(jobs) = &self.jobs {
            drop(jobs.send(job));
        }
    }
}

impl Drop for WriterThread {
    /// The file is free again only when its writer has ended.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn write_all(
    db: &Connection,
    mut files: LogFiles,
    shared: &Shared,
    queue: &Receiver<Box<dyn Job>>,
) {
    while let Ok(first) = queue.recv() {
        let mut jobs = vec![first];
        jobs.extend(queue.try_iter().take(BATCH - 1));
        let end = match files.missing() {
            Some(why) => Err(BatchFault::Files(why)),
            None => Txn::run(db, &shared.board, shared.clock.stamp(), |txn| {
                jobs.iter_mut().try_for_each(|job| job.run(txn))
            })
            .map_err(|error| BatchFault::Sql(Arc::new(error))),
        };
        files.note(shared.board.lock().records());
        for job in jobs {
            job.answer(shared, end.clone());
        }
    }
}
