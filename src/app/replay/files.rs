//! Several recordings as one stream, the oldest record first.

use std::path::{Path, PathBuf};

use crate::edge::log::file::{Line, Progress, Recording, RecordingError};
use crate::model::{EventTime, Source, TopicRule};
use crate::wire::telemetry::{self, Raw};

/// Why the recordings cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// One of them.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// None was named.
    #[error("no recording was named; give one or more .jsonl or .jsonl.gz files, or -")]
    None,
}

/// The recordings.
pub(super) struct Files {
    source: Source,
    open: Vec<Open>,
    current: usize,
}

struct Open {
    recording: Recording,
    buffer: Option<Buffered>,
}

struct Buffered {
    bytes: Option<Vec<u8>>,
    line: i64,
    /// When it happened, if it can be read; of a single file nobody asks.
    ts: Option<EventTime>,
}

/// The next record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next<'a> {
    /// Which file.
    pub(super) topic: usize,
    /// Which line, from 1.
    pub(super) line: i64,
    /// Its bytes; none: larger than the limit.
    pub(super) bytes: Option<&'a [u8]>,
    /// How far the files were read.
    pub(super) progress: Progress,
}

impl Files {
    /// Opens them; each is a topic of the source, with the rules of its first topic.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub(super) fn open(paths: &[PathBuf], source: &Source) -> Result<Self, FilesError> {
        let cap = source.max_record_bytes;
        let rules = source.topics.first().ok_or(FilesError::None)?;
        let topic = |path: &PathBuf| TopicRule { name: name(path), ..rules.clone() };
        let source = Source { topics: paths.iter().map(topic).collect(), ..source.clone() };
        let mut open = Vec::new();
        for path in paths {
            open.push(Open { recording: Recording::open(path, cap)?, buffer: None });
        }
        if open.is_empty() {
            return Err(FilesError::None);
        }
        Ok(Self { source, open, current: 0 })
    }

    /// The source that the files make.
    #[must_use]
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// The next record: of the files' next ones the oldest; one that cannot be read comes first.
    ///
    /// # Errors
    /// A file that breaks off.
    pub(super) fn next(&mut self) -> Result<Option<Next<'_>>, FilesError> {
        if let Some(used) = self.open.get_mut(self.current) {
            used.buffer = None;
        }
        let several = self.open.len() > 1;
        for (topic, open) in self.open.iter_mut().enumerate() {
            if open.buffer.is_none() {
                open.buffer = open.fill(topic, &self.source, several)?;
            }
        }
        let buffers = self.open.iter().enumerate();
        let filled = buffers.filter_map(|(topic, open)| Some((open.buffer.as_ref()?.ts, topic)));
        let Some((_, topic)) = filled.min() else { return Ok(None) };
        self.current = topic;
        let progress = self.progress();
        let Some(open) = self.open.get(topic) else { return Ok(None) };
        Ok(open.buffer.as_ref().map(|next| Next {
            topic,
            line: next.line,
            bytes: next.bytes.as_deref(),
            progress,
        }))
    }

    /// All files together.
    fn progress(&self) -> Progress {
        let all = self.open.iter().map(|open| open.recording.progress());
        all.fold(Progress { read: 0, total: Some(0) }, |sum, one| Progress {
            read: sum.read + one.read,
            total: sum.total.zip(one.total).map(|(sum, one)| sum + one),
        })
    }
}

impl Open {
    fn fill(
        &mut self,
        topic: usize,
        source: &Source,
        dated: bool,
    ) -> Result<Option<Buffered>, FilesError> {
        Ok(self.recording.line()?.map(|line| match line {
            Line::Whole { line, bytes } => Buffered {
                bytes: Some(bytes.to_vec()),
                line: position(line),
                ts: dated.then(|| ts(bytes, topic, source)).flatten(),
            },
            Line::TooLarge { line, .. } => Buffered { bytes: None, line: position(line), ts: None },
        }))
    }
}

fn ts(bytes: &[u8], topic: usize, source: &Source) -> Option<EventTime> {
    let rules = source.topics.get(topic)?;
    Some(telemetry::decode(&Raw::line(bytes), rules, source).ok()?.ts())
}

fn position(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
