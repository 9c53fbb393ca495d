//! A log's time, from the clocks of this machine and what the log has seen.

use std::sync::{Arc, Mutex};

use super::lock::lock;
use crate::edge::clock::{Clock, Uptime};
use crate::model::{GrowingTime, LogTime, Span};

/// The clock of a log. Its time never goes back and never stops.
pub struct LogClock {
    clock: Arc<dyn Clock>,
    /// Whether this machine's clock stamps the records.
    stamps: bool,
    /// Log time, and when it was last asked for.
    time: Mutex<(GrowingTime, Uptime)>,
}

/// The time of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AppendStamp {
    /// Log time.
    pub(super) time: LogTime,
    /// What the host's clock showed.
    pub(super) host: LogTime,
}

impl AppendStamp {
    /// How far log time was ahead of the host's clock.
    pub(super) fn ahead(self) -> Span {
        self.time - self.host
    }
}

impl LogClock {
    /// Of a log whose records this machine stamps. It goes on after the newest of them.
    pub(super) fn new(clock: Arc<dyn Clock>, newest: Option<AppendStamp>) -> Self {
        let (mut time, uptime) = (GrowingTime::default(), clock.uptime());
        if let Some(newest) = newest {
            // Nobody watched a monotonic clock in between. What the host's clock went on by passed.
            time.raise(newest.time);
            time.grow(clock.now() - newest.host, clock.now());
        }
        Self { clock, stamps: true, time: Mutex::new((time, uptime)) }
    }

    /// Of a log whose records brokers stamp: not before the newest that was seen.
    pub(super) fn of_brokers(clock: Arc<dyn Clock>) -> Self {
        Self { stamps: false, ..Self::new(clock, None) }
    }

    /// The stamp of an append now.
    pub(super) fn stamp(&self) -> AppendStamp {
        let mut known = lock(&self.time);
        let (time, asked) = &mut *known;
        let (host, uptime) = (self.clock.now(), self.clock.uptime());
        time.grow(uptime - *asked, host);
        *asked = uptime;
        AppendStamp { time: time.now(), host }
    }

    /// The log has taken a record at this time.
    pub(super) fn seen(&self, time: LogTime) {
        lock(&self.time).0.raise(time);
    }

    /// Log time now.
    #[must_use]
    pub fn now(&self) -> LogTime {
        self.stamp().time
    }

    /// The moment of the monotonic clock.
    #[must_use]
    pub fn uptime(&self) -> Uptime {
        self.clock.uptime()
    }

    /// What this machine's clock shows.
    #[must_use]
    pub fn host(&self) -> LogTime {
        self.clock.now()
    }

    /// How far log time is ahead of this machine's clock, where that stamps the records.
    #[must_use]
    pub fn ahead(&self) -> Span {
        if self.stamps { self.stamp().ahead() } else { Span::ZERO }
    }
}
