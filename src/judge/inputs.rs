//! Drift of inputs: frozen references per version, a sliding window, and who is to blame.
//!
//! Where two versions record a feature of one name, the distance between them over the same
//! requests leads: what the world does to both is common. It is blamed on the side that is farther
//! from its own frozen reference; a tie is nobody's.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::buckets::Bucket;
use super::drift::{Binned, Bins, merge, psi};
use crate::model::{
    EventTime, FeatureName, Null, Reason, Reference, Span, Statistic, Trigger, Verdict, VersionId,
};
use crate::sums::{BucketSums, Evidence, Grid, Tally};

type Of = (VersionId, FeatureName);

/// The inputs of one model under one trigger.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Inputs {
    bins: BTreeMap<FeatureName, Bins>,
    #[serde(with = "crate::sums::entries")]
    learning: BTreeMap<Of, Grid>,
    #[serde(with = "crate::sums::entries")]
    frozen: BTreeMap<Of, Binned>,
    window: VecDeque<(EventTime, Bucket)>,
    #[serde(with = "crate::sums::entries")]
    in_a_row: BTreeMap<Of, (u32, EventTime)>,
}

/// What is said of one feature of one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Which version.
    pub version: VersionId,
    /// Which input.
    pub feature: FeatureName,
    /// What is said.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// What it rests on.
    pub evidence: Evidence,
    /// The window's last bucket.
    pub closed: BucketSums,
}

/// The distance that counts for a finding.
#[derive(Debug, Clone, Copy)]
struct Distance {
    psi: f64,
    enough: bool,
    n: u64,
    reference: Reference,
}

impl Inputs {
    /// Takes a bucket: learns from it or compares.
    pub fn take(&mut self, trigger: &Trigger, start: EventTime, bucket: &Bucket) -> Vec<Finding> {
        let Null::Psi { limit, bins, learn } = trigger.limit else { return Vec::new() };
        let Statistic::Window { window, breaches } = trigger.statistic else { return Vec::new() };
        self.learn(bucket, bins, learn);
        self.window.push_back((start, bucket.clone()));
        while self.window.front().is_some_and(|(first, _)| *first + window <= start) {
            self.window.pop_front();
        }
        let (own, pairs) = self.distances();
        let end = start + bucket.length;
        let mut findings = Vec::new();
        for (of, distance) in &own {
            let others = own.iter().filter(|(other, _)| other.1 == of.1 && other.0 != of.0);
            let shared = others.map(|(_, theirs)| *theirs);
            let (verdict, reason, distance) = blame(of, *distance, shared, &pairs, &own, limit);
            let row = self.in_a_row.entry(of.clone()).or_insert((0, start));
            *row = match (verdict, row.0) {
                (Verdict::Breach | Verdict::Systemic, 0) => (1, start),
                (Verdict::Breach | Verdict::Systemic, before) => (before + 1, row.1),
                _ => (0, start),
            };
            let (verdict, reason) = if row.0 > 0 && row.0 < breaches {
                (Verdict::Healthy, Reason::UnderThreshold)
            } else {
                (verdict, reason)
            };
            let since = (row.0 > 0).then_some(row.1);
            findings.push(Finding {
                version: of.0.clone(),
                feature: of.1.clone(),
                verdict,
                reason,
                evidence: evidence(trigger, limit, distance, since),
                closed: BucketSums {
                    start: end - window,
                    end,
                    design_effect: 1.0,
                    tally: Tally::Distance { n: distance.n, psi: distance.psi },
                },
            });
        }
        findings
    }

    /// The first `learn` samples of a version freeze its reference; those of the first version to
    /// have so many (of two, the one that sorts first) set the bins for all.
    fn learn(&mut self, bucket: &Bucket, most: u32, learn: u64) {
        for (version, sums) in &bucket.versions {
            for (feature, grid) in &sums.features {
                let of = (version.clone(), feature.clone());
                if self.frozen.contains_key(&of) {
                    continue;
                }
                let learned = self.learning.entry(of.clone()).or_default();
                learned.merge(grid);
                if learned.n() < learn {
                    continue;
                }
                let bins = self.bins.entry(feature.clone());
                let bins = bins.or_insert_with(|| Bins::learn(learned, most));
                let frozen = bins.bin(learned);
                self.learning.remove(&of);
                self.frozen.insert(of, frozen);
            }
        }
    }

    /// Each version's distance from its own frozen reference, and each pair's over the same
    /// requests, over the window.
    fn distances(&self) -> (BTreeMap<Of, Distance>, BTreeMap<(Of, VersionId), Distance>) {
        let mut versions: BTreeMap<&VersionId, BTreeMap<FeatureName, Grid>> = BTreeMap::new();
        let mut sides: BTreeMap<(&VersionId, &VersionId), [BTreeMap<FeatureName, Grid>; 2]> =
            BTreeMap::new();
        for (_, bucket) in &self.window {
            for (version, sums) in &bucket.versions {
                merge(versions.entry(version).or_default(), &sums.features);
            }
            for ((a, b), sums) in &bucket.pairs {
                let [side_a, side_b] = sides.entry((a, b)).or_default();
                for (name, (grid_a, grid_b)) in &sums.features {
                    side_a.entry(name.clone()).or_default().merge(grid_a);
                    side_b.entry(name.clone()).or_default().merge(grid_b);
                }
            }
        }
        let mut own = BTreeMap::new();
        for (version, features) in versions {
            for (feature, grid) in features {
                let of = (version.clone(), feature);
                let (Some(frozen), Some(bins)) = (self.frozen.get(&of), self.bins.get(&of.1))
                else {
                    continue;
                };
                own.insert(of, distance(&bins.bin(&grid), frozen, Reference::History));
            }
        }
        let mut pairs = BTreeMap::new();
        for ((a, b), [side_a, side_b]) in sides {
            for (feature, grid_a) in side_a {
                let (Some(bins), Some(grid_b)) = (self.bins.get(&feature), side_b.get(&feature))
                else {
                    continue;
                };
                let between = distance(&bins.bin(&grid_a), &bins.bin(grid_b), Reference::Paired);
                pairs.insert(((a.clone(), feature.clone()), b.clone()), between);
                pairs.insert(((b.clone(), feature), a.clone()), between);
            }
        }
        (own, pairs)
    }

    /// How many samples of a feature were learned from, while it is not frozen.
    #[must_use]
    pub fn learned(&self) -> Option<u64> {
        self.learning.values().map(Grid::n).max()
    }

    /// How long a window is, for a trigger that reads inputs.
    #[must_use]
    pub fn window(trigger: &Trigger) -> Option<Span> {
        match trigger.statistic {
            Statistic::Window { window, .. } => Some(window),
            Statistic::EDetector => None,
        }
    }
}

fn distance(a: &Binned, b: &Binned, reference: Reference) -> Distance {
    let (psi, enough) = psi(a, b);
    Distance { psi, enough, n: a.n().min(b.n()), reference }
}

/// Who drifted: the version itself, everybody, or nobody.
fn blame(
    of: &Of,
    own: Distance,
    mut shared: impl Iterator<Item = Distance>,
    pairs: &BTreeMap<(Of, VersionId), Distance>,
    all: &BTreeMap<Of, Distance>,
    limit: f64,
) -> (Verdict, Reason, Distance) {
    let mine = pairs.iter().filter(|((side, _), between)| side == of && between.enough);
    let farthest = mine.max_by(|(_, a), (_, b)| a.psi.total_cmp(&b.psi));
    if let Some(((_, other), between)) = farthest {
        let theirs = all.get(&(other.clone(), of.1.clone())).map_or(0.0, |theirs| theirs.psi);
        if between.psi > limit {
            return if own.psi > theirs {
                (Verdict::Breach, Reason::DriftOwn, *between)
            } else if own.psi < theirs {
                (Verdict::Healthy, Reason::UnderThreshold, own)
            } else {
                (Verdict::Systemic, Reason::DriftShared, *between)
            };
        }
        if own.enough && own.psi > limit {
            return (Verdict::Systemic, Reason::DriftShared, own);
        }
    }
    if !own.enough {
        return (Verdict::Insufficient, Reason::TooFewSamples, own);
    }
    if own.psi <= limit {
        return (Verdict::Healthy, Reason::UnderThreshold, own);
    }
    if shared.any(|theirs| theirs.enough && theirs.psi > limit) {
        return (Verdict::Systemic, Reason::DriftShared, own);
    }
    (Verdict::Breach, Reason::DriftOwn, own)
}

fn evidence(
    trigger: &Trigger,
    limit: f64,
    distance: Distance,
    since: Option<EventTime>,
) -> Evidence {
    Evidence {
        statistic: distance.psi,
        threshold: limit,
        limit: trigger.limit,
        null: Some(limit),
        estimate: Some(distance.psi),
        interval: None,
        samples: distance.n,
        design_effect: 1.0,
        calibration: (0, 0),
        reference: distance.reference,
        since,
        before: Vec::new(),
        buckets: Vec::new(),
    }
}
