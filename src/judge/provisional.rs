//! Provisional firing: the breaches of open buckets if they closed now.

use std::collections::{BTreeMap, BTreeSet};

use super::buckets::{Bucket, reads_at};
use super::state::{ModelJudge, threshold};
use super::watch::Watch;
use super::{Judge, Output, baseline};
use crate::model::{
    EventTime, LogTime, ModelId, ModelRules, RuleSet, SourceId, Span, Statistic, Trigger,
    TriggerId, Verdict, VersionId,
};
use crate::sums::Assessment;

/// An open bucket is looked at up to this long before what every active lane has passed.
const SETTLE: Span = Span::from_s(2);

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
                let open =
                    buckets.values().filter_map(|bucket| self.tally(trigger, version, bucket));
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

impl Judge {
    /// Provisional firing: the verdicts of a model's open bucket if it closed now.
    pub(super) fn look_ahead(
        &mut self,
        now: LogTime,
        rule_set: &RuleSet,
        id: &SourceId,
        model: &ModelId,
        out: &mut Vec<Output>,
    ) {
        let Some(source) = self.sources.get(id) else { return };
        let Some(judge) = self.models.get_mut(model) else { return };
        let rules = rule_set.of(model);
        let Some(passed) = source.lanes.passed(now, rules.policy.stall_after) else { return };
        let (pane, watermark) = (source.lanes.pane(), source.lanes.watermark());
        for length in provisional_lengths(&rules.triggers) {
            let open = judge.buckets.open(length);
            let mut buckets: BTreeMap<EventTime, Bucket> =
                open.map(|(start, bucket)| (start, bucket.clone())).collect();
            for (start, open) in source.panes.open(model, pane, watermark - pane, passed - SETTLE) {
                let bucket = buckets.entry(start.floor(length));
                let bucket = bucket.or_insert_with(|| Bucket::new(length));
                bucket.add(open, reads_at(&rules.triggers, length));
            }
            let said = judge.look_ahead(rules, model, &buckets);
            out.extend(said.into_iter().map(|said| Output::Assessed(Box::new(said))));
        }
    }
}

fn provisional_lengths(triggers: &[Trigger]) -> Vec<Span> {
    let provisional = triggers
        .iter()
        .filter(|trigger| trigger.provisional && matches!(trigger.statistic, Statistic::EDetector));
    let mut lengths: Vec<_> = provisional.map(|trigger| trigger.bucket).collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}
