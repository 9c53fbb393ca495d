//! The health of a process's roles, for monitoring: `/livez`, `/readyz`, `/metrics`.
//!
//! Law: health is observed from what the log answers to each role's reader, so no role reports it;
//! and these pages are read-only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::HttpLimits;
use crate::edge::diagnostics::counters;
use crate::edge::diagnostics::metrics::{self, Page};
use crate::edge::http::{Guard, Problem, Routes, framed, run};
use crate::edge::log::{
    Commit, Committed, Log, LogClock, LogError, Partition, Read, Reader, Record, Writer,
};
use crate::model::LogTime;
use crate::shard::BUILD;
use crate::topics::Topics;

/// The state of each role.
#[derive(Clone, Default)]
pub(super) struct HealthBoard(Arc<Mutex<BTreeMap<String, Standing>>>);

/// The state of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// It is starting or restarting, and its group has not assigned it anything yet.
    Joining,
    /// It reads what its group assigned to it. With more processes than partitions that may be
    /// nothing: the role is on standby.
    Reads,
    /// It has joined, but the log cannot be read.
    Blocked(String),
}

impl HealthBoard {
    /// These topics for one role, on a log that observes the role.
    pub(super) fn watch(&self, role: &str, topics: &Topics) -> Topics {
        self.set(role, Standing::Joining);
        let (health, role) = (self.clone(), role.to_owned());
        let log = Arc::new(Watched { log: Arc::clone(&topics.log), health, role });
        Topics { log, ..topics.clone() }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Standing>> {
        // Nothing panics while it holds it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, role: &str, standing: Standing) {
        self.all().insert(role.to_owned(), standing);
    }

    /// Which roles are not ready, and why; `None` if all are.
    pub(super) fn unready(&self) -> Option<String> {
        let all = self.all();
        let unready = all.iter().filter_map(|(role, standing)| match standing {
            Standing::Joining => Some(format!("{role} has not joined its group yet")),
            Standing::Blocked(why) => Some(format!("{role} cannot read: {why}")),
            Standing::Reads => None,
        });
        let unready: Vec<_> = unready.collect();
        (!unready.is_empty()).then(|| unready.join("; "))
    }

    /// Answers until `stop` says true.
    pub(super) async fn answer(
        self,
        listener: TcpListener,
        limits: HttpLimits,
        stop: watch::Receiver<bool>,
    ) -> std::io::Result<()> {
        let guard = Guard::new(None, listener.local_addr()?);
        let free = Router::new()
            .route("/livez", get(live))
            .route("/readyz", get(ready))
            .route("/metrics", get(page))
            .with_state(self);
        let routes = framed(Routes { free, ..Routes::default() }, guard, limits);
        run(listener, routes, limits, stop).await;
        Ok(())
    }
}

async fn live() -> Response {
    Json(json!({"live": true})).into_response()
}

async fn ready(State(health): State<HealthBoard>) -> Result<Response, Problem> {
    match health.unready() {
        None => Ok(Json(json!({"ready": true})).into_response()),
        Some(why) => {
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", why).again_in(1))
        }
    }
}

async fn page(State(health): State<HealthBoard>) -> Response {
    let mut page = Page::new(BUILD);
    let reads = |standing: &Standing| f64::from(u8::from(*standing == Standing::Reads));
    let roles = health.all();
    let roles = roles.iter().map(|(role, how)| (vec![("role", role.clone())], reads(how)));
    page.gauge(metrics::ROLE_READY, roles.collect::<Vec<_>>());
    counters::page(&mut page);
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], page.text()).into_response()
}

/// A role's log, which observes what the role reads.
struct Watched {
    log: Arc<dyn Log>,
    health: HealthBoard,
    role: String,
}

impl Log for Watched {
    fn reader(&self, group: &str, topics: &[String]) -> Result<Box<dyn Reader>, LogError> {
        let reader = self.log.reader(group, topics)?;
        let (health, role) = (self.health.clone(), self.role.clone());
        Ok(Box::new(WatchedReader { reader, health, role, given: BTreeSet::new(), new: false }))
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

    fn latest(&self, partition: &Partition) -> Result<Vec<Record>, LogError> {
        self.log.latest(partition)
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
    given: BTreeSet<Partition>,
    /// Some of it was assigned by the last read, and the role has not taken it over yet.
    new: bool,
}

impl WatchedReader {
    /// The state of the role after a read; `None` if it has not changed.
    fn standing_after(&mut self, read: &Result<Option<Read>, LogError>) -> Option<Standing> {
        match read {
            Ok(Some(Read::Assigned(partitions))) => {
                self.given.extend(partitions.iter().cloned());
                self.new = true;
                None
            }
            Ok(Some(Read::Records(..) | Read::End(..))) => Some(Standing::Reads),
            Ok(Some(Read::Revoking(partitions))) => {
                self.given.retain(|given| !partitions.contains(given));
                None
            }
            Ok(Some(Read::Lost(partitions))) => {
                self.given.retain(|given| !partitions.contains(given));
                Some(Standing::Joining)
            }
            // A role on standby would not notice when the log can be read again.
            Ok(Some(Read::Blocked(why))) if !self.given.is_empty() => {
                Some(Standing::Blocked(why.clone()))
            }
            Ok(Some(Read::Blocked(_)) | None) => None,
            Err(_) => Some(Standing::Joining),
        }
    }
}

impl Reader for WatchedReader {
    fn read(&mut self, wait: Duration) -> Result<Option<Read>, LogError> {
        // A role reads on only after it has taken over what it was assigned, which may take long.
        if std::mem::take(&mut self.new) {
            self.health.set(&self.role, Standing::Reads);
        }
        let read = self.reader.read(wait);
        if let Some(standing) = self.standing_after(&read) {
            self.health.set(&self.role, standing);
        }
        read
    }

    fn seek(&mut self, partition: &Partition, position: i64) -> Result<(), LogError> {
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
}

/// The role has ended; if it restarts, it joins its group again.
impl Drop for WatchedReader {
    fn drop(&mut self) {
        self.health.set(&self.role, Standing::Joining);
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
            given: BTreeSet::new(),
            new: false,
        };
        let blocked = || Read::Blocked("no broker answers".to_owned());
        for (read, expected) in [
            (None, None),
            (Some(blocked()), None),
            (Some(Read::Assigned(Vec::new())), None),
            (Some(blocked()), None),
            (Some(Read::Assigned(vec![place(0)])), None),
            (None, None),
            (Some(blocked()), Some(Standing::Blocked("no broker answers".to_owned()))),
            (Some(Read::End(place(0), 3)), Some(Standing::Reads)),
            (Some(Read::Revoking(vec![place(0)])), None),
            (Some(blocked()), None),
            (Some(Read::Assigned(vec![place(1)])), None),
            (Some(Read::Lost(vec![place(1)])), Some(Standing::Joining)),
        ] {
            let said = format!("{read:?}");
            assert_eq!(reader.standing_after(&Ok(read)), expected, "{said}");
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
