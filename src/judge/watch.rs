//! The evidence of one trigger on one version, or on one pair of versions.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::bounds;
use super::design::{BLOCKS_NEEDED, DesignEffect, Moments};
use super::edetector::EDetector;
use super::tally;
use crate::model::{EventTime, Limit, Reference, Statistic, Trigger};
use crate::sums::{BucketSums, Evidence, Tally};

/// How many buckets are kept to show and recompute evidence, at least and at most; older ones are
/// summed up in `before`. The minimum serves other versions, which are compared with this one.
const KEPT: std::ops::RangeInclusive<usize> = 256..=2048;

/// A breach ends when the statistic falls under this share of the threshold.
const CLEARS_AT: f64 = 0.1;

/// The state of one watch.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Watch {
    null: f64,
    detector: EDetector,
    /// The same with every lost sample bad.
    worst: EDetector,
    /// It is over the threshold, or has been and is not far under it.
    worst_over: bool,
    before: EDetector,
    history: VecDeque<BucketSums>,
    design: DesignEffect,
    threshold: f64,
    seen: u64,
    in_a_row: u32,
    over: bool,
    last_over: Option<EventTime>,
}

impl Watch {
    /// Takes a bucket. A changed limit restarts the evidence.
    pub fn take(&mut self, trigger: &Trigger, null: f64, threshold: f64, bucket: BucketSums) {
        if null != self.null {
            self.restart();
            self.null = null;
        }
        self.threshold = threshold;
        let growth = tally::growth(null, &bucket.tally, bucket.lost);
        self.detector.update(bucket.start, &growth, bucket.design_effect, threshold);
        let worst = tally::worst_growth(null, trigger.limit, &bucket.tally, bucket.lost);
        self.worst.update(bucket.start, &worst, bucket.design_effect, threshold);
        let kept = if self.worst_over { CLEARS_AT } else { 1.0 };
        self.worst_over = self.worst.statistic() >= threshold * kept;
        let sums = tally::moments(&bucket.tally);
        self.seen = self.seen.saturating_add(sums.n as u64);
        let (start, end) = (bucket.start, bucket.end);
        self.history.push_back(bucket);
        self.trim(trigger, end);
        let over = match trigger.statistic {
            Statistic::EDetector => self.detector.statistic() >= threshold,
            Statistic::Window { breaches, .. } => {
                let sums = self.moments_since(self.from(trigger, end));
                let past = sums.mean().is_some_and(|value| value > null)
                    && sums.n >= trigger.minimum_samples as f64;
                self.in_a_row = if past { self.in_a_row + 1 } else { 0 };
                self.in_a_row >= breaches
            }
        };
        if over {
            self.last_over = Some(start);
        }
        let held = matches!(trigger.statistic, Statistic::EDetector)
            && self.over
            && self.detector.statistic() >= threshold * CLEARS_AT;
        self.over = over || held;
    }

    /// Drops what neither the likely change nor the window needs.
    fn trim(&mut self, trigger: &Trigger, end: EventTime) {
        let needed = match trigger.statistic {
            Statistic::EDetector => self.detector.earliest(),
            Statistic::Window { window, .. } => Some(end - window),
        };
        while let Some(first) = self.history.front() {
            let wanted = needed.is_some_and(|needed| first.start >= needed);
            let kept = self.history.len();
            if kept <= *KEPT.start() || (wanted && kept <= *KEPT.end()) {
                break;
            }
            let Some(first) = self.history.pop_front() else { break };
            let growth = tally::growth(self.null, &first.tally, first.lost);
            self.before.update(first.start, &growth, first.design_effect, self.threshold);
        }
    }

    /// Forgets the evidence and keeps what was calibrated.
    pub fn restart(&mut self) {
        let mut design = std::mem::take(&mut self.design);
        design.forget_waiting();
        *self = Self { design, null: self.null, ..Self::default() };
    }

    /// Whether this bucket's block may calibrate.
    pub fn calibrate(&mut self, trigger: &Trigger, bucket: &BucketSums, healthy: bool) {
        let sums = tally::moments(&bucket.tally);
        let since = self.detector.earliest();
        self.design.take(bucket.start, trigger.bucket, sums, healthy, since);
    }

    /// The measured design effect. `None` without enough healthy blocks.
    #[must_use]
    pub fn design_effect(&self) -> Option<f64> {
        self.design.estimate()
    }

    /// Whether the evidence is over the threshold, or has been and is not far under it.
    #[must_use]
    pub fn over(&self) -> bool {
        self.over
    }

    /// Whether it was over in any bucket that starts at `since` or later.
    #[must_use]
    pub fn over_since(&self, since: EventTime) -> bool {
        self.last_over.is_some_and(|last| last >= since)
    }

    /// The limit.
    #[must_use]
    pub fn null(&self) -> f64 {
        self.null
    }

    /// Samples since the watch began.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The likely time of the change, or the start of a literal rule's window.
    #[must_use]
    pub fn since(&self, trigger: &Trigger) -> Option<EventTime> {
        match trigger.statistic {
            Statistic::EDetector => self.detector.since(),
            Statistic::Window { .. } => {
                self.history.back().map(|last| self.from(trigger, last.end))
            }
        }
    }

    /// The statistic against `null` if these buckets closed now.
    #[must_use]
    pub fn with(&self, null: f64, open: &[(Tally, u64)], design_effect: f64) -> f64 {
        let mut sum: Vec<f64> = Vec::new();
        for (tally, lost) in open {
            let growth = tally::growth(null, tally, *lost);
            sum.resize(sum.len().max(growth.len()), 0.0);
            sum.iter_mut().zip(growth).for_each(|(sum, growth)| *sum += growth);
        }
        self.detector.with(&sum, design_effect)
    }

    /// Whether what was lost could hide a fault: with every lost sample bad, the evidence is over
    /// the threshold, and samples were lost in it. Of a mean, only if more than `most` percent
    /// were. Losses count until good samples outweigh them, however few come in a bucket.
    #[must_use]
    pub fn may_hide(&self, trigger: &Trigger, most: f64) -> bool {
        let Some(end) = self.history.back().map(|last| last.end) else { return false };
        let from = match trigger.statistic {
            Statistic::EDetector => self.worst.since().unwrap_or(EventTime::MIN),
            Statistic::Window { window, .. } => end - window,
        };
        let (mut lost, mut measured) = (0.0, Moments::default());
        for bucket in self.history.iter().filter(|bucket| bucket.start >= from) {
            lost += bucket.lost as f64;
            measured.add(tally::moments(&bucket.tally));
        }
        let few = match trigger.limit {
            Limit::MeanMs { .. } => lost * 100.0 <= most * (measured.n + lost),
            Limit::Baseline(_) | Limit::Rate(_) | Limit::Paired(_) | Limit::Psi { .. } => {
                lost == 0.0
            }
        };
        let over = match (trigger.statistic, trigger.limit) {
            (Statistic::EDetector, _) => self.worst_over,
            (Statistic::Window { .. }, Limit::MeanMs { timeout, .. }) => {
                measured.sum + lost * timeout > self.null * (measured.n + lost)
            }
            (Statistic::Window { .. }, _) => measured.sum + lost > self.null * (measured.n + lost),
        };
        over && !few
    }

    /// The statistic.
    #[must_use]
    pub fn statistic(&self) -> f64 {
        self.detector.statistic()
    }

    /// Sums of the buckets that start at `since` or later, as far as they are kept.
    #[must_use]
    pub fn moments_since(&self, since: EventTime) -> Moments {
        let mut sums = Moments::default();
        for bucket in self.history.iter().filter(|bucket| bucket.start >= since) {
            sums.add(tally::moments(&bucket.tally));
        }
        sums
    }

    /// Start of the window of a literal rule.
    fn from(&self, trigger: &Trigger, end: EventTime) -> EventTime {
        match trigger.statistic {
            Statistic::EDetector => EventTime::MIN,
            Statistic::Window { window, .. } => end - window,
        }
    }

    /// The current evidence. If `whole`, with the buckets from which it can be recomputed.
    #[must_use]
    pub fn evidence(&self, trigger: &Trigger, design_effect: f64, whole: bool) -> Evidence {
        let end = self.history.back().map_or(EventTime::MIN, |bucket| bucket.end);
        let since = self.since(trigger);
        let from = since.unwrap_or(EventTime::MIN);
        let sums = self.moments_since(from);
        let (before, buckets) = if whole { self.record(from) } else { (Vec::new(), Vec::new()) };
        let (statistic, threshold) = match trigger.statistic {
            Statistic::EDetector => (self.detector.statistic(), self.threshold),
            Statistic::Window { .. } => {
                let value = self.moments_since(self.from(trigger, end)).mean();
                (value.unwrap_or(0.0), self.null)
            }
        };
        Evidence {
            rule: trigger.statistic,
            statistic,
            threshold,
            limit: trigger.limit,
            null: Some(self.null),
            baseline: None,
            estimate: sums.mean(),
            interval: self.interval(sums, design_effect),
            samples: sums.n as u64,
            design_effect,
            calibration: (self.design.blocks().min(BLOCKS_NEEDED), BLOCKS_NEEDED),
            reference: Reference::None,
            since,
            before,
            buckets,
        }
    }

    /// The 95 % interval of what `sums` estimates.
    #[must_use]
    pub fn interval(&self, sums: Moments, design_effect: f64) -> Option<(f64, f64)> {
        match self.history.back().map(|bucket| &bucket.tally)? {
            Tally::Rate { .. } => Some(bounds::rate_interval(sums.mean()?, sums.n / design_effect)),
            Tally::Paired { .. } | Tally::Mean { .. } | Tally::Distance { .. } => {
                bounds::mean_interval(sums, design_effect)
            }
        }
    }

    fn record(&self, from: EventTime) -> (Vec<f64>, Vec<BucketSums>) {
        let mut before = self.before.clone();
        let mut buckets = Vec::new();
        for bucket in &self.history {
            if bucket.start >= from {
                buckets.push(bucket.clone());
            } else {
                let growth = tally::growth(self.null, &bucket.tally, bucket.lost);
                before.update(bucket.start, &growth, bucket.design_effect, self.threshold);
            }
        }
        (before.carried(), buckets)
    }
}
