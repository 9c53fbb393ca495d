//! Reads what the roles write, as a member of a group of its own, and notes when it was seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryIter, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::edge::clock::Stopwatch;
use crate::edge::log::{LogError, Read, Reader, Record, Topic};
use crate::topics::{RoleError, Topics};

/// The topics that are read.
const TOPICS: [Topic; 5] =
    [Topic::Inbox, Topic::Commands, Topic::Incidents, Topic::Decisions, Topic::Status];
/// The longest wait for a record: how late a stop is heard of.
const WAIT: Duration = Duration::from_millis(100);

/// A record, as it was seen.
#[derive(Debug)]
pub(super) struct ObservedRecord {
    pub(super) topic: Topic,
    pub(super) record: Record,
    /// When, in microseconds of the run's watch.
    pub(super) at_us: u64,
}

/// The thread that reads.
pub(super) struct Tail {
    seen: Receiver<Result<ObservedRecord, LogError>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tail {
    /// Reads from the first record on.
    ///
    /// # Errors
    /// A topic that is not there, no thread.
    pub(super) fn start(topics: &Topics, watch: Stopwatch) -> Result<Self, RoleError> {
        let read: Vec<_> = TOPICS.iter().map(|topic| (*topic, topics.topic(*topic))).collect();
        let names: Vec<_> = read.iter().map(|(_, name)| name.clone()).collect();
        let mut reader = topics.log.reader(&topics.group("demo"), &names)?;
        let (sender, seen) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let follow = move || {
            while !stopped.load(Ordering::Relaxed) {
                let records = match next(reader.as_mut()) {
                    Ok(records) => records,
                    Err(error) => {
                        // Nobody listens any more: the demo ends.
                        let _told = sender.send(Err(error));
                        return;
                    }
                };
                let at_us = watch.elapsed_us();
                let Some((name, records)) = records else { continue };
                let Some((topic, _)) = read.iter().find(|(_, known)| *known == name) else {
                    continue;
                };
                for record in records {
                    let _told = sender.send(Ok(ObservedRecord { topic: *topic, record, at_us }));
                }
            }
        };
        let thread = std::thread::Builder::new().name("tail".to_owned()).spawn(follow);
        let thread = Some(thread.map_err(RoleError::Runtime)?);
        Ok(Self { seen, stop, thread })
    }

    /// What has come since it was last asked.
    pub(super) fn new_records(&self) -> TryIter<'_, Result<ObservedRecord, LogError>> {
        self.seen.try_iter()
    }
}

/// The next records, and their topic.
fn next(reader: &mut dyn Reader) -> Result<Option<(String, Vec<Record>)>, LogError> {
    match reader.read(WAIT)? {
        Some(Read::Assigned(partitions)) => {
            for partition in partitions {
                reader.seek(&partition, 0)?;
            }
            Ok(None)
        }
        Some(Read::Records(partition, records)) => Ok(Some((partition.topic, records))),
        Some(
            Read::End(..) | Read::Gone(..) | Read::Revoking(_) | Read::Lost(_) | Read::Blocked(_),
        )
        | None => Ok(None),
    }
}

impl Drop for Tail {
    /// The log is free again only when its reader is gone.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It panics for no reason of its own.
            drop(thread.join());
        }
    }
}
