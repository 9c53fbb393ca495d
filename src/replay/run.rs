//! One replay under way: the clock follows the records, and at every deadline on the way the roles
//! take turns until none has anything left to do.

use std::sync::Arc;

use super::inline::{InlineRoles, named, role_of};
use super::recording::{Files, NextRecord, TOPIC};
use super::refusals::Refusals;
use super::{DailyAnswers, History, News, ReplayError, Replayed, Versions, summarize};
use crate::config::InstructionKeys;
use crate::edge::clock::{Clock, SimulatedClock};
use crate::edge::log::local::LocalLog;
use crate::measure::{Input, Lane};
use crate::model::{EventTime, LaneId, LogTime, ModelId, RuleSet, Sample};
use crate::roles::ingest::pipeline::{LanePipeline, RawRecord};
use crate::shard::Output;
use crate::targets::registry::ShadowRegistry;
use crate::topics::{RoleError, Topics};
use crate::undo::Response;
use crate::wire::telemetry::{Raw, TextArena};

/// The whole pipeline, stepped by records.
pub(super) struct ReplayRun {
    topics: Topics,
    clock: Arc<SimulatedClock>,
    lane: LaneId,
    feed: LanePipeline,
    only: Option<ModelId>,
    starts: Option<(ShadowRegistry, Option<Versions>, RuleSet)>,
    /// The roles, once the first sample has set the clock.
    roles: Option<InlineRoles>,
    ledger: DailyAnswers,
    history: History,
    outputs: Vec<Output>,
    flushed_at: EventTime,
    newest: EventTime,
    refusals: Refusals,
    records: u64,
}

impl ReplayRun {
    /// Before the first record.
    pub(super) fn new(
        rule_set: &RuleSet,
        files: &Files,
        (registry, versions): (ShadowRegistry, Option<Versions>),
        only: Option<ModelId>,
    ) -> Result<Self, ReplayError> {
        let source = files.source();
        let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(0)));
        let log = LocalLog::in_memory(Arc::clone(&clock) as Arc<dyn Clock>);
        let log = Arc::new(log.map_err(RoleError::from)?);
        let topics = Topics {
            log,
            namespace: rule_set.namespace.clone(),
            shards: 1,
            keys: InstructionKeys::default(),
        };
        let lane = LaneId { source: source.id.clone(), lane: 0 };
        let measures = Lane::new(source, lane.clone(), 1);
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
            refusals: Refusals::default(),
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
        files: &mut Files,
        news: &mut impl FnMut(News<'_>),
    ) -> Result<(), ReplayError> {
        self.records += 1;
        let (texts, name) = (TextArena::new(), files.name(next.file).to_owned());
        let (path, log_time) = (Some(&*name), next.log_time);
        let raw = next.bytes.as_deref().map(|bytes| Raw { path, log_time, ..Raw::line(bytes) });
        let fed = RawRecord { topic: TOPIC, position: next.position, appended: None, raw };
        let mut decoded = match files.rules(next.file) {
            Some(rules) => self.feed.decode_by(rules, fed, &texts),
            None => self.feed.decode(fed, &texts),
        };
        if let Some(only) = &self.only {
            let passed_over = &mut self.history.passed_over;
            let kept = decoded.keep(|sample| {
                // A half need not say its model.
                let keep = sample.model() == only.as_str() || sample.model().is_empty();
                if !keep {
                    *passed_over.entry(sample.model().to_owned()).or_default() += 1;
                }
                keep
            });
            if !kept {
                return Ok(());
            }
        }
        let unjudged = &mut self.history.unjudged;
        decoded.keep(|sample| {
            *unjudged += u64::from(matches!(sample, Sample::Health(_) | Sample::Run(_)));
            true
        });
        let mut following = Vec::new();
        if let Some(sample) = decoded.sample() {
            following = files.following(self.feed.lane().asks(TOPIC, sample.ts()))?;
            // A clock that is ahead of all others moves nothing.
            if self.feed.lane().believes(TOPIC, sample.ts(), &following) {
                self.start(sample.ts(), sample.model())?;
                self.advance(sample.ts(), news)?;
            }
        }
        self.refusals.place(next);
        let (roles, stamped) = (self.roles.as_ref(), &mut self.history.stamped);
        self.feed.measure(decoded.before(&following), |model, version| {
            *stamped += 1;
            role_of(roles, model, version)
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

    fn refused(&mut self, files: &Files, news: &mut impl FnMut(News<'_>)) {
        let refused = self.feed.refused();
        self.refusals.take(refused, files, |refused| news(News::Refused(refused)));
        self.refusals.forget(self.feed.lane());
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
            if let Some(roles) = &mut self.roles {
                roles.heartbeat(&self.topics)?;
            }
            self.run_until_idle(news)?;
        }
        self.clock.advance_to(to);
        self.newest = ts;
        Ok(())
    }

    /// The first sample sets the clock, and names the model that the versions belong to.
    fn start(&mut self, ts: EventTime, model: &str) -> Result<(), ReplayError> {
        let Some((mut registry, versions, rule_set)) = self.starts.take() else { return Ok(()) };
        let model = self.only.clone().map_or_else(|| ModelId::new(model), Ok);
        if let (Some((production, previous)), Ok(model)) = (versions, model) {
            registry.insert(&model, &production, previous.as_ref())?;
        }
        let named = Arc::new(named(&rule_set, &mut registry)?);
        self.feed.step(Input::Named(&named));
        self.clock.advance_to(LogTime::from_ms(ts.as_ms()));
        self.flushed_at = ts;
        let (source, lane) = (self.feed.source(), self.lane.clone());
        let (roles, baselines) =
            InlineRoles::start(&self.topics, source, lane, &rule_set, registry)?;
        self.history.registry = baselines;
        self.roles = Some(roles);
        self.run_until_idle(&mut |_| {})?;
        self.take_numbers(&mut |_| {});
        Ok(())
    }

    fn take_numbers(&mut self, news: &mut impl FnMut(News<'_>)) {
        for status in self.roles.iter().flat_map(InlineRoles::status) {
            self.history.take(&status);
            news(News::Numbers(&status));
        }
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

    /// Lets the roles take turns until none has anything left to do.
    fn run_until_idle(&mut self, news: &mut impl FnMut(News<'_>)) -> Result<(), ReplayError> {
        let Some(roles) = &mut self.roles else { return Ok(()) };
        while let Some(outputs) = roles.turn()? {
            if outputs.iter().any(is_weighty) {
                for status in roles.status() {
                    self.history.take(&status);
                    news(News::Numbers(&status));
                }
            }
            for output in outputs {
                news(News::Output(&output));
                self.history.output(&output);
                self.outputs.push(output);
            }
        }
        Ok(())
    }

    /// The recording is over: every pane closes, and the clock stops.
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

    pub(super) fn finish(self, rules: RuleSet, files: &Files) -> Result<Replayed, ReplayError> {
        let none = || match &self.only {
            Some(only) if !self.history.passed_over.is_empty() => {
                let known: Vec<_> = self.history.passed_over.keys().map(String::as_str).collect();
                ReplayError::NoSuchModel(only.clone(), known.join(", "))
            }
            Some(_) | None => {
                ReplayError::NothingUnderstood(self.records, self.refusals.first.clone())
            }
        };
        let roles = self.roles.as_ref().ok_or_else(none)?;
        let mut status = roles.status().pop().ok_or_else(none)?;
        status.models.retain(|model, _| self.only.as_ref().is_none_or(|only| only == model));
        let Self { outputs, ledger, mut history, refusals, .. } = self;
        (history.refused, history.notes) = (refusals.kept, files.notes());
        history.take(&status);
        let days = ledger.closed();
        let summary = summarize::summary(&rules, &status, &outputs, &days, &history);
        let summary = summary.map_err(RoleError::from)?;
        Ok(Replayed { summary, outputs, days, series: history.series, status, rules })
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
