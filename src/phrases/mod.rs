//! Numbers, times, verdicts and references in words.
//!
//! Law: each is worded once, here. Whatever people read is put together from these.
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

pub mod changes;
pub mod terms;
pub mod words;
