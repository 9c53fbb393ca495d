//! Names become small numbers, so that the hot path neither allocates nor compares text twice.
//!
//! Hash maps are allowed in this room under two conditions: the keys are XXH3 hashes already, so
//! the hasher passes them through and no random seed enters; and no map is ever iterated, so its
//! order reaches no result. The numbers depend on what came first and never leave the room.
#![expect(clippy::disallowed_types, reason = "hashed keys, and never iterated: see above")]

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128, xxh3_128_with_seed};

use crate::model::{FeatureName, ModelId, NameError, SampleRole, VersionId};
use crate::sums::FeaturesOf;

/// Passes on a key that is a hash already.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// A map whose keys are hashes; never iterated.
pub(super) type ByHash<K, V> = HashMap<K, V, BuildHasherDefault<Hashed>>;
/// A set of hashes; never iterated.
pub(super) type Hashes = HashSet<KeyHash, BuildHasherDefault<Hashed>>;
/// 128 bits that stand for an id: two alike are not to be expected on Earth.
pub(super) type KeyHash = u128;

/// 128 bits that stand for any text.
pub(super) fn text_key(text: &str) -> KeyHash {
    xxh3_128(text.as_bytes())
}

/// 96 bits that stand for a request of a model: of a thousand million, two are alike once in 10^11.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestKey(pub(super) [u32; 3]);

impl RequestKey {
    pub(super) fn of(model: ModelIx, request: &str) -> Self {
        let hash = xxh3_128_with_seed(request.as_bytes(), u64::from(model.0));
        Self([hash as u32, (hash >> 32) as u32, (hash >> 64) as u32])
    }

    /// What an index needs of it.
    pub(super) fn hash(self) -> u64 {
        let [low, high, _] = self.0;
        u64::from(high) << 32 | u64::from(low)
    }
}

/// What an open pane remembers ids of.
#[derive(Debug, Clone, Copy)]
pub(super) enum IdOf {
    Prediction,
    Latency,
    Outcome,
}

/// The key of an id within its version.
pub(super) fn id_key(of: IdOf, version: VersionIx, id: &str) -> KeyHash {
    xxh3_128_with_seed(id.as_bytes(), (u64::from(version.0) << 2) | of as u64)
}

/// A model in this lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ModelIx(pub(super) u32);
/// A version of a model in this lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VersionIx(pub(super) u32);
/// A feature's name in this lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FeatureIx(u32);

/// Whose inputs: see [`FeaturesOf`](crate::sums::FeaturesOf).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum InputsOf {
    Version(VersionIx, SampleRole),
    Shared(VersionIx, VersionIx),
}

/// Names of one kind; `under` tells apart equal names under different owners.
#[derive(Debug)]
struct Table<T> {
    by_hash: ByHash<u64, u32>,
    names: Vec<(u32, T)>,
}

impl<T: Borrow<str>> Table<T> {
    fn new() -> Self {
        Self { by_hash: ByHash::default(), names: Vec::new() }
    }

    fn index(
        &mut self,
        under: u32,
        text: &str,
        make: fn(&str) -> Result<T, NameError>,
    ) -> Result<u32, NameError> {
        let mut hash = xxh3_64_with_seed(text.as_bytes(), u64::from(under));
        while let Some(&index) = self.by_hash.get(&hash) {
            let (owner, name) = self.at(index);
            if *owner == under && name.borrow() == text {
                return Ok(index);
            }
            hash = hash.wrapping_add(1);
        }
        let index = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push((under, make(text)?));
        self.by_hash.insert(hash, index);
        Ok(index)
    }

    #[expect(clippy::expect_used, reason = "only this table makes its indices, and keeps all")]
    fn at(&self, index: u32) -> &(u32, T) {
        self.names.get(index as usize).expect("an index of this table")
    }
}

/// All names this lane has seen.
#[derive(Debug)]
pub(super) struct Names {
    models: Table<ModelId>,
    versions: Table<VersionId>,
    features: Table<FeatureName>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { models: Table::new(), versions: Table::new(), features: Table::new() }
    }

    pub(super) fn model(&mut self, text: &str) -> Result<ModelIx, NameError> {
        self.models.index(0, text, ModelId::new).map(ModelIx)
    }

    pub(super) fn version(&mut self, of: ModelIx, text: &str) -> Result<VersionIx, NameError> {
        self.versions.index(of.0, text, VersionId::new).map(VersionIx)
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

    pub(super) fn feature(&mut self, text: &str) -> Result<FeatureIx, NameError> {
        self.features.index(0, text, FeatureName::new).map(FeatureIx)
    }

    pub(super) fn model_name(&self, model: ModelIx) -> &ModelId {
        &self.models.at(model.0).1
    }

    /// The version and its model.
    pub(super) fn version_name(&self, version: VersionIx) -> (&ModelId, &VersionId) {
        let (model, name) = self.versions.at(version.0);
        (self.model_name(ModelIx(*model)), name)
    }

    pub(super) fn feature_name(&self, feature: FeatureIx) -> &FeatureName {
        &self.features.at(feature.0).1
    }
}
