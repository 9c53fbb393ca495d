//! The lanes of a source: who speaks for each, how far each has come, which are heard.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{EventTime, LogTime, ModelId, Span, VersionId};
use crate::sums::{Counters, Frame, VersionSkew};

/// One source's lanes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lanes {
    pane: Span,
    lanes: BTreeMap<u32, Lane>,
    watermark: EventTime,
    completeness: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Lane {
    epoch: u64,
    heard: LogTime,
    state: Option<LaneReport>,
}

/// What the newest frame said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LaneReport {
    watermark: EventTime,
    newest: EventTime,
    idle: bool,
    warm: f64,
    counters: Counters,
    positions: Vec<i64>,
    #[serde(default)]
    skews: Vec<VersionSkew>,
}

/// What a frame means for its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameStatus {
    /// It counts.
    Counts,
    /// It counts, and positions before it were never read: data was lost before us.
    AfterGap,
    /// Its writer no longer speaks for the lane.
    Outdated,
}

impl Lanes {
    /// `count` lanes, none of them heard yet.
    #[must_use]
    pub fn new(count: u32, pane: Span, now: LogTime) -> Self {
        let (watermark, completeness) = (EventTime::MIN, 1.0);
        let mut lanes = Self { pane, lanes: BTreeMap::new(), watermark, completeness };
        lanes.widen(count, pane, now);
        lanes
    }

    /// Makes room for lanes that were added.
    pub fn widen(&mut self, count: u32, pane: Span, now: LogTime) {
        self.pane = pane;
        for lane in 0..count {
            self.lanes.entry(lane).or_insert(Lane { epoch: 0, heard: now, state: None });
        }
    }

    /// The length of a pane.
    #[must_use]
    pub fn pane(&self) -> Span {
        self.pane
    }

    /// Somebody else speaks for a lane from now on. Answers whether the claim is newer.
    pub fn claim(&mut self, lane: u32, epoch: u64, now: LogTime) -> bool {
        let lane = self.lane(lane, now);
        let newer = epoch > lane.epoch;
        if newer {
            lane.epoch = epoch;
            lane.heard = now;
        }
        newer
    }

    fn lane(&mut self, lane: u32, now: LogTime) -> &mut Lane {
        self.lanes.entry(lane).or_insert(Lane { epoch: 0, heard: now, state: None })
    }

    /// Panes that end at or before it were said for the last time by the lane's last frame.
    #[must_use]
    pub fn last_said(&self, lane: u32) -> EventTime {
        let state = self.lanes.get(&lane).and_then(|lane| lane.state.as_ref());
        state.map_or(EventTime::MIN, |state| state.watermark)
    }

    /// The process that measures this lane is alive.
    pub fn heartbeat(&mut self, lane: u32, now: LogTime) {
        self.lane(lane, now).heard = now;
    }

    /// Takes a frame. One that others of its flush follow does not tell how far the lane has come.
    pub fn take(&mut self, frame: &Frame, now: LogTime) -> FrameStatus {
        let lane = self.lane(frame.lane.lane, now);
        if frame.epoch < lane.epoch {
            return FrameStatus::Outdated;
        }
        if frame.more {
            (lane.epoch, lane.heard) = (frame.epoch, now);
            return FrameStatus::Counts;
        }
        let known = lane.state.as_ref().filter(|_| frame.epoch == lane.epoch);
        let gap = known.is_some_and(|known| {
            known.positions.iter().zip(&frame.positions).any(|(to, (from, _))| from > to)
        });
        lane.epoch = frame.epoch;
        lane.heard = now;
        lane.state = Some(LaneReport {
            watermark: frame.watermark,
            newest: frame.newest,
            idle: frame.idle,
            warm: frame.warm,
            counters: frame.counters.clone(),
            positions: frame.positions.iter().map(|(_, to)| *to).collect(),
            skews: frame.skews.clone(),
        });
        if gap { FrameStatus::AfterGap } else { FrameStatus::Counts }
    }

    /// Moves the watermark on: the minimum over the lanes that are neither idle nor stalled.
    pub fn advance(&mut self, now: LogTime, stall_after: Span) -> EventTime {
        let active = self.lanes.values().filter(|lane| !lane.stalled(now, stall_after));
        let open = active.filter(|lane| lane.state.as_ref().is_none_or(|state| !state.idle));
        let least = open.map(|lane| lane.state.as_ref().map_or(EventTime::MIN, |s| s.watermark));
        if let Some(least) = least.min() {
            self.watermark = self.watermark.max(least);
        }
        self.watermark
    }

    /// Whether nothing more is to be expected of it for now: every lane that is heard is at the end
    /// of the log, or none is heard.
    #[must_use]
    pub fn rests(&self, now: LogTime, stall_after: Span) -> bool {
        let mut heard = self.lanes.values().filter(|lane| !lane.stalled(now, stall_after));
        heard.all(|lane| lane.state.as_ref().is_some_and(|state| state.idle))
    }

    /// Panes that end at or before it are closed in the shard.
    #[must_use]
    pub fn watermark(&self) -> EventTime {
        self.watermark
    }

    /// The event time that every active lane has passed. `None` if one was never heard of, or none
    /// is active.
    #[must_use]
    pub fn passed(&self, now: LogTime, stall_after: Span) -> Option<EventTime> {
        let active = self.lanes.values().filter(|lane| !lane.stalled(now, stall_after));
        let states: Option<Vec<_>> = active.map(|lane| lane.state.as_ref()).collect();
        let open = states?.into_iter().filter(|state| !state.idle);
        open.map(|state| state.newest).min()
    }

    /// The newest event time of any lane.
    #[must_use]
    pub fn newest(&self) -> Option<EventTime> {
        self.lanes.values().filter_map(|lane| lane.state.as_ref()).map(|state| state.newest).max()
    }

    /// Counts the lanes that are heard. Answers whether there are fewer than before.
    pub fn listen(&mut self, now: LogTime, stall_after: Span) -> bool {
        let heard = self.lanes.values().filter(|lane| !lane.stalled(now, stall_after)).count();
        let before = self.completeness;
        self.completeness = heard as f64 / self.lanes.len().max(1) as f64;
        self.completeness < before
    }

    /// The share of lanes that were heard when they were last counted, 0 to 1.
    #[must_use]
    pub fn completeness(&self) -> f64 {
        self.completeness
    }

    /// When the next silent lane stalls.
    #[must_use]
    pub fn next_stall(&self, now: LogTime, stall_after: Span) -> Option<LogTime> {
        let heard = self.lanes.values().filter(|lane| !lane.stalled(now, stall_after));
        heard.map(|lane| lane.heard + stall_after + Span::from_ms(1)).min()
    }

    /// How much of the label horizon the least warm lane has read again, 0 to 1.
    #[must_use]
    pub fn warm(&self) -> f64 {
        let states = self.lanes.values().filter_map(|lane| lane.state.as_ref());
        states.map(|state| state.warm).fold(1.0, f64::min)
    }

    /// How far a version's clock is ahead of those of its topic, or behind: what most say of it.
    #[must_use]
    pub fn skew(&self, model: &ModelId, version: &VersionId) -> Option<Span> {
        let states = self.lanes.values().filter_map(|lane| lane.state.as_ref());
        let skews = states.flat_map(|state| &state.skews);
        let mine = skews.filter(|skew| skew.model == *model && skew.version == *version);
        mine.map(|skew| skew.ahead).max_by_key(|ahead| ahead.as_ms().unsigned_abs())
    }

    /// Counts of every record so far, by result.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        for state in self.lanes.values().filter_map(|lane| lane.state.as_ref()) {
            sum.merge(&state.counters);
        }
        sum
    }
}

impl Lane {
    fn stalled(&self, now: LogTime, stall_after: Span) -> bool {
        now - self.heard > stall_after
    }
}
