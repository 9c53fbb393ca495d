//! Turns frames into assessments: a verdict on every version, with its evidence.
//!
//! Law: it never acts and does not know what is done about its verdicts. It reads no clock: event
//! time comes with frames, log time as an argument. Same input, same verdicts, bit for bit.
//!
//! Over 300 lines: what each input leads to, in the order in which it does.
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

mod assess;
pub mod baseline;
pub mod bets;
pub mod bounds;
pub mod buckets;
pub mod compare;
mod count;
pub mod design;
pub mod drift;
pub mod edetector;
mod fed;
mod forget;
mod gaps;
pub mod history;
pub mod inputs;
pub mod lanes;
mod missing;
pub mod panes;
mod pieces;
mod places;
pub mod power;
mod provisional;
pub mod recent;
mod silence;
mod source;
pub mod state;
pub mod tally;
pub mod verdict;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::lanes::{FrameStatus, Lanes};
pub use self::pieces::JudgePiece;
pub use self::places::RefusedNames;
use self::source::SourceLanes;
use self::state::ModelJudge;
use crate::model::{
    EventTime, FeatureName, LaneId, LogTime, ModelId, RuleSet, SourceId, Span, Standing, VersionId,
};
use crate::sums::{Assessment, Frame, LiveTraffic, SharedPart};

/// The judge of one shard.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Judge {
    sources: BTreeMap<SourceId, SourceLanes>,
    models: BTreeMap<ModelId, SharedPart<ModelJudge>>,
    refused: RefusedNames,
}

/// What judge reacts to.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// A source, its number of lanes and the length of its panes.
    Source {
        /// Its name.
        id: &'a SourceId,
        /// The number of its lanes.
        lanes: u32,
        /// The length of its panes.
        pane: Span,
        /// All sources that there are, itself included; if there are none: not stated.
        known: &'a [SourceId],
    },
    /// Another process took over a lane.
    Claim(&'a LaneId, u64),
    /// New sums of a lane.
    Frame(&'a Frame),
    /// The process that measures these lanes is alive.
    Heartbeat(&'a [LaneId]),
    /// What undo knows about a model's versions changed.
    Standing(&'a ModelId, &'a Standing),
    /// Time has passed.
    Tick,
}

/// An output of judge.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A verdict on a version by a trigger.
    Assessed(Box<Assessment>),
    /// Which versions answered users in a pane.
    Traffic(LiveTraffic),
    /// A model gave up its place: nothing is known of it any more.
    ModelLeft(ModelId),
    /// The same of a version.
    VersionLeft(ModelId, VersionId),
    /// The same of a feature.
    FeatureLeft(ModelId, VersionId, FeatureName),
}

impl Judge {
    /// Takes one input at a log time.
    pub fn step(
        &mut self,
        now: LogTime,
        rule_set: &RuleSet,
        input: Input<'_>,
        out: &mut Vec<Output>,
    ) {
        match input {
            Input::Source { id, lanes, pane, known } => {
                self.forget_sources(known);
                match self.sources.get_mut(id) {
                    Some(source) => source.lanes.widen(lanes, pane, now),
                    None => {
                        let lanes = Lanes::new(lanes, pane, now);
                        self.sources.insert(id.clone(), SourceLanes::new(lanes));
                    }
                }
            }
            Input::Claim(lane, epoch) => {
                if let Some(source) = self.sources.get_mut(&lane.source)
                    && source.lanes.claim(lane.lane, epoch, now)
                {
                    let said = source.lanes.last_said(lane.lane);
                    source.panes.forget(lane.lane, source.lanes.pane(), said);
                }
            }
            Input::Heartbeat(lanes) => {
                for lane in lanes {
                    if let Some(source) = self.sources.get_mut(&lane.source) {
                        source.lanes.heartbeat(lane.lane, now);
                    }
                }
            }
            Input::Standing(model, standing) => {
                // It says nothing about time or lanes, so it leads to no verdict.
                self.models.entry(model.clone()).or_default().set_standing(standing);
                return;
            }
            Input::Frame(frame) => self.frame(now, rule_set, frame, out),
            Input::Tick => {}
        }
        let sources: Vec<_> = self.sources.keys().cloned().collect();
        for source in sources {
            self.advance(now, rule_set, &source, out);
        }
        self.tell_silent_sources(now, rule_set, out);
    }

    fn frame(&mut self, now: LogTime, rule_set: &RuleSet, frame: &Frame, out: &mut Vec<Output>) {
        let id = &frame.lane.source;
        let Some(source) = self.sources.get_mut(id) else { return };
        match source.lanes.take(frame, now) {
            FrameStatus::Outdated => return,
            FrameStatus::AfterGap => source.gaps += 1,
            FrameStatus::Counts => {}
        }
        let kept = self.admit(now, rule_set, frame, out);
        let frame = kept.as_ref().unwrap_or(frame);
        let Some(source) = self.sources.get_mut(id) else { return };
        let touched = source.panes.take(frame, source.lanes.pane(), source.lanes.watermark());
        for model in &touched {
            let judge = self.models.entry(model.clone()).or_default();
            if !judge.sources.contains(id) {
                judge.sources.insert(id.clone());
            }
        }
        source.touched.extend(touched);
        if frame.more {
            return;
        }
        let touched = std::mem::take(&mut source.touched);
        let measured = source.lanes.counters().measured;
        if measured > source.measured {
            // Several versions answer one request at once.
            source.arrivals.arrive(now.as_ms(), measured - source.measured);
            source.measured = measured;
            if std::mem::take(&mut source.silent) {
                let at = source.lanes.watermark();
                self.source_is_back(rule_set, id, at, out);
            }
        }
        self.advance(now, rule_set, id, out);
        for model in &touched {
            self.look_ahead(now, rule_set, id, model, out);
        }
    }

    /// Closes what the watermark has passed: panes, then buckets.
    fn advance(&mut self, now: LogTime, rule_set: &RuleSet, id: &SourceId, out: &mut Vec<Output>) {
        let stall_after = rule_set.default.policy.stall_after;
        let Some(source) = self.sources.get_mut(id) else { return };
        let fewer = source.lanes.listen(now, stall_after);
        let completeness = source.lanes.completeness();
        let before = source.lanes.watermark();
        let watermark = source.lanes.advance(now, stall_after);
        if fewer {
            self.lost_lanes(rule_set, id, completeness, out);
        }
        let Some(source) = self.sources.get_mut(id) else { return };
        let length = source.lanes.pane();
        // Nothing ends within a pane, so no model needs to be asked.
        let within = before > EventTime::MIN && watermark.floor(length) == before.floor(length);
        if within || watermark <= before {
            return;
        }
        let whole = completeness >= 1.0;
        let mut answered: BTreeMap<EventTime, BTreeSet<ModelId>> = BTreeMap::new();
        for (start, model, pane) in source.panes.close(length, watermark) {
            if pane.versions().any(|(_, _, sums)| sums.answers.n > 0) {
                answered.entry(start).or_default().insert(model.clone());
            }
            let rules = rule_set.of(&model);
            let judge = self.models.entry(model.clone()).or_default();
            judge.buckets.add(start, &pane, completeness, &rules.triggers);
            judge.record_traffic(start, length, &pane, whole);
            let versions = pane.live();
            if !versions.is_empty() {
                let end = start + length;
                out.push(Output::Traffic(LiveTraffic { model, pane: start, end, versions }));
            }
        }
        let unknown = source.panes.close_unknown(length, watermark);
        let fed = self.models.iter().filter(|(_, judge)| judge.sources.contains(id));
        let fed: Vec<_> = fed.map(|(model, _)| model.clone()).collect();
        for (model, (start, lost)) in
            fed.iter().flat_map(|model| unknown.iter().map(move |lost| (model, lost)))
        {
            if let Some(judge) = self.models.get_mut(model) {
                judge.buckets.lose(*start, *lost, &rule_set.of(model).triggers);
            }
        }
        for model in fed {
            if whole {
                self.others_went_on(&model, &answered, length);
            }
            self.close_buckets(now, rule_set, &model, out);
        }
    }

    /// Fewer lanes are reporting than before: verdicts based on them are stale.
    fn lost_lanes(
        &mut self,
        rule_set: &RuleSet,
        id: &SourceId,
        completeness: f64,
        out: &mut Vec<Output>,
    ) {
        let at = self.sources.get(id).map_or(EventTime::MIN, |source| source.lanes.watermark());
        let fed = self.models.iter_mut().filter(|(_, judge)| judge.sources.contains(id));
        for (model, judge) in fed {
            let said = judge.grow_stale(rule_set.of(model), model, at, completeness);
            out.extend(said.into_iter().map(|said| Output::Assessed(Box::new(said))));
        }
    }

    /// A bucket closes once every source of the model has passed it, but for those that rest: one
    /// that is at its end says nothing about time, and one that is not heard makes stale.
    fn close_buckets(
        &mut self,
        now: LogTime,
        rule_set: &RuleSet,
        model: &ModelId,
        out: &mut Vec<Output>,
    ) {
        let stall_after = rule_set.default.policy.stall_after;
        let ahead = self.lead_over_production(model);
        let Some(judge) = self.models.get_mut(model) else { return };
        let feeding = || judge.sources.iter().filter_map(|source| self.sources.get(source));
        let busy = feeding().filter(|source| !source.lanes.rests(now, stall_after));
        let Some(watermark) = busy
            .map(|source| source.lanes.watermark())
            .min()
            .or_else(|| feeding().map(|source| source.lanes.watermark()).max())
        else {
            return;
        };
        let completeness = feeding().map(|source| source.lanes.completeness()).fold(1.0, f64::min);
        let mut said = Vec::new();
        // The last panes of a recording are those of clocks that are ahead: no time has passed.
        let newest =
            feeding().filter_map(|source| Some(source.lanes.newest()? + source.lanes.pane()));
        let passed = newest.max().map_or(watermark, |newest| watermark.min(newest));
        judge.silences.close(passed);
        for (start, mut bucket) in judge.buckets.close(watermark) {
            bucket.completeness = bucket.completeness.min(completeness);
            judge.close(rule_set.of(model), model, start, &bucket, &mut said);
        }
        if completeness >= 1.0 {
            judge.tell_silences(rule_set.of(model), model, (passed, ahead), &mut said);
        }
        out.extend(said.into_iter().map(|said| Output::Assessed(Box::new(said))));
    }

    /// When the next silent lane stalls: a tick is needed then.
    #[must_use]
    pub fn next_wakeup(&self, now: LogTime, rule_set: &RuleSet) -> Option<LogTime> {
        let stall_after = rule_set.default.policy.stall_after;
        let stalls = self.sources.values();
        let stalls = stalls.filter_map(|source| source.lanes.next_stall(now, stall_after));
        let silent = self.sources.values().filter(|source| !source.silent);
        let silent = silent.filter_map(|source| source.arrivals.due().map(LogTime::from_ms));
        stalls.chain(silent).min()
    }

    /// A model's judge.
    #[must_use]
    pub fn model(&self, model: &ModelId) -> Option<&ModelJudge> {
        self.models.get(model).map(|judge| &**judge)
    }
}
