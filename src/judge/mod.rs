//! Turns frames into assessments: a verdict on every version, with its evidence.
//!
//! Law: it never acts and does not know what is done about its verdicts. It reads no clock: event
//! time comes with frames, log time as an argument. Same input, same verdicts, bit for bit.
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
pub mod history;
pub mod inputs;
pub mod lanes;
pub mod panes;
pub mod power;
mod provisional;
pub mod recent;
pub mod state;
pub mod tally;
pub mod verdict;
pub mod watch;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::buckets::{Bucket, reads_at};
use self::lanes::{FrameStatus, Lanes};
use self::panes::OpenPanes;
use self::state::ModelJudge;
use crate::model::{
    EventTime, LaneId, LogTime, ModelId, RuleSet, SourceId, Span, Standing, Statistic, Trigger,
};
use crate::sums::{Assessment, Counters, Frame, LiveTraffic};

/// An open bucket is looked at up to so long before what every active lane has passed.
const SETTLE: Span = Span::from_s(2);

/// The judge of one shard.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Judge {
    sources: BTreeMap<SourceId, Source>,
    models: BTreeMap<ModelId, ModelJudge>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Source {
    lanes: Lanes,
    panes: OpenPanes,
    gaps: u64,
}

/// What judge reacts to.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// A source, its number of lanes and the length of its panes.
    Source(&'a SourceId, u32, Span),
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
            Input::Source(id, lanes, pane) => match self.sources.get_mut(id) {
                Some(source) => source.lanes.widen(lanes, pane, now),
                None => {
                    let lanes = Lanes::new(lanes, pane, now);
                    let source = Source { lanes, panes: OpenPanes::default(), gaps: 0 };
                    self.sources.insert(id.clone(), source);
                }
            },
            Input::Claim(lane, epoch) => {
                if let Some(source) = self.sources.get_mut(&lane.source)
                    && source.lanes.claim(lane.lane, epoch, now)
                {
                    source.panes.forget(lane.lane);
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
    }

    fn frame(&mut self, now: LogTime, rule_set: &RuleSet, frame: &Frame, out: &mut Vec<Output>) {
        let Some(source) = self.sources.get_mut(&frame.lane.source) else { return };
        match source.lanes.take(frame, now) {
            FrameStatus::Outdated => return,
            FrameStatus::AfterGap => source.gaps += 1,
            FrameStatus::Counts => {}
        }
        let watermark = source.lanes.watermark();
        let touched = source.panes.take(frame, source.lanes.pane(), watermark);
        let id = frame.lane.source.clone();
        for model in &touched {
            let judge = self.models.entry(model.clone()).or_default();
            if !judge.sources.contains(&id) {
                judge.sources.insert(id.clone());
            }
        }
        self.advance(now, rule_set, &id, out);
        for model in &touched {
            self.look_ahead(now, rule_set, &id, model, out);
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
        let Some(source) = self.sources.get_mut(id).filter(|_| watermark > before) else { return };
        let length = source.lanes.pane();
        for (start, model, pane) in source.panes.close(length, watermark) {
            let rules = rule_set.of(&model);
            let judge = self.models.entry(model.clone()).or_default();
            judge.buckets.add(start, &pane, completeness, &rules.triggers);
            judge.record_traffic(start, length, &pane);
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
            self.close_buckets(rule_set, &model, out);
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

    fn close_buckets(&mut self, rule_set: &RuleSet, model: &ModelId, out: &mut Vec<Output>) {
        let Some(judge) = self.models.get_mut(model) else { return };
        let watermarks = judge.sources.iter().filter_map(|source| self.sources.get(source));
        let Some(watermark) = watermarks.map(|source| source.lanes.watermark()).min() else {
            return;
        };
        let mut said = Vec::new();
        for (start, bucket) in judge.buckets.close(watermark) {
            judge.close(rule_set.of(model), model, start, &bucket, &mut said);
        }
        out.extend(said.into_iter().map(|said| Output::Assessed(Box::new(said))));
    }

    /// Provisional firing: the verdicts of a model's open bucket if it closed now.
    fn look_ahead(
        &mut self,
        now: LogTime,
        rule_set: &RuleSet,
        id: &SourceId,
        model: &ModelId,
        out: &mut Vec<Output>,
    ) {
        let Some(source) = self.sources.get(id) else { return };
        let Some(judge) = self.models.get_mut(model) else { return };
        let rules = rule_set.of(model);
        let Some(passed) = source.lanes.passed(now, rules.policy.stall_after) else { return };
        let (pane, watermark) = (source.lanes.pane(), source.lanes.watermark());
        for length in provisional_lengths(&rules.triggers) {
            let open = judge.buckets.open(length);
            let mut buckets: BTreeMap<EventTime, Bucket> =
                open.map(|(start, bucket)| (start, bucket.clone())).collect();
            for (start, open) in source.panes.open(model, pane, watermark - pane, passed - SETTLE) {
                let bucket = buckets.entry(start.floor(length));
                let bucket = bucket.or_insert_with(|| Bucket::new(length));
                bucket.add(open, reads_at(&rules.triggers, length));
            }
            if let Some((start, bucket)) = buckets.into_iter().next() {
                let said = judge.look_ahead(rules, model, start, &bucket);
                out.extend(said.into_iter().map(|said| Output::Assessed(Box::new(said))));
            }
        }
    }

    /// When the next silent lane stalls: a tick is needed then.
    #[must_use]
    pub fn next_wakeup(&self, now: LogTime, rule_set: &RuleSet) -> Option<LogTime> {
        let stall_after = rule_set.default.policy.stall_after;
        self.sources.values().filter_map(|source| source.lanes.next_stall(now, stall_after)).min()
    }

    /// A model's judge.
    #[must_use]
    pub fn model(&self, model: &ModelId) -> Option<&ModelJudge> {
        self.models.get(model)
    }

    /// The newest event time of any lane.
    #[must_use]
    pub fn newest(&self) -> Option<EventTime> {
        self.sources.values().filter_map(|source| source.lanes.newest()).max()
    }

    /// What happened to every record of each source so far.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<SourceId, Counters> {
        let counters = |source: &Source| source.lanes.counters();
        self.sources.iter().map(|(id, source)| (id.clone(), counters(source))).collect()
    }

    /// Cells that came after their pane was closed here, and gaps in positions.
    #[must_use]
    pub fn losses(&self) -> (u64, u64) {
        let sources = self.sources.values();
        sources.fold((0, 0), |(late, gaps), s| (late + s.panes.after_close, gaps + s.gaps))
    }
}

fn provisional_lengths(triggers: &[Trigger]) -> Vec<Span> {
    let provisional = triggers
        .iter()
        .filter(|trigger| trigger.provisional && matches!(trigger.statistic, Statistic::EDetector));
    let mut lengths: Vec<_> = provisional.map(|trigger| trigger.bucket).collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}
