//! How a sample's names get their places, and what goes when a name loses its own.

use super::inputs::TOGETHER;
use super::ledger::{ReadPhase, RecordPlace};
use super::names::{ModelIx, VersionIx};
use super::place::Unplaced;
use super::{Lane, Output};
use crate::model::{EventTime, LostField, LostFields, NameKind, Prediction};

impl Lane {
    /// Until when panes may need the names of a sample.
    pub(super) fn needed(&self, ts: EventTime, at: &RecordPlace) -> EventTime {
        let newest = at.newest_before.filter(|_| at.phase != ReadPhase::Rebuild);
        self.panes.end_of(newest.map_or(ts, |newest| newest.max(ts)))
    }

    /// A model's number.
    pub(super) fn place_model(
        &mut self,
        model: &str,
        needed: EventTime,
    ) -> Result<ModelIx, Unplaced> {
        let placed = self.names.model(model, needed);
        self.forget_freed();
        placed
    }

    /// A version's number.
    pub(super) fn place_version(
        &mut self,
        model: ModelIx,
        version: &str,
        needed: EventTime,
    ) -> Result<VersionIx, Unplaced> {
        let placed = self.names.version(model, version, needed);
        self.forget_freed();
        placed
    }

    /// The numbers of a prediction's features, in their order; those without a place have none.
    pub(super) fn place_features(
        &mut self,
        p: &Prediction<'_>,
        version: VersionIx,
        at: &RecordPlace,
    ) -> Result<(), Unplaced> {
        self.features.clear();
        let needed = self.panes.end_of(p.ts + TOGETHER);
        for (name, _) in &p.features {
            self.features.push(self.names.feature(version, name, needed)?);
        }
        if self.features.contains(&None) && !p.lost.has(LostField::Features) {
            let mut lost = LostFields::default();
            lost.add(LostField::Features);
            self.lose_fields(lost, at);
        }
        Ok(())
    }

    /// What is remembered of names under their numbers goes before the numbers are used again.
    fn forget_freed(&mut self) {
        if let Some((versions, models)) = self.names.take_freed() {
            self.marks.forget(&versions);
            self.join.forget_models(&models);
        }
    }

    /// Event time has come to that of a record, as far as its clock is believed.
    pub(super) fn pass_time(&mut self, ts: EventTime, at: &RecordPlace) {
        if let Some(newest) = at.newest_before {
            self.names.pass(ts.min(newest), self.panes.settled());
        }
    }

    /// Tells which limits of names were reached.
    pub(super) fn tell_full(&mut self, out: &mut Vec<Output>) {
        let told = self.names.take_told().into_iter();
        out.extend(told.map(|full| Output::NamesFull { kind: full.kind, name: full.name }));
    }

    /// How many names of each kind found no place since this was last asked: of a model or version
    /// each record counts, of a feature each value.
    pub fn take_refused(&mut self) -> impl Iterator<Item = (NameKind, u64)> + use<> {
        self.names.take_refused()
    }

    /// How many numbers models, versions and features have: memory for names grows with them.
    #[must_use]
    pub fn name_numbers(&self) -> (usize, usize, usize) {
        self.names.numbers()
    }
}
