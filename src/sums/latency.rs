//! Durations of answers: an exact sum and a histogram.
//!
//! The histogram keeps two significant digits from 1 µs to 60 s; longer durations count as 60 s. In
//! JSON it is in HdrHistogram's V2 format, base64-encoded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer as Reader, Serializer as _, V2Serializer};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Counts;

/// The longest duration that is distinguished, in microseconds.
const MAX_US: u64 = 60_000_000;

/// Durations of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    sum_us: u64,
    histogram: Histogram<u32>,
}

impl Default for Latency {
    fn default() -> Self {
        Self { sum_us: 0, histogram: empty() }
    }
}

#[expect(clippy::expect_used, reason = "constant bounds: 1 <= low, 2·low <= high, digits <= 5")]
fn empty() -> Histogram<u32> {
    Histogram::new_with_bounds(1, MAX_US, 2).expect("the bounds are constants and legal")
}

impl Latency {
    /// Counts a duration.
    pub fn record(&mut self, us: u64) {
        self.sum_us = self.sum_us.saturating_add(us);
        self.histogram.saturating_record(us.min(MAX_US));
    }

    /// Adds other durations.
    pub fn merge(&mut self, other: &Self) {
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
        // Both have the same bounds, so nothing can fall outside.
        for cell in other.histogram.iter_recorded() {
            let value = cell.value_iterated_to();
            self.histogram.saturating_record_n(value, cell.count_at_value());
        }
    }

    /// Number of durations.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.histogram.len()
    }

    /// Their exact sum in milliseconds, not clipped.
    #[must_use]
    pub fn sum_ms(&self) -> f64 {
        self.sum_us as f64 / 1000.0
    }

    /// Number of durations, and as bad ones those in cells above `ms`.
    #[must_use]
    pub fn over(&self, ms: f64) -> Counts {
        let over = self.cells_ms().filter(|(low, _)| *low > ms);
        Counts { n: self.n(), bad: over.map(|(_, count)| u64::from(count)).sum() }
    }

    /// Lower bound of each cell in milliseconds and its count, ascending.
    pub fn cells_ms(&self) -> impl Iterator<Item = (f64, u32)> + '_ {
        self.histogram.iter_recorded().map(|cell| {
            let low = self.histogram.lowest_equivalent(cell.value_iterated_to());
            (low as f64 / 1000.0, cell.count_at_value())
        })
    }
}

#[derive(Serialize, Deserialize)]
struct OnTheWire {
    sum_us: u64,
    v2: String,
}

impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&self.histogram, &mut bytes).map_err(S::Error::custom)?;
        OnTheWire { sum_us: self.sum_us, v2: STANDARD.encode(bytes) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = OnTheWire::deserialize(deserializer)?;
        let bytes = STANDARD.decode(wire.v2).map_err(D::Error::custom)?;
        let read: Histogram<u32> =
            Reader::new().deserialize(&mut bytes.as_slice()).map_err(D::Error::custom)?;
        let mut latency = Self { sum_us: 0, histogram: empty() };
        latency.merge(&Self { sum_us: wire.sum_us, histogram: read });
        Ok(latency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_it_writes_in_few_bytes() {
        let mut one = Latency::default();
        one.record(1234);
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&one.histogram, &mut bytes).unwrap();
        assert_eq!(bytes.len(), 43);
        one.record(90_000_000);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Latency>(&text).unwrap(), one);
    }

    #[test]
    fn twenty_thousand_answers_take_little_more_than_a_kilobyte() {
        // Log-normal about 40 ms, as answers are: the spread of one ln unit is a heavy tail.
        let mut bits = 7_u64;
        let mut share = || {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            (bits >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut latency = Latency::default();
        for _ in 0..20_000 {
            let normal = (0..12).map(|_| share()).sum::<f64>() - 6.0;
            latency.record((libm::exp(normal) * 40_000.0) as u64);
        }
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&latency.histogram, &mut bytes).unwrap();
        assert!((600..=1300).contains(&bytes.len()), "{} bytes", bytes.len());
    }

    #[test]
    fn what_is_longer_counts_as_the_longest() {
        let mut latency = Latency::default();
        latency.record(u64::MAX);
        assert_eq!(latency.n(), 1);
        assert!(latency.cells_ms().all(|(ms, _)| ms <= 60_000.0 && ms > 59_000.0));
    }
}
