//! What a closed bucket tells the watches of a model: versions, live neighbours, pairs.

use super::buckets::Bucket;
use super::state::{ModelJudge, threshold};
use super::{baseline, compare, tally};
use crate::model::{EventTime, Limit, ModelRules, Trigger, VersionId};
use crate::sums::Tally;

impl ModelJudge {
    pub(super) fn take_versions(
        &mut self,
        rules: &ModelRules,
        trigger: &Trigger,
        start: EventTime,
        bucket: &Bucket,
    ) {
        let threshold = threshold(rules.budget, trigger);
        for version in bucket.versions.keys() {
            if self.handing_over(rules, trigger, version, start) {
                continue;
            }
            let baseline = self.baseline(rules, trigger, version);
            let known = baseline::null(trigger, baseline);
            // A version without a baseline has no limit yet; its samples make the baseline.
            let Some((tally, lost)) = self.tally(trigger, version, bucket) else { continue };
            let moments = tally::moments(&tally);
            let enough = rules.policy.baseline_samples;
            if matches!(trigger.limit, Limit::Baseline(_)) {
                self.learned.take(version, trigger.signal, (moments, lost), enough);
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

    /// What a trigger counts of a version in a bucket, and what was lost of it. `None` if it has
    /// nothing for it, or only lost what may not have been there: a record that cannot be read has
    /// a label only if others of the version have one.
    pub(super) fn tally(
        &self,
        trigger: &Trigger,
        version: &VersionId,
        bucket: &Bucket,
    ) -> Option<(Tally, u64)> {
        let sums = bucket.versions.get(version)?;
        let lost = bucket.lost(version, trigger.signal);
        let tally = tally::of_version(trigger, sums, lost)?;
        let fed = tally::moments(&tally).n > 0.0
            || sums.lost.feeds(trigger.signal)
            || self.watch(trigger, version).is_some()
            || self.learned.n(version, trigger.signal) > 0;
        fed.then_some((tally, lost))
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
        for (pair, table) in &bucket.pairs {
            for (subject, other) in [(&pair.0, &pair.1), (&pair.1, &pair.0)] {
                let Some(tally) = tally::of_pair(subject, pair, *table) else { continue };
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
