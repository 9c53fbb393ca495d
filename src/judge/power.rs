//! The smallest change that a trigger sees in time, at the present rate of samples.
//!
//! A planning figure for people, no promise: near its alternative an e-detector's log grows by
//! the best bet's expected growth g per sample, thinned by the design effect d, so that it takes
//! about d·ln(c)/g samples to reach the threshold c. For a rate g = KL(q‖p), the divergence of
//! the value q from the null p (Kelly, 1956). For a mean or a difference, whose law is not known,
//! it is Kelly's second-order growth `E[y]²/(2·E[y²])` with y the excess over the null.

use libm::{ceil, log};
use serde::{Deserialize, Serialize};

use crate::model::Span;

/// Halvings of the interval in which the smallest value lies.
const HALVINGS: u32 = 60;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// A share of bad ones, 0 to 1.
    Rate,
    /// A mean, up to `most`, of samples with this variance.
    Mean {
        /// Of a single sample.
        variance: f64,
        /// The largest mean that can be.
        most: f64,
    },
}

/// What a trigger is up against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// What is measured.
    pub measure: Measure,
    /// Where the tolerated ends.
    pub null: f64,
    /// The odds at which it fires.
    pub threshold: f64,
    /// By how much dependence thins the samples.
    pub design_effect: f64,
    /// Samples per second of event time.
    pub per_s: f64,
}

/// The smallest value that is seen, and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Detectable {
    /// The value, in the unit of the null, rounded up to a thousandth (of the null, for a mean
    /// over 1).
    pub value: f64,
    /// How long a change to that value takes to be seen, in milliseconds.
    pub within: Span,
}

impl Power {
    /// Samples until a change to `value` is seen; infinite if it never is.
    #[must_use]
    pub fn samples(self, value: f64) -> f64 {
        let growth = match self.measure {
            Measure::Rate => divergence(value, self.null),
            Measure::Mean { variance, .. } => {
                let excess = value - self.null;
                excess * excess / (2.0 * (variance + excess * excess))
            }
        };
        let above = value > self.null && growth > 0.0;
        if above {
            self.design_effect * log(self.threshold.max(1.0)) / growth
        } else {
            f64::INFINITY
        }
    }

    /// The smallest value over the null that is seen within `within`; none: not even the worst.
    #[must_use]
    pub fn smallest(self, within: Span) -> Option<Detectable> {
        let most = match self.measure {
            Measure::Rate => 1.0,
            Measure::Mean { most, .. } => most,
        };
        let affordable = self.per_s * within.as_s();
        if self.null >= most || self.samples(most) > affordable {
            return None;
        }
        let (mut low, mut high) = (self.null, most);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if self.samples(middle) > affordable {
                low = middle;
            } else {
                high = middle;
            }
        }
        let step = self.null.max(1.0) / 1000.0;
        let value = (ceil(high / step - 1e-6) * step).min(most);
        let seconds = self.samples(value) / self.per_s;
        Some(Detectable { value, within: Span::from_ms((seconds * 1000.0) as i64) })
    }
}

/// Kullback–Leibler divergence of a coin of bias `q` from one of bias `p`, in nats per toss.
fn divergence(q: f64, p: f64) -> f64 {
    let term = |q: f64, p: f64| if q <= 0.0 { 0.0 } else { q * log(q / p) };
    term(q, p) + term(1.0 - q, 1.0 - p)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: Span = Span::from_s(7 * 24 * 3600);
    const RATE: Power = Power {
        measure: Measure::Rate,
        null: 0.15,
        threshold: 8640.0,
        design_effect: 6.0,
        per_s: 0.02,
    };

    #[test]
    fn the_divergence_is_that_of_the_books() {
        // KL(0.25‖0.15) = 0.25·ln(5/3) + 0.75·ln(0.75/0.85).
        assert!((divergence(0.25, 0.15) - 0.033_833).abs() < 1e-5, "{}", divergence(0.25, 0.15));
        assert_eq!(divergence(0.15, 0.15), 0.0);
        assert!((divergence(1.0, 0.15) - 1.897_120).abs() < 1e-6);
    }

    #[test]
    fn the_smallest_is_seen_in_time_and_a_smaller_one_is_not() {
        let mean = Measure::Mean { variance: 40_000.0, most: 60_000.0 };
        let paired = Measure::Mean { variance: 0.12, most: 1.0 };
        for power in [
            RATE,
            Power { measure: mean, null: 2000.0, ..RATE },
            Power { measure: paired, null: 0.02, ..RATE },
        ] {
            let seen = power.smallest(WEEK).unwrap();
            let step = power.null.max(1.0) / 1000.0;
            assert!(seen.value > power.null && seen.within <= WEEK, "{power:?} {seen:?}");
            assert!(
                power.samples(seen.value - 1.5 * step) > power.per_s * WEEK.as_s(),
                "{power:?}"
            );
        }
    }

    #[test]
    fn more_samples_and_less_dependence_see_more() {
        let value = |power: Power| power.smallest(WEEK).unwrap().value;
        assert!(value(Power { per_s: 0.2, ..RATE }) < value(RATE));
        assert!(value(Power { design_effect: 2.0, ..RATE }) < value(RATE));
        assert!(value(Power { threshold: 1e6, ..RATE }) > value(RATE));
    }

    #[test]
    fn who_hears_nothing_sees_nothing() {
        assert_eq!(Power { per_s: 0.0, ..RATE }.smallest(WEEK), None);
        assert_eq!(Power { per_s: 1e-6, ..RATE }.smallest(WEEK), None);
        assert_eq!(Power { null: 1.0, ..RATE }.smallest(WEEK), None);
    }
}
