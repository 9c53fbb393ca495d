//! Numbers of times and durations, exact: 2^63 nanoseconds do not fit an f64.

use super::stands::Unreadable;
use crate::model::TimeUnit;

/// A number in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal(i128);

const ONE: i128 = 1_000_000_000;
/// Beyond it nothing is a time.
const MOST_DIGITS: usize = 19;

impl Decimal {
    /// The number that a text spells.
    pub(super) fn of(text: &str) -> Result<Self, Unreadable> {
        const NONE: Unreadable = "not a number";
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        if digits.contains(['e', 'E']) {
            let number = text.parse::<f64>().ok().filter(|number| number.abs() < 1e19);
            return number.map(|number| Self((number * ONE as f64) as i128)).ok_or(NONE);
        }
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let dot = digits.len() > whole.len();
        if whole.is_empty() || whole.len() > MOST_DIGITS || !is_number(whole) {
            return Err(NONE);
        }
        if !is_number(fraction) || (dot && fraction.is_empty()) {
            return Err(NONE);
        }
        let whole: u64 = whole.parse().map_err(|_| NONE)?;
        let nine = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
        let billionths: u64 = nine.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        Ok(Self(sign * (i128::from(whole) * ONE + i128::from(billionths))))
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }

    /// As milliseconds.
    pub(super) fn milliseconds(self, unit: TimeUnit) -> f64 {
        self.0 as f64 / in_a_millisecond(unit) as f64
    }

    /// The same, rounded down to a whole one.
    pub(super) fn whole_milliseconds(self, unit: TimeUnit) -> i128 {
        self.0.div_euclid(in_a_millisecond(unit))
    }
}

/// Billionths of a unit that make a millisecond.
const fn in_a_millisecond(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Seconds => 1_000_000,
        TimeUnit::Milliseconds => 1_000_000_000,
        TimeUnit::Microseconds => 1_000_000_000_000,
        TimeUnit::Nanoseconds => 1_000_000_000_000_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_whatever_they_count() {
        for (text, unit, ms) in [
            ("1773480413", TimeUnit::Seconds, Some(1_773_480_413_000)),
            ("1773480413.589793", TimeUnit::Seconds, Some(1_773_480_413_589)),
            ("1773480413589793238", TimeUnit::Nanoseconds, Some(1_773_480_413_589)),
            ("1.773480413e9", TimeUnit::Seconds, Some(1_773_480_413_000)),
            ("-0.0001", TimeUnit::Seconds, Some(-1)),
            ("9223372036854775807", TimeUnit::Nanoseconds, Some(9_223_372_036_854)),
            ("", TimeUnit::Seconds, None),
            ("1.", TimeUnit::Seconds, None),
            (".5", TimeUnit::Seconds, None),
            ("1_000", TimeUnit::Seconds, None),
            ("NaN", TimeUnit::Seconds, None),
            ("99999999999999999999", TimeUnit::Seconds, None),
        ] {
            let read = Decimal::of(text).ok().map(|number| number.whole_milliseconds(unit));
            assert_eq!(read, ms, "{text}");
        }
        let [end, start] = ["1773480414102000000", "1773480413589793238"].map(Decimal::of);
        let took = end.unwrap().minus(start.unwrap()).milliseconds(TimeUnit::Nanoseconds);
        assert!((took - 512.206_762).abs() < 1e-9, "{took}");
    }
}
