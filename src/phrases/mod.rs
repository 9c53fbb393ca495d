//! Numbers, times, verdicts and steps in words.
//!
//! Law: each is worded once, here. Every screen, page and message is put together from these.
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

pub mod changes;
mod closest;
mod foreign;
pub mod glossary;
mod numbers;
mod steps;
mod times;
mod units;
mod verdicts;

pub use closest::closest;
pub use foreign::{command, visible, visible_line};
pub use numbers::{bytes, count, gained, grouped, number, percent, points, short};
pub use steps::{incident_state, proof, step_result, want};
pub use times::{clock_off, day, log_moment, minute, moment, span, spoken};
pub use units::Unit;
pub use verdicts::{
    benefit, blind, by, lost_field, odds, reason, reference, role, samples, signal, verdict,
};
