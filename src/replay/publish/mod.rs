//! Recordings into the topics of a source, as their producers would have sent them.
//!
//! Law: a record is not changed. Bad ones too are sent as they were recorded; an element of a list
//! or a row of a table is a record of its own.

mod route;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use self::route::{Destination, as_one, route};
use crate::edge::clock::Stopwatch;
use crate::edge::log::{Log, LogError, Outgoing, Partition, Writer};
use crate::model::RecordingFile;
use crate::model::{EventTime, Source};
use crate::replay::recording::{Files, FilesError, Progress};
use crate::topics::partitioner::lane_of;

/// Records that are sent at once, at most.
const BATCH: usize = 500;
/// Batches in a second, where a rate is given: the stream is this even.
const BATCHES: usize = 10;

/// Why recordings cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// They cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A topic of the source.
    #[error("there is no topic {0}; create it, or run `ripcord topics create --telemetry`")]
    NoTopic(String),
    /// The log.
    #[error("the records cannot be sent; those before them were sent")]
    Log(#[from] LogError),
}

/// What to send, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Publish {
    /// The recordings.
    pub files: Vec<PathBuf>,
    /// The source whose topics receive them.
    pub source: Source,
    /// Records per second; `None` for as fast as the brokers accept them.
    pub rate: Option<u32>,
    /// Stops before the first record of this moment or later.
    pub until: Option<EventTime>,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Published {
    /// Records by topic.
    pub sent: BTreeMap<String, u64>,
    /// How many of them are not records of the source.
    pub keyless: u64,
    /// Records that are too long, which were not sent.
    pub too_large: u64,
    /// The moment at which sending stopped; `None` if the recordings ended.
    pub stopped_at: Option<EventTime>,
    /// What is odd about the recordings.
    pub notes: Vec<String>,
    /// How long it took.
    pub seconds: f64,
    /// How fast it went.
    pub per_second: f64,
}

impl Publish {
    fn recordings(&self) -> Vec<RecordingFile> {
        self.files.iter().cloned().map(RecordingFile::from).collect()
    }

    /// Sends; calls `tell` with the progress and the number of records sent.
    ///
    /// # Errors
    /// A recording that is cut off, a missing topic, the log.
    pub fn run(
        &self,
        log: &dyn Log,
        mut tell: impl FnMut(Progress, u64),
    ) -> Result<Published, PublishError> {
        let mut files = Files::open(&self.recordings(), &as_one(&self.source))?;
        let mut sender = Sender::new(self, log)?;
        let stopped_at = loop {
            let next = match files.next() {
                Ok(Some(next)) => next,
                Ok(None) => break None,
                Err(broken) => {
                    sender.send()?;
                    return Err(broken.into());
                }
            };
            let Some(line) = next.bytes else {
                sender.too_large += 1;
                continue;
            };
            let Destination { topic, known } = route(&self.source, &line);
            let ts = known.as_ref().map(|(_, ts)| *ts);
            if ts.zip(self.until).is_some_and(|(ts, until)| ts >= until) {
                break ts;
            }
            if sender.take(topic, known.map(|(key, _)| key), line)? {
                tell(next.progress, sender.sent);
            }
        };
        sender.send()?;
        Ok(sender.ended(stopped_at, files.notes()))
    }
}

/// Sends in batches, no faster than it may.
struct Sender {
    writer: Box<dyn Writer>,
    /// The topics, with their partitions and the records sent to each.
    topics: Vec<(String, u32, u64)>,
    batch: Vec<Outgoing>,
    most: usize,
    rate: Option<u32>,
    watch: Stopwatch,
    sent: u64,
    keyless: u64,
    too_large: u64,
}

impl Sender {
    fn new(publish: &Publish, log: &dyn Log) -> Result<Self, PublishError> {
        let mut topics = Vec::new();
        for topic in &publish.source.topics {
            let partitions = log.partitions(&topic.name)?;
            let partitions = partitions.ok_or_else(|| PublishError::NoTopic(topic.name.clone()))?;
            topics.push((topic.name.clone(), partitions, 0));
        }
        let most = publish.rate.map_or(BATCH, |rate| rate as usize / BATCHES).clamp(1, BATCH);
        Ok(Self {
            writer: log.writer(None)?,
            topics,
            batch: Vec::new(),
            most,
            rate: publish.rate,
            watch: Stopwatch::start(),
            sent: 0,
            keyless: 0,
            too_large: 0,
        })
    }

    /// Takes a line; answers whether that sent a batch.
    fn take(
        &mut self,
        topic: usize,
        key: Option<String>,
        line: Vec<u8>,
    ) -> Result<bool, PublishError> {
        let Some((name, partitions, count)) = self.topics.get_mut(topic) else { return Ok(false) };
        let partition = match &key {
            Some(key) => lane_of(key.as_bytes(), *partitions),
            // Round robin, since no partition is better than another.
            None => u32::try_from(self.keyless % u64::from((*partitions).max(1))).unwrap_or(0),
        };
        *count += 1;
        self.keyless += u64::from(key.is_none());
        self.batch.push(Outgoing {
            to: Partition { topic: name.clone(), partition },
            key: key.map(String::into_bytes),
            headers: Vec::new(),
            value: line,
        });
        let full = self.batch.len() >= self.most;
        if full {
            self.send()?;
        }
        Ok(full)
    }

    /// Sends the batch as soon as the rate allows.
    fn send(&mut self) -> Result<(), LogError> {
        let records = std::mem::take(&mut self.batch);
        if records.is_empty() {
            return Ok(());
        }
        if let Some(rate) = self.rate {
            let due = Duration::from_secs_f64(self.sent as f64 / f64::from(rate));
            std::thread::sleep(due.saturating_sub(self.passed()));
        }
        self.sent += records.len() as u64;
        self.writer.append(records)?;
        Ok(())
    }

    fn passed(&self) -> Duration {
        Duration::from_micros(self.watch.elapsed_us())
    }

    fn ended(self, stopped_at: Option<EventTime>, notes: Vec<String>) -> Published {
        let seconds = self.passed().as_secs_f64();
        let topics = self.topics.into_iter().filter(|(.., count)| *count > 0);
        Published {
            sent: topics.map(|(topic, _, count)| (topic, count)).collect(),
            keyless: self.keyless,
            too_large: self.too_large,
            stopped_at,
            notes,
            seconds: (seconds * 1000.0).round() / 1000.0,
            per_second: (self.sent as f64 / seconds.max(0.001)).round(),
        }
    }
}
