//! Drift of inputs: frozen references per version, a sliding window, and who is to blame.
//!
//! Where two versions record a feature of one name, the distance between them over the same
//! requests leads: what the world does to both is common. It is blamed on the side that is farther
//! from its own frozen reference; a tie is nobody's.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::buckets::Bucket;
use super::drift::{Bins, psi};
use crate::model::{
    EventTime, FeatureName, Limit, Reason, Reference, Statistic, Trigger, Verdict, VersionId,
};
use crate::sums::{BucketSums, Counts, Evidence, FeatureGrids, Grid, Tally, features};

type Of = (VersionId, FeatureName);

/// The inputs of one model under one trigger.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DriftInputs {
    bins: BTreeMap<FeatureName, Bins>,
    #[serde(with = "crate::sums::entries")]
    learning: BTreeMap<Of, Grid>,
    #[serde(with = "crate::sums::entries")]
    frozen: BTreeMap<Of, Grid>,
    window: VecDeque<(EventTime, Bucket)>,
    #[serde(with = "crate::sums::entries")]
    in_a_row: BTreeMap<Of, (u32, EventTime)>,
}

/// The finding on one feature of one version.
#[derive(Debug, Clone, PartialEq)]
pub struct InputFinding {
    /// Which version.
    pub version: VersionId,
    /// Which input.
    pub feature: FeatureName,
    /// The verdict.
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

impl DriftInputs {
    /// Keeps what is known of these versions only; bins are the model's.
    pub(super) fn retain(&mut self, stays: impl Fn(&VersionId) -> bool) {
        self.learning.retain(|(version, _), _| stays(version));
        self.frozen.retain(|(version, _), _| stays(version));
        self.in_a_row.retain(|(version, _), _| stays(version));
        self.window.iter_mut().for_each(|(_, bucket)| bucket.retain(&stays));
    }

    /// Forgets a feature of a version, and its bins with the last version that has it.
    pub(super) fn forget(&mut self, version: &VersionId, feature: &FeatureName) {
        let of = (version.clone(), feature.clone());
        self.learning.remove(&of);
        self.frozen.remove(&of);
        self.in_a_row.remove(&of);
        self.window.iter_mut().for_each(|(_, bucket)| bucket.forget_feature(version, feature));
        let mut users = self.learning.keys().chain(self.frozen.keys());
        if !users.any(|(_, name)| name == feature) {
            self.bins.remove(feature);
        }
    }

    /// Takes a bucket: learns from it or compares.
    pub fn take(
        &mut self,
        trigger: &Trigger,
        start: EventTime,
        bucket: &Bucket,
    ) -> Vec<InputFinding> {
        let Limit::Psi { limit, bins, learn } = trigger.limit else { return Vec::new() };
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
            findings.push(InputFinding {
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
                    lost: 0,
                },
            });
        }
        findings
    }

    /// The first `learn` samples of a version freeze its reference; those of the first version to
    /// have that number (of two, the one that sorts first) set the bins for all.
    fn learn(&mut self, bucket: &Bucket, most: u32, learn: u64) {
        for (version, features) in &bucket.features {
            let answers = answers(bucket, version);
            for (feature, grid) in features {
                let of = (version.clone(), feature.clone());
                if self.frozen.contains_key(&of) {
                    continue;
                }
                let learned = self.learning.entry(of.clone()).or_default();
                learned.merge(&whole(Some(grid), answers));
                if learned.n() < learn {
                    continue;
                }
                let bins = self.bins.entry(feature.clone());
                bins.or_insert_with(|| Bins::learn(learned, most));
                let learned = self.learning.remove(&of).unwrap_or_default();
                self.frozen.insert(of, learned);
            }
        }
    }

    /// Each version's distance from its own frozen reference, and each pair's over the same
    /// requests, over the window.
    fn distances(&self) -> (BTreeMap<Of, Distance>, BTreeMap<(Of, VersionId), Distance>) {
        let mut versions: BTreeMap<&VersionId, (Counts, FeatureGrids)> = BTreeMap::new();
        let mut shared: BTreeMap<(&VersionId, &VersionId), FeatureGrids> = BTreeMap::new();
        for (_, bucket) in &self.window {
            for version in bucket.versions.keys() {
                let (sum, mine) = versions.entry(version).or_default();
                sum.merge(answers(bucket, version));
                bucket.features.get(version).iter().for_each(|found| features::merge(mine, found));
            }
            for ((of, with), found) in &bucket.shared {
                features::merge(shared.entry((of, with)).or_default(), found);
            }
        }
        let mut own = BTreeMap::new();
        for (of, frozen) in &self.frozen {
            let Some((bins, (sum, mine))) = self.bins.get(&of.1).zip(versions.get(&of.0)) else {
                continue;
            };
            let now = whole(mine.get(&of.1), *sum);
            if now.n() > 0 {
                own.insert(of.clone(), distance(bins, &now, frozen, Reference::History));
            }
        }
        let mut between = BTreeMap::new();
        for ((of, with), mine) in &shared {
            let Some(theirs) = shared.get(&(*with, *of)) else { continue };
            for (feature, grid) in mine {
                let known = self.bins.get(feature).zip(theirs.get(feature));
                let Some((bins, other)) = known else { continue };
                let apart = distance(bins, grid, other, Reference::Paired);
                let side = ((*of).clone(), feature.clone());
                between.insert((side, (*with).clone()), apart);
            }
        }
        (own, between)
    }
}

fn answers(bucket: &Bucket, version: &VersionId) -> Counts {
    bucket.versions.get(version).map(|sums| sums.answers).unwrap_or_default()
}

/// The values of a feature, with the good answers that lacked it counted as missing: an input
/// that disappears is a drift.
fn whole(grid: Option<&Grid>, answers: Counts) -> Grid {
    let mut grid = grid.cloned().unwrap_or_default();
    let good = answers.n.saturating_sub(answers.bad);
    grid.missing += good.saturating_sub(grid.n());
    grid
}

fn distance(bins: &Bins, a: &Grid, b: &Grid, reference: Reference) -> Distance {
    let (a, b) = bins.bin_both(a, b);
    let (psi, enough) = psi(&a, &b);
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
        if between.psi > limit && own.psi > theirs {
            return (Verdict::Breach, Reason::DriftOwn, *between);
        }
        if between.psi > limit && own.psi < theirs {
            return (Verdict::Healthy, Reason::UnderThreshold, own);
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
        rule: trigger.statistic,
        statistic: distance.psi,
        threshold: limit,
        limit: trigger.limit,
        null: Some(limit),
        baseline: None,
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
