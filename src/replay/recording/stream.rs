//! Several recordings as one stream, the oldest record first.
//!
//! They are one topic: decisions do not depend on how records are spread over files.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::{Line, Progress, Recording, RecordingError};
use crate::model::{EventTime, Sample, Source, TopicRule};
use crate::wire::telemetry::{self, Raw, RecordAt, Texts};

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
    /// Records that were read in advance, to know what follows one.
    ahead: VecDeque<Record>,
    /// Records handed out so far.
    given: i64,
}

struct Open {
    recording: Recording,
    /// Its next records: one, or as many as show that a clock is ahead.
    next: VecDeque<Record>,
}

struct Record {
    file: usize,
    at: RecordAt,
    bytes: Option<Vec<u8>>,
    ts: Time,
}

/// The time of a record, once it was asked for.
#[derive(Clone, Copy)]
enum Time {
    Unread,
    Known(Option<EventTime>),
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
            open.push(Open { recording: Recording::open(path, &source)?, next: VecDeque::new() });
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

    /// The times of the samples among the next `count` records.
    ///
    /// # Errors
    /// A file that is cut off.
    pub(crate) fn following(&mut self, count: u32) -> Result<Vec<EventTime>, FilesError> {
        while self.ahead.len() < count as usize {
            let Some(record) = self.read()? else { break };
            self.ahead.push_back(record);
        }
        let next = self.ahead.iter_mut().take(count as usize);
        Ok(next.filter_map(|record| record.time(&self.source)).collect())
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
        let wanted = match self.open.len() {
            1 => 1,
            _ => 1 + self.source.jump_confirmations as usize,
        };
        for (file, open) in self.open.iter_mut().enumerate() {
            open.fill(file, wanted)?;
        }
        let (source, several) = (&self.source, wanted > 1);
        let open = self.open.iter_mut().filter(|open| !open.next.is_empty());
        let timed = open.map(|open| (if several { open.time(source) } else { None }, open));
        let oldest = timed.min_by_key(|(time, _)| *time);
        Ok(oldest.and_then(|(_, open)| open.next.pop_front()))
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
    /// Reads until `wanted` records are known.
    fn fill(&mut self, file: usize, wanted: usize) -> Result<(), FilesError> {
        while self.next.len() < wanted {
            let Some(line) = self.recording.line()? else { break };
            let (at, bytes) = match line {
                Line::Whole { at, bytes } => (at, Some(bytes.to_vec())),
                Line::TooLarge { at, .. } => (at, None),
            };
            self.next.push_back(Record { file, at, bytes, ts: Time::Unread });
        }
        Ok(())
    }

    /// The time that the file has come to: the least of its next records, so that a clock that is
    /// ahead does not make the others wait. `None`, and first, if the next one cannot be read.
    fn time(&mut self, source: &Source) -> Option<EventTime> {
        let first = self.next.front_mut()?.time(source)?;
        let others = self.next.iter_mut().skip(1).filter_map(|record| record.time(source));
        Some(others.fold(first, EventTime::min))
    }
}

impl Record {
    fn time(&mut self, source: &Source) -> Option<EventTime> {
        if let Time::Known(ts) = self.ts {
            return ts;
        }
        let ts = self.bytes.as_deref().and_then(|bytes| {
            let rules = source.topics.get(TOPIC)?;
            let texts = Texts::new();
            let samples = telemetry::decode(&Raw::line(bytes), rules, source, &texts);
            samples.first().map(Sample::ts)
        });
        self.ts = Time::Known(ts);
        ts
    }
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
