//! Replay: a recording through the whole river, in event time, as fast as it goes.
//!
//! Nothing outside is touched: the log is private, the target a shadow. Workers answer inline and
//! flushes go by event time, so the same recording gives the same bytes.
//!
//! Over 300 lines: one loop, and what it is set up with.

mod files;
mod history;
mod ledger;
mod measured;
mod notes;
mod summary;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use files::FilesError;
pub use history::{History, Line, Point};
pub use ledger::{Day, Ledger, Sums};
pub use measured::{Measured, measure};
pub use summary::{
    Detection, Evidence, IncidentSummary, ModelSummary, RefusedSummary, RollbackSummary, Said,
    Summary, VersionSummary, WouldHave, outcome,
};

use super::decide::Decide;
use super::feed::{Fed, Feed};
use super::river::{River, RoleError};
use super::work::Work;
use crate::config::rules_hash;
use crate::edge::clock::{Clock, SimulatedClock};
use crate::edge::log::Writer;
use crate::edge::log::file::Progress;
use crate::edge::log::local::LocalLog;
use crate::edge::target::registry::{DocumentError, ShadowRegistry};
use crate::measure::{Input, Lane};
use crate::model::{
    EventTime, Fact, LaneId, LogTime, Mode, ModelId, ModelRules, Namespace, RuleBook, SampleRole,
    Source, Span, Stage, TargetId, TargetRule, VersionId,
};
use crate::shard::{Inbox, Output, Status};
use crate::undo::Did;
use crate::wire::telemetry::{self, Raw};
use files::{Files, Next};

/// Nobody waits: what is not there now is not there.
const AT_ONCE: Duration = Duration::ZERO;

/// Refused records of one code that are kept with file and line.
const REFUSED_KEPT: usize = 5;

/// What is replayed, and how.
pub struct Replay {
    /// Recordings: `.jsonl`, `.jsonl.gz`, or `-`.
    pub files: Vec<PathBuf>,
    /// The shadow target.
    pub registry: ShadowRegistry,
    /// Without a registry: the version in production, and the one before, which is vouched for.
    /// They hold for the model of the first sample.
    pub versions: Option<Versions>,
    /// The source's rules; its topics are made from the files.
    pub source: Source,
    /// Rules and limits.
    pub rules: RuleBook,
    /// The mode of every trigger, whatever the rules say.
    pub mode: Option<Mode>,
}

/// What a replay tells while it runs.
#[derive(Debug)]
pub enum News<'a> {
    /// How far it has come: bytes, event time, records.
    Progress(Progress, EventTime, u64),
    /// Something was put out.
    Output(&'a Output),
    /// The live numbers, once an hour of event time and before anything is done about a verdict.
    Numbers(&'a Status),
    /// A record could not be used.
    Refused(&'a super::feed::Refused),
}

/// What a replay came to.
#[derive(Debug)]
pub struct Replayed {
    /// The summary.
    pub summary: Summary,
    /// Everything that was put out, in order.
    pub outputs: Vec<Output>,
    /// What was right, by day, version and role.
    pub ledger: Ledger,
    /// The live numbers over time, and what else was seen.
    pub history: History,
    /// The live numbers at the end.
    pub status: Status,
    /// The rules that were in force.
    pub rules: RuleBook,
}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A role.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// The versions that were named do not go together.
    #[error("the shadow registry cannot be made")]
    Versions(#[from] DocumentError),
    /// Nothing in it is a sample.
    #[error(
        "none of the {0} records is a sample{1}; `ripcord check-source` shows what would mend it"
    )]
    NothingUnderstood(u64, String),
}

impl Replay {
    /// The rules that a replay goes by: shadow targets, and triggers that act.
    fn book(&self) -> RuleBook {
        let mut book = self.rules.clone();
        if let Ok(namespace) = Namespace::new("replay") {
            book.namespace = namespace;
        }
        let targets: Vec<_> = TargetId::new("registry")
            .into_iter()
            .map(|id| TargetRule { id, stage: Stage::Registry, authority: true })
            .collect();
        let shadowed = |rules: &mut ModelRules| {
            // In a recording a silence of the log says nothing about who measures.
            rules.policy.stall_after = Span::from_s(i64::from(u32::MAX));
            rules.targets.clone_from(&targets);
            if let Some(mode) = self.mode {
                rules.mode = mode;
                rules.triggers.iter_mut().for_each(|trigger| trigger.mode = None);
            }
        };
        shadowed(&mut book.default);
        book.models.values_mut().for_each(shadowed);
        book.revision = 1;
        book.hash = rules_hash(&book);
        book
    }

    /// Runs it to the end.
    ///
    /// # Errors
    /// Files that cannot be read, records none of which is a sample.
    pub fn run(self, mut news: impl FnMut(News<'_>)) -> Result<Replayed, ReplayError> {
        let book = self.book();
        let mut files = Files::open(&self.files, &self.source)?;
        let source = files.source().clone();
        let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(0)));
        let log = LocalLog::in_memory(Arc::clone(&clock) as Arc<dyn Clock>);
        let log = Arc::new(log.map_err(RoleError::from)?);
        let river = River { log, namespace: book.namespace.clone(), shards: 1 };
        let lane = LaneId { source: source.id.clone(), lane: 0 };
        let mut run = Run {
            feed: Feed::new(river.clone(), source.clone(), Lane::new(&source, lane.clone(), 1)),
            starts: Some((self.registry, self.versions, book.clone())),
            roles: None,
            ledger: Ledger::new(source.pane),
            history: History::default(),
            outputs: Vec::new(),
            flushed_at: EventTime::MIN,
            newest: EventTime::MIN,
            first_refusal: String::new(),
            records: 0,
            river,
            clock,
            lane,
        };
        while let Some(next) = files.next()? {
            run.record(&next, &mut news)?;
        }
        run.end(&mut news)?;
        run.finish(book)
    }
}

/// The roles, once the first sample has set the clock.
struct Roles {
    decide: Decide,
    work: Work,
    writer: Box<dyn Writer>,
}

/// The version in production, and the one before.
type Versions = (VersionId, Option<VersionId>);

struct Run {
    river: River,
    clock: Arc<SimulatedClock>,
    lane: LaneId,
    feed: Feed,
    starts: Option<(ShadowRegistry, Option<Versions>, RuleBook)>,
    roles: Option<Roles>,
    ledger: Ledger,
    history: History,
    outputs: Vec<Output>,
    flushed_at: EventTime,
    newest: EventTime,
    first_refusal: String,
    records: u64,
}

impl Run {
    fn record(
        &mut self,
        next: &Next<'_>,
        news: &mut impl FnMut(News<'_>),
    ) -> Result<(), ReplayError> {
        self.records += 1;
        if let (Some((ts, model)), Some(_)) = (&next.head, &self.starts) {
            self.start(*ts, model)?;
        }
        let ts = next.head.as_ref().map(|(ts, _)| *ts);
        if let Some(ts) = ts.filter(|ts| *ts > self.newest) {
            self.advance(ts, news)?;
        }
        let raw = next.bytes.map(Raw::line);
        let fed = Fed { topic: next.topic, position: next.line, appended: None, raw };
        let work = self.roles.as_ref().map(|roles| &roles.work);
        let stamped = &mut self.history.stamped;
        self.feed.take(fed, |model, version| {
            *stamped += 1;
            let fact = work.and_then(|work| work.fact(model));
            let production = fact.and_then(|fact| fact.production.as_ref());
            match production {
                Some(production) if production.as_str() == version => SampleRole::Live,
                Some(_) => SampleRole::Shadow,
                None => SampleRole::Unstated,
            }
        });
        for refused in self.feed.refused() {
            if self.first_refusal.is_empty() {
                self.first_refusal = format!(" (line {}: {})", refused.position, refused.detail);
            }
            news(News::Refused(&refused));
            let same = self.history.refused.iter().filter(|(_, r)| r.code == refused.code);
            if same.count() < REFUSED_KEPT {
                let topics = &self.feed.source().topics;
                let file = topics.get(refused.topic).map(|topic| topic.name.clone());
                self.history.refused.push((file.unwrap_or_default(), refused));
            }
        }
        if self.newest - self.flushed_at >= self.feed.source().pane {
            self.flush(news)?;
            if self.history.due(self.newest) {
                self.look(news);
            }
            news(News::Progress(next.progress, self.newest, self.records));
        }
        Ok(())
    }

    /// Moves the clock on to `ts`, with a stop at every deadline on the way.
    fn advance(
        &mut self,
        ts: EventTime,
        news: &mut impl FnMut(News<'_>),
    ) -> Result<(), ReplayError> {
        let to = LogTime::from_ms(ts.as_ms());
        let mut last = None;
        while let Some(due) = self.roles.as_ref().and_then(|roles| roles.decide.next_wakeup()) {
            if due > to || last == Some(due) {
                break;
            }
            last = Some(due);
            self.clock.advance_to(due);
            self.beat()?;
            self.quiet(news)?;
        }
        self.clock.advance_to(to);
        self.newest = ts;
        Ok(())
    }

    /// The first sample sets the clock, and names the model that the versions are of.
    fn start(&mut self, ts: EventTime, model: &str) -> Result<(), ReplayError> {
        let Some((mut registry, versions, book)) = self.starts.take() else { return Ok(()) };
        if let (Some((production, previous)), Ok(model)) = (versions, ModelId::new(model)) {
            registry.insert(&model, &production, previous.as_ref())?;
        }
        self.clock.advance_to(LogTime::from_ms(ts.as_ms()));
        self.flushed_at = ts;
        self.river.create(&book)?;
        let mut writer = self.river.log.writer(None).map_err(RoleError::from)?;
        let source = self.feed.source();
        let topics = source.topics.iter().map(|topic| topic.name.clone()).collect();
        let (id, pane) = (source.id.clone(), source.pane);
        let known = Inbox::Source { source: id, topics, lanes: 1, pane };
        let claim = Inbox::Claim { lane: self.lane.clone(), epoch: 1 };
        self.river.tell(writer.as_mut(), None, &known)?;
        self.river.tell(writer.as_mut(), None, &claim)?;
        let id = registry.target().clone();
        let baselines = |fact: Fact| {
            let of = fact.versions.into_iter().map(|version| (version.version, version.baselines));
            (fact.model, of.collect())
        };
        let known_versions = registry.facts()?.into_iter().map(baselines).collect();
        let rarely = Span::from_s(i64::from(u32::MAX));
        let work = Work::new(self.river.clone(), id, Box::new(registry), rarely)?;
        let decide = Decide::new(self.river.clone())?;
        self.history.registry = known_versions;
        self.roles = Some(Roles { decide, work, writer });
        self.quiet(&mut |_| {})?;
        self.look(&mut |_| {});
        Ok(())
    }

    fn look(&mut self, news: &mut impl FnMut(News<'_>)) {
        let Some(roles) = &self.roles else { return };
        for status in roles.decide.status() {
            self.history.take(&status);
            news(News::Numbers(&status));
        }
    }

    fn beat(&mut self) -> Result<(), ReplayError> {
        let lanes = vec![self.lane.clone()];
        let beat = Inbox::Heartbeat { process: "replay".to_owned(), lanes };
        if let Some(roles) = &mut self.roles {
            self.river.tell(roles.writer.as_mut(), None, &beat)?;
        }
        Ok(())
    }

    fn flush(&mut self, news: &mut impl FnMut(News<'_>)) -> Result<(), ReplayError> {
        self.flushed_at = self.newest;
        self.feed.tell(Input::Flush { now: self.river.log.now() });
        self.send(news)
    }

    fn send(&mut self, news: &mut impl FnMut(News<'_>)) -> Result<(), ReplayError> {
        for frame in self.feed.pending() {
            self.ledger.take(frame);
        }
        let frames = self.feed.frames()?;
        if let Some(roles) = self.roles.as_mut().filter(|_| !frames.is_empty()) {
            roles.writer.append(frames).map_err(RoleError::from)?;
            self.quiet(news)?;
        }
        Ok(())
    }

    /// Takes turns until nobody has anything left to do.
    fn quiet(&mut self, news: &mut impl FnMut(News<'_>)) -> Result<(), ReplayError> {
        let Some(roles) = &mut self.roles else { return Ok(()) };
        loop {
            let decided = roles.decide.turn(AT_ONCE)?;
            let worked = roles.work.turn(AT_ONCE)?;
            if decided.idle && worked.idle {
                return Ok(());
            }
            if decided.outputs.iter().any(is_weighty) {
                for status in roles.decide.status() {
                    self.history.take(&status);
                    news(News::Numbers(&status));
                }
            }
            for output in decided.outputs {
                news(News::Output(&output));
                self.history.output(&output);
                self.outputs.push(output);
            }
        }
    }

    /// The recording is over: every pane closes, the clock stands.
    fn end(&mut self, news: &mut impl FnMut(News<'_>)) -> Result<(), ReplayError> {
        self.feed.tell(Input::End);
        self.feed.tell(Input::Flush { now: self.river.log.now() });
        self.send(news)
    }

    fn finish(self, rules: RuleBook) -> Result<Replayed, ReplayError> {
        let none = || ReplayError::NothingUnderstood(self.records, self.first_refusal.clone());
        let roles = self.roles.as_ref().ok_or_else(none)?;
        let status = roles.decide.status().pop().ok_or_else(none)?;
        let Self { outputs, ledger, mut history, .. } = self;
        history.take(&status);
        let summary = summary::summary(&rules, &status, &outputs, &ledger, &history);
        Ok(Replayed { summary, outputs, ledger, history, status, rules })
    }
}

/// Whether something was done about a verdict.
fn is_weighty(output: &Output) -> bool {
    let Output::Decision(decision) = output else { return false };
    decision.ruling.as_ref().is_some_and(|ruling| match ruling.did {
        Did::Nothing | Did::Joined | Did::Resolved => false,
        Did::Alerted | Did::WouldHave | Did::Held | Did::Acted => true,
    })
}

/// A source as recordings have it: clocks may jump farther.
#[must_use]
pub fn recorded(source: &Source, max_jump: Span) -> Source {
    Source { max_jump, ..source.clone() }
}

/// The event time and the model of a record, if it can be read.
fn head(bytes: &[u8], topic: usize, source: &Source) -> Option<(EventTime, String)> {
    let rules = source.topics.get(topic)?;
    let sample = telemetry::decode(&Raw::line(bytes), rules, source).ok()?;
    Some((sample.ts(), sample.model().to_owned()))
}
