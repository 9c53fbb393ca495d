//! The stage of one process: every role in it, on a log whose clock is moved by hand.
//!
//! Law: the clock moves only when no role has anything left to read. While a step waits for its
//! answer, it runs like a real clock, since workers wait for real targets.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::telemetry_ends::TelemetryEnds;
use super::{DemoError, Reach, Stage};
use crate::config::{Config, InstructionKeys};
use crate::edge::clock::{Clock, SimulatedClock, Stopwatch};
use crate::edge::log::LogError;
use crate::edge::log::local::LocalLog;
use crate::model::{EventTime, LogTime, Span};
use crate::process::{RoleSet, RunningProcess, runtime};
use crate::topics::Topics;
use crate::topics::open::OpenLog;

/// The longest wait for quiet in one look.
const LOOK: Duration = Duration::from_micros(300);
/// Records that are not on the log by then never will be.
const PUBLISHED_WITHIN: Span = Span::from_s(20);
/// More than a lane keeps its news to itself: what a step leaves for its second half.
const FLUSH: Span = Span::from_s(15);

/// The stage.
pub(super) struct Local {
    clock: Arc<SimulatedClock>,
    log: LocalLog,
    topics: Topics,
    running: Option<RunningProcess>,
    telemetry_ends: TelemetryEnds,
    /// Runs while a step is open.
    wall: Option<(LogTime, Stopwatch)>,
}

impl Local {
    /// Begins with the log's clock at `start`.
    ///
    /// # Errors
    /// The process cannot begin.
    pub(super) fn start(config: &Config, start: EventTime) -> Result<Self, DemoError> {
        let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(start.as_ms())));
        let folder: PathBuf = config.settings.log.folder.clone();
        let log = LocalLog::open(&folder, Arc::clone(&clock) as Arc<dyn Clock>)?;
        let carried = log.clone();
        let open = move || -> Result<OpenLog, LogError> { Ok(OpenLog::Local(carried)) };
        let runtime = runtime().map_err(DemoError::Machine)?;
        let running = RunningProcess::start(runtime, config, &RoleSet::All, None, open)?;
        let topics = Topics {
            log: Arc::new(log.clone()),
            namespace: config.rules.namespace.clone(),
            shards: config.settings.log.shards,
            keys: InstructionKeys::default(),
        };
        let telemetry_ends = TelemetryEnds::open(&topics, config)?;
        Ok(Self { clock, log, topics, running: Some(running), telemetry_ends, wall: None })
    }
}

impl Stage for Local {
    fn topics(&self) -> &Topics {
        &self.topics
    }

    fn is_ready(&mut self) -> Result<bool, DemoError> {
        self.tend(&mut |_| {})?;
        Ok(self.running.as_ref().is_some_and(|running| running.unready().is_none()))
    }

    fn tend(&mut self, _: &mut dyn FnMut(String)) -> Result<(), DemoError> {
        match self.running.as_mut().and_then(RunningProcess::broken) {
            Some(broken) => Err(broken.into()),
            None => Ok(()),
        }
    }

    fn patience(&self) -> Span {
        Span::ZERO
    }

    fn arrive(&mut self, until: EventTime) {
        self.clock.advance_to(LogTime::from_ms((until - FLUSH).as_ms()));
    }

    fn pass(&mut self, time: Span) {
        self.clock.advance_to(self.clock.now() + time);
    }

    fn logged(&mut self, records: u64) -> Result<(), DemoError> {
        let published = self.telemetry_ends.reach(records, PUBLISHED_WITHIN)?;
        match published >= records {
            true => Ok(()),
            false => Err(DemoError::Lost { expected: records, published }),
        }
    }

    fn rests(&mut self, reach: &Reach, until: EventTime) -> bool {
        let quiet = self.log.wait_idle(LOOK);
        let until = LogTime::from_ms(until.as_ms());
        if quiet && !reach.open && self.clock.now() < until {
            // All was read; now flushes and other timers are due.
            self.clock.advance_to(until);
            self.log.wake_all();
            return false;
        }
        if reach.open {
            let (from, watch) =
                self.wall.get_or_insert_with(|| (self.clock.now(), Stopwatch::start()));
            self.clock.advance_to(*from + watch.elapsed());
        } else {
            self.wall = None;
        }
        quiet && !reach.open
    }

    fn stop(mut self: Box<Self>) -> Result<(), DemoError> {
        match self.running.take() {
            Some(running) => Ok(running.until(std::future::ready(()))?),
            None => Ok(()),
        }
    }
}
