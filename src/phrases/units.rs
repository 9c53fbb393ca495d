//! What a trigger's value is, and in which unit.

use super::numbers::{number, percent, points};
use crate::model::{Limit, Signal};

/// What a trigger's value is: of one version, or the difference of two on the same requests.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    signal: Signal,
    paired: bool,
}

impl Unit {
    /// The unit of a signal, measured on the same requests or not.
    #[must_use]
    pub const fn new(signal: Signal, paired: bool) -> Self {
        Self { signal, paired }
    }

    /// The unit of a limit.
    #[must_use]
    pub const fn of(signal: Signal, limit: Limit) -> Self {
        Self::new(signal, matches!(limit, Limit::Paired(_)))
    }

    /// A value with its unit.
    #[must_use]
    pub fn value(self, x: f64) -> String {
        match self.signal {
            _ if self.paired => points(x),
            Signal::Accuracy | Signal::ErrorRate => percent(x),
            Signal::Latency => format!("{} ms", number(x)),
            Signal::FeatureDrift => format!("{x:.2}"),
        }
    }

    /// What the value counts.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self.signal {
            _ if self.paired => "more wrong answers",
            Signal::Accuracy => "wrong answers",
            Signal::ErrorRate => "failed answers",
            Signal::Latency => "mean time to answer",
            Signal::FeatureDrift => "population stability index",
        }
    }

    /// Where it was measured, to follow the version's name.
    #[must_use]
    pub const fn place(self) -> &'static str {
        if self.paired { " on the same requests" } else { "" }
    }

    /// What one sample is.
    #[must_use]
    pub const fn samples(self) -> &'static str {
        match self.signal {
            _ if self.paired => "pairs",
            Signal::Accuracy => "labels",
            Signal::ErrorRate | Signal::Latency | Signal::FeatureDrift => "answers",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_unit_of_its_signal() {
        for (signal, paired, value, shown) in [
            (Signal::ErrorRate, false, 0.397, "39.7 %"),
            (Signal::ErrorRate, false, 0.0012, "0.12 %"),
            (Signal::Accuracy, false, 0.01, "1.0 %"),
            (Signal::Accuracy, true, -0.1125, "-11.2 points"),
            (Signal::Latency, false, 1999.6, "2,000 ms"),
            (Signal::FeatureDrift, false, 1.494, "1.49"),
        ] {
            assert_eq!(Unit::new(signal, paired).value(value), shown, "{signal:?}");
        }
    }
}
