//! A role's log, which observes what the log answers to the role.

use std::sync::Arc;
use std::time::Duration;

use super::health::{HealthBoard, RoleStanding};
use super::progress::{Lag, ReadProgress};
use super::stamps::Stamps;
use crate::edge::clock::Uptime;
use crate::edge::diagnostics::counters;
use crate::edge::diagnostics::metrics::{self, MetricLabels};
use crate::edge::log::{
    Commit, Committed, Log, LogClock, LogError, Partition, Read, Reader, Record, Writer,
};
use crate::model::{LogTime, Span};
use crate::topics::Topics;

/// The time between two looks at how far a role is behind.
const LOOK_EVERY: Span = Span::from_s(1);

/// A role's log, which observes what the role reads.
struct Watched {
    log: Arc<dyn Log>,
    health: HealthBoard,
    role: String,
}

/// These topics for one role, on a log that observes the role.
pub(super) fn watched(role: &str, topics: &Topics, health: &HealthBoard) -> Topics {
    health.set(role, RoleStanding::Joining);
    let (health, role) = (health.clone(), role.to_owned());
    let log = Arc::new(Watched { log: Arc::clone(&topics.log), health, role });
    Topics { log, ..topics.clone() }
}

impl Log for Watched {
    fn reader(&self, group: &str, topics: &[String]) -> Result<Box<dyn Reader>, LogError> {
        let reader = self.log.reader(group, topics)?;
        let (health, role) = (self.health.clone(), self.role.clone());
        Ok(Box::new(WatchedReader {
            reader,
            health,
            role,
            progress: ReadProgress::default(),
            looked: None,
            stuck: None,
            standing: RoleStanding::Joining,
            new: false,
            stamps: Stamps::default(),
            log: Arc::clone(&self.log),
        }))
    }

    fn writer(&self, owner: Option<&str>) -> Result<Box<dyn Writer>, LogError> {
        self.log.writer(owner)
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

    fn scan(&self, of: &Partition, position: i64, most: usize) -> Result<Vec<Record>, LogError> {
        self.log.scan(of, position, most)
    }

    fn clock(&self) -> &LogClock {
        self.log.clock()
    }
}

/// The reader of a role, from one start of the role to its end.
struct WatchedReader {
    reader: Box<dyn Reader>,
    health: HealthBoard,
    role: String,
    progress: ReadProgress,
    looked: Option<Uptime>,
    /// Why it does not go on, although the log can be read.
    stuck: Option<String>,
    standing: RoleStanding,
    /// Some of what it has was assigned by the last read, and the role has not taken it over yet.
    new: bool,
    stamps: Stamps,
    log: Arc<dyn Log>,
}

impl WatchedReader {
    /// The state of the role after a read; `None` if it has not changed.
    fn standing_after(
        &mut self,
        read: &Result<Option<Read>, LogError>,
        now: Uptime,
    ) -> Option<RoleStanding> {
        if let Ok(Some(read)) = read {
            self.progress.take(read, now);
        }
        match read {
            Ok(Some(Read::Assigned(_))) => {
                self.new = true;
                None
            }
            Ok(Some(Read::Records(_, records))) => Some(self.stamps.look(records, now)),
            // Neither says anything of a clock.
            Ok(Some(Read::End(..) | Read::Gone(..))) => {
                (!self.stamps.stopped()).then_some(RoleStanding::Reads)
            }
            // A role on standby would not notice when the log can be read again.
            Ok(Some(Read::Blocked(why))) if !self.progress.is_empty() => {
                Some(RoleStanding::Blocked(why.clone()))
            }
            Ok(Some(Read::Blocked(_) | Read::Revoking(_)) | None) => None,
            Ok(Some(Read::Lost(_))) | Err(_) => Some(RoleStanding::Joining),
        }
    }

    fn set(&mut self, standing: RoleStanding) {
        self.standing = standing;
        let told = match (&self.standing, &self.stuck) {
            (RoleStanding::Reads, Some(why)) => RoleStanding::Blocked(why.clone()),
            (of, _) => of.clone(),
        };
        self.health.set(&self.role, told);
    }

    /// Tells how far the role is behind, if it is time.
    fn look(&mut self, now: Uptime) {
        if self.looked.is_some_and(|last| now - last < LOOK_EVERY) {
            return;
        }
        self.looked = Some(now);
        let end = |of: &Partition| self.reader.known_end(of);
        let Lag { records, behind, stuck } = self.progress.lag((now, self.log.now()), end);
        counters::set(metrics::ROLE_LAG, self.labels(), records as f64);
        counters::set(metrics::ROLE_BEHIND, self.labels(), behind.as_s());
        if self.stuck != stuck {
            self.stuck = stuck;
            self.set(self.standing.clone());
        }
    }

    fn labels(&self) -> MetricLabels {
        vec![("role", self.role.clone())]
    }
}

impl Reader for WatchedReader {
    fn read(&mut self, wait: Duration) -> Result<Option<Read>, LogError> {
        // A role reads on only after it has taken over what it was assigned, which may take long.
        if std::mem::take(&mut self.new) {
            self.set(RoleStanding::Reads);
        }
        let read = self.reader.read(wait);
        let now = self.log.uptime();
        if let Some(standing) = self.standing_after(&read, now) {
            self.set(standing);
        }
        self.look(now);
        read
    }

    fn seek(&mut self, partition: &Partition, position: i64) -> Result<(), LogError> {
        self.progress.sought(partition, position);
        self.reader.seek(partition, position)
    }

    fn committed(&mut self, partition: &Partition) -> Result<Option<Committed>, LogError> {
        self.reader.committed(partition)
    }

    fn commit(&mut self, partition: &Partition, upto: &Committed) -> Result<Commit, LogError> {
        self.reader.commit(partition, upto)
    }

    fn position_at(&mut self, partition: &Partition, time: LogTime) -> Result<i64, LogError> {
        self.reader.position_at(partition, time)
    }

    fn bounds(&mut self, partition: &Partition) -> Result<(i64, i64), LogError> {
        self.reader.bounds(partition)
    }

    fn known_end(&self, partition: &Partition) -> Option<i64> {
        self.reader.known_end(partition)
    }
}

/// The role has ended; if it restarts, it joins its group again.
impl Drop for WatchedReader {
    fn drop(&mut self) {
        self.health.set(&self.role, RoleStanding::Joining);
        let labels = self.labels();
        for metric in [metrics::ROLE_LAG, metrics::ROLE_BEHIND] {
            counters::unset(metric, &labels);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::clock::SystemClock;
    use crate::edge::log::local::LocalLog;

    #[test]
    fn a_role_is_ready_while_it_reads() {
        let health = HealthBoard::default();
        let log = LocalLog::in_memory(Arc::new(SystemClock)).unwrap();
        let place = |partition| Partition { topic: "t".to_owned(), partition };
        log.create("t", 1, false).unwrap();
        let log = Watched { log: Arc::new(log), health: health.clone(), role: "decide".to_owned() };
        let mut reader = WatchedReader {
            reader: log.log.reader("g", &["t".to_owned()]).unwrap(),
            health: health.clone(),
            role: "decide".to_owned(),
            progress: ReadProgress::default(),
            looked: None,
            stuck: None,
            standing: RoleStanding::Joining,
            new: false,
            stamps: Stamps::default(),
            log: Arc::clone(&log.log),
        };
        let blocked = || Read::Blocked("no broker answers".to_owned());
        for (read, expected) in [
            (None, None),
            (Some(blocked()), None),
            (Some(Read::Assigned(Vec::new())), None),
            (Some(blocked()), None),
            (Some(Read::Assigned(vec![place(0)])), None),
            (None, None),
            (Some(blocked()), Some(RoleStanding::Blocked("no broker answers".to_owned()))),
            (Some(Read::End(place(0), 3)), Some(RoleStanding::Reads)),
            (Some(Read::Revoking(vec![place(0)])), None),
            (Some(blocked()), None),
            (Some(Read::Assigned(vec![place(1)])), None),
            (Some(Read::Lost(vec![place(1)])), Some(RoleStanding::Joining)),
        ] {
            let said = format!("{read:?}");
            assert_eq!(reader.standing_after(&Ok(read), log.log.uptime()), expected, "{said}");
        }
        drop(reader);
        assert_eq!(health.unready().unwrap(), "decide has not joined its group yet");
        let mut reader = log.reader("g", &["t".to_owned()]).unwrap();
        assert!(health.unready().is_some());
        while reader.read(Duration::from_secs(1)).unwrap().is_none() {}
        assert!(health.unready().is_some(), "what it was given is not taken over yet");
        reader.read(Duration::ZERO).unwrap();
        assert_eq!(health.unready(), None);
        drop(reader);
        assert!(health.unready().is_some(), "its life is over");
    }
}
