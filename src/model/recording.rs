//! Recordings: files of telemetry.

use std::path::PathBuf;

/// A recording, and whose records it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingFile {
    /// Its path; `-` is standard input.
    pub path: PathBuf,
    /// The topic of the source by whose rules they are read; none: the first one.
    pub topic: Option<String>,
}

impl From<PathBuf> for RecordingFile {
    fn from(path: PathBuf) -> Self {
        Self { path, topic: None }
    }
}
