//! Numbers, times, verdicts and steps in words.
//!
//! Law: each is worded once, here. Every screen, page and message is put together from these.
//! (The words for an incident's state are in `model`, since `undo` needs them too.)
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

pub mod changes;
mod closest;
pub mod glossary;
mod numbers;
mod steps;
mod times;
mod units;
mod verdicts;

pub use crate::model::percent;
pub use closest::closest;
pub use numbers::{count, gained, grouped, number, points, short};
pub use steps::{proof, step_result, want};
pub use times::{day, minute, moment, span, spoken};
pub use units::Unit;
pub use verdicts::{benefit, by, odds, reason, reference, role, signal, verdict};
