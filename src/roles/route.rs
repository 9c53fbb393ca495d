//! The route role: what the router saw goes to the telemetry topic.
//!
//! Law: it never keeps the router waiting. The router puts records into a queue with an end, and
//! drops what finds no place; this reads the queue, and waits for the log as long as it takes.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::edge::clock::Stopwatch;
use crate::edge::diagnostics;
use crate::edge::log::{Outgoing, Partition, Writer};
use crate::edge::router::Answered;
use crate::model::{SourceId, Span};
use crate::topics::partitioner::lane_of;
use crate::topics::{RoleError, Topics};

/// Records that are written at once, at most.
const BATCH: usize = 500;
/// The longest wait for a record: how late a stop is heard of.
const WAIT: Duration = Duration::from_millis(50);
/// The shortest time between two words on dropped records.
const SAY_EVERY: Span = Span::from_s(10);

/// Reads the queue, over all lives of the role.
#[derive(Clone)]
pub struct Publisher {
    queue: Arc<Mutex<Queue>>,
    source: SourceId,
    /// Its first topic.
    topic: String,
    /// How long after a stop records may still come.
    drain: Span,
}

struct Queue {
    records: Receiver<Answered>,
    /// Read, and not known to be on the log.
    held: Vec<Answered>,
}

/// The result of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteTurn {
    /// The number of records written to the log.
    Wrote(usize),
    /// Nothing came.
    Idle,
    /// Nothing will come any more.
    Over,
}

impl Publisher {
    /// A queue of this many records, and its reader, who writes to a source's topic.
    #[must_use]
    pub fn new(
        (source, topic): (SourceId, String),
        queue: usize,
        drain: Duration,
    ) -> (SyncSender<Answered>, Self) {
        let (sender, records) = sync_channel(queue);
        let queue = Arc::new(Mutex::new(Queue { records, held: Vec::new() }));
        let drain = Span::from_ms(i64::try_from(drain.as_millis()).unwrap_or(i64::MAX));
        (sender, Self { queue, source, topic, drain })
    }

    /// Writes until nothing more comes, or the time after a stop is over.
    pub(crate) fn life(
        &self,
        topics: &Topics,
        dropped_now: impl Fn() -> u64,
        stopped: impl Fn() -> bool,
    ) -> Result<(), RoleError> {
        let mut writer = topics.log.writer(None)?;
        let (mut since_stop, mut said) = (None, (Stopwatch::start(), dropped_now()));
        loop {
            if self.turn(topics, writer.as_mut(), WAIT)? == RouteTurn::Over {
                return Ok(());
            }
            if stopped() {
                let since = since_stop.get_or_insert_with(Stopwatch::start);
                if since.elapsed() >= self.drain {
                    return Ok(());
                }
            }
            let dropped = dropped_now();
            if dropped > said.1 && said.0.elapsed() >= SAY_EVERY {
                diagnostics::router_dropped(dropped - said.1);
                said = (Stopwatch::start(), dropped);
            }
        }
    }

    /// Writes what has come. What could not be written is written with the next turn.
    ///
    /// # Errors
    /// The log; the topic is not there.
    pub fn turn(
        &self,
        topics: &Topics,
        writer: &mut dyn Writer,
        wait: Duration,
    ) -> Result<RouteTurn, RoleError> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.held.is_empty() {
            match queue.records.recv_timeout(wait) {
                Ok(record) => queue.held.push(record),
                Err(RecvTimeoutError::Timeout) => return Ok(RouteTurn::Idle),
                Err(RecvTimeoutError::Disconnected) => return Ok(RouteTurn::Over),
            }
        }
        while queue.held.len() < BATCH
            && let Ok(record) = queue.records.try_recv()
        {
            queue.held.push(record);
        }
        let lanes = topics.log.partitions(&self.topic)?.ok_or_else(|| RoleError::Rests {
            source_id: self.source.clone(),
            topic: self.topic.clone(),
        })?;
        writer.append(queue.held.iter().map(|record| self.outgoing(record, lanes)).collect())?;
        let wrote = queue.held.len();
        queue.held.clear();
        Ok(RouteTurn::Wrote(wrote))
    }

    /// What joins lies in one lane.
    fn outgoing(&self, record: &Answered, lanes: u32) -> Outgoing {
        let key = record.key().as_bytes();
        let to = Partition { topic: self.topic.clone(), partition: lane_of(key, lanes) };
        Outgoing { to, key: Some(key.to_vec()), headers: Vec::new(), value: record.json() }
    }
}
