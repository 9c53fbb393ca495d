//! A machine whose clock is set now and then.

use std::sync::atomic::{AtomicI64, Ordering};

use ripcord::edge::clock::{Clock, Uptime};
use ripcord::model::{LogTime, Span};

/// The two clocks of that machine, in milliseconds; both stand until they are moved.
#[derive(Debug, Default)]
pub struct Stepped {
    host: AtomicI64,
    uptime: AtomicI64,
}

impl Stepped {
    /// The host's clock shows this many milliseconds.
    #[must_use]
    pub fn new(host: i64) -> Self {
        Self { host: AtomicI64::new(host), uptime: AtomicI64::new(0) }
    }

    /// Time passes.
    pub fn pass(&self, ms: i64) {
        self.uptime.fetch_add(ms, Ordering::SeqCst);
        self.step(ms);
    }

    /// Somebody sets the host's clock.
    pub fn step(&self, ms: i64) {
        self.host.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Stepped {
    fn now(&self) -> LogTime {
        LogTime::from_ms(self.host.load(Ordering::SeqCst))
    }

    fn uptime(&self) -> Uptime {
        Uptime::new(Span::from_ms(self.uptime.load(Ordering::SeqCst)))
    }
}
