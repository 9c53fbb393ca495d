//! What became of a version's requests, and how long they took.

use hdrhistogram::Histogram;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// With an answer.
    Ok,
    /// The version found fault with what was asked; that is no failure of the version.
    Refused,
    /// With an error, a cut connection, or none at all.
    Error,
    /// Not in time.
    Timeout,
    /// Who asked went away.
    Left,
}

impl Ended {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Refused, Self::Error, Self::Timeout, Self::Left];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Left => "left",
        }
    }

    /// Whether the version did its part; none: it could not show.
    pub(super) const fn sound(self) -> Option<bool> {
        match self {
            Self::Ok | Self::Refused => Some(true),
            Self::Error | Self::Timeout => Some(false),
            Self::Left => None,
        }
    }
}

/// Counts, and the spread of times.
#[derive(Debug, Clone)]
pub struct Tally {
    ok: u64,
    refused: u64,
    error: u64,
    timeout: u64,
    left: u64,
    took_us: Histogram<u32>,
}

/// The longest time that is told apart, in microseconds: an hour.
const LONGEST_US: u64 = 3_600_000_000;

impl Default for Tally {
    #[expect(clippy::expect_used, reason = "the bounds are constants, and a test makes one")]
    fn default() -> Self {
        let took_us = Histogram::new_with_bounds(1, LONGEST_US, 2).expect("bounds of a histogram");
        Self { ok: 0, refused: 0, error: 0, timeout: 0, left: 0, took_us }
    }
}

impl Tally {
    pub(super) fn take(&mut self, how: Ended, took_us: u64) {
        *match how {
            Ended::Ok => &mut self.ok,
            Ended::Refused => &mut self.refused,
            Ended::Error => &mut self.error,
            Ended::Timeout => &mut self.timeout,
            Ended::Left => &mut self.left,
        } += 1;
        self.took_us.saturating_record(took_us.max(1));
    }

    /// Requests that ended so.
    #[must_use]
    pub fn count(&self, how: Ended) -> u64 {
        match how {
            Ended::Ok => self.ok,
            Ended::Refused => self.refused,
            Ended::Error => self.error,
            Ended::Timeout => self.timeout,
            Ended::Left => self.left,
        }
    }

    /// All requests that ended.
    #[must_use]
    pub fn total(&self) -> u64 {
        Ended::ALL.iter().map(|how| self.count(*how)).sum()
    }

    /// How long they took, in microseconds.
    #[must_use]
    pub fn took_us(&self) -> &Histogram<u32> {
        &self.took_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_is_counted_once() {
        let mut tally = Tally::default();
        for (n, how) in Ended::ALL.into_iter().enumerate() {
            for _ in 0..=n {
                tally.take(how, u64::MAX);
            }
        }
        assert_eq!(Ended::ALL.map(|how| tally.count(how)), [1, 2, 3, 4, 5]);
        assert_eq!((tally.total(), tally.took_us().len()), (15, 15));
    }
}
