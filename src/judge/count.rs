//! What a closed bucket tells the watches of a model: versions, live neighbours, pairs.

use super::buckets::Bucket;
use super::state::{ModelJudge, threshold};
use super::{baseline, compare, tally};
use crate::model::{EventTime, Limit, ModelRules, Trigger, VersionId};

impl ModelJudge {
    pub(super) fn take_versions(
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
            // A version without a baseline has no limit yet; its samples make the baseline.
            let lost = bucket.lost(version, trigger.signal);
            let Some(tally) = tally::of_version(trigger, sums, lost) else { continue };
            let moments = tally::moments(&tally);
            let enough = rules.policy.baseline_samples;
            if matches!(trigger.limit, Limit::Baseline(_)) {
                self.learned.take(version, trigger.signal, moments, enough);
            }
            let Some(null) = known else { continue };
            let design_effect = self.design_effect(trigger, version);
            let placed = tally::placed(start, bucket, design_effect, tally, lost);
            let key = (trigger.id.clone(), version.clone());
            self.watches.entry(key.clone()).or_default().take(trigger, null, threshold, placed);
            if self.standing.production.as_ref() == Some(version) {
                self.levels.entry(key).or_default().take(start, moments);
            }
        }
        self.bet_live(trigger, start, bucket);
    }

    /// Bets that a version is worse than another measured at the same time, bucket by bucket: what
    /// hits both, and when, is no evidence.
    fn bet_live(&mut self, trigger: &Trigger, start: EventTime, bucket: &Bucket) {
        let ceiling = compare::benefit_threshold(trigger.bucket);
        for (version, sums) in &bucket.versions {
            for (other, others) in bucket.versions.iter().filter(|(other, _)| *other != version) {
                let Some(growth) = tally::more_often(trigger, sums, others) else { continue };
                let design_effect = self.design_effect(trigger, version);
                let key = (trigger.id.clone(), version.clone(), other.clone());
                let detector = self.live.entry(key).or_default();
                detector.update(start, &growth, design_effect, ceiling);
            }
        }
    }

    pub(super) fn take_pairs(
        &mut self,
        rules: &ModelRules,
        trigger: &Trigger,
        start: EventTime,
        bucket: &Bucket,
    ) {
        let Limit::Paired(tolerance) = trigger.limit else { return };
        let threshold = threshold(rules.budget, trigger);
        for (pair, sums) in &bucket.pairs {
            for (subject, other) in [(&pair.0, &pair.1), (&pair.1, &pair.0)] {
                let Some(tally) = tally::of_pair(subject, pair, sums) else { continue };
                let key = (trigger.id.clone(), subject.clone(), other.clone());
                let watch = self.pairs.entry(key).or_default();
                let design_effect = watch.design_effect().unwrap_or(trigger.design_effect);
                let lost = bucket.lost(subject, trigger.signal);
                let placed = tally::placed(start, bucket, design_effect, tally, lost);
                watch.take(trigger, tolerance, threshold, placed);
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
}
