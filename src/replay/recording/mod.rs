//! Recordings: what `replay`, `publish`, `baseline`, `check-source` and the demo read.
//!
//! Whatever cannot be used is reported with file and line.

mod error;
mod file;
mod lines;
mod list;
mod rows;
mod stored;
mod stream;

pub use error::RecordingError;
pub use file::{Line, Progress, Recording};
pub use stream::FilesError;
pub(crate) use stream::{Files, NextRecord, TOPIC};
