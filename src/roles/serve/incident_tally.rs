//! What the metrics say of all incidents: folded from their topic, each record read once.
//!
//! Law: an answer reads a bounded number of records. Until all were read there is no answer, since
//! counts that begin too low and catch up would look like rollbacks.

use std::collections::BTreeMap;

use super::rollbacks::IncidentNumbers;
use super::stored::decoded;
use super::{App, locked};
use crate::edge::http::Problem;
use crate::edge::log::Topic;
use crate::model::Incident;

/// Records read at once, and for one answer.
const BATCH: usize = 500;
const MOST_READ: usize = 20_000;

/// The numbers of every incident, by its key.
#[derive(Debug, Default)]
pub(super) struct IncidentTally {
    /// The next record to read of each shard.
    next: BTreeMap<u32, i64>,
    incidents: BTreeMap<String, IncidentNumbers>,
}

/// Reads what is new, and shows all numbers. `None` until those of the past are read: counts that
/// catch up would look like rollbacks.
pub(super) fn with_incidents<T>(
    app: &App,
    show: impl FnOnce(&mut dyn Iterator<Item = &IncidentNumbers>) -> T,
) -> Result<Option<T>, Problem> {
    let mut tally = locked(&app.incidents);
    let mut left = MOST_READ;
    for shard in 0..app.topics.shards {
        left = tally.read(app, shard, left)?;
    }
    Ok((left > 0).then(|| show(&mut tally.incidents.values())))
}

impl IncidentTally {
    /// Reads on in a shard, `left` records at most; how many are left.
    fn read(&mut self, app: &App, shard: u32, mut left: usize) -> Result<usize, Problem> {
        let (first, end) = app.bounds(Topic::Incidents, shard)?;
        let partition = app.topics.partition(Topic::Incidents, shard);
        let mut next = self.next.get(&shard).copied().unwrap_or(first);
        if next > end {
            // The topic was deleted and created again.
            *self = Self::default();
            next = first;
        }
        while next < end && left > 0 {
            let records = app.topics.log.scan(&partition, next, BATCH.min(left))?;
            left -= records.len().min(left);
            // The last positions may be gone: they were compacted.
            next = records.last().map_or(end, |record| record.position + 1);
            for record in records {
                let Some(key) = record.key.and_then(|key| String::from_utf8(key).ok()) else {
                    continue;
                };
                if record.value.is_empty() {
                    self.incidents.remove(&key);
                    continue;
                }
                let at = (Topic::Incidents, shard);
                if let Some(read) = decoded::<Incident>(app, at, record.position, &record.value) {
                    self.incidents.insert(key, IncidentNumbers::of(&read));
                }
            }
            self.next.insert(shard, next);
        }
        Ok(left)
    }
}
