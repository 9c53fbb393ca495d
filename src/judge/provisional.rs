//! Provisional firing: the breaches of an open bucket if it closed now.

use std::collections::BTreeSet;

use super::buckets::Bucket;
use super::state::{ModelJudge, threshold};
use super::watch::Watch;
use super::{baseline, tally};
use crate::model::{
    EventTime, ModelId, ModelRules, Statistic, Trigger, TriggerId, Verdict, VersionId,
};
use crate::sums::Assessment;

impl ModelJudge {
    /// The breaches of an open bucket if it closed now. Each is reported once per bucket; nothing
    /// else changes.
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
        // A version may be bad from its first minute on.
        let new = Watch::default();
        let mine = rules.triggers.iter().filter(|trigger| trigger.bucket == bucket.length);
        let fires_early =
            |trigger: &&Trigger| trigger.provisional && trigger.statistic == Statistic::EDetector;
        for trigger in mine.filter(fires_early) {
            let threshold = threshold(rules.budget, trigger);
            for (version, sums) in &bucket.versions {
                let key = (trigger.id.clone(), version.clone());
                let known = baseline::null(trigger, self.baseline(rules, trigger, version));
                let Some(null) = known.filter(|_| !self.ahead.contains(&key)) else { continue };
                let lost = bucket.lost(version, trigger.signal);
                let Some(tally) = tally::of_version(trigger, sums, lost) else { continue };
                let watch = self.watches.get(&key).unwrap_or(&new);
                let design_effect = self.design_effect(trigger, version);
                if !watch.over() && watch.with(null, (&tally, lost), design_effect) >= threshold {
                    near.insert(key);
                }
            }
        }
        near
    }
}
