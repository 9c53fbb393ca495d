//! All watches of one model: what happens when one of its buckets closes.
//!
//! Over 300 lines: a close asks all watches in one order, and the order is the point.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::baseline::{self, Learned};
use super::buckets::{Bucket, Buckets};
use super::compare::Side;
use super::design::Moments;
use super::edetector::EDetector;
use super::inputs::{Finding, Inputs};
use super::lately::Lately;
use super::level::Level;
use super::panes::Pane;
use super::tally;
use super::verdict::{Known, verdict};
use super::watch::Watch;
use super::{bounds, compare};
use crate::model::{
    Budget, EventTime, FeatureName, ModelId, ModelRules, Null, SourceId, Span, Standing, Trigger,
    TriggerId, Verdict, VersionId,
};
use crate::sums::{Assessment, BucketSums, Tally};

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
    watches: BTreeMap<(TriggerId, VersionId), Watch>,
    #[serde(with = "crate::sums::entries")]
    pairs: BTreeMap<(TriggerId, VersionId, VersionId), Watch>,
    #[serde(with = "crate::sums::entries")]
    live: BTreeMap<(TriggerId, VersionId, VersionId), EDetector>,
    #[serde(with = "crate::sums::entries")]
    levels: BTreeMap<(TriggerId, VersionId), Level>,
    inputs: BTreeMap<TriggerId, Inputs>,
    /// Answers as trials, labels as their sum.
    heard: BTreeMap<VersionId, Lately>,
    #[serde(with = "crate::sums::entries")]
    said: BTreeMap<(TriggerId, VersionId, Option<FeatureName>), Verdict>,
    ahead: BTreeSet<(TriggerId, VersionId)>,
}

/// The odds at which a trigger fires: so many buckets per false alarm, divided by its share.
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
            if bucket.completeness < trigger.completeness {
                continue;
            }
            match trigger.limit {
                Null::Psi { .. } => {
                    let inputs = self.inputs.entry(trigger.id.clone()).or_default();
                    findings.insert(trigger.id.clone(), inputs.take(trigger, start, bucket));
                }
                Null::Paired(_) => self.take_pairs(rules, trigger, start, bucket),
                Null::Baseline(_) | Null::Rate(_) | Null::MeanMs { .. } => {
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

    /// Counts the answers and labels of a closed pane.
    pub fn hear(&mut self, start: EventTime, length: Span, pane: &Pane) {
        for (version, _, sums) in pane.versions() {
            let (answers, labels) = (sums.answers.n as f64, sums.labels.n as f64);
            let heard = self.heard.entry(version.clone()).or_default();
            heard.take(start, start + length, Moments { n: answers, sum: labels, sum_sq: 0.0 });
        }
    }

    /// The share of a version's answers of the last days that labels came for, 0 to 1; labels
    /// count when they come. None: it did not answer.
    #[must_use]
    pub fn label_coverage(&self, version: &VersionId) -> Option<f64> {
        self.heard.get(version)?.sums().mean().map(|share| share.min(1.0))
    }

    fn take_versions(
        &mut self,
        rules: &ModelRules,
        trigger: &Trigger,
        start: EventTime,
        bucket: &Bucket,
    ) {
        let threshold = threshold(rules.budget, trigger);
        for (version, sums) in &bucket.versions {
            if self.handing_over(rules, trigger, version, start) {
                continue;
            }
            let baseline = self.baseline(rules, trigger, version);
            let known = baseline::null(trigger, baseline);
            // Without a null the sums still tell a baseline.
            let Some(tally) = tally::of_version(trigger, known.unwrap_or(0.5), sums) else {
                continue;
            };
            let moments = tally::moments(&tally);
            let enough = rules.policy.baseline_samples;
            if matches!(trigger.limit, Null::Baseline(_)) {
                self.learned.take(version, trigger.signal, moments, enough);
            }
            let Some(null) = known else { continue };
            let design_effect = self.design_effect(trigger, version);
            let placed = tally::placed(start, bucket, design_effect, tally);
            let key = (trigger.id.clone(), version.clone());
            self.watches.entry(key.clone()).or_default().take(trigger, null, threshold, placed);
            if self.standing.production.as_ref() == Some(version) {
                self.levels.entry(key).or_default().take(start, moments);
            }
        }
        self.bet_live(trigger, start, bucket);
    }

    /// Bets that a version is worse than another measured at the same time: its bucket against
    /// the upper bound of what the other showed in the very same bucket, so that what hits both
    /// is no evidence.
    fn bet_live(&mut self, trigger: &Trigger, start: EventTime, bucket: &Bucket) {
        let pairs = bucket.versions.iter().flat_map(|(version, sums)| {
            let others = bucket.versions.iter().filter(move |(other, _)| *other != version);
            others.map(move |other| (version, sums, other))
        });
        for (version, sums, (other, others)) in pairs {
            let design_effect = self.design_effect(trigger, version);
            let theirs =
                tally::of_version(trigger, 1.0, others).map(|tally| tally::moments(&tally));
            let null = theirs.and_then(|theirs| match trigger.limit {
                Null::MeanMs { .. } => bounds::mean_upper(theirs, design_effect),
                Null::Baseline(_) | Null::Rate(_) | Null::Paired(_) | Null::Psi { .. } => {
                    theirs.mean().map(|mean| bounds::rate_upper(mean, theirs.n))
                }
            });
            let Some(null) = null.filter(|null| *null > 0.0) else { continue };
            let Some(tally) = tally::of_version(trigger, null, sums) else { continue };
            let growth = tally::growth(null, &tally);
            let ceiling = compare::benefit_threshold(trigger.bucket);
            let key = (trigger.id.clone(), version.clone(), other.clone());
            let detector = self.live.entry(key).or_default();
            detector.update(start, &growth, design_effect, ceiling);
        }
    }

    fn take_pairs(
        &mut self,
        rules: &ModelRules,
        trigger: &Trigger,
        start: EventTime,
        bucket: &Bucket,
    ) {
        let Null::Paired(tolerance) = trigger.limit else { return };
        let threshold = threshold(rules.budget, trigger);
        for (pair, sums) in &bucket.pairs {
            for (subject, other) in [(&pair.0, &pair.1), (&pair.1, &pair.0)] {
                let Some(tally) = tally::of_pair(subject, pair, sums) else { continue };
                let key = (trigger.id.clone(), subject.clone(), other.clone());
                let watch = self.pairs.entry(key).or_default();
                let design_effect = watch.design_effect().unwrap_or(trigger.design_effect);
                let placed = tally::placed(start, bucket, design_effect, tally);
                watch.take(trigger, tolerance, threshold, placed);
            }
        }
    }

    fn assess_versions(
        &mut self,
        rules: &ModelRules,
        id: &ModelId,
        trigger: &Trigger,
        start: EventTime,
        bucket: &Bucket,
        out: &mut Vec<Assessment>,
    ) {
        for version in self.versions() {
            let closed = self.closed(trigger, &version, start, bucket);
            if closed.is_empty() {
                continue;
            }
            let stale = bucket.completeness < trigger.completeness;
            let mut assessment = self.assess(rules, id, trigger, &version, stale);
            assessment.at = start + bucket.length;
            assessment.closed.clone_from(&closed);
            let spoiled = matches!(assessment.verdict, Verdict::Breach | Verdict::Systemic);
            for sums in &closed {
                if let Some(watch) = self.watch_of(trigger, &version, &sums.tally) {
                    watch.calibrate(trigger, sums, !spoiled && !stale);
                }
            }
            self.say(assessment, out);
        }
    }

    /// What the bucket held for a trigger and a version.
    fn closed(
        &self,
        trigger: &Trigger,
        version: &VersionId,
        start: EventTime,
        bucket: &Bucket,
    ) -> Vec<BucketSums> {
        let place = |tally| {
            let design_effect = self.design_effect(trigger, version);
            tally::placed(start, bucket, design_effect, tally)
        };
        if matches!(trigger.limit, Null::Paired(_)) {
            let pairs = bucket.pairs.iter().filter(|((a, b), _)| a == version || b == version);
            pairs
                .filter_map(|(pair, sums)| tally::of_pair(version, pair, sums))
                .map(place)
                .collect()
        } else {
            let sums = bucket.versions.get(version);
            let null = 0.5;
            sums.and_then(|sums| tally::of_version(trigger, null, sums))
                .map(place)
                .into_iter()
                .collect()
        }
    }

    fn watch_of(
        &mut self,
        trigger: &Trigger,
        version: &VersionId,
        tally: &Tally,
    ) -> Option<&mut Watch> {
        match tally {
            Tally::Paired { other, .. } => {
                let key = (trigger.id.clone(), version.clone(), other.clone());
                self.pairs.get_mut(&key)
            }
            Tally::Rate { .. } | Tally::Mean { .. } | Tally::Distance { .. } => {
                self.watches.get_mut(&(trigger.id.clone(), version.clone()))
            }
        }
    }

    /// What is said of a version now.
    fn assess(
        &self,
        rules: &ModelRules,
        id: &ModelId,
        trigger: &Trigger,
        version: &VersionId,
        stale: bool,
    ) -> Assessment {
        let paired = matches!(trigger.limit, Null::Paired(_));
        let watch =
            if paired { self.worst_pair(trigger, version) } else { self.watch(trigger, version) };
        let none = Watch::default();
        let armed = watch.is_some();
        let watch = watch.unwrap_or(&none);
        let design_effect = self.design_effect(trigger, version);
        let side = Side { trigger, version, watch, design_effect };
        let compared = if watch.over() { self.against(rules, side) } else { Vec::new() };
        let known = Known {
            stale,
            armed,
            over: watch.over(),
            samples: watch.seen(),
            minimum: trigger.minimum_samples,
            against: &compared,
        };
        let (verdict, reason) = verdict(known);
        let key = (trigger.id.clone(), version.clone(), None);
        let changed = self.said.get(&key) != Some(&verdict);
        let mut evidence = watch.evidence(trigger, design_effect, changed);
        evidence.threshold = threshold(rules.budget, trigger);
        if !armed {
            evidence.null = None;
            evidence.samples = self.learned.n(version, trigger.signal);
        }
        let against: Vec<_> = compared.into_iter().map(|(against, _)| against).collect();
        if let Some(best) = against.iter().map(|against| against.reference).min() {
            evidence.reference = best;
        }
        Assessment {
            model: id.clone(),
            version: version.clone(),
            trigger: trigger.id.clone(),
            signal: trigger.signal,
            feature: None,
            at: EventTime::MIN,
            verdict,
            reason,
            changed,
            provisional: false,
            evidence,
            against,
            closed: Vec::new(),
        }
    }

    fn assess_inputs(
        &mut self,
        id: &ModelId,
        trigger: &Trigger,
        bucket: &Bucket,
        findings: Vec<Finding>,
        out: &mut Vec<Assessment>,
    ) {
        let stale = bucket.completeness < trigger.completeness;
        for finding in findings.into_iter().filter(|_| !stale) {
            let feature = Some(finding.feature);
            let key = (trigger.id.clone(), finding.version.clone(), feature.clone());
            let changed = self.said.get(&key) != Some(&finding.verdict);
            let assessment = Assessment {
                model: id.clone(),
                version: finding.version,
                trigger: trigger.id.clone(),
                signal: trigger.signal,
                feature,
                at: finding.closed.end,
                verdict: finding.verdict,
                reason: finding.reason,
                changed,
                provisional: false,
                evidence: finding.evidence,
                against: Vec::new(),
                closed: vec![finding.closed],
            };
            self.say(assessment, out);
        }
    }

    /// So few lanes are heard that what was said no longer holds.
    pub fn grow_stale(
        &mut self,
        rules: &ModelRules,
        id: &ModelId,
        at: EventTime,
        completeness: f64,
    ) -> Vec<Assessment> {
        let mut out = Vec::new();
        for trigger in rules.triggers.iter().filter(|rule| completeness < rule.completeness) {
            let said = self
                .said
                .iter()
                .filter(|((rule, ..), verdict)| *rule == trigger.id && **verdict != Verdict::Stale);
            let said: Vec<_> =
                said.map(|((_, of, feature), _)| (of.clone(), feature.clone())).collect();
            for (version, feature) in said {
                let mut assessment = self.assess(rules, id, trigger, &version, true);
                assessment.feature = feature;
                assessment.at = at;
                assessment.changed = true;
                self.say(assessment, &mut out);
            }
        }
        out
    }

    fn say(&mut self, assessment: Assessment, out: &mut Vec<Assessment>) {
        let key =
            (assessment.trigger.clone(), assessment.version.clone(), assessment.feature.clone());
        self.said.insert(key, assessment.verdict);
        out.push(assessment);
    }

    /// The breaches that an open bucket would make if it closed as it stands; each is said once
    /// a bucket, and nothing else changes.
    pub fn look_ahead(
        &mut self,
        rules: &ModelRules,
        id: &ModelId,
        start: EventTime,
        bucket: &Bucket,
    ) -> Vec<Assessment> {
        let near = self.near(rules, bucket);
        if near.is_empty() {
            return Vec::new();
        }
        let mut said = Vec::new();
        let mut ahead = self.clone();
        ahead.close(rules, id, start, bucket, &mut said);
        said.retain(|assessment| {
            let key = (assessment.trigger.clone(), assessment.version.clone());
            assessment.verdict == Verdict::Breach && near.contains(&key)
        });
        for assessment in &mut said {
            assessment.provisional = true;
            assessment.closed.clear();
            self.ahead.insert((assessment.trigger.clone(), assessment.version.clone()));
        }
        said
    }

    /// The provisional triggers and versions that this bucket would bring over the threshold.
    fn near(&self, rules: &ModelRules, bucket: &Bucket) -> BTreeSet<(TriggerId, VersionId)> {
        let mut near = BTreeSet::new();
        let mine = rules.triggers.iter().filter(|trigger| trigger.bucket == bucket.length);
        for trigger in mine.filter(|trigger| trigger.provisional) {
            let threshold = threshold(rules.budget, trigger);
            for (version, sums) in &bucket.versions {
                let key = (trigger.id.clone(), version.clone());
                let Some(watch) = self.watches.get(&key).filter(|watch| !watch.over()) else {
                    continue;
                };
                let tally = tally::of_version(trigger, watch.null(), sums);
                let design_effect = self.design_effect(trigger, version);
                let over = |tally| watch.with(&tally, design_effect) >= threshold;
                if !self.ahead.contains(&key) && tally.is_some_and(over) {
                    near.insert(key);
                }
            }
        }
        near
    }

    /// A version that went into production begins anew; what was calibrated stays.
    pub fn stand(&mut self, standing: &Standing) {
        let promoted = standing.production != self.standing.production;
        self.standing = standing.clone();
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

    fn handing_over(
        &self,
        rules: &ModelRules,
        trigger: &Trigger,
        version: &VersionId,
        start: EventTime,
    ) -> bool {
        let since = self.standing.promoted_at.filter(|_| {
            self.standing.production.as_ref() == Some(version)
                && trigger.bucket <= rules.policy.hand_over
        });
        since.is_some_and(|since| {
            start + trigger.bucket > since && start < since + rules.policy.hand_over
        })
    }

    fn baseline(
        &self,
        rules: &ModelRules,
        trigger: &Trigger,
        version: &VersionId,
    ) -> Option<crate::model::Baseline> {
        let enough = rules.policy.baseline_samples;
        baseline::of(&self.standing, &self.learned, version, trigger.signal, enough)
    }

    /// The design effect of a version's samples: its own estimate, else the largest of another
    /// version's, else the rules'.
    #[must_use]
    pub fn design_effect(&self, trigger: &Trigger, version: &VersionId) -> f64 {
        let of = |watch: &Watch| watch.design_effect();
        let estimate = if matches!(trigger.limit, Null::Paired(_)) {
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
    fn worst_pair(&self, trigger: &Trigger, version: &VersionId) -> Option<&Watch> {
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
    pub fn level(&self, trigger: &Trigger, version: &VersionId) -> Option<&Level> {
        self.levels.get(&(trigger.id.clone(), version.clone()))
    }
}
