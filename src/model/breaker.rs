//! Circuit breakers: when the router stops sending requests to a version.

use serde::{Deserialize, Serialize};

use super::Span;

/// When a circuit breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerRules {
    /// Failures in a row that open it.
    pub in_a_row: u32,
    /// Share of failures within the window that opens it, 0 to 1 …
    pub share: f64,
    /// … if the window has at least this many answers.
    pub minimum: u32,
    /// Length of the window.
    pub window: Span,
    /// How long it first stays open.
    pub pause: Span,
    /// The longest time it stays open.
    pub longest_pause: Span,
}

/// The state of a circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerState {
    /// Requests pass.
    Closed,
    /// Requests go to other versions.
    Open,
    /// One request may pass, as a trial.
    HalfOpen,
}

impl BreakerState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// The name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}
