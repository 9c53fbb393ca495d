//! How far apart something comes, and whether it has rested for longer than is usual.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::model::Span;

/// Units after which a rest is a silence.
const MISSED_AFTER: u64 = 200;
/// The shortest silence.
const LEAST: Span = Span::from_s(60);
/// Usual gaps that are a silence.
const USUAL_GAPS: i64 = 20;
/// Gaps over which their mean forgets: what thins out is not silent.
const RECENT: f64 = 64.0;
/// How far back the longest gap is remembered.
const REMEMBERED: Span = Span::from_s(7 * 24 * 3600);
/// Parts in which it is forgotten.
const PARTS: i64 = 7;

/// How far apart units come, on an axis of milliseconds: event time or log time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Gaps {
    n: u64,
    last: Option<i64>,
    /// Gaps by the power of two of their length.
    lengths: BTreeMap<u32, u64>,
    /// Their mean of late, in ms. A long rest counts as no more than the longest that is usual.
    mean: f64,
    /// The longest gap of each part of the time remembered: the part and the length.
    longest: VecDeque<(i64, i64)>,
    /// When others last came without it.
    others: Option<i64>,
    /// For how long they went on since the last one, in ms.
    missed: i64,
}

impl Gaps {
    /// `n` units came between `from` and `to`.
    pub(super) fn take(&mut self, from: i64, to: i64, n: u64) {
        if n == 0 || self.last.is_some_and(|last| to < last) {
            return;
        }
        if let Some(last) = self.last {
            self.gap(to, (from - last).max(0), 1);
        }
        if n > 1 {
            self.gap(to, (to - from) / i64::try_from(n).unwrap_or(i64::MAX), n - 1);
        }
        (self.last, self.missed) = (Some(to), 0);
        self.n = self.n.saturating_add(n);
    }

    /// `n` units came at once: they are one arrival.
    pub(super) fn arrive(&mut self, at: i64, n: u64) {
        self.take(at, at, n.min(1));
        self.n = self.n.saturating_add(n.saturating_sub(1));
    }

    fn gap(&mut self, at: i64, length: i64, n: u64) {
        *self.lengths.entry(64 - length.max(0).leading_zeros()).or_default() += n;
        let usual = length.min(self.usual().saturating_mul(USUAL_GAPS).max(LEAST.as_ms())) as f64;
        let kept = libm::pow(1.0 - 1.0 / RECENT, n as f64);
        self.mean = self.mean * kept + usual * (1.0 - kept);
        let part = REMEMBERED.as_ms() / PARTS;
        let now = at.div_euclid(part);
        match self.longest.back_mut() {
            Some((of, longest)) if *of == now => *longest = length.max(*longest),
            Some(_) | None => self.longest.push_back((now, length)),
        }
        while self.longest.front().is_some_and(|(of, _)| now - of > PARTS) {
            self.longest.pop_front();
        }
    }

    /// The length within which half of the gaps are, rounded up to a power of two, or their mean
    /// where that is larger: what comes in bursts rests between them.
    fn usual(&self) -> i64 {
        let all: u64 = self.lengths.values().sum();
        let mut sum = 0;
        let half = self.lengths.iter().find(|(_, n)| {
            sum += **n;
            sum * 2 >= all
        });
        let median = half.map_or(0, |(power, _)| 1_i64.checked_shl(*power).unwrap_or(i64::MAX));
        median.max(self.mean as i64)
    }

    /// When the last one came.
    #[must_use]
    pub(super) fn last(&self) -> Option<i64> {
        self.last
    }

    /// Units so far.
    #[must_use]
    pub(super) fn n(&self) -> u64 {
        self.n
    }

    /// Others came between `from` and `to`, and none of these. A long rest of all counts as one
    /// usual gap.
    pub(super) fn miss(&mut self, from: i64, to: i64) {
        let since = self.last.max(self.others);
        if let Some(since) = since.filter(|since| *since < to) {
            let went_on = (to - since).min(self.usual().max(to - from));
            self.missed = self.missed.saturating_add(went_on);
            self.others = Some(to);
        }
    }

    /// How long it may rest. `None`: it has not come often enough to be missed.
    #[must_use]
    pub(super) fn rest(&self) -> Option<Span> {
        let usual = self.usual().saturating_mul(USUAL_GAPS).max(LEAST.as_ms());
        (self.n >= MISSED_AFTER).then(|| Span::from_ms(usual))
    }

    fn longest(&self) -> i64 {
        self.longest.iter().map(|(_, length)| *length).max().unwrap_or(0)
    }

    /// When it has rested for too long if nothing comes, whatever else goes on.
    #[must_use]
    pub(super) fn due(&self) -> Option<i64> {
        // Nights differ: one is not as long as the other.
        let rest = self.rest()?.as_ms().max(self.longest().saturating_mul(3) / 2);
        self.last.map(|last| last.saturating_add(rest).saturating_add(1))
    }

    /// Whether it has.
    #[must_use]
    pub(super) fn overdue(&self, now: i64) -> bool {
        self.due().is_some_and(|due| now >= due)
    }

    /// Whether others, whose clock is `ahead`, went on for longer than it may rest; `usual_delay`:
    /// it may rest that long.
    #[must_use]
    pub(super) fn silent(&self, now: i64, usual_delay: Span, ahead: Span) -> bool {
        let (Some(rest), Some(last)) = (self.rest(), self.last) else { return false };
        let rest = rest.max(usual_delay).as_ms();
        let (missed, since) = (self.missed - ahead.as_ms(), now - last - ahead.as_ms());
        missed > rest && since > self.longest().max(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1000;

    #[test]
    fn a_rest_is_a_silence_if_others_go_on_for_longer_than_usual() {
        let mut gaps = Gaps::default();
        let panes = |gaps: &mut Gaps, from: i64, to: i64, n: u64| {
            for start in (from..to).step_by(10) {
                match n {
                    0 => gaps.miss(start * S, (start + 10) * S),
                    _ => gaps.take(start * S, (start + 10) * S, n),
                }
            }
            gaps.silent(to * S, Span::ZERO, Span::ZERO)
        };
        assert!(!panes(&mut gaps, 0, 100, 10), "100 units are too few to be missed");
        assert!(!panes(&mut gaps, 100, 1000, 0));
        assert!(!panes(&mut gaps, 1000, 1100, 50));
        assert_eq!((gaps.n(), gaps.last()), (600, Some(1_100_000)));
        // It has rested for 900 s before.
        assert!(!panes(&mut gaps, 1100, 2000, 0));
        assert!(panes(&mut gaps, 2000, 2010, 0));
        assert!(!panes(&mut gaps, 2010, 2020, 1), "it is back");
        // Nobody answers for a day; then others come first.
        assert!(!panes(&mut gaps, 90_000, 90_050, 0));
        assert!(panes(&mut gaps, 90_050, 90_070, 0));
    }

    #[test]
    fn a_rare_one_may_rest_longer() {
        let mut gaps = Gaps::default();
        (0..300).for_each(|n| gaps.take(n * 300 * S, (n * 300 + 10) * S, 1));
        let rest = gaps.rest().unwrap().as_s();
        assert!((20.0 * 290.0..=2.0 * 20.0 * 290.0).contains(&rest), "{rest}");
        assert_eq!(gaps.due(), Some((299 * 300 + 10) * S + gaps.rest().unwrap().as_ms() + 1));
    }

    /// Two versions answer a request at once, ten times a minute; then less and less comes.
    #[test]
    fn what_comes_together_or_thins_out_is_no_silence() {
        let (mut gaps, mut at) = (Gaps::default(), 0);
        for n in 0..1000 {
            at += [1, 2, 3, 18][n % 4] * S;
            gaps.arrive(at, 2);
        }
        assert!(gaps.rest().unwrap() >= Span::from_s(100), "{:?}", gaps.rest());
        for n in 0..40 {
            at += (6 + 4 * n) * S;
            assert!(!gaps.overdue(at), "after {n}");
            gaps.arrive(at, 1);
        }
        assert!(gaps.overdue(at + 3600 * S), "then nothing at all");
    }

    #[test]
    fn a_clock_that_is_ahead_makes_nobody_silent() {
        let mut gaps = Gaps::default();
        (0..100).for_each(|n| gaps.take(n * S, (n + 1) * S, 10));
        (100..300).for_each(|n| gaps.miss(n * S, (n + 1) * S));
        let silent = |ahead| gaps.silent(300 * S, Span::ZERO, Span::from_s(ahead));
        assert!(silent(0) && silent(100) && !silent(200));
    }
}
