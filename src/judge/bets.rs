//! How much evidence a bucket holds: the log growth of each bet on it, before tempering.
//!
//! A bet is a martingale under its null (or shrinks): its expected growth factor is at most 1 for
//! every process whose conditional mean keeps within the null. Shin, Ramdas and Rinaldo,
//! "E-detectors" (2022), is the frame; each function names its bet.

use libm::{exp, log, log1p};

use crate::sums::{Counts, Latency, PairTable};

/// Alternatives of a rate as multiples of its null: from a slight rise to a total failure.
const RATIOS: [f64; 8] = [1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.2, 4.5];

/// Stakes on a difference of two versions, as shares of the largest one allowed.
const STAKES: [f64; 6] = [0.05, 0.1, 0.2, 0.35, 0.55, 0.8];

/// Stakes on a mean, as shares of the largest one allowed.
pub(super) const MEAN_STAKES: [f64; 8] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.3, 0.5, 0.7];

/// Odds of one version as a multiple of another's that stay tolerated: by less it is not worse.
const TOLERATED_ODDS: f64 = 1.25;

/// Alternatives of such odds as multiples of the tolerated.
const MORE_ODDS: [f64; 6] = [1.3, 1.8, 3.0, 6.0, 16.0, 50.0];

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

/// Growth of a bet that `a` is bad more often than `b`, both counted in the same bucket: the
/// likelihood ratio of Fisher's noncentral hypergeometric law of a's bad ones given all bad ones,
/// its odds against the tolerated. Given the margins nothing else matters: what hits both is no
/// evidence, however few there are of either (after Turner, Ly and Grünwald, "Generic e-variables
/// for exact sequential k-sample tests", 2021). None: one of them was not measured.
#[must_use]
pub fn more_often(a: Counts, b: Counts) -> Option<Vec<f64>> {
    if a.n == 0 || b.n == 0 {
        return None;
    }
    let bad = a.bad + b.bad;
    let least = bad.saturating_sub(b.n);
    let mut weights = vec![0.0];
    let mut weight = 0.0;
    for x in least..a.n.min(bad) {
        let more = (a.n - x) as f64 * (bad - x) as f64;
        let less = (x + 1) as f64 * (b.n + x + 1 - bad) as f64;
        weight += log(more / less);
        weights.push(weight);
    }
    let ln_sum = |odds: f64| {
        let terms = || weights.iter().zip(0_u32..).map(|(w, x)| w + f64::from(x) * log(odds));
        let most = terms().fold(f64::NEG_INFINITY, f64::max);
        most + log(terms().map(|term| exp(term - most)).sum::<f64>())
    };
    let tolerated = ln_sum(TOLERATED_ODDS);
    let seen = (a.bad - least) as f64;
    let growth = |more: f64| seen * log(more) - ln_sum(TOLERATED_ODDS * more) + tolerated;
    Some(MORE_ODDS.map(growth).to_vec())
}

/// Growth of the same bets on `n` durations of 0 ms.
#[must_use]
pub fn mean_of_nothing(n: u64) -> [f64; MEAN_STAKES.len()] {
    MEAN_STAKES.map(|stake| n as f64 * log1p(-stake))
}

/// Growth of the same bets on `n` durations of `timeout`.
#[must_use]
pub fn mean_of_timeouts(limit: f64, timeout: f64, n: u64) -> [f64; MEAN_STAKES.len()] {
    MEAN_STAKES.map(|stake| n as f64 * log1p(stake / limit * (timeout - limit).max(0.0)))
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

    /// At the tolerated odds a bet pays nothing on average, below them it loses; by hand for two
    /// answers each and two bad ones: weights 1, 4, 1.
    #[test]
    fn a_bet_on_two_versions_pays_nothing_at_the_tolerated_odds() {
        let two = |bad| Counts { n: 2, bad };
        for k in 0..MORE_ODDS.len() {
            let pays = |a, b| libm::exp(more_often(two(a), two(b)).unwrap()[k]);
            let mean = |odds: f64| {
                let all = 1.0 + 4.0 * odds + odds * odds;
                (pays(0, 2) + 4.0 * odds * pays(1, 1) + odds * odds * pays(2, 0)) / all
            };
            assert!((mean(TOLERATED_ODDS) - 1.0).abs() < 1e-12, "{k}");
            assert!(mean(1.0) < 1.0 && mean(4.0) > 1.0, "{k}");
        }
        let growth = more_often(two(2), two(0)).unwrap()[2];
        let (low, high) = (TOLERATED_ODDS, 3.0 * TOLERATED_ODDS);
        let sum = |t: f64| 1.0 + 4.0 * t + t * t;
        assert!((growth - libm::log(9.0 * sum(low) / sum(high))).abs() < 1e-12);
        assert_eq!(more_often(two(1), Counts::default()), None);
        assert_eq!(more_often(two(0), two(0)), Some(vec![0.0; 6]));
    }

    #[test]
    fn alternatives_stay_between_the_null_and_one() {
        for null in [1e-6, 0.1, 0.5, 0.9, 0.999] {
            assert!(alternatives(null).iter().all(|q| null < *q && *q < 1.0), "{null}");
        }
    }
}
