//! The panes that are open in the shard: the last word of each lane about each cell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{EventTime, ModelId, SampleRole, Span, VersionId};
use crate::sums::{FeatureGrids, FeaturesOf, Frame, Losses, PairTable, SharedPart, VersionSums};

type VersionCell = (VersionId, SampleRole, u32);
type PairCell = (VersionId, VersionId, u32);

/// What one model did in one open pane, lane by lane.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Pane {
    #[serde(with = "crate::sums::entries")]
    versions: BTreeMap<VersionCell, VersionSums>,
    #[serde(with = "crate::sums::entries")]
    pairs: BTreeMap<PairCell, PairTable>,
    #[serde(with = "crate::sums::entries")]
    features: BTreeMap<(FeaturesOf, u32), FeatureGrids>,
    /// What was lost of nobody knows which version, by lane.
    unknown: BTreeMap<u32, Losses>,
    /// What was lost with versions that have no place.
    refused: Losses,
}

/// Open panes by start, then by model.
pub(super) type Open = BTreeMap<EventTime, BTreeMap<ModelId, SharedPart<Pane>>>;

/// The open panes of a source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OpenPanes {
    open: Open,
    /// What was lost of nobody knows which model, by lane.
    unknown: BTreeMap<EventTime, BTreeMap<u32, Losses>>,
    /// Cells that came after the shard had closed their pane.
    pub after_close: u64,
}

impl OpenPanes {
    /// Takes a frame's cells; each replaces what its lane said of it before. Answers the models
    /// that it touched, in order.
    pub fn take(&mut self, frame: &Frame, pane: Span, watermark: EventTime) -> Vec<ModelId> {
        let lane = frame.lane.lane;
        let closed = |start: EventTime| start + pane <= watermark;
        let mut touched = Vec::new();
        for cell in &frame.versions {
            if closed(cell.pane) {
                self.after_close += 1;
                continue;
            }
            let pane = self.pane(cell.pane, &cell.model);
            let key = (cell.version.clone(), cell.role, lane);
            pane.versions.insert(key, cell.sums.clone());
            touched.push(cell.model.clone());
        }
        for cell in &frame.pairs {
            if closed(cell.pane) {
                self.after_close += 1;
                continue;
            }
            let pane = self.pane(cell.pane, &cell.model);
            pane.pairs.insert((cell.a.clone(), cell.b.clone(), lane), cell.table);
            touched.push(cell.model.clone());
        }
        for cell in &frame.features {
            if closed(cell.pane) {
                self.after_close += 1;
                continue;
            }
            let pane = self.pane(cell.pane, &cell.model);
            let known = pane.features.entry((cell.of.clone(), lane)).or_default();
            known.extend(cell.features.iter().map(|(name, grid)| (name.clone(), grid.clone())));
            touched.push(cell.model.clone());
        }
        for cell in &frame.unknown {
            if closed(cell.pane) {
                self.after_close += 1;
            } else if let Some(model) = &cell.model {
                let pane = self.pane(cell.pane, model);
                pane.unknown.insert(lane, cell.lost);
                touched.push(model.clone());
            } else {
                self.unknown.entry(cell.pane).or_default().insert(lane, cell.lost);
            }
        }
        touched.sort();
        touched.dedup();
        touched
    }

    fn pane(&mut self, start: EventTime, model: &ModelId) -> &mut SharedPart<Pane> {
        self.open.entry(start).or_default().entry(model.clone()).or_default()
    }

    /// Versions of the model that have no place have lost this.
    pub(super) fn refuse(&mut self, start: EventTime, model: &ModelId, lost: Losses) {
        self.pane(start, model).refused.merge(lost);
    }

    /// Whether an open pane holds something of a model, or of one of its versions.
    pub(super) fn hold(&self, model: &ModelId, version: Option<&VersionId>) -> bool {
        let mut panes = self.open.values().filter_map(|models| models.get(model));
        panes.any(|pane| version.is_none_or(|version| pane.holds(version)))
    }

    /// Forgets what a lane said of panes that it had open: its successor will say it again. What it
    /// said of those that end by `said` stays.
    pub fn forget(&mut self, lane: u32, pane: Span, said: EventTime) {
        let open = |start: &EventTime| *start + pane > said;
        for (_, lanes) in self.unknown.iter_mut().filter(|(start, _)| open(start)) {
            lanes.remove(&lane);
        }
        let again = self.open.iter_mut().filter(|(start, _)| open(start));
        for pane in again.flat_map(|(_, models)| models.values_mut()) {
            pane.versions.retain(|(_, _, of), _| *of != lane);
            pane.pairs.retain(|(_, _, of), _| *of != lane);
            pane.features.retain(|(_, of), _| *of != lane);
            pane.unknown.remove(&lane);
        }
    }

    /// Takes out the panes that end at or before the watermark, oldest first.
    pub fn close(&mut self, pane: Span, watermark: EventTime) -> Vec<(EventTime, ModelId, Pane)> {
        let mut closed = Vec::new();
        while let Some(entry) = self.open.first_entry() {
            if *entry.key() + pane > watermark {
                break;
            }
            let (start, models) = entry.remove_entry();
            closed.extend(models.into_iter().map(|(model, sums)| (start, model, sums.take())));
        }
        closed
    }

    /// What is not in a pane of a model, and those panes.
    pub(super) fn apart(&self) -> (Self, Open) {
        let Self { open, unknown, after_close } = self;
        let bare = Self { open: Open::new(), unknown: unknown.clone(), after_close: *after_close };
        (bare, open.clone())
    }

    pub(super) fn put(&mut self, start: EventTime, model: ModelId, pane: SharedPart<Pane>) {
        self.open.entry(start).or_default().insert(model, pane);
    }

    /// Takes out what was lost of nobody knows which model in panes that end at or before the
    /// watermark.
    pub fn close_unknown(&mut self, pane: Span, watermark: EventTime) -> Vec<(EventTime, Losses)> {
        let mut closed = Vec::new();
        while let Some(entry) = self.unknown.first_entry() {
            if *entry.key() + pane > watermark {
                break;
            }
            let (start, lanes) = entry.remove_entry();
            closed.push((start, sum(&lanes)));
        }
        closed
    }

    /// The open panes of a model that start at `from` or later and end at or before `to`.
    pub fn open<'a>(
        &'a self,
        model: &'a ModelId,
        pane: Span,
        from: EventTime,
        to: EventTime,
    ) -> impl Iterator<Item = (EventTime, &'a Pane)> {
        let started = self.open.range(from..).take_while(move |(start, _)| **start + pane <= to);
        started.filter_map(move |(start, models)| Some((*start, &**models.get(model)?)))
    }
}

impl Pane {
    /// Each version's sums, lane by lane and role by role.
    pub fn versions(&self) -> impl Iterator<Item = (&VersionId, SampleRole, &VersionSums)> {
        self.versions.iter().map(|((version, role, _), sums)| (version, *role, sums))
    }

    /// What was lost of nobody knows which version, over all lanes.
    #[must_use]
    pub fn unknown(&self) -> Losses {
        let mut lost = sum(&self.unknown);
        lost.merge(self.refused);
        lost
    }

    /// Whether it holds something of a version.
    fn holds(&self, version: &VersionId) -> bool {
        let inputs = self.features.keys().any(|(of, _)| match of {
            FeaturesOf::Version(of, _) => of == version,
            FeaturesOf::Shared(of, with) => of == version || with == version,
        });
        inputs
            || self.versions.keys().any(|(of, ..)| of == version)
            || self.pairs.keys().any(|(a, b, _)| a == version || b == version)
    }

    /// Each pair's table, lane by lane.
    pub fn pairs(&self) -> impl Iterator<Item = (&VersionId, &VersionId, PairTable)> {
        self.pairs.iter().map(|((a, b, _), table)| (a, b, *table))
    }

    /// Inputs, lane by lane.
    pub fn features(&self) -> impl Iterator<Item = (&FeaturesOf, &FeatureGrids)> {
        self.features.iter().map(|((of, _), features)| (of, features))
    }

    /// Answers stated to be live, and of unstated role, by version.
    #[must_use]
    pub fn live(&self) -> Vec<(VersionId, u64, u64)> {
        let mut live: BTreeMap<&VersionId, (u64, u64)> = BTreeMap::new();
        for ((version, role, _), sums) in &self.versions {
            let (stated, unstated) = live.entry(version).or_default();
            match role {
                SampleRole::Live => *stated += sums.answers.n,
                SampleRole::Unstated => *unstated += sums.answers.n,
                SampleRole::Shadow => {}
            }
        }
        let counted = live.into_iter().filter(|(_, (stated, unstated))| stated + unstated > 0);
        counted.map(|(version, (stated, unstated))| (version.clone(), stated, unstated)).collect()
    }
}

fn sum(lanes: &BTreeMap<u32, Losses>) -> Losses {
    let mut sum = Losses::default();
    lanes.values().for_each(|lost| sum.merge(*lost));
    sum
}
