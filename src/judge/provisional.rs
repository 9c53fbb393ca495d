//! Provisional firing: the breaches of open buckets if they closed now.

use std::collections::{BTreeMap, BTreeSet};

use super::buckets::Bucket;
use super::state::{ModelJudge, threshold};
use super::watch::Watch;
use super::{baseline, tally};
use crate::model::{
    EventTime, ModelId, ModelRules, Statistic, Trigger, TriggerId, Verdict, VersionId,
};
use crate::sums::Assessment;

impl ModelJudge {
    /// The breaches of open buckets if they closed now, the oldest first. Each is reported once;
    /// nothing else changes.
    pub fn look_ahead(
        &mut self,
        rules: &ModelRules,
        id: &ModelId,
        buckets: &BTreeMap<EventTime, Bucket>,
    ) -> Vec<Assessment> {
        let near = self.near(rules, buckets);
        if near.is_empty() {
            return Vec::new();
        }
        let mut said: Vec<Assessment> = Vec::new();
        let mut ahead = self.clone();
        for (start, bucket) in buckets {
            ahead.close(rules, id, *start, bucket, &mut said);
        }
        let mut found = BTreeSet::new();
        said.retain(|assessment| {
            let key = (assessment.trigger.clone(), assessment.version.clone());
            assessment.verdict == Verdict::Breach && near.contains(&key) && found.insert(key)
        });
        for assessment in &mut said {
            assessment.provisional = true;
            assessment.closed.clear();
            self.ahead.insert((assessment.trigger.clone(), assessment.version.clone()));
        }
        said
    }

    /// The provisional triggers and versions that these buckets would bring over the threshold.
    fn near(
        &self,
        rules: &ModelRules,
        buckets: &BTreeMap<EventTime, Bucket>,
    ) -> BTreeSet<(TriggerId, VersionId)> {
        let mut near = BTreeSet::new();
        // A version may be bad from its first minute on.
        let new = Watch::default();
        let length = buckets.values().next().map(|bucket| bucket.length);
        let mine = rules.triggers.iter().filter(|trigger| Some(trigger.bucket) == length);
        let fires_early =
            |trigger: &&Trigger| trigger.provisional && trigger.statistic == Statistic::EDetector;
        let versions: BTreeSet<_> =
            buckets.values().flat_map(|bucket| bucket.versions.keys()).collect();
        for trigger in mine.filter(fires_early) {
            let threshold = threshold(rules.budget, trigger);
            for version in &versions {
                let key = (trigger.id.clone(), (*version).clone());
                let known = baseline::null(trigger, self.baseline(rules, trigger, version));
                let Some(null) = known.filter(|_| !self.ahead.contains(&key)) else { continue };
                let open = buckets.values().filter_map(|bucket| {
                    let lost = bucket.lost(version, trigger.signal);
                    let sums = bucket.versions.get(*version)?;
                    tally::of_version(trigger, sums, lost).map(|tally| (tally, lost))
                });
                let open: Vec<_> = open.collect();
                let watch = self.watches.get(&key).unwrap_or(&new);
                let design_effect = self.design_effect(trigger, version);
                if !watch.over() && watch.with(null, &open, design_effect) >= threshold {
                    near.insert(key);
                }
            }
        }
        near
    }
}
