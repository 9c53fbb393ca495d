//! One run of the demo: window by window of event time, requests, then outcomes, then rest.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::background::BackgroundCallers;
use super::callers::Callers;
use super::event::DemoEvent;
use super::flights::{AFTER, BEFORE, FAULT, Flight, MODEL, flights};
use super::folder::Folder;
use super::journal::Journal;
use super::playback::Playback;
use super::result::{Observed, faults};
use super::scene::set;
use super::settings::WINDOW_MINUTES;
use super::tail::Tail;
use super::{Demo, DemoError, Stage, models};
use crate::config::Config;
use crate::edge::clock::Stopwatch;
use crate::model::{EventTime, Span};
use crate::process::runtime;
use crate::show::data::{CallCounts, DemoResult};

/// A window of event time.
const WINDOW: Span = Span::from_s(WINDOW_MINUTES * 60);
/// How long a window takes at least, once the demo continues.
const PACE: Span = Span::from_s(5);
/// The pause between two looks at what needs no hurry.
const LOOK: Duration = Duration::from_millis(20);
/// The longest time without progress.
const PATIENCE: Span = Span::from_s(180);

/// A run.
pub(super) struct DemoRun<'a> {
    stopped: &'a dyn Fn() -> bool,
    folder: Folder,
    config: Config,
    flights: Arc<Vec<Flight>>,
    runtime: Runtime,
    stage: Box<dyn Stage>,
    tail: Tail,
    journal: Journal,
    callers: Callers,
    watch: Stopwatch,
    playback: Playback,
    /// Records of telemetry that must be on the log by now.
    records: u64,
    fault: Option<EventTime>,
    background: BackgroundCallers,
    /// Where callers ask.
    router: String,
    /// Requests during the switch.
    during: CallCounts,
    /// Answers of the withdrawn version when the switch was over.
    withdrawn: Option<u64>,
}

impl<'a> DemoRun<'a> {
    /// Begins: the folder, the model servers, the roles.
    pub(super) fn start(
        demo: &Demo,
        stopped: &'a dyn Fn() -> bool,
        tell: &mut impl FnMut(DemoEvent<'_>),
    ) -> Result<Self, DemoError> {
        let flights = Arc::new(flights()?);
        let folder = Folder::take(&demo.folder)?;
        folder.log()?;
        folder.furnish(&flights, &[BEFORE, AFTER])?;
        let runtime = runtime().map_err(DemoError::Machine)?;
        let before = models::serve(&runtime, &folder.model(BEFORE))?;
        let after = models::serve(&runtime, &folder.model(AFTER))?;
        let start = flights.first().map_or(EventTime::MIN, |flight| flight.asked_at.floor(WINDOW));
        let (config, places, stage) = set(&folder, demo, [before, after], start)?;
        let watch = Stopwatch::start();
        let tail = Tail::start(stage.topics(), watch)?;
        let pane = config.settings.sources.first().map_or(Span::ZERO, |source| source.pane);
        let [router, server] = [places.router, places.server].map(|at| format!("http://{at}"));
        let patience = stage.patience();
        let callers = Callers::new(Arc::clone(&flights), (&router, &server), patience)?;
        tell(DemoEvent::Begins { router: router.clone(), server });
        Ok(Self {
            stopped,
            folder,
            config,
            runtime,
            stage,
            tail,
            journal: Journal::new(pane),
            callers,
            watch,
            playback: Playback::whole(&flights),
            records: 0,
            fault: FAULT.parse().ok(),
            background: BackgroundCallers::default(),
            router,
            during: CallCounts::default(),
            withdrawn: None,
            flights,
        })
    }

    /// Plays the recording, reports the result, and continues with `serve`. However it ends, the
    /// roles are stopped.
    pub(super) fn play(
        mut self,
        serve: bool,
        tell: &mut impl FnMut(DemoEvent<'_>),
    ) -> Result<DemoResult, DemoError> {
        let played = self.plays(serve, tell);
        let Self { stage, tail, .. } = self;
        drop(tail);
        let stopped = stage.stop();
        let ended = played?;
        stopped?;
        Ok(ended)
    }

    fn plays(
        &mut self,
        serve: bool,
        tell: &mut impl FnMut(DemoEvent<'_>),
    ) -> Result<DemoResult, DemoError> {
        self.begin(tell)?;
        let last = self.flights.iter().filter_map(|flight| Some(flight.landed?.0)).max();
        let last = last.unwrap_or_else(|| self.opening());
        let windows = (last.floor(WINDOW) - self.opening()).as_ms() / WINDOW.as_ms() + 1;
        let windows = u64::try_from(windows).unwrap_or(1);
        let mut until = self.opening();
        for window in 1..=windows {
            until = until + WINDOW;
            self.window(until, tell)?;
            let shares = self.callers.right.shares();
            tell(DemoEvent::Progress { windows: (window, windows), at: until, shares });
        }
        // One more step without traffic, for what waits for time to pass.
        until = until + WINDOW;
        self.rest(until, Some(last), tell)?;
        let ended = self.ended()?;
        tell(DemoEvent::Ended(&ended));
        let over = if serve { self.repeat(until, tell) } else { Ok(()) };
        match over {
            // A person stopped it, as intended.
            Ok(()) | Err(DemoError::Stopped) => Ok(ended),
            Err(error) => Err(error),
        }
    }

    /// Healthy traffic, faster than real time, until a person stops it.
    fn repeat(
        &mut self,
        mut until: EventTime,
        tell: &mut impl FnMut(DemoEvent<'_>),
    ) -> Result<(), DemoError> {
        for number in 1.. {
            let (playback, length) = Playback::again(&self.flights, until, number);
            self.playback = playback;
            let end = until + length;
            while until < end {
                until = until + WINDOW;
                let watch = Stopwatch::start();
                self.window(until, tell)?;
                while watch.elapsed() < PACE {
                    std::thread::sleep(LOOK);
                    self.check(watch, until, "a window takes too long", tell)?;
                    self.stage.pass(Span::from_ms(LOOK.as_millis() as i64));
                    self.rest(until, None, tell)?;
                }
            }
        }
        Ok(())
    }

    /// The result.
    fn ended(&self) -> Result<DemoResult, DemoError> {
        let replayed = self.journal.finish(self.config.rules.clone())?;
        let replayed = replayed.ok_or_else(|| DemoError::Stuck {
            at: self.opening(),
            why: "nothing was read".to_owned(),
        })?;
        let observed = Observed {
            requests: &self.callers.requests,
            steady: self.background.all(),
            during_switch: self.during,
            withdrawn: (self.withdrawn, self.runtime.block_on(self.callers.answers(AFTER))?),
            shares: self.callers.right.shares(),
        };
        let requests = observed.requested();
        let first_failure = self.callers.requests.first_failure.as_deref();
        let faults = faults(&replayed, &requests, first_failure, &self.folder.registry());
        let (rules, phases) = (self.config.report().rules, self.journal.phases);
        Ok(DemoResult { replayed, phases, requests, rules, faults })
    }

    /// Waits until every role is at work.
    fn begin(&mut self, tell: &mut impl FnMut(DemoEvent<'_>)) -> Result<(), DemoError> {
        let (watch, start) = (Stopwatch::start(), self.opening());
        while !self.stage.is_ready()? {
            self.check(watch, start, "the roles do not start", tell)?;
            std::thread::sleep(LOOK);
        }
        let health = format!("{}/models/{MODEL}/health", self.router);
        let health = self.callers.http.get(health);
        self.background =
            BackgroundCallers::start(&self.runtime, &health, self.stage.patience(), self.watch);
        self.rest(start, None, tell)
    }

    /// Where event time begins.
    fn opening(&self) -> EventTime {
        self.flights.first().map_or(EventTime::MIN, |flight| flight.asked_at.floor(WINDOW))
    }

    /// All that happens before `until`.
    fn window(
        &mut self,
        until: EventTime,
        tell: &mut impl FnMut(DemoEvent<'_>),
    ) -> Result<(), DemoError> {
        if let Some(fault) = self.fault.filter(|fault| *fault < until) {
            self.fault = None;
            tell(DemoEvent::Fault(fault));
        }
        self.stage.arrive(until);
        let due = self.playback.due(&self.flights, until);
        // Each answer has its record, and so has each mirrored one and each outcome.
        self.records += 2 * due.len() as u64;
        self.runtime.block_on(self.callers.ask(due, &self.playback));
        let (landed, lines) = self.playback.landed(&self.flights, until);
        self.records += lines.len() as u64;
        self.callers.landed(&landed);
        self.journal.told(until, self.watch.elapsed_us());
        self.runtime.block_on(self.callers.publish(lines))?;
        self.stage.logged(self.records)?;
        self.rest(until, None, tell)
    }

    /// Waits until no role has anything left to do, and the pipeline has `read` so far.
    fn rest(
        &mut self,
        until: EventTime,
        read: Option<EventTime>,
        tell: &mut impl FnMut(DemoEvent<'_>),
    ) -> Result<(), DemoError> {
        let watch = Stopwatch::start();
        loop {
            let rests = self.stage.rests(&self.journal.reach(), until);
            self.take_records(tell)?;
            if let Some(time) = self.journal.switched() {
                self.during = self.background.during(&time);
                self.withdrawn = Some(self.runtime.block_on(self.callers.answers(AFTER))?);
                let at = self.journal.switched_at.unwrap_or(until);
                tell(DemoEvent::Switched(at, self.journal.phases, self.during));
            }
            let reach = self.journal.reach();
            if rests && !reach.open && reach.judged >= read {
                return Ok(());
            }
            self.check(watch, until, "a role does not finish its work", tell)?;
        }
    }

    fn take_records(&mut self, tell: &mut impl FnMut(DemoEvent<'_>)) -> Result<(), DemoError> {
        let mut failed = None;
        let seen = self.tail.new_records().map_while(|seen| match seen {
            Ok(seen) => Some(seen),
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        self.journal.take(seen, |news| tell(DemoEvent::News(news)))?;
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    fn check(
        &mut self,
        watch: Stopwatch,
        at: EventTime,
        why: &str,
        tell: &mut impl FnMut(DemoEvent<'_>),
    ) -> Result<(), DemoError> {
        self.stage.tend(&mut |note| tell(DemoEvent::Note(note)))?;
        if (self.stopped)() {
            return Err(DemoError::Stopped);
        }
        match watch.elapsed() < PATIENCE {
            true => Ok(()),
            false => Err(DemoError::Stuck { at, why: why.to_owned() }),
        }
    }
}
