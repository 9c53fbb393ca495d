//! The sources of a shard, and what a source that falls silent or is gone means for its models.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::gaps::Gaps;
use super::lanes::Lanes;
use super::panes::{Open, OpenPanes};
use super::places::SourcePlaces;
use super::state::ModelJudge;
use super::{Judge, Output};
use crate::model::{EventTime, LogTime, ModelId, RuleSet, SourceId, Span, VersionId};
use crate::sums::Counters;

/// One source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SourceLanes {
    pub(super) lanes: Lanes,
    pub(super) panes: OpenPanes,
    pub(super) places: SourcePlaces,
    pub(super) gaps: u64,
    /// When something came, in log time.
    pub(super) arrivals: Gaps,
    /// Records measured by then.
    pub(super) measured: u64,
    pub(super) silent: bool,
    /// Models of a flush whose last part has not come.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) touched: BTreeSet<ModelId>,
}

impl SourceLanes {
    /// The source without its open panes, and these.
    pub(super) fn apart(&self) -> (Self, Open) {
        let (panes, open) = self.panes.apart();
        let Self { lanes, places, gaps, arrivals, measured, silent, touched, .. } = self;
        let bare = Self {
            lanes: lanes.clone(),
            panes,
            places: places.clone(),
            gaps: *gaps,
            arrivals: arrivals.clone(),
            measured: *measured,
            silent: *silent,
            touched: touched.clone(),
        };
        (bare, open)
    }

    pub(super) fn new(lanes: Lanes) -> Self {
        let (panes, arrivals) = (OpenPanes::default(), Gaps::default());
        let (touched, places) = (BTreeSet::new(), SourcePlaces::default());
        Self { lanes, panes, places, gaps: 0, arrivals, measured: 0, silent: false, touched }
    }
}

impl Judge {
    /// A source from which records used to come is silent.
    pub(super) fn tell_silent_sources(
        &mut self,
        now: LogTime,
        rule_set: &RuleSet,
        out: &mut Vec<Output>,
    ) {
        let mut news = false;
        for source in self.sources.values_mut().filter(|source| !source.silent) {
            source.silent = source.arrivals.overdue(now.as_ms());
            news |= source.silent;
        }
        if !news {
            return;
        }
        for (id, judge) in &mut self.models {
            let mut feeding = judge.sources.iter().filter_map(|source| self.sources.get(source));
            if judge.sources.is_empty() || !feeding.all(|source| source.silent) {
                continue;
            }
            let feeding = judge.sources.iter().filter_map(|source| self.sources.get(source));
            let at = feeding.map(|source| source.lanes.watermark()).max();
            let mut said = Vec::new();
            judge.source_silent(rule_set.of(id), id, at.unwrap_or(EventTime::MIN), &mut said);
            out.extend(said.into_iter().map(|said| Output::Assessed(Box::new(said))));
        }
    }

    /// A source that was silent is heard again.
    pub(super) fn source_is_back(
        &mut self,
        rule_set: &RuleSet,
        source: &SourceId,
        at: EventTime,
        out: &mut Vec<Output>,
    ) {
        let fed = |judge: &ModelJudge| judge.sources.contains(source);
        for (id, judge) in self.models.iter_mut().filter(|(_, judge)| fed(judge)) {
            let mut said = Vec::new();
            judge.source_is_back(rule_set.of(id), id, at, &mut said);
            out.extend(said.into_iter().map(|said| Output::Assessed(Box::new(said))));
        }
    }

    /// Sources that were renamed or removed no longer count.
    pub(super) fn forget_sources(&mut self, known: &[SourceId]) {
        if known.is_empty() {
            return;
        }
        self.sources.retain(|id, _| known.contains(id));
        for judge in self.models.values_mut() {
            judge.sources.retain(|id| known.contains(id));
        }
    }

    /// Others of the source answered in these panes, and this model did not in some of them.
    pub(super) fn others_went_on(
        &mut self,
        model: &ModelId,
        answered: &BTreeMap<EventTime, BTreeSet<ModelId>>,
        length: Span,
    ) {
        let Some(judge) = self.models.get_mut(model) else { return };
        for (start, _) in answered.iter().filter(|(_, models)| !models.contains(model)) {
            judge.silences.others_went_on(*start, length);
        }
    }

    /// How far a version's clock is off, if it is by more than the allowed disorder: ahead, or
    /// behind if negative.
    #[must_use]
    pub fn skew(&self, model: &ModelId, version: &VersionId) -> Option<Span> {
        let feeding = self.models.get(model).into_iter().flat_map(|judge| &judge.sources);
        let feeding = feeding.filter_map(|source| self.sources.get(source));
        feeding.filter_map(|source| source.lanes.skew(model, version)).next()
    }

    /// How much of the label horizon the model's least warm lane has read again, 0 to 1. `None`:
    /// all.
    #[must_use]
    pub fn warm(&self, model: &ModelId) -> Option<f64> {
        let feeding = self.models.get(model).into_iter().flat_map(|judge| &judge.sources);
        let feeding = feeding.filter_map(|source| self.sources.get(source));
        let warm = feeding.map(|source| source.lanes.warm()).fold(1.0, f64::min);
        (warm < 1.0).then_some(warm)
    }

    /// How far the clock of another version is ahead of that in production, at most.
    pub(super) fn lead_over_production(&self, model: &ModelId) -> Span {
        let Some(judge) = self.models.get(model) else { return Span::ZERO };
        let Some(production) = &judge.standing.production else { return Span::ZERO };
        let skew = |version: &VersionId| self.skew(model, version).unwrap_or(Span::ZERO).as_ms();
        let others = judge.versions().into_iter().filter(|version| version != production);
        let most = others.map(|version| skew(&version)).max().unwrap_or(0);
        Span::from_ms((most - skew(production)).max(0))
    }

    /// The newest event time of any lane.
    #[must_use]
    pub fn newest(&self) -> Option<EventTime> {
        self.sources.values().filter_map(|source| source.lanes.newest()).max()
    }

    /// What happened to every record of each source so far.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<SourceId, Counters> {
        let counters = |source: &SourceLanes| source.lanes.counters();
        self.sources.iter().map(|(id, source)| (id.clone(), counters(source))).collect()
    }

    /// Cells that came after their pane was closed here, and gaps in positions.
    #[must_use]
    pub fn losses(&self) -> (u64, u64) {
        let sources = self.sources.values();
        sources.fold((0, 0), |(late, gaps), s| (late + s.panes.after_close, gaps + s.gaps))
    }
}
