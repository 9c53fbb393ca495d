//! Several recordings as one stream, the oldest record first.
//!
//! They are one topic: decisions do not depend on how records are spread over files.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::{Line, Progress, Recording, RecordingError};
use crate::measure;
use crate::model::{EventTime, Source, TopicRule};
use crate::wire::telemetry::{self, Raw, RecordAt};

/// The one topic that the files form.
pub(crate) const TOPIC: usize = 0;

/// Why the recordings cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// One of them.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// No file was given.
    #[error(
        "no recording was given; name .jsonl, .json or .csv files, gzipped or not, or - for \
         standard input"
    )]
    None,
}

/// The recordings.
pub(crate) struct Files {
    source: Source,
    names: Vec<String>,
    open: Vec<Open>,
    /// Records that were read in advance to find the beginning.
    ahead: VecDeque<Record>,
    /// Records handed out so far.
    given: i64,
}

struct Open {
    recording: Recording,
    next: Option<Record>,
}

struct Record {
    file: usize,
    at: RecordAt,
    bytes: Option<Vec<u8>>,
    ts: Option<EventTime>,
}

/// The next record.
#[derive(Debug)]
pub(crate) struct NextRecord {
    /// Which file.
    pub(crate) file: usize,
    /// Where in it.
    pub(crate) at: RecordAt,
    /// Its place among the records of all files.
    pub(crate) position: i64,
    /// Its bytes; `None` if it is larger than the limit.
    pub(crate) bytes: Option<Vec<u8>>,
    /// How far the files have been read.
    pub(crate) progress: Progress,
}

impl Files {
    /// Opens them; together they form a topic with the rules of the source's first one.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub(crate) fn open(paths: &[PathBuf], source: &Source) -> Result<Self, FilesError> {
        let rules = source.topics.first().ok_or(FilesError::None)?;
        let names: Vec<_> = paths.iter().map(|path| name(path)).collect();
        let topic = TopicRule { name: names.join(", "), ..rules.clone() };
        let source = Source { topics: vec![topic], ..source.clone() };
        let mut open = Vec::new();
        for path in paths {
            open.push(Open { recording: Recording::open(path, &source)?, next: None });
        }
        if open.is_empty() {
            return Err(FilesError::None);
        }
        Ok(Self { source, names, open, ahead: VecDeque::new(), given: 0 })
    }

    /// The source that the files form.
    #[must_use]
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// A file's name.
    #[must_use]
    pub(crate) fn name(&self, file: usize) -> &str {
        self.names.get(file).map_or("", String::as_str)
    }

    /// Where event time begins. It reads as many first records as could confirm or refute a wrong
    /// clock.
    ///
    /// # Errors
    /// A file that is cut off.
    pub(crate) fn begins(&mut self) -> Result<Option<EventTime>, FilesError> {
        let looked_at = 2 * self.source.jump_confirmations as usize + 1;
        while self.ahead.len() < looked_at {
            let Some(record) = self.read()? else { break };
            self.ahead.push_back(record);
        }
        let times = self.ahead.iter().filter_map(|record| match record.ts {
            Some(ts) => Some(ts),
            None => ts(record.bytes.as_deref()?, &self.source),
        });
        Ok(measure::beginning(times.collect(), &self.source))
    }

    /// The oldest of the files' next records; one that cannot be read comes first.
    ///
    /// # Errors
    /// A file that is cut off.
    pub(crate) fn next(&mut self) -> Result<Option<NextRecord>, FilesError> {
        let record = match self.ahead.pop_front() {
            Some(record) => Some(record),
            None => self.read()?,
        };
        let Some(Record { file, at, bytes, .. }) = record else { return Ok(None) };
        let (position, progress) = (self.given, self.progress());
        self.given += 1;
        Ok(Some(NextRecord { file, at, position, bytes, progress }))
    }

    fn read(&mut self) -> Result<Option<Record>, FilesError> {
        let several = self.open.len() > 1;
        for (file, open) in self.open.iter_mut().enumerate() {
            if open.next.is_none() {
                open.next = open.record(file, &self.source, several)?;
            }
        }
        let next = self.open.iter_mut().filter(|open| open.next.is_some());
        let oldest = next.min_by_key(|open| open.next.as_ref().map(|record| record.ts));
        Ok(oldest.and_then(|open| open.next.take()))
    }

    /// What is odd about the files, although their records could be read.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.open.iter().flat_map(|open| open.recording.notes()).collect()
    }

    /// The progress of all files together.
    fn progress(&self) -> Progress {
        let all = self.open.iter().map(|open| open.recording.progress());
        all.fold(Progress { read: 0, total: Some(0) }, |sum, one| Progress {
            read: sum.read + one.read,
            total: sum.total.zip(one.total).map(|(sum, one)| sum + one),
        })
    }
}

impl Open {
    /// The next record; the time of a record is needed only to merge several files.
    fn record(
        &mut self,
        file: usize,
        source: &Source,
        dated: bool,
    ) -> Result<Option<Record>, FilesError> {
        Ok(self.recording.line()?.map(|line| match line {
            Line::Whole { at, bytes } => Record {
                file,
                at,
                bytes: Some(bytes.to_vec()),
                ts: dated.then(|| ts(bytes, source)).flatten(),
            },
            Line::TooLarge { at, .. } => Record { file, at, bytes: None, ts: None },
        }))
    }
}

fn ts(bytes: &[u8], source: &Source) -> Option<EventTime> {
    let rules = source.topics.get(TOPIC)?;
    Some(telemetry::decode(&Raw::line(bytes), rules, source).ok()?.ts())
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
