//! How log time grows.

use serde::{Deserialize, Serialize};

use super::{LogTime, Span};

/// A time that follows a clock and never goes back. Where it is ahead of the clock, since that was
/// set back, it grows by half of the time that passes: so it never stops, and an hour is made
/// good in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GrowingTime {
    /// In half milliseconds, so that no half is lost however short the steps. `None`: not begun.
    halves: Option<i64>,
}

impl GrowingTime {
    /// A time that is `at`.
    #[must_use]
    pub const fn new(at: LogTime) -> Self {
        Self { halves: Some(at.as_ms().saturating_mul(2)) }
    }

    /// `passed` went by, and now the clock shows `clock`.
    pub fn grow(&mut self, passed: Span, clock: LogTime) {
        let shown = clock.as_ms().saturating_mul(2);
        let passed = passed.as_ms().max(0);
        self.halves = Some(self.halves.map_or(shown, |own| own.saturating_add(passed).max(shown)));
    }

    /// It is at least `to`.
    pub fn raise(&mut self, to: LogTime) {
        self.grow(Span::ZERO, to);
    }

    /// The time; before it has begun, the earliest.
    #[must_use]
    pub fn now(self) -> LogTime {
        self.halves.map_or(LogTime::MIN, |own| LogTime::from_ms(own.div_euclid(2)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever a clock does: the time never falls, is never behind the clock, and grows by
        /// half of what passes at least; cut into however short steps, none of it is lost.
        #[test]
        fn it_never_falls_and_never_stands(
            steps in prop::collection::vec((0i64..5, -100_000i64..100_000), 1..200),
        ) {
            let (mut clock, mut time) = (0, GrowingTime::new(LogTime::from_ms(0)));
            let mut passed = 0;
            for (real, step) in steps {
                let before = time.now();
                clock += real + if step % 7 == 0 { step } else { 0 };
                passed += real;
                time.grow(Span::from_ms(real), LogTime::from_ms(clock));
                prop_assert!(time.now() >= before);
                prop_assert!(time.now().as_ms() >= clock.max(passed / 2));
            }
        }
    }
}
