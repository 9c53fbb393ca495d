//! The only reader of clocks.
//!
//! The host's clock may be stepped at any time, so it says what time it is and never how much time
//! has passed: that says the monotonic clock.
#![expect(clippy::disallowed_methods, reason = "this is the one place that may")]

use std::ops::{Add, Sub};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::model::{LogTime, Span};

/// A moment of the monotonic clock: no step of the host's clock moves it. It paces what is done
/// again and again, and means nothing to another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(Span);

impl Uptime {
    /// Before all others.
    pub const MIN: Self = Self(Span::from_ms(i64::MIN));

    /// So long after the clock began.
    #[must_use]
    pub const fn new(since_the_start: Span) -> Self {
        Self(since_the_start)
    }

    /// How long after the clock began.
    #[must_use]
    pub const fn since_the_start(self) -> Span {
        self.0
    }
}

impl Add<Span> for Uptime {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(Span::from_ms(self.0.as_ms().saturating_add(span.as_ms())))
    }
}

impl Sub for Uptime {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span::from_ms(self.0.as_ms().saturating_sub(earlier.0.as_ms()))
    }
}

/// What a log asks for the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> LogTime;

    /// The moment of the monotonic clock.
    fn uptime(&self) -> Uptime;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> LogTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        LogTime::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn uptime(&self) -> Uptime {
        static START: LazyLock<Stopwatch> = LazyLock::new(Stopwatch::start);
        Uptime(START.elapsed())
    }
}

/// A clock that only moves by hand, for replay, demo and simulation.
#[derive(Debug)]
pub struct SimulatedClock(AtomicI64);

impl SimulatedClock {
    /// A clock set to `start`.
    #[must_use]
    pub fn new(start: LogTime) -> Self {
        Self(AtomicI64::new(start.as_ms()))
    }

    /// Moves it on to `to`; it never goes back.
    pub fn advance_to(&self, to: LogTime) {
        self.0.fetch_max(to.as_ms(), Ordering::SeqCst);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> LogTime {
        LogTime::from_ms(self.0.load(Ordering::SeqCst))
    }

    /// It only moves on, so it is monotonic, too.
    fn uptime(&self) -> Uptime {
        Uptime(Span::from_ms(self.0.load(Ordering::SeqCst)))
    }
}

/// Measures how long something took.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since.
    #[must_use]
    pub fn elapsed(&self) -> Span {
        Span::from_ms(i64::try_from(self.0.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// The time since, in microseconds.
    #[must_use]
    pub fn elapsed_us(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
