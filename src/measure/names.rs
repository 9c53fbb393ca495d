//! Names become small numbers, so that the hot path neither allocates nor compares text twice.
//!
//! Hash maps are allowed in this room under two conditions: the keys are XXH3 hashes already, so
//! the hasher passes them through and no random seed enters; and no map is ever iterated, so its
//! order reaches no result. The numbers depend on what came first and never leave the room.
//! `places` says who has one, and walks a table only to free it, in whatever order.
#![expect(clippy::disallowed_types, reason = "hashed keys, and never iterated: see above")]

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128, xxh3_128_with_seed};

use crate::model::SampleRole;

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
pub(super) struct FeatureIx(pub(super) u32);

/// Whose inputs: see [`FeaturesOf`](crate::sums::FeaturesOf).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum InputsOf {
    Version(VersionIx, SampleRole),
    Shared(VersionIx, VersionIx),
}
