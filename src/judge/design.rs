//! By how much errors that come in bursts thin the samples.
//!
//! d = max over blocks of 1, 6 and 24 buckets of Σ n·(x̄ − m)²/(B − 1)/v, with n and x̄ of each of
//! B non-empty blocks, m and v mean and variance of a single x; at least 1 (Kish's design effect,
//! with time as the cluster). It is a calibration, not a theorem.
//!
//! A block waits until the evidence that grew in it is lost again, which shows that it was
//! healthy. What grows into a breach never enters, so no fault sets the measure for itself.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::model::{EventTime, Span};

/// Blocks of the longest kind that an estimate takes.
pub const BLOCKS_NEEDED: u32 = 30;

const BLOCK_BUCKETS: [i64; 3] = [1, 6, 24];

/// Blocks that wait at most; of more, the oldest never enter.
const WAITING: usize = 256;

/// What a bucket adds: trials, their sum, the sum of their squares.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Moments {
    /// Trials.
    pub n: f64,
    /// Σ x.
    pub sum: f64,
    /// Σ x².
    pub sum_sq: f64,
}

impl Moments {
    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.n += other.n;
        self.sum += other.sum;
        self.sum_sq += other.sum_sq;
    }

    /// Σ x / n; none without trials.
    #[must_use]
    pub fn mean(self) -> Option<f64> {
        (self.n > 0.0).then(|| self.sum / self.n)
    }

    /// The variance of a single x.
    #[must_use]
    pub fn variance(self) -> f64 {
        let mean = self.mean().unwrap_or(0.0);
        (self.sum_sq / self.n.max(1.0) - mean * mean).max(0.0)
    }
}

/// The estimate of one trigger and version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DesignEffect {
    kinds: [Blocks; 3],
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Blocks {
    count: u32,
    all: Moments,
    /// Σ (Σ x)²/n over the blocks.
    between: f64,
    open: Option<Open>,
    /// Ends and sums of whole blocks that nothing has shown to be healthy yet.
    waiting: VecDeque<(EventTime, Moments)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Open {
    block: i64,
    sums: Moments,
    healthy: bool,
}

impl DesignEffect {
    /// Takes a bucket. A block that holds one bucket that was not healthy never counts, nor does
    /// one that waits then. `since`: where the present evidence began to grow; blocks that
    /// ended by then were healthy.
    pub fn take(
        &mut self,
        start: EventTime,
        bucket: Span,
        sums: Moments,
        healthy: bool,
        since: Option<EventTime>,
    ) {
        for (blocks, buckets) in self.kinds.iter_mut().zip(BLOCK_BUCKETS) {
            let length = bucket.as_ms().max(1) * buckets;
            blocks.take(start.as_ms().div_euclid(length), length, sums, healthy);
            if healthy {
                blocks.settle(since);
            }
        }
        if !healthy {
            self.forget_waiting();
        }
    }

    /// Blocks that wait never enter: they were bad, or the evidence that would tell is gone.
    pub fn forget_waiting(&mut self) {
        self.kinds.iter_mut().for_each(|blocks| blocks.waiting.clear());
    }

    /// Healthy blocks of the longest kind so far.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        self.kinds.last().map_or(0, |blocks| blocks.count)
    }

    /// The estimate; none before it rests on enough blocks.
    #[must_use]
    pub fn estimate(&self) -> Option<f64> {
        let worst = || self.kinds.iter().map(Blocks::ratio).fold(1.0, f64::max);
        (self.blocks() >= BLOCKS_NEEDED).then(worst)
    }
}

impl Blocks {
    fn take(&mut self, block: i64, length: i64, sums: Moments, healthy: bool) {
        match &mut self.open {
            Some(open) if open.block == block => {
                open.sums.add(sums);
                open.healthy &= healthy;
            }
            _ => {
                self.close(length);
                self.open = Some(Open { block, sums, healthy });
            }
        }
    }

    fn close(&mut self, length: i64) {
        let Some(Open { block, sums, healthy: true }) = self.open.take() else { return };
        if sums.n > 0.0 {
            let end = EventTime::from_ms(block.saturating_add(1).saturating_mul(length));
            self.waiting.push_back((end, sums));
            self.waiting.drain(..self.waiting.len().saturating_sub(WAITING));
        }
    }

    fn settle(&mut self, since: Option<EventTime>) {
        let healthy = self.waiting.iter().take_while(|(end, _)| since.is_some_and(|s| *end <= s));
        for (_, sums) in self.waiting.drain(..healthy.count()) {
            self.count += 1;
            self.all.add(sums);
            self.between += sums.sum * sums.sum / sums.n;
        }
    }

    fn ratio(&self) -> f64 {
        let variance = self.all.variance();
        if self.count < 2 || variance <= 0.0 {
            return 1.0;
        }
        let spread = self.between - self.all.sum * self.all.sum / self.all.n;
        spread / f64::from(self.count - 1) / variance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Span = Span::from_s(3600);

    fn fill(rate_of_hour: impl Fn(i64) -> f64) -> DesignEffect {
        let mut design = DesignEffect::default();
        for hour in 0..24 * 40 {
            let bad = 100.0 * rate_of_hour(hour);
            let sums = Moments { n: 100.0, sum: bad, sum_sq: bad };
            let start = EventTime::from_ms(hour * 3_600_000);
            design.take(start, HOUR, sums, true, Some(start));
        }
        design
    }

    #[test]
    fn constant_rates_have_no_effect_and_bad_days_a_large_one() {
        assert_eq!(fill(|_| 0.1).estimate(), Some(1.0));
        // Every fourth day at 0.30, the others at 0.04: between days n·var/v = 2400·0.0127/0.094.
        let bursts = fill(|hour| if hour / 24 % 4 == 0 { 0.30 } else { 0.04 }).estimate().unwrap();
        assert!((320.0..340.0).contains(&bursts), "{bursts}");
    }

    /// What grows into a breach is not known to be one while it grows: it waits.
    #[test]
    fn a_fault_never_sets_the_measure_for_itself() {
        let mut design = fill(|_| 0.1);
        let fault = 24 * 40;
        let start = |hour: i64| EventTime::from_ms(hour * 3_600_000);
        let sums = Moments { n: 100.0, sum: 90.0, sum_sq: 90.0 };
        for hour in fault..fault + 24 * 10 {
            design.take(start(hour), HOUR, sums, true, Some(start(fault)));
            assert_eq!(design.estimate(), Some(1.0), "hour {hour}");
        }
        design.take(start(fault + 240), HOUR, sums, false, Some(start(fault)));
        design.take(start(fault + 300), HOUR, sums, true, Some(start(fault + 300)));
        assert_eq!(design.estimate(), Some(1.0), "a breach: what waited never enters");
    }

    #[test]
    fn unhealthy_blocks_never_enter() {
        let mut design = DesignEffect::default();
        for hour in 0..24 * 40 {
            let sums = Moments { n: 10.0, sum: 1.0, sum_sq: 1.0 };
            let start = EventTime::from_ms(hour * 3_600_000);
            design.take(start, HOUR, sums, hour % 24 != 5, Some(start));
        }
        assert_eq!(design.blocks(), 0);
        assert_eq!(design.estimate(), None);
    }
}
