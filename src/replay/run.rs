//! One replay under way: the clock follows the records, and at every deadline on the way the roles
//! take turns until nobody has anything left to do.
//!
//! Over 300 lines: one machine, from its first record to its end; all of it shares its state.

use std::sync::Arc;
use std::time::Duration;

use super::files::{Files, NextRecord, TOPIC};
use super::{DailyAnswers, History, News, ReplayError, Replayed, Versions, summarize};
use crate::edge::clock::{Clock, SimulatedClock};
use crate::edge::log::Writer;
use crate::edge::log::local::LocalLog;
use crate::measure::{Input, Lane};
use crate::model::{EventTime, Fact, LaneId, LogTime, ModelId, RuleSet, SampleRole, Span};
use crate::roles::decide::Decide;
use crate::roles::ingest::pipeline::{LanePipeline, RawRecord};
use crate::roles::work::Work;
use crate::shard::{Inbox, Output};
use crate::targets::registry::ShadowRegistry;
use crate::topics::{RoleError, Topics};
use crate::undo::Response;
use crate::wire::telemetry::Raw;

/// Nobody waits: what is not there now is not there.
const AT_ONCE: Duration = Duration::ZERO;

/// Refused records of one code that are kept with file and line.
const REFUSED_KEPT: usize = 5;

/// The roles, once the first sample has set the clock.
struct Roles {
    decide: Decide,
    work: Work,
    writer: Box<dyn Writer>,
}

/// A record that may still be refused: its position, its file, its line.
type RecordPosition = (i64, usize, i64);

/// The river, stepped by records.
pub(super) struct ReplayRun {
    topics: Topics,
    clock: Arc<SimulatedClock>,
    lane: LaneId,
    feed: LanePipeline,
    only: Option<ModelId>,
    starts: Option<(ShadowRegistry, Option<Versions>, RuleSet)>,
    roles: Option<Roles>,
    ledger: DailyAnswers,
    history: History,
    outputs: Vec<Output>,
    flushed_at: EventTime,
    newest: EventTime,
    places: Vec<RecordPosition>,
    /// The first record is the beginning of a list.
    lists: bool,
    first_refusal: String,
    records: u64,
}

impl ReplayRun {
    /// Before the first record.
    pub(super) fn new(
        rule_set: &RuleSet,
        files: &Files,
        begins: Option<EventTime>,
        (registry, versions): (ShadowRegistry, Option<Versions>),
        only: Option<ModelId>,
    ) -> Result<Self, ReplayError> {
        let source = files.source();
        let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(0)));
        let log = LocalLog::in_memory(Arc::clone(&clock) as Arc<dyn Clock>);
        let log = Arc::new(log.map_err(RoleError::from)?);
        let topics = Topics { log, namespace: rule_set.namespace.clone(), shards: 1 };
        let lane = LaneId { source: source.id.clone(), lane: 0 };
        let mut measures = Lane::new(source, lane.clone(), 1);
        measures.begin(begins);
        Ok(Self {
            feed: LanePipeline::new(topics.clone(), source.clone(), measures),
            only,
            starts: Some((registry, versions, rule_set.clone())),
            roles: None,
            ledger: DailyAnswers::new(source.pane),
            history: History::default(),
            outputs: Vec::new(),
            flushed_at: EventTime::MIN,
            newest: EventTime::MIN,
            places: Vec::new(),
            lists: false,
            first_refusal: String::new(),
            records: 0,
            topics,
            clock,
            lane,
        })
    }

    /// Takes the next record.
    pub(super) fn record(
        &mut self,
        next: &NextRecord,
        files: &Files,
        news: &mut impl FnMut(News<'_>),
    ) -> Result<(), ReplayError> {
        self.records += 1;
        let raw = next.bytes.as_deref().map(Raw::line);
        let fed = RawRecord { topic: TOPIC, position: next.position, appended: None, raw };
        let decoded = self.feed.decode(fed);
        if let Some(sample) = decoded.sample() {
            if self.only.as_ref().is_some_and(|only| only.as_str() != sample.model()) {
                *self.history.passed_over.entry(sample.model().to_owned()).or_default() += 1;
                return Ok(());
            }
            // A clock that nobody confirms moves nothing.
            if self.feed.lane().believes(sample.ts()) {
                self.start(sample.ts(), sample.model())?;
                self.advance(sample.ts(), news)?;
            }
        }
        let begins_list =
            || next.bytes.as_ref().is_some_and(|bytes| bytes.trim_ascii().starts_with(b"["));
        self.lists |= self.records == 1 && begins_list();
        self.places.push((next.position, next.file, next.line));
        let work = self.roles.as_ref().map(|roles| &roles.work);
        let stamped = &mut self.history.stamped;
        self.feed.measure(decoded, |model, version| {
            *stamped += 1;
            let fact = work.and_then(|work| work.fact(model));
            let production = fact.and_then(|fact| fact.production.as_ref());
            match production {
                Some(production) if production.as_str() == version => SampleRole::Live,
                Some(_) => SampleRole::Shadow,
                None => SampleRole::Unstated,
            }
        });
        self.refused(files, news);
        if let Some(newest) = self.feed.lane().newest().filter(|_| self.roles.is_some()) {
            self.advance(newest, news)?;
        }
        if self.newest - self.flushed_at >= self.feed.source().pane {
            self.flush(news)?;
            if self.history.due(self.newest) {
                self.take_numbers(news);
            }
            news(News::Progress(next.progress, self.newest, self.records));
        }
        Ok(())
    }

    /// Keeps the first refused records of each kind, by file and line.
    fn refused(&mut self, files: &Files, news: &mut impl FnMut(News<'_>)) {
        for mut refused in self.feed.refused() {
            let place = self.places.iter().find(|(position, ..)| *position == refused.position);
            let (_, file, line) = place.copied().unwrap_or_default();
            let file = files.name(file);
            refused.position = line;
            if self.first_refusal.is_empty() {
                let list = if self.lists { "; write one object per line, no list" } else { "" };
                self.first_refusal = format!(" ({file} line {line}: {}{list})", refused.detail);
            }
            news(News::Refused(&refused));
            let same = self.history.refused.iter().filter(|(_, r)| r.code == refused.code);
            if same.count() < REFUSED_KEPT {
                self.history.refused.push((file.to_owned(), refused));
            }
        }
        let lane = self.feed.lane();
        self.places.retain(|(position, ..)| lane.held().any(|held| held == *position));
    }

    /// Moves the clock on to `ts`, with a stop at every deadline on the way.
    fn advance(
        &mut self,
        ts: EventTime,
        news: &mut impl FnMut(News<'_>),
    ) -> Result<(), ReplayError> {
        if ts <= self.newest {
            return Ok(());
        }
        let to = LogTime::from_ms(ts.as_ms());
        let mut last = None;
        while let Some(due) = self.roles.as_ref().and_then(|roles| roles.decide.next_wakeup()) {
            if due > to || last == Some(due) {
                break;
            }
            last = Some(due);
            self.clock.advance_to(due);
            self.heartbeat()?;
            self.run_until_idle(news)?;
        }
        self.clock.advance_to(to);
        self.newest = ts;
        Ok(())
    }

    /// The first sample sets the clock, and names the model that the versions are of.
    fn start(&mut self, ts: EventTime, model: &str) -> Result<(), ReplayError> {
        let Some((mut registry, versions, rule_set)) = self.starts.take() else { return Ok(()) };
        let model = self.only.clone().map_or_else(|| ModelId::new(model), Ok);
        if let (Some((production, previous)), Ok(model)) = (versions, model) {
            registry.insert(&model, &production, previous.as_ref())?;
        }
        self.clock.advance_to(LogTime::from_ms(ts.as_ms()));
        self.flushed_at = ts;
        self.topics.create(&rule_set)?;
        let mut writer = self.topics.log.writer(None).map_err(RoleError::from)?;
        let source = self.feed.source();
        let topics = source.topics.iter().map(|topic| topic.name.clone()).collect();
        let (id, pane) = (source.id.clone(), source.pane);
        let known = Inbox::Source { source: id, topics, lanes: 1, pane };
        let claim = Inbox::Claim { lane: self.lane.clone(), epoch: 1 };
        self.topics.publish(writer.as_mut(), None, &known)?;
        self.topics.publish(writer.as_mut(), None, &claim)?;
        let id = registry.target().clone();
        let baselines = |fact: Fact| {
            let of = fact.versions.into_iter().map(|version| (version.version, version.baselines));
            (fact.model, of.collect())
        };
        let known_versions = registry.facts()?.into_iter().map(baselines).collect();
        let rarely = Span::from_s(i64::from(u32::MAX));
        let work = Work::new(self.topics.clone(), id, Box::new(registry), rarely)?;
        let decide = Decide::new(self.topics.clone())?;
        self.history.registry = known_versions;
        self.roles = Some(Roles { decide, work, writer });
        self.run_until_idle(&mut |_| {})?;
        self.take_numbers(&mut |_| {});
        Ok(())
    }

    fn take_numbers(&mut self, news: &mut impl FnMut(News<'_>)) {
        let Some(roles) = &self.roles else { return };
        for status in roles.decide.status() {
            self.history.take(&status);
            news(News::Numbers(&status));
        }
    }

    fn heartbeat(&mut self) -> Result<(), ReplayError> {
        let lanes = vec![self.lane.clone()];
        let beat = Inbox::Heartbeat { process: "replay".to_owned(), lanes };
        if let Some(roles) = &mut self.roles {
            self.topics.publish(roles.writer.as_mut(), None, &beat)?;
        }
        Ok(())
    }

    fn flush(&mut self, news: &mut impl FnMut(News<'_>)) -> Result<(), ReplayError> {
        self.flushed_at = self.newest;
        self.feed.step(Input::Flush { now: self.topics.log.now() });
        self.send(news)
    }

    fn send(&mut self, news: &mut impl FnMut(News<'_>)) -> Result<(), ReplayError> {
        for frame in self.feed.pending() {
            self.ledger.take(frame);
        }
        let frames = self.feed.frames()?;
        if let Some(roles) = self.roles.as_mut().filter(|_| !frames.is_empty()) {
            roles.writer.append(frames).map_err(RoleError::from)?;
            self.run_until_idle(news)?;
        }
        Ok(())
    }

    /// Takes turns until nobody has anything left to do.
    fn run_until_idle(&mut self, news: &mut impl FnMut(News<'_>)) -> Result<(), ReplayError> {
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
    pub(super) fn end(
        &mut self,
        files: &Files,
        news: &mut impl FnMut(News<'_>),
    ) -> Result<(), ReplayError> {
        self.feed.step(Input::End);
        self.refused(files, news);
        self.feed.step(Input::Flush { now: self.topics.log.now() });
        self.send(news)
    }

    pub(super) fn finish(self, rules: RuleSet) -> Result<Replayed, ReplayError> {
        let none = || match &self.only {
            Some(only) if !self.history.passed_over.is_empty() => {
                let known: Vec<_> = self.history.passed_over.keys().map(String::as_str).collect();
                ReplayError::NoSuchModel(only.clone(), known.join(", "))
            }
            Some(_) | None => {
                ReplayError::NothingUnderstood(self.records, self.first_refusal.clone())
            }
        };
        let roles = self.roles.as_ref().ok_or_else(none)?;
        let mut status = roles.decide.status().pop().ok_or_else(none)?;
        status.models.retain(|model, _| self.only.as_ref().is_none_or(|only| only == model));
        let Self { outputs, ledger, mut history, .. } = self;
        history.take(&status);
        let summary = summarize::summary(&rules, &status, &outputs, &ledger, &history);
        let summary = summary.map_err(RoleError::from)?;
        Ok(Replayed { summary, outputs, ledger, history, status, rules })
    }
}

/// Whether something was done about a verdict.
fn is_weighty(output: &Output) -> bool {
    let Output::Decision(decision) = output else { return false };
    decision.ruling.as_ref().is_some_and(|ruling| match ruling.did {
        Response::Nothing | Response::Joined | Response::Resolved => false,
        Response::Alerted | Response::WouldHave | Response::Held | Response::Acted => true,
    })
}
