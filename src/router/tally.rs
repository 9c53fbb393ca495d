//! How a version's requests ended, and how long they took.

use hdrhistogram::Histogram;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestEnd {
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

impl RequestEnd {
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
pub struct RequestStats {
    ok: u64,
    refused: u64,
    error: u64,
    timeout: u64,
    left: u64,
    took_us: Histogram<u32>,
}

/// The longest time that is told apart, in microseconds: an hour.
const LONGEST_US: u64 = 3_600_000_000;

impl Default for RequestStats {
    #[expect(clippy::expect_used, reason = "the bounds are constants, and a test makes one")]
    fn default() -> Self {
        let took_us = Histogram::new_with_bounds(1, LONGEST_US, 2).expect("bounds of a histogram");
        Self { ok: 0, refused: 0, error: 0, timeout: 0, left: 0, took_us }
    }
}

impl RequestStats {
    pub(super) fn take(&mut self, end: RequestEnd, took_us: u64) {
        *match end {
            RequestEnd::Ok => &mut self.ok,
            RequestEnd::Refused => &mut self.refused,
            RequestEnd::Error => &mut self.error,
            RequestEnd::Timeout => &mut self.timeout,
            RequestEnd::Left => &mut self.left,
        } += 1;
        self.took_us.saturating_record(took_us.max(1));
    }

    /// Requests that ended so.
    #[must_use]
    pub fn count(&self, end: RequestEnd) -> u64 {
        match end {
            RequestEnd::Ok => self.ok,
            RequestEnd::Refused => self.refused,
            RequestEnd::Error => self.error,
            RequestEnd::Timeout => self.timeout,
            RequestEnd::Left => self.left,
        }
    }

    /// All requests that ended.
    #[must_use]
    pub fn total(&self) -> u64 {
        RequestEnd::ALL.iter().map(|end| self.count(*end)).sum()
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
        let mut tally = RequestStats::default();
        for (n, end) in RequestEnd::ALL.into_iter().enumerate() {
            for _ in 0..=n {
                tally.take(end, u64::MAX);
            }
        }
        assert_eq!(RequestEnd::ALL.map(|end| tally.count(end)), [1, 2, 3, 4, 5]);
        assert_eq!((tally.total(), tally.took_us().len()), (15, 15));
    }
}
