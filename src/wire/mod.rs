//! JSON and CloudEvents, in and out.
//!
//! Law: no wire type travels inward; a record becomes a word of `model` here or is refused here,
//! with a code and with how to fix it. Nothing is read, written or printed.

pub mod api;
pub mod check;
pub mod events;
pub mod json;
pub mod lanes;
pub mod result;
pub mod seal;
pub mod telemetry;
