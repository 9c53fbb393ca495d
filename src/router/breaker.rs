//! The circuit breaker of one version: what its answers to live requests have shown.
//!
//! It opens on failures in a row, or on their share in a short window that holds enough answers.
//! Open, it waits; then a single request tries the version. A good answer closes it, a failed one
//! makes it wait twice as long. Only the trial counts there: an answer of before says nothing new.

use crate::model::{BreakerRules, BreakerState, Span};

/// Parts that the window moves on by.
const SLOTS: i64 = 10;

/// Failures and answers of the last moments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Window {
    /// (which slot of all time, answers, failures), the oldest first.
    slots: std::collections::VecDeque<(i64, u32, u32)>,
}

impl Window {
    fn take(&mut self, ok: bool, now: Span, length: Span) {
        let slot = now.as_ms() / (length.as_ms() / SLOTS).max(1);
        while self.slots.front().is_some_and(|(first, ..)| *first <= slot - SLOTS) {
            self.slots.pop_front();
        }
        if self.slots.back().is_none_or(|(last, ..)| *last < slot) {
            self.slots.push_back((slot, 0, 0));
        }
        if let Some((_, answers, failures)) = self.slots.back_mut() {
            *answers = answers.saturating_add(1);
            *failures = failures.saturating_add(u32::from(!ok));
        }
    }

    fn sums(&self) -> (u32, u32) {
        self.slots.iter().fold((0, 0), |(n, f), (_, answers, failures)| {
            (u32::saturating_add(n, *answers), u32::saturating_add(f, *failures))
        })
    }
}

/// One version's breaker.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Breaker {
    state: BreakerState,
    failed_in_a_row: u32,
    window: Window,
    /// Where open: until when.
    until: Span,
    /// The next pause.
    pause: Span,
    /// A request is under way that tries the version.
    trial: bool,
}

/// It is another state now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) to: BreakerState,
    pub(super) why: String,
}

impl Breaker {
    pub(super) fn new(rules: &BreakerRules) -> Self {
        Self {
            state: BreakerState::Closed,
            failed_in_a_row: 0,
            window: Window::default(),
            until: Span::ZERO,
            pause: rules.pause,
            trial: false,
        }
    }

    pub(super) fn state(&self) -> BreakerState {
        self.state
    }

    /// When time alone will move it.
    pub(super) fn next_wakeup(&self) -> Option<Span> {
        (self.state == BreakerState::Open).then_some(self.until)
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Span) -> Option<Moved> {
        if self.state != BreakerState::Open || now < self.until {
            return None;
        }
        self.trial = false;
        self.moves(BreakerState::HalfOpen, "its pause is over; one request tries it".to_owned())
    }

    /// Asks for the place of the single request that tries the version.
    pub(super) fn begin_trial(&mut self) -> bool {
        let free = self.state == BreakerState::HalfOpen && !self.trial;
        self.trial |= free;
        free
    }

    /// A live request ended. `sound`: whether the version did its part; none: it could not show.
    /// `trial`: this was the one that tried it.
    pub(super) fn ended(
        &mut self,
        sound: Option<bool>,
        trial: bool,
        now: Span,
        rules: &BreakerRules,
    ) -> Option<Moved> {
        match (self.state, sound) {
            (BreakerState::Closed, Some(ok)) => self.count(ok, now, rules),
            (BreakerState::HalfOpen, sound) if trial => {
                self.trial = false;
                match sound? {
                    true => {
                        *self = Self::new(rules);
                        let why = "the request that tried it was answered".to_owned();
                        self.moves(BreakerState::Closed, why)
                    }
                    false => {
                        let why = "the request that tried it failed".to_owned();
                        self.open(now, rules, why)
                    }
                }
            }
            (BreakerState::Closed | BreakerState::Open | BreakerState::HalfOpen, _) => None,
        }
    }

    fn count(&mut self, ok: bool, now: Span, rules: &BreakerRules) -> Option<Moved> {
        self.window.take(ok, now, rules.window);
        if ok {
            self.failed_in_a_row = 0;
            return None;
        }
        self.failed_in_a_row += 1;
        if self.failed_in_a_row >= rules.in_a_row {
            let why = format!("{} requests in a row failed", self.failed_in_a_row);
            return self.open(now, rules, why);
        }
        let (answers, failures) = self.window.sums();
        if answers >= rules.minimum && f64::from(failures) >= rules.share * f64::from(answers) {
            let why = format!("{failures} of the last {answers} requests failed");
            return self.open(now, rules, why);
        }
        None
    }

    fn open(&mut self, now: Span, rules: &BreakerRules, why: String) -> Option<Moved> {
        let pause = self.pause;
        *self = Self::new(rules);
        self.until = Span::from_ms(now.as_ms().saturating_add(pause.as_ms()));
        let doubled = Span::from_ms(pause.as_ms().saturating_mul(2));
        self.pause = doubled.min(rules.longest_pause);
        self.moves(BreakerState::Open, why)
    }

    fn moves(&mut self, to: BreakerState, why: String) -> Option<Moved> {
        self.state = to;
        Some(Moved { to, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BreakerRules = BreakerRules {
        in_a_row: 3,
        share: 0.5,
        minimum: 8,
        window: Span::from_s(10),
        pause: Span::from_s(5),
        longest_pause: Span::from_s(15),
    };

    /// Events in a line, each a second after the other, and what they make of the breaker.
    ///
    /// `+` a good answer, `-` a failed one, `?` one that could not show, `t` asks for the trial,
    /// `P` and `F` and `L` end it well, badly, not at all, `.` nothing.
    fn states(events: &str) -> String {
        let mut breaker = Breaker::new(&RULES);
        let mut out = String::new();
        for (second, event) in (0..).zip(events.chars()) {
            let now = Span::from_s(second);
            breaker.tick(now);
            let mut granted = false;
            let mut ended = |sound, trial| {
                breaker.ended(sound, trial, now, &RULES);
            };
            match event {
                '+' => ended(Some(true), false),
                '-' => ended(Some(false), false),
                '?' => ended(None, false),
                'P' => ended(Some(true), true),
                'F' => ended(Some(false), true),
                'L' => ended(None, true),
                't' => granted = breaker.begin_trial(),
                _ => {}
            }
            out.push(match breaker.state() {
                BreakerState::Closed => 'c',
                BreakerState::Open => 'o',
                BreakerState::HalfOpen if granted => 'T',
                BreakerState::HalfOpen => 'h',
            });
        }
        out
    }

    #[test]
    fn every_move_is_one_of_these() {
        for (events, expected) in [
            ("---", "cco"),
            ("--+--+--", "ccccccco"),
            ("--?-", "ccco"),
            // Half of at least eight.
            ("-+-+-+-+-", "cccccccco"),
            ("---....t", "ccoooooT"),
            ("---....tt", "ccoooooTh"),
            ("---....tP+", "ccoooooTcc"),
            ("---....tF", "ccoooooTo"),
            // Answers of before it opened change nothing.
            ("---+++++-t", "ccooooohhT"),
            // Who left showed nothing; the place is free again.
            ("---....tLt", "ccoooooThT"),
            // The pause doubles, up to the longest, and is short again after a good answer.
            ("---....tF.........t", "ccoooooTooooooooooT"),
            ("---....tF.........tF..............t", "ccoooooTooooooooooToooooooooooooooT"),
            ("---....tP---....t", "ccoooooTcccoooooT"),
            ("t+", "cc"),
        ] {
            assert_eq!(states(events), expected, "{events}");
        }
    }

    #[test]
    fn old_answers_leave_the_window() {
        // Seven failures, never three in a row, then a long pause: too few are left to judge by.
        let mut breaker = Breaker::new(&RULES);
        for second in 0..7 {
            breaker.ended(Some(second % 2 == 0), false, Span::from_s(second), &RULES);
        }
        assert_eq!(breaker.window.sums(), (7, 3));
        breaker.ended(Some(false), false, Span::from_s(100), &RULES);
        assert_eq!((breaker.state(), breaker.window.sums()), (BreakerState::Closed, (1, 1)));
    }
}
