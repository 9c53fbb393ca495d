//! Recordings into the topics of a source, as their producers would have sent them.
//!
//! Law: a line is not changed. What Ripcord must bear, bad records too, comes to it as it was
//! recorded.

mod route;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use self::route::{Destination, as_one, route};
use crate::edge::clock::Stopwatch;
use crate::edge::log::{Log, LogError, Outgoing, Partition, Writer};
use crate::model::{EventTime, Source};
use crate::replay::recording::Progress;
use crate::replay::{Files, FilesError};
use crate::topics::partitioner::lane_of;

/// Records that are sent at once, at most.
const BATCH: usize = 500;
/// Batches in a second, where a rate is given: so even is the stream.
const BATCHES: usize = 10;

/// Why recordings cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// They cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A topic of the source.
    #[error(
        "the topic {0} is not there; make it, or let `ripcord topics create --telemetry` do so"
    )]
    NoTopic(String),
    /// The log.
    #[error("the records cannot be sent; those before them were")]
    Log(#[from] LogError),
}

/// What to send, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Publish {
    /// The recordings.
    pub files: Vec<PathBuf>,
    /// To whose topics.
    pub source: Source,
    /// Records per second; none: as fast as they are taken.
    pub rate: Option<u32>,
    /// Stops before the first record of this moment or later.
    pub until: Option<EventTime>,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Published {
    /// Records by topic.
    pub sent: BTreeMap<String, u64>,
    /// Those among them that are no records of the source.
    pub keyless: u64,
    /// Lines too long to be read, which were not sent.
    pub too_large: u64,
    /// The moment that was the end; none: the recordings ended.
    pub stopped_at: Option<EventTime>,
    /// How long it took.
    pub seconds: f64,
    /// How fast it went.
    pub per_second: f64,
}

impl Publish {
    /// Sends. `tell`: how far it is, and how many records were sent.
    ///
    /// # Errors
    /// Recordings that break off, a topic that is not there, the log.
    pub fn run(
        &self,
        log: &dyn Log,
        mut tell: impl FnMut(Progress, u64),
    ) -> Result<Published, PublishError> {
        let mut files = Files::open(&self.files, &as_one(&self.source))?;
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
        Ok(sender.ended(stopped_at))
    }
}

/// Sends in batches, no faster than it may.
struct Sender {
    writer: Box<dyn Writer>,
    /// The topics, with their partitions and what they took.
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

    /// Takes a line; whether a batch was sent by that.
    fn take(
        &mut self,
        topic: usize,
        key: Option<String>,
        line: Vec<u8>,
    ) -> Result<bool, PublishError> {
        let Some((name, partitions, count)) = self.topics.get_mut(topic) else { return Ok(false) };
        let partition = match &key {
            Some(key) => lane_of(key.as_bytes(), *partitions),
            // In turn, as nothing speaks for one of them.
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

    /// Sends what is there, when it may.
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

    fn ended(self, stopped_at: Option<EventTime>) -> Published {
        let seconds = self.passed().as_secs_f64();
        let topics = self.topics.into_iter().filter(|(.., count)| *count > 0);
        Published {
            sent: topics.map(|(topic, _, count)| (topic, count)).collect(),
            keyless: self.keyless,
            too_large: self.too_large,
            stopped_at,
            seconds: (seconds * 1000.0).round() / 1000.0,
            per_second: (self.sent as f64 / seconds.max(0.001)).round(),
        }
    }
}
