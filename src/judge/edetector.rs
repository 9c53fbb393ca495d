//! The mixture Shiryaev–Roberts e-detector.
//!
//! For each bet k: M ← (M + 1)·L, from M = 0; the statistic is the mean of the M. While the null
//! holds, at least c updates are expected until the statistic reaches c (Shin, Ramdas and Rinaldo,
//! 2022). A CUSUM of the same bets dates the change.

use libm::{exp, log, log1p};
use serde::{Deserialize, Serialize};

use crate::model::EventTime;

/// The statistic of one null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EDetector {
    bets: Vec<Bet>,
    ln_statistic: Option<f64>,
}

/// One alternative.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Bet {
    /// ln(1 + M): nought before the first update, finite always.
    carried: f64,
    /// ln of the CUSUM.
    cusum: f64,
    /// Start of the bucket in which the CUSUM last rose from nothing.
    since: Option<EventTime>,
}

impl Default for EDetector {
    fn default() -> Self {
        Self::from_carried(&[])
    }
}

impl EDetector {
    /// A detector at ln(1 + M) = `carried`, as a decision record states it.
    #[must_use]
    pub fn from_carried(carried: &[f64]) -> Self {
        let bets = carried.iter().map(|&carried| Bet { carried, cusum: 0.0, since: None });
        Self { bets: bets.collect(), ln_statistic: None }
    }

    /// Takes a bucket's growth per bet, tempered by the design effect. Odds past `ceiling` add
    /// nothing, so that what was once very bad can be forgiven.
    pub fn update(&mut self, start: EventTime, growth: &[f64], design_effect: f64, ceiling: f64) {
        if self.bets.len() != growth.len() {
            let fresh = Bet { carried: 0.0, cusum: 0.0, since: None };
            self.bets = vec![fresh; growth.len()];
        }
        debug_assert!(growth.iter().all(|growth| growth.is_finite()), "{growth:?} at {start}");
        let most = log(ceiling * growth.len() as f64);
        for (bet, growth) in self.bets.iter_mut().zip(growth) {
            let growth = growth / design_effect;
            let ln_odds = (bet.carried + growth).min(most);
            bet.carried = ln_one_plus(ln_odds);
            if bet.cusum <= 0.0 || bet.since.is_none() {
                bet.cusum = 0.0;
                bet.since = Some(start);
            }
            bet.cusum += growth;
        }
        self.ln_statistic = ln_mean(self.bets.iter().map(|bet| ln_minus_one(bet.carried)));
    }

    /// What the statistic would be with this bucket added.
    #[must_use]
    pub fn with(&self, growth: &[f64], design_effect: f64) -> f64 {
        let carried = self.bets.iter().map(|bet| bet.carried).chain(std::iter::repeat(0.0));
        ln_mean(growth.iter().zip(carried).map(|(g, carried)| g / design_effect + carried))
            .map_or(0.0, exp)
    }

    /// The mean odds against the null.
    #[must_use]
    pub fn statistic(&self) -> f64 {
        self.ln_statistic.map_or(0.0, exp)
    }

    /// Start of the bucket since which the strongest bet has not lost everything: the likely
    /// change.
    #[must_use]
    pub fn since(&self) -> Option<EventTime> {
        let strongest = |best: Option<Bet>, bet: &Bet| match best {
            Some(best) if best.carried >= bet.carried => Some(best),
            _ => Some(*bet),
        };
        self.bets.iter().fold(None, strongest).and_then(|bet| bet.since)
    }

    /// The earliest of the bets' likely changes.
    #[must_use]
    pub fn earliest(&self) -> Option<EventTime> {
        self.bets.iter().filter_map(|bet| bet.since).min()
    }

    /// ln(1 + M) of each bet.
    #[must_use]
    pub fn carried(&self) -> Vec<f64> {
        self.bets.iter().map(|bet| bet.carried).collect()
    }
}

fn ln_one_plus(ln_odds: f64) -> f64 {
    if ln_odds > 0.0 { ln_odds + log1p(exp(-ln_odds)) } else { log1p(exp(ln_odds)) }
}

fn ln_minus_one(carried: f64) -> f64 {
    // Small odds vanish in 1 + M; what is lost is below one part in 10^16 of the threshold.
    log(libm::expm1(carried).max(f64::MIN_POSITIVE))
}

fn ln_mean(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let n = values.clone().count();
    let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if n == 0 {
        return None;
    }
    let sum: f64 = values.map(|value| exp(value - most)).sum();
    Some(most + log(sum / n as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::bets;
    use crate::sums::{Latency, PairTable};

    const LIMITLESS: f64 = 1e200;

    fn at(step: usize) -> EventTime {
        EventTime::from_ms(step as i64 * 1000)
    }

    #[test]
    fn golden_vector_of_a_rate() {
        let bits = "00000000000000000001010010010110111010111011";
        let golden = [
            (1, 0.8625),
            (10, 5.681_472_426_69),
            (20, 16.265_440_904_5),
            (30, 186.899_968_566),
            (44, 24_264_470.658_0),
        ];
        let mut detector = EDetector::default();
        let mut seen = Vec::new();
        for (step, bit) in bits.bytes().enumerate() {
            let growth = bets::rate(0.10, 1, u64::from(bit == b'1'));
            let ahead = detector.with(&growth, 1.0);
            detector.update(at(step), &growth, 1.0, LIMITLESS);
            assert!((ahead / detector.statistic() - 1.0).abs() < 1e-9);
            if let Some((_, value)) = golden.iter().find(|(steps, _)| *steps == step + 1) {
                assert!((detector.statistic() / value - 1.0).abs() < 1e-9, "step {}", step + 1);
                seen.push(step);
            }
        }
        assert_eq!(seen.len(), golden.len());
        assert!(detector.since().unwrap() >= at(17), "{:?}", detector.since());
    }

    #[test]
    fn golden_vector_of_a_mean() {
        let mut detector = EDetector::default();
        for (step, x) in [0.5, 0.7, 1.2, 0.3, 9.0, 2.5, 3.5, 0.4, 60.0, 4.0].iter().enumerate() {
            let growth = bets::MEAN_STAKES.map(|stake| log1p(stake / 2.0 * (x - 2.0)));
            detector.update(at(step), &growth, 1.0, LIMITLESS);
        }
        assert!((detector.statistic() / 102.065_971_304 - 1.0).abs() < 1e-9);
    }

    /// By hand, from M ← (M + 1)·L and the mean over all bets. One request that only this version
    /// got wrong: L = 1 + s/1.02 · 0.98; then one that only the other did: L = 1 − s/1.02 · 1.02.
    /// An answer of 3,997.696 ms: L = 1 + s/2000 · 1,997.696; then one of no time: L = 1 − s.
    #[test]
    fn two_steps_of_a_pair_and_of_a_mean_by_hand() {
        let pair = |worse, better| {
            let table = PairTable { only_b: worse, only_a: better, ..PairTable::default() };
            bets::paired(0.02, table)
        };
        let mean = |us| {
            let mut latency = Latency::default();
            latency.record(us);
            bets::mean(2000.0, 60_000.0, &latency)
        };
        for (name, steps) in [
            ("pair", [(pair(1, 0), 1.328_267_973_86), (pair(0, 1), 1.465_988_562_09)]),
            ("mean", [(mean(3_997_696), 1.225_989_36), (mean(0), 1.665_601_290_4)]),
        ] {
            let mut detector = EDetector::default();
            for (step, (growth, value)) in steps.iter().enumerate() {
                detector.update(at(step), growth, 1.0, LIMITLESS);
                let off = (detector.statistic() / value - 1.0).abs();
                assert!(off < 1e-6, "{name}, step {step}: {}", detector.statistic());
            }
        }
    }

    #[test]
    fn a_ceiling_lets_a_recovery_be_seen() {
        let mut detector = EDetector::default();
        for step in 0..1000 {
            detector.update(at(step), &bets::rate(0.1, 100, 90), 1.0, 1e4);
        }
        assert!(detector.statistic() <= 8e4 * 1.000_001);
        for step in 1000..1010 {
            detector.update(at(step), &bets::rate(0.1, 100, 5), 1.0, 1e4);
        }
        assert!(detector.statistic() < 1e4);
    }
}
