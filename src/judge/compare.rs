//! Whether another version would serve better, by the first reference that exists.

use super::baseline;
use super::bounds;
use super::state::ModelJudge;
use super::verdict::ComparedWith;
use super::watch::Watch;
use crate::model::{
    Benefit, Comparison, EventTime, Limit, ModelRules, Reason, Reference, Signal, Span, Trigger,
    VersionId,
};

/// Benefit is shown by odds that chance reaches once in so long.
const BENEFIT_PERIOD: Span = Span::from_s(30 * 24 * 3600);

/// The odds that show benefit, over buckets of this length.
#[must_use]
pub fn benefit_threshold(bucket: Span) -> f64 {
    BENEFIT_PERIOD.as_s() / bucket.as_s()
}

/// One side of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The rule.
    pub trigger: &'a Trigger,
    /// The version that may be bad.
    pub version: &'a VersionId,
    /// Its watch.
    pub watch: &'a Watch,
    /// Its design effect.
    pub design_effect: f64,
}

impl ModelJudge {
    /// How every other version would do in the place of one whose evidence is over.
    #[must_use]
    pub fn against(&self, rules: &ModelRules, side: Side<'_>) -> Vec<ComparedWith> {
        let others = self.versions().into_iter().filter(|other| other != side.version);
        others.filter_map(|other| self.compare(rules, side, &other)).collect()
    }

    fn compare(
        &self,
        rules: &ModelRules,
        side: Side<'_>,
        other: &VersionId,
    ) -> Option<ComparedWith> {
        let since = side.watch.since(side.trigger).unwrap_or(EventTime::MIN);
        let found = self
            .by_pairs(rules, side, other, since)
            .or_else(|| self.by_live(side, other, since))
            .or_else(|| self.by_level(rules, side, other, since));
        let (better, reference, why) = found?;
        Some((Comparison { version: other.clone(), better, reference }, why))
    }

    /// Reference 1: the same requests.
    fn by_pairs(
        &self,
        rules: &ModelRules,
        side: Side<'_>,
        other: &VersionId,
        since: EventTime,
    ) -> Option<(Benefit, Reference, Option<Reason>)> {
        let reads_labels = side.trigger.signal == Signal::Accuracy;
        let paired = rules.triggers.iter().filter(|_| reads_labels).find_map(|trigger| {
            let Limit::Paired(tolerance) = trigger.limit else { return None };
            Some((trigger, tolerance))
        });
        let (trigger, tolerance) = paired?;
        let watch = self.pair_watch(trigger, side.version, other)?;
        let difference = watch.moments_since(since);
        if difference.n < side.trigger.minimum_samples.max(1) as f64 {
            return None;
        }
        let enough = benefit_threshold(trigger.bucket);
        let reverse = self.pair_watch(trigger, other, side.version);
        let (better, why) = if watch.statistic() >= enough {
            (Benefit::Better, None)
        } else if reverse.is_some_and(|reverse| reverse.statistic() >= enough) {
            (Benefit::Worse, None)
        } else if self.also_over(side.trigger, other, since) {
            (Benefit::Same, Some(Reason::ReferenceAlsoOver))
        } else if difference.mean().is_some_and(|mean| mean <= tolerance) {
            (Benefit::Same, Some(Reason::PairedWithinTolerance))
        } else {
            (Benefit::Unknown, None)
        };
        Some((better, Reference::Paired, why))
    }

    /// Reference 2: measured at the same time.
    fn by_live(
        &self,
        side: Side<'_>,
        other: &VersionId,
        since: EventTime,
    ) -> Option<(Benefit, Reference, Option<Reason>)> {
        let theirs = self.watch(side.trigger, other)?;
        if theirs.moments_since(since).n < side.trigger.minimum_samples.max(1) as f64 {
            return None;
        }
        let odds = self.live_odds(side.trigger, side.version, other);
        let (better, why) = if odds >= benefit_threshold(side.trigger.bucket) {
            (Benefit::Better, None)
        } else if self.also_over(side.trigger, other, since) {
            (Benefit::Same, Some(Reason::ReferenceAlsoOver))
        } else {
            (Benefit::Unknown, None)
        };
        Some((better, Reference::Live, why))
    }

    /// References 3 and 4: the other's last days in production, or its baseline, which the
    /// interval of what is seen now must exclude.
    fn by_level(
        &self,
        rules: &ModelRules,
        side: Side<'_>,
        other: &VersionId,
        since: EventTime,
    ) -> Option<(Benefit, Reference, Option<Reason>)> {
        let signal = side.trigger.signal;
        let (level, reference) = match self.production_level(side.trigger, other) {
            Some(level) => (level, Reference::History),
            None => {
                let enough = rules.policy.baseline_samples;
                let known = baseline::own(&self.standing, &self.learned, other, signal, enough)?;
                (baseline::upper(signal, known), Reference::Baseline)
            }
        };
        let allowed = signal != Signal::Accuracy || side.trigger.act_without_reference;
        let sums = side.watch.moments_since(since);
        let low = side.watch.interval(sums, side.design_effect).map(|(low, _)| low);
        let excluded = low.is_some_and(|low| low > level);
        let better = if allowed && excluded { Benefit::Better } else { Benefit::Unknown };
        Some((better, reference, None))
    }

    /// The upper bound of what a version showed on its last days in production.
    fn production_level(&self, trigger: &Trigger, version: &VersionId) -> Option<f64> {
        let level = self.level(trigger, version)?.sums();
        if level.n < trigger.minimum_samples.max(1) as f64 {
            return None;
        }
        match trigger.limit {
            Limit::MeanMs { .. } => bounds::mean_upper(level, 1.0),
            Limit::Baseline(_) | Limit::Rate(_) | Limit::Paired(_) | Limit::Psi { .. } => {
                Some(bounds::rate_upper(level.mean()?, level.n))
            }
        }
    }

    fn also_over(&self, trigger: &Trigger, other: &VersionId, since: EventTime) -> bool {
        self.watch(trigger, other).is_some_and(|watch| watch.over_since(since))
    }
}
