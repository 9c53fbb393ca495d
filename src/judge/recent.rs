//! How much came recently: sums of the present day and the one before.

use serde::{Deserialize, Serialize};

use super::design::Moments;
use crate::model::{EventTime, Span};

const DAY: Span = Span::from_s(24 * 3600);

/// Sums of one to two days of event time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RecentSums {
    /// Start and end of the stretch, and where its present day began.
    stretch: Option<(EventTime, EventTime, EventTime)>,
    before: Moments,
    today: Moments,
}

impl RecentSums {
    /// Takes what came in an interval of event time.
    pub fn take(&mut self, start: EventTime, end: EventTime, sums: Moments) {
        match &mut self.stretch {
            None => self.stretch = Some((start, end, start)),
            Some((from, to, day)) => {
                *to = end.max(*to);
                if *to - *day >= DAY {
                    *from = *day;
                    *day = *to - (end - start);
                    self.before = std::mem::take(&mut self.today);
                }
            }
        }
        self.today.add(sums);
    }

    /// The sums.
    #[must_use]
    pub fn sums(&self) -> Moments {
        let mut sums = self.before;
        sums.add(self.today);
        sums
    }

    /// Samples per second of event time.
    #[must_use]
    pub fn per_s(&self) -> f64 {
        let length = self.stretch.map_or(0.0, |(from, to, _)| (to - from).as_s());
        if length > 0.0 { self.sums().n / length } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_the_last_days() {
        let mut recent = RecentSums::default();
        assert_eq!(recent.per_s(), 0.0);
        let mut hours = 0..;
        let mut days = |recent: &mut RecentSums, days: usize, n: f64| {
            for hour in hours.by_ref().take(days * 24) {
                let start = EventTime::from_ms(hour * 3_600_000);
                let sums = Moments { n, sum: 0.0, sum_sq: 0.0 };
                recent.take(start, start + Span::from_s(3600), sums);
            }
        };
        days(&mut recent, 5, 3600.0);
        assert!((recent.per_s() - 1.0).abs() < 1e-9, "{}", recent.per_s());
        days(&mut recent, 3, 360.0);
        assert!((recent.per_s() - 0.1).abs() < 1e-9, "{}", recent.per_s());
    }
}
