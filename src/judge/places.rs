//! Who has a place among the names of a source in this shard.
//!
//! Law: a shard counts for itself, and believes no frame: whatever ingest sends, it remembers no
//! more names than the rules allow and those that are named elsewhere. A name that is named
//! elsewhere always has a place. Any other one keeps its place until it has been silent for
//! [`PLACE_KEPT`] of log time and no open pane holds anything of it; it leaves when another needs
//! its place. What a version without a place would have said is lost to its model.
//!
//! Over 300 lines: who has a place, who gets one and who loses it must be read together.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::panes::OpenPanes;
use super::state::ModelJudge;
use super::{Judge, Output};
use crate::model::{
    EventTime, FeatureName, LogTime, ModelId, NameLimits, PLACE_KEPT, Role, RuleSet, SourceId,
    Span, VersionId,
};
use crate::sums::{
    FeaturesOf, FeaturesPartial, Frame, Losses, PairPartial, SharedPart, UnknownPartial,
    VersionPartial, VersionSums,
};

/// The least time between two searches for places that are free.
const SEARCH_EVERY: Span = Span::from_s(10);

/// The names of one source that have a place.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct SourcePlaces {
    models: BTreeMap<ModelId, ModelPlace>,
    searched: Option<LogTime>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ModelPlace {
    heard: LogTime,
    versions: BTreeMap<VersionId, VersionPlace>,
    searched: Option<LogTime>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct VersionPlace {
    heard: LogTime,
    features: BTreeMap<FeatureName, LogTime>,
    searched: Option<LogTime>,
}

/// Names that found no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RefusedNames {
    /// Sums that were not taken.
    pub cells: u64,
    /// How often that began: nothing was refused for as long as a place is kept.
    pub begun: u64,
    last: Option<LogTime>,
}

impl RefusedNames {
    fn count(&mut self, cells: u64, now: LogTime) {
        if cells == 0 {
            return;
        }
        let begins = self.last.is_none_or(|last| now - last >= PLACE_KEPT);
        self.begun += u64::from(begins);
        self.cells += cells;
        self.last = Some(now);
    }
}

/// What decides who may have a place, apart from the places themselves.
struct Gate<'a> {
    now: LogTime,
    limits: NameLimits,
    rules: &'a RuleSet,
    models: &'a BTreeMap<ModelId, SharedPart<ModelJudge>>,
    panes: &'a OpenPanes,
}

/// A name that lost its place.
enum Left {
    Model(ModelId),
    Version(ModelId, VersionId),
    Feature(ModelId, VersionId, FeatureName),
}

impl Gate<'_> {
    fn names(&self, model: &ModelId) -> bool {
        let standing = || self.models.get(model).is_some_and(|judge| judge.standing.named);
        self.rules.models.contains_key(model) || standing()
    }

    fn names_version(&self, model: &ModelId, version: &VersionId) -> bool {
        let known = self.models.get(model).and_then(|judge| judge.standing.versions.get(version));
        known.is_some_and(|known| {
            known.proven || matches!(known.role, Role::Production | Role::Canary)
        })
    }

    fn silent(&self, heard: LogTime) -> bool {
        self.now - heard >= PLACE_KEPT
    }

    fn searches(&self, searched: &mut Option<LogTime>) -> bool {
        let due = searched.is_none_or(|last| self.now - last >= SEARCH_EVERY);
        if due {
            *searched = Some(self.now);
        }
        due
    }
}

impl SourcePlaces {
    pub(super) fn has(&self, model: &ModelId) -> bool {
        self.models.contains_key(model)
    }

    fn model(&mut self, id: &ModelId, gate: &Gate<'_>, left: &mut Vec<Left>) -> bool {
        if let Some(place) = self.models.get_mut(id) {
            place.heard = gate.now;
            return true;
        }
        if self.models.len() >= gate.limits.models && !gate.names(id) {
            if gate.searches(&mut self.searched) {
                self.free(gate, left);
            }
            if self.models.len() >= gate.limits.models {
                return false;
            }
        }
        let place = ModelPlace { heard: gate.now, versions: BTreeMap::new(), searched: None };
        self.models.insert(id.clone(), place);
        true
    }

    fn free(&mut self, gate: &Gate<'_>, left: &mut Vec<Left>) {
        self.models.retain(|id, place| {
            let goes = gate.silent(place.heard) && !gate.names(id) && !gate.panes.hold(id, None);
            if goes {
                left.push(Left::Model(id.clone()));
            }
            !goes
        });
    }

    fn version(
        &mut self,
        (model, id): (&ModelId, &VersionId),
        gate: &Gate<'_>,
        left: &mut Vec<Left>,
    ) -> bool {
        if !self.model(model, gate, left) {
            return false;
        }
        let Some(of) = self.models.get_mut(model) else { return false };
        if let Some(place) = of.versions.get_mut(id) {
            place.heard = gate.now;
            return true;
        }
        let most = gate.limits.versions;
        if of.versions.len() >= most && !gate.names_version(model, id) {
            if gate.searches(&mut of.searched) {
                of.versions.retain(|id, place| {
                    let goes = gate.silent(place.heard)
                        && !gate.names_version(model, id)
                        && !gate.panes.hold(model, Some(id));
                    if goes {
                        left.push(Left::Version(model.clone(), id.clone()));
                    }
                    !goes
                });
            }
            if of.versions.len() >= most {
                return false;
            }
        }
        let features = BTreeMap::new();
        let place = VersionPlace { heard: gate.now, features, searched: None };
        of.versions.insert(id.clone(), place);
        true
    }

    /// The features of a partial that have a place.
    fn features(
        &mut self,
        cell: &FeaturesPartial,
        gate: &Gate<'_>,
        left: &mut Vec<Left>,
    ) -> BTreeSet<FeatureName> {
        let mut kept = BTreeSet::new();
        let (of, with) = match &cell.of {
            FeaturesOf::Version(of, _) => (of, None),
            FeaturesOf::Shared(of, with) => (of, Some(with)),
        };
        let with = with.is_none_or(|with| self.version((&cell.model, with), gate, left));
        if !with || !self.version((&cell.model, of), gate, left) {
            return kept;
        }
        let place = self.models.get_mut(&cell.model).and_then(|model| model.versions.get_mut(of));
        let Some(VersionPlace { features, searched, .. }) = place else { return kept };
        for name in cell.features.keys() {
            if let Some(heard) = features.get_mut(name) {
                *heard = gate.now;
            } else {
                if features.len() >= gate.limits.features && gate.searches(searched) {
                    let gone = features.extract_if(.., |_, heard| gate.silent(*heard));
                    left.extend(
                        gone.map(|(name, _)| Left::Feature(cell.model.clone(), of.clone(), name)),
                    );
                }
                if features.len() >= gate.limits.features {
                    continue;
                }
                features.insert(name.clone(), gate.now);
            }
            kept.insert(name.clone());
        }
        kept
    }

    /// Which parts of a frame have a place, and what is lost with those that have none.
    fn admit(&mut self, frame: &Frame, gate: &Gate<'_>) -> Admitted {
        let mut left = Vec::new();
        let mut lost = Vec::new();
        let mut version = |cell: &VersionPartial| {
            let placed = self.version((&cell.model, &cell.version), gate, &mut left);
            if !placed && self.has(&cell.model) {
                lost.push((cell.pane, cell.model.clone(), losses(&cell.sums)));
            }
            placed
        };
        let versions: Vec<bool> = frame.versions.iter().map(&mut version).collect();
        let mut pair = |cell: &PairPartial| {
            self.version((&cell.model, &cell.a), gate, &mut left)
                && self.version((&cell.model, &cell.b), gate, &mut left)
        };
        let pairs: Vec<bool> = frame.pairs.iter().map(&mut pair).collect();
        let mut unknown = |cell: &UnknownPartial| {
            cell.model.as_ref().is_none_or(|model| self.model(model, gate, &mut left))
        };
        let unknown: Vec<bool> = frame.unknown.iter().map(&mut unknown).collect();
        let mut features = |cell| self.features(cell, gate, &mut left);
        let features: Vec<_> = frame.features.iter().map(&mut features).collect();
        let cells = versions.iter().chain(&pairs).chain(&unknown);
        let refused = cells.filter(|placed| !**placed).count();
        let values = frame.features.iter().zip(&features);
        let refused =
            refused + values.map(|(of, kept)| of.features.len() - kept.len()).sum::<usize>();
        let kept = (refused > 0).then(|| {
            let mut kept = frame.clone();
            retain(&mut kept.versions, &versions);
            retain(&mut kept.pairs, &pairs);
            retain(&mut kept.unknown, &unknown);
            for (cell, names) in kept.features.iter_mut().zip(&features) {
                cell.features.retain(|name, _| names.contains(name));
            }
            kept.features.retain(|cell| !cell.features.is_empty());
            kept
        });
        Admitted { kept, lost, left, refused: refused as u64 }
    }
}

/// What came of a frame.
struct Admitted {
    /// The frame without what has no place. `None`: all of it has one.
    kept: Option<Frame>,
    /// What models lose with versions that have no place. A lane says its sums again and again, so
    /// this may count a loss more than once, never less.
    lost: Vec<(EventTime, ModelId, Losses)>,
    left: Vec<Left>,
    refused: u64,
}

fn retain<T>(all: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    all.retain(|_| kept.next().copied().unwrap_or(false));
}

/// What sums would have said.
fn losses(sums: &VersionSums) -> Losses {
    let mut lost = sums.lost;
    lost.merge(Losses {
        answers: sums.answers.n,
        latencies: sums.latency.as_ref().map_or(0, |latency| latency.n()),
        labels: sums.labels.n,
        ..Losses::default()
    });
    lost
}

impl Judge {
    /// The frame without what has no place. `None`: all of it has one.
    pub(super) fn admit(
        &mut self,
        now: LogTime,
        rules: &RuleSet,
        frame: &Frame,
        out: &mut Vec<Output>,
    ) -> Option<Frame> {
        let id = &frame.lane.source;
        let source = self.sources.get_mut(id)?;
        let (panes, models, limits) = (&source.panes, &self.models, rules.limits);
        let gate = Gate { now, limits, rules, models, panes };
        let Admitted { kept, lost, left, refused } = source.places.admit(frame, &gate);
        self.refused.count(refused, now);
        let (pane, watermark) = (source.lanes.pane(), source.lanes.watermark());
        for (start, model, lost) in lost {
            if start + pane > watermark {
                source.panes.refuse(start, &model, lost);
            }
        }
        for left in left {
            self.leave(id, left, out);
        }
        kept
    }

    fn leave(&mut self, source: &SourceId, left: Left, out: &mut Vec<Output>) {
        match left {
            Left::Model(model) => {
                let held = self.sources.values().any(|source| source.places.has(&model));
                if held {
                    if let Some(judge) = self.models.get_mut(&model) {
                        judge.sources.remove(source);
                    }
                } else {
                    self.models.remove(&model);
                    out.push(Output::ModelLeft(model));
                }
            }
            Left::Version(model, version) => {
                let judge = self.models.get_mut(&model);
                judge
                    .into_iter()
                    .for_each(|judge| judge.forget(&BTreeSet::from([version.clone()])));
                out.push(Output::VersionLeft(model, version));
            }
            Left::Feature(model, version, feature) => {
                let judge = self.models.get_mut(&model);
                judge.into_iter().for_each(|judge| judge.forget_feature(&version, &feature));
                out.push(Output::FeatureLeft(model, version, feature));
            }
        }
    }

    /// Names that found no place.
    #[must_use]
    pub fn refused(&self) -> RefusedNames {
        self.refused
    }

    /// How many models have a place, over all sources.
    #[must_use]
    pub fn places(&self) -> usize {
        self.sources.values().map(|source| source.places.models.len()).sum()
    }
}
