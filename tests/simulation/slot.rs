//! A place where a role runs: one process after another, each of which may be killed, pause, fail
//! or stop in order.

use std::time::Duration;

use ripcord::config::IngestSettings;
use ripcord::edge::clock::Clock;
use ripcord::edge::log::LogError;
use ripcord::model::{Source, Span};
use ripcord::roles::decide::Decide;
use ripcord::roles::ingest::Ingest;
use ripcord::roles::work::Work;
use ripcord::topics::{RoleError, Topics};

use crate::fault::Fault;
use crate::process::{Process, Site};
use crate::target::{SharedRegistry, target};

/// What a place runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoleKind {
    Ingest,
    Decide,
    Work,
}

/// What roles are made of.
#[derive(Clone)]
pub(crate) struct Makings {
    pub(crate) site: Site,
    /// Their log is replaced by that of the process.
    pub(crate) topics: Topics,
    pub(crate) source: Source,
    pub(crate) settings: IngestSettings,
    pub(crate) registry: SharedRegistry,
}

enum RunningRole {
    Ingest(Box<Ingest>),
    Decide(Box<Decide>),
    Work(Box<Work>),
}

pub(crate) struct Slot {
    pub(crate) kind: RoleKind,
    process: Process,
    role: Option<RunningRole>,
    /// Nothing runs here before, in milliseconds of uptime.
    away_until: i64,
    /// When its group gives up a process that was killed.
    buried_at: Option<i64>,
    told_at: i64,
}

impl Slot {
    pub(crate) fn new(kind: RoleKind, site: &Site) -> Self {
        let process = Process::new(site, 0);
        Self { kind, process, role: None, away_until: 0, buried_at: None, told_at: 0 }
    }

    fn now(&self) -> i64 {
        self.process.site.clock.uptime().since_the_start().as_ms()
    }

    pub(crate) fn decide(&self) -> Option<&Decide> {
        match &self.role {
            Some(RunningRole::Decide(decide)) => Some(decide),
            Some(RunningRole::Ingest(_) | RunningRole::Work(_)) | None => None,
        }
    }

    /// A turn, if something runs here. Whether there was nothing to do.
    pub(crate) fn turn(&mut self, makings: &Makings, next_id: &mut u64) -> bool {
        let now = self.now();
        if self.buried_at.is_some_and(|at| at <= now) {
            self.bury();
        }
        if now < self.away_until {
            return false;
        }
        if self.role.is_none() {
            self.bury();
            *next_id += 1;
            self.process = Process::new(&makings.site, *next_id);
            match self.begin(makings) {
                Ok(role) => self.role = Some(role),
                Err(error) => self.failed(&error),
            }
        }
        let turned = match &mut self.role {
            Some(RunningRole::Ingest(ingest)) => ingest.turn(Duration::ZERO).map(|t| t.idle),
            Some(RunningRole::Decide(decide)) => {
                let told = now - self.told_at >= 20_000;
                let turned = decide.turn(Duration::ZERO).map(|t| t.idle);
                if told && turned.is_ok() {
                    self.told_at = now;
                    turned.and_then(|idle| decide.publish_status().map(|()| idle))
                } else {
                    turned
                }
            }
            Some(RunningRole::Work(work)) => work.turn(Duration::ZERO).map(|t| t.idle),
            None => return false,
        };
        match turned {
            Ok(idle) if !self.process.is_dead() => idle,
            Ok(_) => {
                self.ended();
                false
            }
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    fn begin(&self, makings: &Makings) -> Result<RunningRole, RoleError> {
        let topics =
            Topics { log: std::sync::Arc::new(self.process.clone()), ..makings.topics.clone() };
        Ok(match self.kind {
            RoleKind::Ingest => {
                let (source, settings) = (makings.source.clone(), makings.settings.clone());
                RunningRole::Ingest(Box::new(Ingest::new(topics, source, settings)?))
            }
            RoleKind::Decide => RunningRole::Decide(Box::new(Decide::new(topics)?)),
            RoleKind::Work => {
                let registry = Box::new(makings.registry.clone());
                let work = Work::new(topics, target(), registry, Span::from_s(5))?;
                RunningRole::Work(Box::new(work))
            }
        })
    }

    /// The role gave up. It may, for what the log did to it, and for nothing else.
    fn failed(&mut self, error: &RoleError) {
        let allowed = matches!(error, RoleError::Log(LogError::Storage { .. }));
        assert!(allowed, "{:?} gave up: {error:?}", self.kind);
        self.ended();
    }

    /// What ran here runs no more. A killed process leaves no word.
    fn ended(&mut self) {
        self.role = None;
        let now = self.now();
        if self.process.is_dead() {
            let mut faults = self.process.site.faults();
            let (silent, away) = (faults.between(0, 8000), faults.between(0, 15_000));
            drop(faults);
            (self.buried_at, self.away_until) = (Some(now + silent), now + away);
        } else {
            self.away_until = now + 1000;
        }
    }

    fn bury(&mut self) {
        self.buried_at = None;
        self.process.site.broker.lock().groups.bury(self.process.id);
    }

    /// Pauses or stops, if a fault wants it.
    pub(crate) fn disturb(&mut self) {
        if self.role.is_none() || self.now() < self.away_until {
            return;
        }
        if self.process.site.faults().strikes(Fault::Pause) {
            let (away, given_up) = {
                let mut faults = self.process.site.faults();
                (faults.between(2000, 40_000), faults.below(2) == 0)
            };
            self.away_until = self.now() + away;
            if given_up {
                self.process.site.broker.lock().groups.bury(self.process.id);
            }
        } else if self.process.site.faults().strikes(Fault::Stop) {
            self.stop();
        }
    }

    /// Ends at once.
    pub(crate) fn kill(&mut self) {
        if self.role.is_some() {
            self.process.kill().unwrap_err();
            self.ended();
        }
    }

    /// Ends in order.
    pub(crate) fn stop(&mut self) {
        let stopped = match &mut self.role {
            Some(RunningRole::Ingest(ingest)) => ingest.stop(),
            Some(RunningRole::Decide(decide)) => decide.stop(),
            Some(RunningRole::Work(_)) | None => Ok(()),
        };
        match stopped {
            Ok(()) => self.ended(),
            Err(error) => self.failed(&error),
        }
    }

    /// The faults are over: it comes back now.
    pub(crate) fn return_now(&mut self) {
        self.away_until = 0;
    }
}
