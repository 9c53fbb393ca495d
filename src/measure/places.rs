//! Who has a place among the names of a lane.
//!
//! Law: a lane remembers no more names than its limits, and those that are named elsewhere. A name
//! that is named elsewhere always has a place. Any other one keeps its place until it has been
//! silent for `PLACE_KEPT` and nothing in the lane's panes or its join can need it. Silence is
//! counted in event time, as everything here is: a backlog that is read at full speed, and one that
//! is read again, give places to the same names as the live stream.
//!
//! Over 300 lines: models, versions and features get and lose their places in one way.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::names::{FeatureIx, InputsOf, ModelIx, VersionIx};
use super::place::{FullPlaces, FullSince, KeptPlace, PlacedModel, PlacedVersion, Unplaced};
use super::table::Table;
use crate::model::{
    EventTime, FeatureName, ModelId, NameError, NameKind, NameLimits, NamedModels, VersionId,
};
use crate::sums::FeaturesOf;

/// Models that the numbers of requests can tell apart.
const MOST_MODELS: usize = u16::MAX as usize;

/// All names of a lane that have a place.
#[derive(Debug)]
pub(super) struct Names {
    limits: NameLimits,
    named: Arc<NamedModels>,
    models: Table<ModelId, PlacedModel>,
    versions: Table<VersionId, PlacedVersion>,
    /// With the number of versions that have each.
    features: Table<FeatureName, u32>,
    full: FullSince,
    /// The newest event that is believed.
    now: EventTime,
    /// What ends by then is closed, sent and forgotten.
    passed: EventTime,
    /// Versions and models whose numbers became free, for those who remember something of them.
    freed: (BTreeSet<VersionIx>, BTreeSet<ModelIx>),
    told: Vec<FullPlaces>,
    refused: [u64; 3],
    /// FullSince are of a record that was refused already.
    again: bool,
}

impl Names {
    pub(super) fn new(limits: NameLimits) -> Self {
        Self {
            limits,
            named: Arc::default(),
            models: Table::new(),
            versions: Table::new(),
            features: Table::new(),
            full: FullSince::default(),
            now: EventTime::MIN,
            passed: EventTime::MIN,
            freed: Default::default(),
            told: Vec::new(),
            refused: [0; 3],
            again: false,
        }
    }

    /// These models and versions always have a place.
    pub(super) fn name(&mut self, named: &Arc<NamedModels>) {
        self.named = Arc::clone(named);
    }

    /// From now on, or no longer, names are asked for of records that cannot be used anyway: a
    /// refusal is not counted.
    pub(super) fn ask_again(&mut self, again: bool) {
        self.again = again;
    }

    /// Event time is this, and what ends by `passed` can need no name any more.
    pub(super) fn pass(&mut self, now: EventTime, passed: Option<EventTime>) {
        self.now = self.now.max(now);
        self.passed = passed.unwrap_or(EventTime::MIN);
    }

    /// The number of a model that something remembers until `needed`.
    pub(super) fn model(&mut self, text: &str, needed: EventTime) -> Result<ModelIx, Unplaced> {
        let now = self.now;
        if let Some(at) = self.models.find(0, text) {
            self.touch_model(at, needed);
            return Ok(ModelIx(at));
        }
        let name = ModelId::new(text)?;
        let named = self.named.contains_key(text) && self.models.len() < MOST_MODELS;
        if !named && self.models.len() >= self.limits.models.min(MOST_MODELS) {
            if self.full.search(now) {
                self.free_models();
            }
            if self.models.len() >= self.limits.models.min(MOST_MODELS) {
                let begins = !self.again && self.full.begins(now);
                return Err(self.refuse(NameKind::Model, begins, || text.to_owned()));
            }
        }
        let place = KeptPlace { heard: now, needed };
        let known = PlacedModel { place, versions: 0, full: FullSince::default() };
        Ok(ModelIx(self.models.add(0, name, known)))
    }

    /// The number of a version that something remembers until `needed`.
    pub(super) fn version(
        &mut self,
        of: ModelIx,
        text: &str,
        needed: EventTime,
    ) -> Result<VersionIx, Unplaced> {
        let now = self.now;
        if let Some(at) = self.versions.find(of.0, text) {
            self.touch(VersionIx(at), needed);
            return Ok(VersionIx(at));
        }
        let name = VersionId::new(text)?;
        let model = self.model_name(of);
        let named = self.named.get(model).is_some_and(|versions| versions.contains(text));
        if !named && self.versions_of(of) >= self.limits.versions {
            if self.models.known(of.0).is_some_and(|model| model.full.search(now)) {
                self.free_versions(|model| model == of);
            }
            if self.versions_of(of) >= self.limits.versions {
                let begins = self.models.known(of.0).is_some_and(|model| model.full.begins(now));
                let whole = format!("{} {text}", self.model_name(of));
                return Err(self.refuse(NameKind::Version, begins, || whole));
            }
        }
        let place = KeptPlace { heard: now, needed };
        let known = PlacedVersion { place, features: HashTable::new(), full: FullSince::default() };
        let at = self.versions.add(of.0, name, known);
        if let Some(model) = self.models.known(of.0) {
            model.versions += 1;
            model.place.touch(now, needed);
        }
        Ok(VersionIx(at))
    }

    /// The number of a version's feature that something remembers until `needed`. `None`: it has
    /// no place.
    pub(super) fn feature(
        &mut self,
        of: VersionIx,
        text: &str,
        needed: EventTime,
    ) -> Result<Option<FeatureIx>, NameError> {
        let (now, hash) = (self.now, xxh3_64(text.as_bytes()));
        let (features, most) = (&self.features, self.limits.features);
        let Some(version) = self.versions.known(of.0) else { return Ok(None) };
        let same = |(at, _): &(u32, KeptPlace)| features.at(*at).1.as_str() == text;
        if let Some((at, place)) = version.features.find_mut(hash, same) {
            place.touch(now, needed);
            return Ok(Some(FeatureIx(*at)));
        }
        let name = FeatureName::new(text)?;
        if version.features.len() >= most && version.full.search(now) {
            self.free_features(of);
        }
        let Some(version) = self.versions.known(of.0) else { return Ok(None) };
        if version.features.len() >= most {
            let begins = version.full.begins(now);
            let (model, version) = self.version_name(of);
            let whole = format!("{model} {version} {text}");
            self.refuse(NameKind::Feature, begins, || whole);
            return Ok(None);
        }
        let at = match self.features.find(0, text) {
            Some(at) => at,
            None => self.features.add(0, name, 0),
        };
        self.features.known(at).into_iter().for_each(|users| *users += 1);
        let (features, place) = (&self.features, KeptPlace { heard: now, needed });
        if let Some(version) = self.versions.known(of.0) {
            let rehash =
                |(at, _): &(u32, KeptPlace)| xxh3_64(features.at(*at).1.as_str().as_bytes());
            version.features.insert_unique(hash, (at, place), rehash);
        }
        Ok(Some(FeatureIx(at)))
    }

    /// Something remembers this version until `needed`.
    pub(super) fn touch(&mut self, version: VersionIx, needed: EventTime) {
        let now = self.now;
        let Some(known) = self.versions.known(version.0) else { return };
        known.place.touch(now, needed);
        let model = self.versions.at(version.0).0;
        self.touch_model(model, needed);
    }

    /// Something remembers this model until `needed`, and nothing was heard of it.
    pub(super) fn need(&mut self, model: ModelIx, needed: EventTime) {
        let known = self.models.known(model.0).into_iter();
        known.for_each(|known| known.place.touch(known.place.heard, needed));
    }

    fn touch_model(&mut self, model: u32, needed: EventTime) {
        let now = self.now;
        self.models.known(model).into_iter().for_each(|known| known.place.touch(now, needed));
    }

    fn versions_of(&self, model: ModelIx) -> usize {
        self.models.at(model.0).2.versions
    }

    fn refuse(&mut self, kind: NameKind, begins: bool, name: impl FnOnce() -> String) -> Unplaced {
        if self.again {
            return Unplaced::Full(kind);
        }
        if begins {
            self.told.push(FullPlaces { kind, name: name() });
        }
        let counts = NameKind::ALL.into_iter().zip(&mut self.refused);
        counts.filter(|(of, _)| *of == kind).for_each(|(_, count)| *count += 1);
        Unplaced::Full(kind)
    }

    fn free_models(&mut self) {
        let free = self.models.iter().filter(|(_, _, name, model)| {
            model.place.is_free(self.now, self.passed) && !self.named.contains_key(*name)
        });
        let free: BTreeSet<ModelIx> = free.map(|(at, ..)| ModelIx(at)).collect();
        if free.is_empty() {
            return;
        }
        self.free_versions(|model| free.contains(&model));
        for model in free {
            if self.versions_of(model) == 0 {
                self.models.remove(model.0);
                self.freed.1.insert(model);
            }
        }
    }

    fn free_versions(&mut self, of: impl Fn(ModelIx) -> bool) {
        let free = self.versions.iter().filter(|(_, model, name, version)| {
            let named = || self.named.get(self.models.at(*model).1);
            of(ModelIx(*model))
                && version.place.is_free(self.now, self.passed)
                && !named().is_some_and(|versions| versions.contains(*name))
        });
        let free: Vec<(u32, u32)> = free.map(|(at, model, ..)| (at, model)).collect();
        for (at, model) in free {
            let features = self.versions.known(at).map(|version| {
                version.features.iter().map(|(feature, _)| *feature).collect::<Vec<_>>()
            });
            features.into_iter().flatten().for_each(|feature| self.leave(feature));
            self.versions.remove(at);
            self.models.known(model).into_iter().for_each(|model| model.versions -= 1);
            self.freed.0.insert(VersionIx(at));
        }
    }

    fn free_features(&mut self, of: VersionIx) {
        let (now, passed) = (self.now, self.passed);
        let Some(version) = self.versions.known(of.0) else { return };
        let mut free = Vec::new();
        version.features.retain(|(at, place)| {
            let goes = place.is_free(now, passed);
            if goes {
                free.push(*at);
            }
            !goes
        });
        free.into_iter().for_each(|feature| self.leave(feature));
    }

    /// One version less has a feature.
    fn leave(&mut self, feature: u32) {
        let Some(users) = self.features.known(feature) else { return };
        *users = users.saturating_sub(1);
        if *users == 0 {
            self.features.remove(feature);
        }
    }

    /// The versions and models whose numbers became free since this was last asked.
    pub(super) fn take_freed(&mut self) -> Option<(BTreeSet<VersionIx>, BTreeSet<ModelIx>)> {
        let none = self.freed.0.is_empty() && self.freed.1.is_empty();
        (!none).then(|| std::mem::take(&mut self.freed))
    }

    /// Limits that were reached since this was last asked.
    pub(super) fn take_told(&mut self) -> Vec<FullPlaces> {
        std::mem::take(&mut self.told)
    }

    /// How many names of each kind found no place since this was last asked.
    pub(super) fn take_refused(&mut self) -> impl Iterator<Item = (NameKind, u64)> + use<> {
        NameKind::ALL.into_iter().zip(std::mem::take(&mut self.refused))
    }

    /// How many numbers models, versions and features have, used or free.
    pub(super) fn numbers(&self) -> (usize, usize, usize) {
        (self.models.numbers(), self.versions.numbers(), self.features.numbers())
    }

    /// Whose inputs, by name, and the model.
    pub(super) fn whose(&self, of: InputsOf) -> (ModelId, FeaturesOf) {
        match of {
            InputsOf::Version(version, role) => {
                let (model, version) = self.version_name(version);
                (model.clone(), FeaturesOf::Version(version.clone(), role))
            }
            InputsOf::Shared(of, with) => {
                let (model, of) = self.version_name(of);
                let with = self.version_name(with).1.clone();
                (model.clone(), FeaturesOf::Shared(of.clone(), with))
            }
        }
    }

    pub(super) fn model_name(&self, model: ModelIx) -> &ModelId {
        self.models.at(model.0).1
    }

    /// The version and its model.
    pub(super) fn version_name(&self, version: VersionIx) -> (&ModelId, &VersionId) {
        let (model, name, _) = self.versions.at(version.0);
        (self.model_name(ModelIx(model)), name)
    }

    pub(super) fn feature_name(&self, feature: FeatureIx) -> &FeatureName {
        self.features.at(feature.0).1
    }
}
