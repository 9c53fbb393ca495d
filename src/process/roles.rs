//! The roles of one process, one thread each, and what happens when one fails.
//!
//! A storage error may pass, so the role restarts from what is committed, after a pause that
//! doubles. On a shared log it also restarts after another process took something over from it: it
//! keeps the rest. Waiting fixes nothing else, so any other error ends the process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use super::error::RoleEnd;
use super::health::HealthBoard;
use super::stop::StopSignal;
use super::watched::watched;
use super::workers::{Worker, workers};
use super::{ProcessError, RoleSet, loops, router};
use crate::config::Config;
use crate::edge::clock::Stopwatch;
use crate::edge::diagnostics;
use crate::edge::diagnostics::counters;
use crate::edge::log::LogError;
use crate::edge::log::local::LocalLog;
use crate::edge::memory_limit::memory_limit;
use crate::model::{Source, Span};
use crate::phrases;
use crate::roles::decide::Decide;
use crate::roles::ingest::{Ingest, WaitingBytes};
use crate::roles::retention;
use crate::roles::work::Work;
use crate::topics::open::OpenLog;
use crate::topics::{RoleError, Topics};

/// The first pause after a failure, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// The time between two looks whether the topic of a source that rests is there again.
const RESTS: Duration = Duration::from_secs(2);
/// After a role has run this long, its next pause is the first one again.
const RAN_WELL: Span = Span::from_s(60);
/// The time between two looks for old records.
const RETAIN_EVERY: Duration = Duration::from_secs(3600);

/// Starts the roles of a process.
pub(super) struct RoleThreads {
    topics: Topics,
    stop: StopSignal,
    ended: mpsc::UnboundedSender<RoleEnd>,
    names: Vec<String>,
    /// Whether other processes use the same log.
    shared: bool,
    health: HealthBoard,
    /// What the sources of this process may remember together.
    waiting: WaitingBytes,
}

impl RoleThreads {
    pub(super) fn new(
        topics: Topics,
        shared: bool,
        stop: StopSignal,
        ended: mpsc::UnboundedSender<RoleEnd>,
        health: HealthBoard,
    ) -> Self {
        let waiting = WaitingBytes::new(usize::MAX);
        Self { topics, stop, ended, names: Vec::new(), shared, health, waiting }
    }

    /// The names of those that were started.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Starts every role of this set that the config asks for.
    pub(super) fn start(
        &mut self,
        config: &Config,
        part: &RoleSet,
        carrier: &OpenLog,
    ) -> Result<(), ProcessError> {
        if part.measures() {
            self.waiting = waiting(config.settings.ingest.max_waiting_bytes);
            for source in &config.settings.sources {
                self.ingest(config, source)?;
            }
        }
        if part.decides() {
            self.decide(config)?;
        }
        for worker in workers(config, part)? {
            self.work(worker)?;
        }
        // Brokers delete old records themselves.
        match carrier {
            OpenLog::Local(log) => self.retain(config, log),
            OpenLog::Kafka(_) => Ok(()),
        }
    }

    fn ingest(&mut self, config: &Config, source: &Source) -> Result<(), ProcessError> {
        let name = format!("ingest {}", source.id);
        let (topics, settings) = (self.watched(&name), config.settings.ingest.clone());
        let (source, waiting) = (source.clone(), self.waiting.clone());
        let (health, role) = (self.health.clone(), name.clone());
        self.role(name, move |stop| {
            let ingest = Ingest::new(topics.clone(), source.clone(), settings.clone())?;
            let mut ingest = ingest.sharing(waiting.clone());
            loops::ingest(&mut ingest, stop, |models| health.uncounted(&role, models))
        })
    }

    fn decide(&mut self, config: &Config) -> Result<(), ProcessError> {
        let (topics, hash) = (self.watched("decide"), config.rules.hash.clone());
        let (keep, said) = (config.settings.http.keep_replies, loops::SaidAhead::default());
        self.role("decide".to_owned(), move |stop| {
            let mut decide = Decide::new(topics.clone())?.keep_replies(keep);
            loops::decide(&mut decide, &topics, &hash, &said, stop)
        })
    }

    fn work(&mut self, worker: Worker) -> Result<(), ProcessError> {
        let Worker { id, poll, make } = worker;
        let name = format!("work {id}");
        let topics = self.watched(&name);
        self.role(name, move |stop| {
            let mut work = Work::new(topics.clone(), id.clone(), make(), poll)?;
            loops::work(&mut work, &id, stop)
        })
    }

    /// Lets the router answer, and publishes what it sees.
    pub(super) fn route(
        &mut self,
        opened: router::Opened,
        runtime: &Runtime,
        stop: &watch::Receiver<bool>,
    ) -> Result<router::RunningRouter, ProcessError> {
        if let Some(publisher) = opened.publisher.clone() {
            // The routing itself would keep the queue open that is read here.
            let (topics, dropped) = (self.topics.clone(), opened.routing.dropped());
            self.role("route".to_owned(), move |stop| {
                publisher.life(&topics, || dropped.load(Ordering::Relaxed), || stop.is_set())
            })?;
        }
        Ok(opened.run(runtime, stop.clone()))
    }

    /// The topics for a role that reads as a member of a group.
    fn watched(&self, name: &str) -> Topics {
        watched(name, &self.topics, &self.health)
    }

    fn retain(&mut self, config: &Config, log: &LocalLog) -> Result<(), ProcessError> {
        let (topics, log) = (self.topics.clone(), log.clone());
        let (sources, keep) = (config.settings.sources.clone(), config.settings.log.retention);
        self.role("retention".to_owned(), move |stop| {
            while !stop.is_set() {
                retention::retain(&log, &topics, &sources, keep)?;
                stop.pause(RETAIN_EVERY);
            }
            Ok(())
        })
    }

    /// Runs a role in its own thread, which always reports how the role ended.
    fn role(
        &mut self,
        name: String,
        life: impl Fn(&StopSignal) -> Result<(), RoleError> + Send + 'static,
    ) -> Result<(), ProcessError> {
        let (stop, ended, shared) = (self.stop.clone(), self.ended.clone(), self.shared);
        let health = self.health.clone();
        let thread = std::thread::Builder::new().name(name.clone());
        self.names.push(name.clone());
        thread.spawn(move || {
            let result =
                catch_unwind(AssertUnwindSafe(|| lives(&name, life, shared, &stop, &health)));
            let result = result.unwrap_or_else(|_| Err(ProcessError::Broke(name)));
            // Nobody listens any more: the process ends.
            let _told = ended.send(result);
        })?;
        Ok(())
    }
}

/// Restarts a role until a stop, or an error that does not pass.
fn lives(
    name: &str,
    life: impl Fn(&StopSignal) -> Result<(), RoleError>,
    shared: bool,
    stop: &StopSignal,
    health: &HealthBoard,
) -> Result<(), ProcessError> {
    let mut pause = PAUSES.0;
    loop {
        let watch = Stopwatch::start();
        let Err(source) = life(stop) else { return Ok(()) };
        let rests = matches!(source, RoleError::Rests { .. });
        if rests && stop.is_set() {
            return Ok(());
        }
        if let RoleError::Fenced(what) = &source {
            diagnostics::fenced(name, what);
        }
        if !passes(&source, shared) {
            return Err(ProcessError::Role { role: name.to_owned(), source });
        }
        if stop.is_set() {
            diagnostics::stopped_unsaved(name, &format!("{:#}", anyhow::Error::new(source)));
            return Ok(());
        }
        if watch.elapsed() >= RAN_WELL {
            pause = PAUSES.0;
        }
        let why = format!("{:#}", anyhow::Error::new(source));
        diagnostics::role_restarted(name, &why, pause.as_millis());
        counters::role_restarted(name);
        health.failed(name, why);
        stop.pause(pause);
        pause = if rests { RESTS } else { PAUSES.1.min(pause * 2) };
    }
}

/// Whether the error may pass.
fn passes(error: &RoleError, shared: bool) -> bool {
    match error {
        RoleError::Log(LogError::Storage { .. } | LogError::Denied { .. }) => true,
        RoleError::Fenced(_) | RoleError::Rests { .. } => shared,
        RoleError::Log(_)
        | RoleError::Record(_)
        | RoleError::Shard(_)
        | RoleError::NoKeys { .. }
        | RoleError::Lanes { .. }
        | RoleError::Runtime(_) => false,
    }
}

/// The memory for waiting requests: as set, else half of what there is.
fn waiting(set: Option<usize>) -> WaitingBytes {
    let half = || memory_limit().and_then(|all| usize::try_from(all / 2).ok());
    let most = set.or_else(half).unwrap_or(usize::MAX);
    diagnostics::waiting_may_take(&phrases::bytes(most));
    WaitingBytes::new(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waiting_may_mend_begins_anew() {
        let storage = || {
            let source = Box::new(std::io::Error::other("gone"));
            RoleError::Log(LogError::Storage { doing: "reading".to_owned(), source })
        };
        let fenced = || RoleError::Fenced("inbox[1]".to_owned());
        let stays = || RoleError::Log(LogError::NoOwner);
        for (error, alone, shared) in
            [(storage(), true, true), (fenced(), false, true), (stays(), false, false)]
        {
            assert_eq!(passes(&error, false), alone, "{error}");
            assert_eq!(passes(&error, true), shared, "{error}");
        }
    }

    #[test]
    fn losing_to_another_process_ends_a_role_only_where_there_can_be_none() {
        let (_stopper, stop) = watch::channel(false);
        let (lives_on, health) = (std::cell::Cell::new(0), HealthBoard::default());
        let life = |_: &StopSignal| {
            lives_on.set(lives_on.get() + 1);
            if lives_on.get() < 2 { Err(RoleError::Fenced("lane".to_owned())) } else { Ok(()) }
        };
        assert!(lives("role", life, true, &StopSignal::new(stop.clone()), &health).is_ok());
        lives_on.set(0);
        let ended = lives("role", life, false, &StopSignal::new(stop), &health);
        assert!(matches!(ended, Err(ProcessError::Role { .. })), "{ended:?}");
    }
}
