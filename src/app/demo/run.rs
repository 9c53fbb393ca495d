//! One run of the demo: window by window of event time, requests, then outcomes, then rest.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::runtime::Runtime;

use super::callers::{Callers, Requests};
use super::flights::{AFTER, BEFORE, FAULT, Flight, MODEL, REGISTRY, flights};
use super::folder::Folder;
use super::journal::{Journal, Phases};
use super::kafka::Kafka;
use super::lap::Lap;
use super::local::Local;
use super::pulse::{Counted, Pulse};
use super::settings::{Places, WINDOW_MINUTES};
use super::tail::Tail;
use super::{Demo, DemoError, Stage, models, settings};
use crate::app::process::runtime;
use crate::app::replay::{History, News, Replayed};
use crate::config::{Config, LogKind, Meaning};
use crate::edge::clock::Stopwatch;
use crate::edge::target::registry::ShadowRegistry;
use crate::model::{EventTime, IncidentState, Span, TargetId};

/// A window of event time.
const WINDOW: Span = Span::from_s(WINDOW_MINUTES * 60);
/// How long a window takes at least, once it goes on.
const PACE: Span = Span::from_s(5);
/// The pause between two looks at what needs no hurry.
const LOOK: Duration = Duration::from_millis(20);
/// The longest that nothing may move.
const PATIENCE: Span = Span::from_s(180);

/// What a demo tells while it runs.
#[derive(Debug)]
pub enum Told<'a> {
    /// It begins: where callers ask, and where people do.
    Begins {
        /// The router.
        router: String,
        /// The server.
        server: String,
    },
    /// What the river put out.
    News(News<'a>),
    /// What Ripcord is not told.
    Fault(EventTime),
    /// How far it has come.
    Progress {
        /// Windows behind, and in all.
        windows: (u64, u64),
        /// Event time.
        at: EventTime,
        /// What callers were served, and would have been.
        shares: Option<(f64, f64)>,
    },
    /// Something about the processes.
    Note(String),
    /// What it came to; with `serve` it goes on.
    Ended(&'a Ended),
    /// Every step of the rollback was answered, by event time so and so.
    Switched(EventTime, Phases, Counted),
}

/// What became of the requests.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Requested {
    /// Predictions that were asked for.
    pub sent: u64,
    /// Requests of any kind without a good answer.
    pub failed: u64,
    /// Requests of those who ask all the while, beside the predictions.
    pub beside: u64,
    /// Tries that were repeated, since nobody answered.
    pub repeated: u64,
    /// While the rollback was under way.
    pub during_switch: Counted,
    /// Answers of the withdrawn version after the switch, by the router's counters.
    pub withdrawn_after_switch: u64,
    /// Right answers that callers saw, as they counted them, 0 to 1.
    pub accuracy_served: Option<f64>,
    /// The same had the version that went bad answered throughout.
    pub accuracy_without: Option<f64>,
}

/// What a demo came to.
#[derive(Debug)]
pub struct Ended {
    /// As a replay would have it.
    pub replayed: Replayed,
    /// How long each phase took.
    pub phases: Phases,
    /// What callers saw.
    pub requests: Requested,
    /// What the rules mean, for the report.
    pub rules: Vec<Meaning>,
    /// What is not as it should be; empty: the rollback is verified, and nothing else happened.
    pub faults: Vec<String>,
}

/// A run.
pub(super) struct Run<'a> {
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
    lap: Lap,
    /// Records of telemetry that must be on the log by now.
    records: u64,
    fault: Option<EventTime>,
    pulse: Pulse,
    health: String,
    /// Requests during the switch.
    during: Counted,
    /// Answers of the withdrawn version when the switch was over.
    withdrawn: Option<u64>,
    admin: String,
}

impl<'a> Run<'a> {
    /// Begins: the folder, the model servers, the roles.
    pub(super) fn start(
        demo: &Demo,
        stopped: &'a dyn Fn() -> bool,
        tell: &mut impl FnMut(Told<'_>),
    ) -> Result<Self, DemoError> {
        let flights = Arc::new(flights()?);
        let folder = Folder::take(&demo.folder)?;
        folder.log()?;
        folder.furnish(&flights, &[BEFORE, AFTER])?;
        let runtime = runtime().map_err(DemoError::Machine)?;
        let before = models::serve(&runtime, &folder.model(BEFORE))?;
        let after = models::serve(&runtime, &folder.model(AFTER))?;
        let places = Places::find([before, after])?;
        let (config, file) = settings::write(&folder, places, demo.brokers.as_deref())?;
        let start = flights.first().map_or(EventTime::MIN, |flight| flight.asked_at.floor(WINDOW));
        let stage: Box<dyn Stage> = match &config.settings.log.kind {
            LogKind::Local => Box::new(Local::start(&config, start)?),
            LogKind::Kafka(kafka) => {
                Box::new(Kafka::start(&folder, (&config, kafka, &file), places, start)?)
            }
        };
        let watch = Stopwatch::start();
        let tail = Tail::start(stage.river(), watch)?;
        let pane = config.settings.sources.first().map_or(Span::ZERO, |source| source.pane);
        let [router, server] = [places.router, places.server].map(|at| format!("http://{at}"));
        let patience = stage.patience();
        let callers = Callers::new(Arc::clone(&flights), (&router, &server), patience)?;
        let health = format!("{router}/models/{MODEL}/health");
        let admin = format!("{router}/admin/routes/{MODEL}");
        tell(Told::Begins { router, server });
        Ok(Self {
            stopped,
            folder,
            config,
            runtime,
            stage,
            tail,
            journal: Journal::new(pane, history()),
            callers,
            watch,
            lap: Lap::whole(&flights),
            records: 0,
            fault: FAULT.parse().ok(),
            pulse: Pulse::default(),
            health,
            during: Counted::default(),
            withdrawn: None,
            admin,
            flights,
        })
    }

    /// Plays the recording, tells what it came to, and goes on if it shall.
    pub(super) fn play(
        mut self,
        serve: bool,
        tell: &mut impl FnMut(Told<'_>),
    ) -> Result<Ended, DemoError> {
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
            tell(Told::Progress { windows: (window, windows), at: until, shares });
        }
        // One more step, without traffic: whatever waits for time to pass has its time.
        until = until + WINDOW;
        self.rest(until, Some(last), tell)?;
        let ended = self.ended()?;
        tell(Told::Ended(&ended));
        let over = if serve { self.goes_on(until, tell) } else { Ok(()) };
        let Self { stage, tail, .. } = self;
        drop(tail);
        stage.stop()?;
        match over {
            // That is how it ends.
            Ok(()) | Err(DemoError::Stopped) => Ok(ended),
            Err(error) => Err(error),
        }
    }

    /// Healthy traffic, faster than life, until a person has enough.
    fn goes_on(
        &mut self,
        mut until: EventTime,
        tell: &mut impl FnMut(Told<'_>),
    ) -> Result<(), DemoError> {
        for number in 1.. {
            let (lap, length) = Lap::again(&self.flights, until, number);
            self.lap = lap;
            let end = until + length;
            while until < end {
                until = until + WINDOW;
                let watch = Stopwatch::start();
                self.window(until, tell)?;
                while watch.elapsed() < PACE {
                    std::thread::sleep(LOOK);
                    self.stage.pass(Span::from_ms(LOOK.as_millis() as i64));
                    self.rest(until, None, tell)?;
                }
            }
        }
        Ok(())
    }

    /// Waits until every role is at work.
    fn begin(&mut self, tell: &mut impl FnMut(Told<'_>)) -> Result<(), DemoError> {
        let (watch, start) = (Stopwatch::start(), self.opening());
        while !self.stage.is_ready()? {
            self.may_go_on(watch, start, "the roles do not begin", tell)?;
            std::thread::sleep(LOOK);
        }
        let health = self.callers.http.get(&self.health);
        self.pulse = Pulse::start(&self.runtime, &health, self.stage.patience(), self.watch);
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
        tell: &mut impl FnMut(Told<'_>),
    ) -> Result<(), DemoError> {
        if let Some(fault) = self.fault.filter(|fault| *fault < until) {
            self.fault = None;
            tell(Told::Fault(fault));
        }
        self.stage.arrive(until);
        let due = self.lap.due(&self.flights, until);
        // Each answer has its record, and so has each mirrored one and each outcome.
        self.records += 2 * due.len() as u64;
        self.runtime.block_on(self.callers.ask(due, &self.lap));
        let (landed, lines) = self.lap.landed(&self.flights, until);
        self.records += lines.len() as u64;
        self.callers.landed(&landed);
        self.journal.told(until, self.watch.elapsed_us());
        self.runtime.block_on(self.callers.tell(lines))?;
        self.stage.logged(self.records)?;
        self.rest(until, None, tell)
    }

    /// Waits until nobody has anything left to do, and the river has `read` so far.
    fn rest(
        &mut self,
        until: EventTime,
        read: Option<EventTime>,
        tell: &mut impl FnMut(Told<'_>),
    ) -> Result<(), DemoError> {
        let watch = Stopwatch::start();
        loop {
            let rests = self.stage.rests(&self.journal.reach(), until);
            self.hear(tell)?;
            if let Some(time) = self.journal.switched() {
                self.during = self.pulse.during(&time);
                self.withdrawn = Some(self.answers(AFTER)?);
                let at = self.journal.decided_at.unwrap_or(until);
                tell(Told::Switched(at, self.journal.phases, self.during));
            }
            let reach = self.journal.reach();
            if rests && !reach.open && reach.judged >= read {
                return Ok(());
            }
            self.may_go_on(watch, until, "a role does not come to rest", tell)?;
        }
    }

    fn hear(&mut self, tell: &mut impl FnMut(Told<'_>)) -> Result<(), DemoError> {
        let mut failed = None;
        let seen = self.tail.news().map_while(|seen| match seen {
            Ok(seen) => Some(seen),
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        self.journal.take(seen, |news| tell(Told::News(news)))?;
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    fn may_go_on(
        &mut self,
        watch: Stopwatch,
        at: EventTime,
        why: &str,
        tell: &mut impl FnMut(Told<'_>),
    ) -> Result<(), DemoError> {
        self.stage.tend(&mut |note| tell(Told::Note(note)))?;
        if (self.stopped)() {
            return Err(DemoError::Stopped);
        }
        match watch.elapsed() < PATIENCE {
            true => Ok(()),
            false => Err(DemoError::Stuck { at, why: why.to_owned() }),
        }
    }

    /// Live answers of a version, by the router's counters.
    fn answers(&self, version: &str) -> Result<u64, DemoError> {
        let route = self.runtime.block_on(async {
            self.callers.http.get(&self.admin).send().await?.json::<Json>().await
        });
        let route = route.map_err(|error| DemoError::Machine(std::io::Error::other(error)))?;
        Ok(route["versions"][version]["live"]["total"].as_u64().unwrap_or(0))
    }

    /// What it came to.
    fn ended(&self) -> Result<Ended, DemoError> {
        let replayed = self.journal.finish(self.config.rules.clone())?;
        let replayed = replayed.ok_or_else(|| DemoError::Stuck {
            at: self.opening(),
            why: "nothing was read".to_owned(),
        })?;
        let after = self.answers(AFTER)?;
        let shares = self.callers.right.shares();
        let Requests { sent, failed, repeated, .. } = self.callers.requests;
        let (beside, beside_repeated) = self.pulse.all();
        let requests = Requested {
            sent,
            failed: failed + beside.failed,
            beside: beside.sent,
            repeated: repeated + beside_repeated,
            during_switch: self.during,
            withdrawn_after_switch: after - self.withdrawn.unwrap_or(after).min(after),
            accuracy_served: shares.map(|(served, _)| served),
            accuracy_without: shares.map(|(_, without)| without),
        };
        let faults = self.faults(&replayed, &requests);
        let (rules, phases) = (self.config.report().rules, self.journal.phases);
        Ok(Ended { replayed, phases, requests, rules, faults })
    }

    /// What is not as it should be.
    fn faults(&self, replayed: &Replayed, requests: &Requested) -> Vec<String> {
        let mut faults = Vec::new();
        let rollbacks = &replayed.summary.rollbacks;
        let verified =
            |outcome| matches!(outcome, IncidentState::Verified | IncidentState::Resolved);
        match rollbacks.as_slice() {
            [only] => {
                let to = only.to.as_ref().map(|to| to.as_str());
                if (only.from.as_str(), to) != (AFTER, Some(BEFORE)) {
                    faults.push(format!("{} was taken back to {to:?}", only.from));
                }
                if only.verified_at.is_none() || !verified(only.outcome) {
                    faults.push(format!("the rollback is not verified: {}", only.because));
                }
            }
            [] => faults.push("nothing was rolled back".to_owned()),
            several => faults.push(format!("{} rollbacks were done, not one", several.len())),
        }
        if requests.failed > 0 {
            let why = self.callers.requests.first_failure.as_deref();
            let why = why.unwrap_or("of those who ask all the while");
            faults.push(format!("{} requests failed: {why}", requests.failed));
        }
        if requests.withdrawn_after_switch > 0 {
            let n = requests.withdrawn_after_switch;
            faults.push(format!("{AFTER} answered {n} requests after the switch"));
        }
        if let Some(production) = self.production().filter(|production| production != BEFORE) {
            faults.push(format!("the registry's file says that {production} is in production"));
        }
        faults
    }

    /// What the registry's file says.
    fn production(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.folder.registry()).ok()?;
        let registry: Json = serde_json::from_str(&text).ok()?;
        let entries = registry["models"].as_array()?;
        let production = entries.iter().find(|entry| entry["is_production"] == true)?;
        Some(production["version"].as_str()?.to_owned())
    }
}

/// What the registry says at the start: whose baselines it gave.
fn history() -> History {
    let mut history = History::default();
    let registry = TargetId::new(crate::config::REGISTRY).ok();
    let facts = registry.and_then(|id| ShadowRegistry::read(id, REGISTRY).ok()?.facts().ok());
    for fact in facts.into_iter().flatten() {
        let of = fact.versions.into_iter().map(|version| (version.version, version.baselines));
        history.registry.insert(fact.model, of.collect());
    }
    history
}
