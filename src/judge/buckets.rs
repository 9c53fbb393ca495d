//! Buckets: panes merged into the intervals in which triggers take evidence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::panes::Pane;
use crate::model::{EventTime, FeatureName, Limit, Signal, Span, Trigger, VersionId};
use crate::sums::{FeatureGrids, FeaturesOf, Losses, PairTable, VersionSums, features};

/// What the triggers of one bucket length read; the rest is not merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reads {
    answers: bool,
    latency: bool,
    labels: bool,
    features: bool,
}

impl Reads {
    /// What these triggers read.
    pub fn of<'a>(triggers: impl Iterator<Item = &'a Trigger>) -> Self {
        let mut reads = Self::default();
        for trigger in triggers {
            match (trigger.signal, trigger.limit) {
                (Signal::Accuracy, _) => reads.labels = true,
                (Signal::ErrorRate, _) => reads.answers = true,
                (Signal::Latency, Limit::MeanMs { .. }) => reads.latency = true,
                (Signal::Latency, _) => reads.latency = true,
                (Signal::FeatureDrift, _) => reads.features = true,
            }
        }
        reads
    }
}

/// All versions and pairs of one model in one interval, over all lanes and roles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its length.
    pub length: Span,
    /// The least share of lanes that were heard when its panes closed.
    pub completeness: f64,
    /// By version.
    pub versions: BTreeMap<VersionId, VersionSums>,
    /// By pair, the smaller name first.
    #[serde(with = "crate::sums::entries")]
    pub pairs: BTreeMap<(VersionId, VersionId), PairTable>,
    /// Inputs by version.
    pub features: BTreeMap<VersionId, FeatureGrids>,
    /// Inputs of the first version on the requests on which the second logged them, too.
    #[serde(with = "crate::sums::entries")]
    pub shared: BTreeMap<(VersionId, VersionId), FeatureGrids>,
    /// What was lost of nobody knows which version: it may have been any.
    pub unknown: Losses,
}

impl Bucket {
    /// An empty one.
    #[must_use]
    pub fn new(length: Span) -> Self {
        let (versions, pairs, features, shared, unknown) = Default::default();
        Self { length, completeness: 1.0, versions, pairs, features, shared, unknown }
    }

    /// Samples of a signal that a version may have lost.
    #[must_use]
    pub fn lost(&self, version: &VersionId, signal: Signal) -> u64 {
        let own = self.versions.get(version).map_or(0, |sums| sums.lost.of(signal));
        own + self.unknown.of(signal)
    }

    /// Whether most of what a version lost of a signal are labels of another type than its answers.
    #[must_use]
    pub fn types_differ(&self, version: &VersionId, signal: Signal) -> bool {
        let types = self.versions.get(version).map_or(0, |sums| sums.lost.types);
        signal == Signal::Accuracy && types * 2 > self.lost(version, signal)
    }

    /// Keeps what it holds of these versions only.
    pub(super) fn retain(&mut self, stays: impl Fn(&VersionId) -> bool) {
        self.versions.retain(|version, _| stays(version));
        self.pairs.retain(|(a, b), _| stays(a) && stays(b));
        self.features.retain(|version, _| stays(version));
        self.shared.retain(|(a, b), _| stays(a) && stays(b));
    }

    /// Forgets a feature of a version.
    pub(super) fn forget_feature(&mut self, version: &VersionId, feature: &FeatureName) {
        let shared = self.shared.iter_mut().filter(|((of, _), _)| of == version);
        let own = self.features.get_mut(version).into_iter();
        own.chain(shared.map(|(_, found)| found)).for_each(|found| drop(found.remove(feature)));
    }

    /// Adds a pane, only what is read.
    pub fn add(&mut self, pane: &Pane, reads: Reads) {
        for (version, _, sums) in pane.versions() {
            let mine = self.versions.entry(version.clone()).or_default();
            mine.lost.merge(sums.lost);
            if reads.answers || reads.features {
                mine.answers.merge(sums.answers);
                mine.timeouts += sums.timeouts;
            }
            if let Some(latency) = sums.latency.as_ref().filter(|_| reads.latency) {
                mine.latency.get_or_insert_default().merge(latency);
            }
            if reads.labels {
                mine.labels.merge(sums.labels);
            }
        }
        self.unknown.merge(pane.unknown());
        for (a, b, table) in pane.pairs().filter(|_| reads.labels) {
            self.pairs.entry((a.clone(), b.clone())).or_default().merge(table);
        }
        for (of, found) in pane.features().filter(|_| reads.features) {
            let mine = match of {
                FeaturesOf::Version(version, _) => self.features.entry(version.clone()),
                FeaturesOf::Shared(of, with) => {
                    let mine = self.shared.entry((of.clone(), with.clone())).or_default();
                    features::merge(mine, found);
                    continue;
                }
            };
            features::merge(mine.or_default(), found);
        }
    }
}

/// The open buckets of a model, one series for each length that a trigger has.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Buckets {
    #[serde(with = "crate::sums::entries")]
    open: BTreeMap<(Span, EventTime), Bucket>,
}

impl Buckets {
    /// Adds a closed pane to every series.
    pub fn add(&mut self, start: EventTime, pane: &Pane, completeness: f64, triggers: &[Trigger]) {
        for length in lengths(triggers) {
            let key = (length, start.floor(length));
            let bucket = self.open.entry(key).or_insert_with(|| Bucket::new(length));
            bucket.completeness = bucket.completeness.min(completeness);
            bucket.add(pane, reads_at(triggers, length));
        }
    }

    /// Adds what was lost of nobody knows which model, where the model was measured.
    pub fn lose(&mut self, start: EventTime, lost: Losses, triggers: &[Trigger]) {
        for length in lengths(triggers) {
            if let Some(bucket) = self.open.get_mut(&(length, start.floor(length))) {
                bucket.unknown.merge(lost);
            }
        }
    }

    /// Takes out the buckets that end at or before the watermark: by end, then the shorter first.
    pub fn close(&mut self, watermark: EventTime) -> Vec<(EventTime, Bucket)> {
        let done = |(length, start): &(Span, EventTime)| *start + *length <= watermark;
        let keys: Vec<_> = self.open.keys().filter(|key| done(key)).copied().collect();
        let mut closed: Vec<_> = keys
            .into_iter()
            .filter_map(|key| self.open.remove(&key).map(|bucket| (key.1, bucket)))
            .collect();
        closed.sort_by_key(|(start, bucket)| (*start + bucket.length, bucket.length));
        closed
    }

    /// Keeps what open ones hold of these versions only.
    pub(super) fn retain(&mut self, stays: impl Fn(&VersionId) -> bool) {
        self.open.values_mut().for_each(|bucket| bucket.retain(&stays));
    }

    /// Forgets a feature of a version.
    pub(super) fn forget_feature(&mut self, version: &VersionId, feature: &FeatureName) {
        self.open.values_mut().for_each(|bucket| bucket.forget_feature(version, feature));
    }

    /// The open buckets of one length, oldest first.
    pub fn open(&self, length: Span) -> impl Iterator<Item = (EventTime, &Bucket)> {
        let of = move |key: &(Span, EventTime)| key.0 == length;
        self.open.iter().filter(move |(key, _)| of(key)).map(|(key, bucket)| (key.1, bucket))
    }
}

/// The bucket lengths that triggers have, ascending.
#[must_use]
pub fn lengths(triggers: &[Trigger]) -> Vec<Span> {
    let mut lengths: Vec<_> = triggers.iter().map(|trigger| trigger.bucket).collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

/// What the triggers of a length read.
#[must_use]
pub fn reads_at(triggers: &[Trigger], length: Span) -> Reads {
    Reads::of(triggers.iter().filter(|trigger| trigger.bucket == length))
}
