//! Log time as a shard folds it, from nothing but the append times of its inbox.

use serde::{Deserialize, Serialize};

use crate::model::{GrowingTime, LogTime, Span};

/// It grows by the positive differences of append times, by half of them while it is ahead of the
/// clock that stamps the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct FoldedTime {
    time: GrowingTime,
    /// The append time of the last record.
    appended: Option<LogTime>,
}

impl FoldedTime {
    /// The next record was appended at this time.
    pub(super) fn append(&mut self, at: LogTime) {
        // A log that does not know when it took a record says the earliest time.
        if at > LogTime::MIN {
            let passed = self.appended.map_or(Span::ZERO, |last| at - last);
            self.time.grow(passed, at);
            self.appended = Some(at);
        }
    }

    /// It is at least `to`: a stored state may remember more than an inbox that was cut.
    pub(super) fn raise(&mut self, to: LogTime) {
        self.time.raise(to);
    }

    /// The log time.
    #[must_use]
    pub(super) fn now(self) -> LogTime {
        self.time.now()
    }

    /// How far it is ahead of the clock that stamps the records.
    #[must_use]
    pub(super) fn ahead(self) -> Span {
        self.appended.map_or(Span::ZERO, |last| self.now() - last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::GrowingTime;

    const H: i64 = 3600;

    type Pairs = &'static [(i64, i64)];

    /// Steps of (real seconds that pass, seconds that the clock is stepped by), and the log time
    /// and the lead after each, in seconds since the start. Log time as the log itself has it,
    /// which knows what passed, and as a fold of the append times, which does not know what passed
    /// while the clock was stepped back.
    #[test]
    fn a_step_of_the_clock_never_stops_it() {
        let table: &[(&str, Pairs, Pairs, Pairs)] = &[
            (
                "no step",
                &[(5, 0), (0, 0), (7, 0)],
                &[(5, 0), (5, 0), (12, 0)],
                &[(5, 0), (5, 0), (12, 0)],
            ),
            (
                "+60 s, followed at once",
                &[(10, 60), (10, 0)],
                &[(70, 0), (80, 0)],
                &[(70, 0), (80, 0)],
            ),
            (
                "-60 s, made good in 120 s",
                &[(100, 0), (0, -60), (40, 0), (80, 0), (1, 0)],
                &[(100, 0), (100, 60), (120, 40), (160, 0), (161, 0)],
                &[(100, 0), (100, 60), (120, 40), (160, 0), (161, 0)],
            ),
            (
                "an hour ahead, then corrected: two hours",
                &[(10, H), (10, 0), (10, -H), (H, 0), (H, 0), (60, 0)],
                &[
                    (H + 10, 0),
                    (H + 20, 0),
                    (H + 25, H - 5),
                    (H + 25 + H / 2, H / 2 - 5),
                    (2 * H + 30, 0),
                    (2 * H + 90, 0),
                ],
                &[
                    (H + 10, 0),
                    (H + 20, 0),
                    (H + 20, H - 10),
                    (H + 20 + H / 2, H / 2 - 10),
                    (2 * H + 30, 0),
                    (2 * H + 90, 0),
                ],
            ),
            (
                "+8 h, then right again",
                &[(1, 8 * H), (0, -8 * H), (10, 0)],
                &[(8 * H + 1, 0), (8 * H + 1, 8 * H), (8 * H + 6, 8 * H - 5)],
                &[(8 * H + 1, 0), (8 * H + 1, 8 * H), (8 * H + 6, 8 * H - 5)],
            ),
            (
                "a step forward that does not reach it",
                &[(100, -60), (0, 5), (6, 0), (20, 0)],
                &[(50, 10), (50, 5), (53, 2), (71, 0)],
                &[(40, 0), (45, 0), (51, 0), (71, 0)],
            ),
        ];
        let shown = |log: LogTime, clock: i64| (log.as_ms() / 1000, log.as_ms() / 1000 - clock);
        for (name, steps, own, folded) in table {
            let (mut clock, mut time) = (0, GrowingTime::new(LogTime::from_ms(0)));
            let mut fold = FoldedTime::default();
            fold.append(LogTime::from_ms(0));
            for (n, (real, step)) in steps.iter().enumerate() {
                clock += real + step;
                let at = LogTime::from_ms(clock * 1000);
                time.grow(Span::from_s(*real), at);
                fold.append(at);
                assert_eq!(shown(time.now(), clock), own[n], "{name}, step {n}");
                assert_eq!(shown(fold.now(), clock), folded[n], "{name}, folded, step {n}");
                assert_eq!(fold.ahead().as_ms() / 1000, folded[n].1, "{name}, step {n}");
            }
        }
    }

    #[test]
    fn a_record_without_a_time_changes_nothing() {
        let mut fold = FoldedTime::default();
        fold.append(LogTime::MIN);
        assert_eq!((fold.now(), fold.ahead()), (LogTime::MIN, Span::ZERO));
        fold.append(LogTime::from_ms(7));
        fold.append(LogTime::MIN);
        fold.append(LogTime::from_ms(9));
        assert_eq!((fold.now(), fold.ahead()), (LogTime::from_ms(9), Span::ZERO));
    }

    proptest! {
        /// A log whose times grow is folded as it is.
        #[test]
        fn growing_append_times_are_the_log_time(
            steps in prop::collection::vec(0i64..9000, 1..99),
        ) {
            let (mut at, mut fold) = (LogTime::from_ms(-5000), FoldedTime::default());
            for step in steps {
                at = at + Span::from_ms(step);
                fold.append(at);
                prop_assert_eq!((fold.now(), fold.ahead()), (at, Span::ZERO));
            }
        }
    }
}
