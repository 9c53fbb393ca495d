//! All watches of one model, and the order in which a closed bucket asks them: first every sum is
//! taken (`take`), then verdicts are said (`assess`), so that each is said knowing all.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::baseline::{self, Learned};
use super::buckets::{Bucket, Buckets};
use super::design::Moments;
use super::edetector::EDetector;
use super::fed::Fed;
use super::history::ProductionDays;
use super::inputs::DriftInputs;
use super::panes::Pane;
use super::recent::RecentSums;
use super::silence::Silences;
use super::tally;
use super::watch::Watch;
use crate::model::{
    Baseline, Budget, EventTime, FeatureName, Limit, ModelId, ModelRules, SourceId, Span, Standing,
    Trigger, TriggerId, Verdict, VersionId,
};
use crate::sums::Assessment;

/// One model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ModelJudge {
    /// What undo knows of its versions.
    pub standing: Standing,
    /// Sources that fed it.
    pub sources: BTreeSet<SourceId>,
    /// Its open buckets.
    pub buckets: Buckets,
    /// Baselines it learned.
    pub learned: Learned,
    #[serde(with = "crate::sums::entries")]
    pub(super) watches: BTreeMap<(TriggerId, VersionId), Watch>,
    #[serde(with = "crate::sums::entries")]
    pub(super) pairs: BTreeMap<(TriggerId, VersionId, VersionId), Watch>,
    #[serde(with = "crate::sums::entries")]
    pub(super) live: BTreeMap<(TriggerId, VersionId, VersionId), EDetector>,
    #[serde(with = "crate::sums::entries")]
    pub(super) levels: BTreeMap<(TriggerId, VersionId), ProductionDays>,
    pub(super) inputs: BTreeMap<TriggerId, DriftInputs>,
    pub(super) silences: Silences,
    pub(super) fed: Fed,
    /// Answers as trials, labels as their sum.
    pub(super) heard: BTreeMap<VersionId, RecentSums>,
    #[serde(with = "crate::sums::entries")]
    pub(super) said: BTreeMap<(TriggerId, VersionId, Option<FeatureName>), Verdict>,
    pub(super) ahead: BTreeSet<(TriggerId, VersionId)>,
}

/// The odds at which a trigger fires: the buckets per false alarm, divided by its share.
#[must_use]
pub fn threshold(budget: Budget, trigger: &Trigger) -> f64 {
    let buckets = budget.period.as_s() / trigger.bucket.as_s();
    let share = if trigger.weight > 0.0 { trigger.weight } else { 1.0 };
    buckets / budget.false_rollbacks / share
}

impl ModelJudge {
    /// Takes a closed bucket: first all sums, then the verdicts in the order of the rules.
    pub fn close(
        &mut self,
        rules: &ModelRules,
        id: &ModelId,
        start: EventTime,
        bucket: &Bucket,
        out: &mut Vec<Assessment>,
    ) {
        let triggers: Vec<_> =
            rules.triggers.iter().filter(|trigger| trigger.bucket == bucket.length).collect();
        let mut findings = BTreeMap::new();
        for trigger in &triggers {
            self.feed(trigger, start, bucket);
            if bucket.completeness < trigger.completeness {
                continue;
            }
            match trigger.limit {
                Limit::Psi { .. } => {
                    let inputs = self.inputs.entry(trigger.id.clone()).or_default();
                    findings.insert(trigger.id.clone(), inputs.take(trigger, start, bucket));
                }
                Limit::Paired(_) => self.take_pairs(rules, trigger, start, bucket),
                Limit::Baseline(_) | Limit::Rate(_) | Limit::MeanMs { .. } => {
                    self.take_versions(rules, trigger, start, bucket);
                }
            }
        }
        self.ahead.clear();
        for trigger in triggers {
            match findings.remove(&trigger.id) {
                Some(findings) => self.assess_inputs(id, trigger, bucket, findings, out),
                None => self.assess_versions(rules, id, trigger, start, bucket, out),
            }
        }
    }

    /// Counts the answers and labels of a closed pane; `whole`: every lane was heard.
    pub fn record_traffic(&mut self, start: EventTime, length: Span, pane: &Pane, whole: bool) {
        if whole {
            self.silences.take(start, length, pane);
        }
        self.fed.serve(start, start + length, pane);
        for (version, _, sums) in pane.versions() {
            let (answers, labels) = (sums.answers.n as f64, sums.labels.n as f64);
            let heard = self.heard.entry(version.clone()).or_default();
            heard.take(start, start + length, Moments { n: answers, sum: labels, sum_sq: 0.0 });
        }
    }

    /// Notes whether a bucket has samples of the version in production for a rule.
    fn feed(&mut self, trigger: &Trigger, start: EventTime, bucket: &Bucket) {
        let Some(version) = self.fed.version() else { return };
        let fed = match trigger.limit {
            Limit::Psi { .. } => {
                bucket.features.get(version).is_some_and(|features| !features.is_empty())
            }
            Limit::Baseline(_) | Limit::Rate(_) | Limit::Paired(_) | Limit::MeanMs { .. } => {
                let closed = self.closed(trigger, version, start, bucket);
                closed.iter().any(|sums| tally::moments(&sums.tally).n > 0.0)
            }
        };
        self.fed.judged(&trigger.id, (start, start + bucket.length), fed);
    }

    /// Rules that had no sample of the version in production during the last day that it served.
    #[must_use]
    pub fn not_fed(&self, rules: &ModelRules) -> Vec<TriggerId> {
        self.fed.not_fed(&rules.triggers)
    }

    /// The share of a version's answers of the last days that labels came for, 0 to 1; labels
    /// count when they come. `None` if it did not answer.
    #[must_use]
    pub fn label_coverage(&self, version: &VersionId) -> Option<f64> {
        self.heard.get(version)?.sums().mean().map(|share| share.min(1.0))
    }

    /// A version that went into production starts again; its calibration stays.
    pub fn set_standing(&mut self, standing: &Standing) {
        let promoted = standing.production != self.standing.production;
        self.forget_what_left(standing);
        self.standing = standing.clone();
        self.fed.set_standing(standing);
        if let Some(version) = standing.production.as_ref().filter(|_| promoted) {
            for ((_, of), watch) in &mut self.watches {
                if of == version {
                    watch.restart();
                }
            }
            for ((_, of, _), watch) in &mut self.pairs {
                if of == version {
                    watch.restart();
                }
            }
        }
    }

    pub(super) fn baseline(
        &self,
        rules: &ModelRules,
        trigger: &Trigger,
        version: &VersionId,
    ) -> Option<Baseline> {
        let enough = rules.policy.baseline_samples;
        baseline::of(&self.standing, &self.learned, version, trigger.signal, enough)
    }

    /// The design effect of a version's samples: its own estimate, else the largest of another
    /// version's, else the rules'.
    #[must_use]
    pub fn design_effect(&self, trigger: &Trigger, version: &VersionId) -> f64 {
        let of = |watch: &Watch| watch.design_effect();
        let estimate = if matches!(trigger.limit, Limit::Paired(_)) {
            self.worst_pair(trigger, version).and_then(of)
        } else {
            let others = self.watches.iter().filter(|((id, _), _)| *id == trigger.id);
            let largest = || others.filter_map(|(_, watch)| of(watch)).reduce(f64::max);
            self.watch(trigger, version).and_then(of).or_else(largest)
        };
        estimate.unwrap_or(trigger.design_effect)
    }

    /// Every version that was measured or is known.
    #[must_use]
    pub fn versions(&self) -> BTreeSet<VersionId> {
        let watched = self.watches.keys().map(|(_, version)| version);
        let paired = self.pairs.keys().map(|(_, version, _)| version);
        let learning = self.learned.versions();
        let known = self.standing.versions.keys();
        watched.chain(paired).chain(learning).chain(known).cloned().collect()
    }

    /// The watch of a trigger and a version.
    #[must_use]
    pub fn watch(&self, trigger: &Trigger, version: &VersionId) -> Option<&Watch> {
        self.watches.get(&(trigger.id.clone(), version.clone()))
    }

    /// The watch of a paired trigger, a version and another.
    #[must_use]
    pub fn pair_watch(
        &self,
        trigger: &Trigger,
        version: &VersionId,
        other: &VersionId,
    ) -> Option<&Watch> {
        self.pairs.get(&(trigger.id.clone(), version.clone(), other.clone()))
    }

    /// Of a version's pairs the one with the strongest evidence.
    pub(super) fn worst_pair(&self, trigger: &Trigger, version: &VersionId) -> Option<&Watch> {
        let mine = self.pairs.iter().filter(|((id, of, _), _)| *id == trigger.id && of == version);
        mine.map(|(_, watch)| watch).max_by(|a, b| a.statistic().total_cmp(&b.statistic()))
    }

    /// The odds that a version is worse than another measured at the same time.
    #[must_use]
    pub fn live_odds(&self, trigger: &Trigger, version: &VersionId, other: &VersionId) -> f64 {
        let key = (trigger.id.clone(), version.clone(), other.clone());
        self.live.get(&key).map_or(0.0, EDetector::statistic)
    }

    /// How a version did on its last days in production.
    #[must_use]
    pub fn level(&self, trigger: &Trigger, version: &VersionId) -> Option<&ProductionDays> {
        self.levels.get(&(trigger.id.clone(), version.clone()))
    }
}
