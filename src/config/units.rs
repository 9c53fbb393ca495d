//! Units of time, and lengths in them.

use crate::model::Span;

/// A second, in milliseconds like the others.
pub(super) const SECOND: u64 = 1000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// `n` units; the longest span if that is longer.
pub(super) fn span(n: u64, unit: u64) -> Span {
    Span::from_ms(i64::try_from(n.saturating_mul(unit)).unwrap_or(i64::MAX))
}
