//! When a version is left alone, and whether it is.

use serde::{Deserialize, Serialize};

use super::Span;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerRules {
    /// So many failures in a row open it.
    pub in_a_row: u32,
    /// So large a share of failures in the window opens it, 0 to 1.
    pub share: f64,
    /// If the window holds so many answers.
    pub minimum: u32,
    /// The window.
    pub window: Span,
    /// How long it stays open at first.
    pub pause: Span,
    /// How long at most.
    pub longest_pause: Span,
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerState {
    /// Requests pass.
    Closed,
    /// They go elsewhere.
    Open,
    /// One may pass.
    HalfOpen,
}

impl BreakerState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}
