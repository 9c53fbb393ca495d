//! How much telemetry is on the log.

use std::time::Duration;

use crate::config::Config;
use crate::edge::clock::Stopwatch;
use crate::edge::log::{LogError, Partition, Reader};
use crate::model::Span;
use crate::topics::Topics;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_micros(200);

/// The ends of the topics of telemetry.
pub(super) struct TelemetryEnds {
    partitions: Vec<Partition>,
    /// It reads nothing, so it is a member of no group.
    reader: Box<dyn Reader>,
}

impl TelemetryEnds {
    /// Those of every source; their topics must be there.
    ///
    /// # Errors
    /// Storage.
    pub(super) fn open(topics: &Topics, config: &Config) -> Result<Self, LogError> {
        let names = config.settings.sources.iter().flat_map(|source| &source.topics);
        let names: Vec<String> = names.map(|topic| topic.name.clone()).collect();
        let mut partitions = Vec::new();
        for topic in &names {
            let count = topics.log.partitions(topic)?.unwrap_or(0);
            let all = (0..count).map(|partition| Partition { topic: topic.clone(), partition });
            partitions.extend(all);
        }
        let reader = topics.log.reader(&topics.group("ends"), &names)?;
        Ok(Self { partitions, reader })
    }

    /// Waits until this many records were ever written, or until the time is over. Returns how many
    /// were.
    ///
    /// # Errors
    /// Storage.
    pub(super) fn reach(&mut self, records: u64, within: Span) -> Result<u64, LogError> {
        let watch = Stopwatch::start();
        loop {
            let mut written = 0;
            for partition in &self.partitions {
                written += u64::try_from(self.reader.bounds(partition)?.1).unwrap_or(0);
            }
            if written >= records || watch.elapsed() >= within {
                return Ok(written);
            }
            std::thread::sleep(PAUSE);
        }
    }
}
