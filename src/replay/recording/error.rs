//! Why a recording cannot be read.

use std::io;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be opened.
    #[error("{file} cannot be opened; check its name and permissions")]
    Open {
        /// Which file.
        file: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It is a directory.
    #[error("{0} is a directory; name the files in it")]
    Directory(String),
    /// Its gzip data end too early.
    #[error(
        "{file} ends in the middle of its gzip data, after line {line}; copy it again, or extract \
         the intact part with `gzip -dc` and use that"
    )]
    Torn {
        /// Which file.
        file: String,
        /// The last complete line.
        line: u64,
    },
    /// Its gzip data are invalid.
    #[error("{file} is damaged: its gzip data are invalid after line {line}; copy it again")]
    Damaged {
        /// Which file.
        file: String,
        /// The last complete line.
        line: u64,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Reading failed.
    #[error("{file} cannot be read after line {line}; check the disk or copy the file")]
    Read {
        /// Which file.
        file: String,
        /// The last complete line.
        line: u64,
        /// The cause.
        #[source]
        source: io::Error,
    },
}
