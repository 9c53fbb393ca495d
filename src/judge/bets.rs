//! How much evidence a bucket holds: the log growth of each bet on it, before tempering.
//!
//! A bet is a martingale under its null (or shrinks): its expected growth factor is at most 1 for
//! every process whose conditional mean keeps within the null. Shin, Ramdas and Rinaldo,
//! "E-detectors" (2022), is the frame; each function names its bet.

use libm::{log, log1p};

use crate::sums::{Latency, PairTable};

/// Alternatives of a rate as multiples of its null: from a slight rise to a total failure.
const RATIOS: [f64; 8] = [1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.2, 4.5];

/// Stakes on a difference of two versions, as shares of the largest one allowed.
const STAKES: [f64; 6] = [0.05, 0.1, 0.2, 0.35, 0.55, 0.8];

/// Stakes on a mean, as shares of the largest one allowed.
pub(super) const MEAN_STAKES: [f64; 8] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.3, 0.5, 0.7];

/// A null of 0 or 1 leaves nothing to bet on; so near to it the bets stay finite.
const NEAREST: f64 = 1e-9;

/// The alternatives that a rate over `null` is bet on, ascending, each between `null` and 1.
#[must_use]
pub fn alternatives(null: f64) -> [f64; 8] {
    RATIOS.map(|ratio| (null * ratio).min(f64::midpoint(1.0, null)))
}

/// Growth of a Bernoulli likelihood ratio q against `null` on `n` trials, `bad` of them bad.
#[must_use]
pub fn rate(null: f64, n: u64, bad: u64) -> Vec<f64> {
    let null = null.clamp(NEAREST, 1.0 - NEAREST);
    let (good, bad) = ((n - bad) as f64, bad as f64);
    alternatives(null)
        .iter()
        .map(|q| bad * log(q / null) + good * log((1.0 - q) / (1.0 - null)))
        .collect()
}

/// Growth of 1 + λ(D − τ) on requests that both versions answered, D = wrong − other wrong, for a
/// version that is `a` of the table and a tolerated difference of `tolerance`.
#[must_use]
pub fn paired(tolerance: f64, table: PairTable) -> Vec<f64> {
    let worse = table.only_b as f64;
    let better = table.only_a as f64;
    let equal = (table.both + table.neither) as f64;
    STAKES
        .iter()
        .map(|stake| {
            let stake = stake / (1.0 + tolerance);
            worse * log1p(stake * (1.0 - tolerance))
                + better * log1p(-stake * (1.0 + tolerance))
                + equal * log1p(-stake * tolerance)
        })
        .collect()
}

/// Growth of 1 + λ(X − m) on durations in ms, cut at `timeout`; valid for every non-negative law
/// of mean at most `limit`. The lower bound of a cell stands for its values, which only helps
/// the null.
#[must_use]
pub fn mean(limit: f64, timeout: f64, latency: &Latency) -> Vec<f64> {
    let mut growth = vec![0.0; MEAN_STAKES.len()];
    for (low, count) in latency.cells_ms() {
        let excess = low.min(timeout) - limit;
        for (sum, stake) in growth.iter_mut().zip(MEAN_STAKES) {
            *sum += f64::from(count) * log1p(stake / limit * excess);
        }
    }
    growth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bet_pays_nothing_on_average_at_its_null() {
        let null = 0.15;
        for (k, q) in alternatives(null).iter().enumerate() {
            let one = |n, bad| libm::exp(rate(null, n, bad)[k]);
            assert!((null * one(1, 1) + (1.0 - null) * one(1, 0) - 1.0).abs() < 1e-12, "{q}");
        }
        let tolerance = 0.02;
        let worse = PairTable { only_b: 1, ..PairTable::default() };
        let equal = PairTable { both: 1, ..PairTable::default() };
        for k in 0..STAKES.len() {
            let one = |table| libm::exp(paired(tolerance, table)[k]);
            let mean = tolerance * one(worse) + (1.0 - tolerance) * one(equal);
            assert!((mean - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn alternatives_stay_between_the_null_and_one() {
        for null in [1e-6, 0.1, 0.5, 0.9, 0.999] {
            assert!(alternatives(null).iter().all(|q| null < *q && *q < 1.0), "{null}");
        }
    }
}
