//! What people see: text for a terminal, a page for a review.
//!
//! Law: data in, text or a page out. It computes only what it shows, prints nothing and reads
//! no clock: the same input gives the same bytes, in lines of 80 columns unless the terminal has
//! fewer.
#![deny(clippy::disallowed_types, clippy::indexing_slicing, clippy::iter_over_hash_type)]

mod baseline;
mod charts;
mod colors;
mod config;
pub mod data;
mod demo;
mod ending;
pub mod explain;
mod glossary;
mod labels;
mod lines;
mod plots;
mod report;
mod responses;
mod source;
mod story;
mod topics;
mod unusable;
mod verdict;

pub use baseline::{BaselineChange, baselines};
pub use config::rules;
pub use demo::{begins, continues, ended, fault, figures, note, switched};
pub use ending::ending;
pub use glossary::glossary;
pub use lines::{Screen, WIDTH};
pub use report::{ReportError, page};
pub use responses::response;
pub use source::source;
pub use story::Story;
pub use topics::{made, topics};
pub use unusable::{lost_values, many_late, mostly_lost};
