//! Assessments of a version when a bucket closes, or when too few lanes are reporting.

use super::buckets::Bucket;
use super::compare::Side;
use super::inputs::InputFinding;
use super::state::{ModelJudge, threshold};
use super::tally;
use super::verdict::{TriggerState, verdict};
use super::watch::Watch;
use crate::model::{
    EventTime, Limit, ModelId, ModelRules, Reason, Statistic, Trigger, Verdict, VersionId,
};
use crate::sums::{Assessment, BucketSums, Tally};

impl ModelJudge {
    pub(super) fn assess_versions(
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
            if assessment.reason == Reason::Lost && bucket.types_differ(&version, trigger.signal) {
                assessment.reason = Reason::LabelTypes;
            }
            assessment.closed.clone_from(&closed);
            let spoiled = matches!(assessment.verdict, Verdict::Breach | Verdict::Systemic);
            for sums in &closed {
                if let Some(watch) = self.watch_of(trigger, &version, &sums.tally) {
                    watch.calibrate(trigger, sums, !spoiled && !stale);
                }
            }
            self.emit(assessment, out);
        }
    }

    /// The sums of the bucket for a trigger and a version.
    pub(super) fn closed(
        &self,
        trigger: &Trigger,
        version: &VersionId,
        start: EventTime,
        bucket: &Bucket,
    ) -> Vec<BucketSums> {
        let lost = bucket.lost(version, trigger.signal);
        let place = |tally| {
            let design_effect = self.design_effect(trigger, version);
            tally::placed(start, bucket, design_effect, tally, lost)
        };
        if matches!(trigger.limit, Limit::Paired(_)) {
            let pairs = bucket.pairs.iter().filter(|((a, b), _)| a == version || b == version);
            pairs
                .filter_map(|(pair, table)| tally::of_pair(version, pair, *table))
                .map(place)
                .collect()
        } else {
            self.tally(trigger, version, bucket)
                .map(|(tally, _)| place(tally))
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

    /// The current assessment of a version.
    pub(super) fn assess(
        &self,
        rules: &ModelRules,
        id: &ModelId,
        trigger: &Trigger,
        version: &VersionId,
        stale: bool,
    ) -> Assessment {
        let paired = matches!(trigger.limit, Limit::Paired(_));
        let watch =
            if paired { self.worst_pair(trigger, version) } else { self.watch(trigger, version) };
        let none = Watch::default();
        let armed = watch.is_some();
        let watch = watch.unwrap_or(&none);
        let design_effect = self.design_effect(trigger, version);
        let side = Side { trigger, version, watch, design_effect };
        let compared = if watch.over() { self.against(rules, side) } else { Vec::new() };
        let silent = self.silences.of(version, trigger.signal);
        let hides = watch.may_hide(trigger, rules.policy.max_loss_percent)
            || !armed && self.learned.loses_more(version, trigger.signal);
        let lost = hides.then_some(Reason::Lost);
        let known = TriggerState {
            stale,
            armed,
            over: watch.over(),
            hidden: silent.map(|(reason, _)| reason).or(lost),
            samples: watch.seen(),
            minimum: trigger.minimum_samples,
            against: &compared,
        };
        let (verdict, reason) = verdict(known);
        let key = (trigger.id.clone(), version.clone(), None);
        let changed = self.said.get(&key) != Some(&verdict);
        let mut evidence = watch.evidence(trigger, design_effect, changed);
        if trigger.statistic == Statistic::EDetector {
            evidence.threshold = threshold(rules.budget, trigger);
        }
        if !paired {
            evidence.baseline = self.baseline(rules, trigger, version);
        }
        if let Some((_, since)) = silent.filter(|(silent, _)| reason == *silent) {
            evidence.since = Some(since);
        }
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

    pub(super) fn assess_inputs(
        &mut self,
        id: &ModelId,
        trigger: &Trigger,
        bucket: &Bucket,
        findings: Vec<InputFinding>,
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
            self.emit(assessment, out);
        }
    }

    /// Too few lanes are reporting for earlier verdicts to hold.
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
                self.emit(assessment, &mut out);
            }
        }
        out
    }

    pub(super) fn emit(&mut self, assessment: Assessment, out: &mut Vec<Assessment>) {
        let key =
            (assessment.trigger.clone(), assessment.version.clone(), assessment.feature.clone());
        self.said.insert(key, assessment.verdict);
        out.push(assessment);
    }
}
