//! What people see of what the roles did: text for a terminal, a page for a review.
//!
//! Law: it computes nothing that is not shown, prints nothing itself, and asks no clock: the same
//! input gives the same bytes, in lines of 80 columns unless the terminal has fewer.

mod baseline;
mod charts;
mod config;
mod demo;
mod ending;
mod inks;
mod labels;
mod lines;
mod plots;
mod report;
mod source;
mod story;
mod topics;

pub(crate) use crate::phrases::words::count;
pub use baseline::{BaselineChange, baselines};
pub use config::{refusal, rules};
pub(super) use demo::{begins, ended, fault, figures, goes_on, note, switched};
pub use ending::ending;
pub use lines::{Paint, WIDTH, fit, wrap};
pub use report::{ReportError, page};
pub use source::source;
pub use story::Story;
pub use topics::{made, topics};
