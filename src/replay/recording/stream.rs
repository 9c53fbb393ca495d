//! Several recordings as one stream, the oldest record first.
//!
//! They are one topic: decisions do not depend on how records are spread over files.
//!
//! Over 300 lines: one stream, and the order of its records.

use std::collections::VecDeque;
use std::path::Path;

use super::{Line, Progress, Recording, RecordingError};
use crate::model::{
    EventTime, PathPattern, PlaceRoot, RecordingFile, Sample, SampleField, Source, SourceId, Span,
    TopicRule,
};
use crate::phrases::count;
use crate::wire::telemetry::{self, Raw, RecordAt, TextArena};

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
    /// A file is said to hold records of a topic that the source does not have.
    #[error("{0}: source {1} has no topic {2:?}; it has {3}")]
    NoTopic(String, SourceId, String, String),
}

/// The recordings.
pub(crate) struct Files {
    source: Source,
    names: Vec<String>,
    open: Vec<Open>,
    /// The newest time that a record has said.
    newest: Option<EventTime>,
    /// Records that have no time of their own, and whether any other record came before them.
    timeless: (u64, bool),
    /// Records that were read in advance, to know what follows one.
    ahead: VecDeque<Record>,
    /// Records handed out so far.
    given: i64,
}

struct Open {
    recording: Recording,
    rules: TopicRule,
    /// The end of the time that its path names.
    path_time: Option<EventTime>,
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
    /// It is that of the log, which a file does not have.
    OfLog,
}

/// What stands for the time of the log, so that records which take it come after all others.
const LAST: EventTime = EventTime::from_ms(253_402_300_799_999);
/// Where no record has a time, they are one second apart from here on.
const FIRST: EventTime = EventTime::from_ms(946_684_800_000);

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
    /// The time that it has by its place among others, if it has none of its own.
    pub(crate) log_time: Option<EventTime>,
    /// How far the files have been read.
    pub(crate) progress: Progress,
}

impl Files {
    /// Opens them; together they form a topic with the rules of the source's first one.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub(crate) fn open(files: &[RecordingFile], source: &Source) -> Result<Self, FilesError> {
        let names: Vec<_> = files.iter().map(|file| name(&file.path)).collect();
        let mut open = Vec::new();
        for file in files {
            let rules = rules(file, source)?.clone();
            let source = Source { topics: vec![rules.clone()], ..source.clone() };
            let recording = Recording::open(&file.path, &source)?;
            let path = rules.mapping.as_ref().and_then(|mapping| mapping.path.as_ref());
            let path_time = path.and_then(|pattern| {
                PathPattern::time(&pattern.read(file.path.to_str().unwrap_or_default())?)
            });
            open.push(Open { recording, rules, path_time, next: VecDeque::new() });
        }
        let disorder = open.iter().map(|open| open.rules.allowed_disorder).max();
        let first = open.first().zip(disorder).ok_or(FilesError::None)?;
        let (first, allowed_disorder) = (&first.0.rules, first.1);
        let topic = TopicRule { name: names.join(", "), allowed_disorder, ..first.clone() };
        let source = Source { topics: vec![topic], ..source.clone() };
        let (ahead, newest, timeless) = (VecDeque::new(), None, (0, false));
        Ok(Self { source, names, open, newest, timeless, ahead, given: 0 })
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

    /// The rules by which a file is read.
    pub(crate) fn rules(&self, file: usize) -> Option<&TopicRule> {
        self.open.get(file).map(|open| &open.rules)
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
        let (next, open) = (self.ahead.iter_mut().take(count as usize), &self.open);
        let times =
            next.filter_map(|record| match record.time(open.get(record.file)?, &self.source) {
                Time::Known(time) => time,
                Time::OfLog | Time::Unread => None,
            });
        Ok(times.collect())
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
        let Some(mut record) = record else { return Ok(None) };
        let log_time = self.log_time(&mut record);
        let Record { file, at, bytes, .. } = record;
        let (position, progress) = (self.given, self.progress());
        self.given += 1;
        Ok(Some(NextRecord { file, at, position, bytes, log_time, progress }))
    }

    /// The time of a record that has none of its own: the newest that any other has said.
    fn log_time(&mut self, record: &mut Record) -> Option<EventTime> {
        let open = self.open.get(record.file)?;
        if !takes_log_time(&open.rules) {
            return None;
        }
        match record.time(open, &self.source) {
            Time::Known(time) => {
                self.newest = self.newest.max(time);
                open.path_time
            }
            Time::OfLog | Time::Unread => {
                self.timeless.1 |= self.newest.is_some();
                let after = Span::from_s(self.timeless.0.cast_signed());
                self.timeless.0 += 1;
                Some(self.newest.unwrap_or(FIRST + after))
            }
        }
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
        // A record that cannot be read comes first, and one without a time last.
        let oldest = timed.min_by_key(|(time, _)| *time);
        Ok(oldest.and_then(|(_, open)| open.next.pop_front()))
    }

    /// What is odd about the files, although their records could be read.
    pub(crate) fn notes(&self) -> Vec<String> {
        let records = count(self.timeless.0);
        let timeless = match self.timeless {
            (0, _) => None,
            (_, true) => Some(format!(
                "{records} records have no time of their own, and a file does not say when the log \
                 took them: each counts as known at the newest time before it"
            )),
            (_, false) => Some(format!(
                "{records} records have no time, and a file does not say when the log took them: \
                 they are taken one second apart, so no time in this result means anything"
            )),
        };
        let notes = self.open.iter().flat_map(|open| open.recording.notes());
        notes.chain(timeless).collect()
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
        let mut next = std::mem::take(&mut self.next);
        let mut times = next.iter_mut().map(|record| match record.time(self, source) {
            Time::Known(time) => time,
            Time::OfLog | Time::Unread => Some(LAST),
        });
        let first = times.next().flatten();
        let least = first.map(|first| times.flatten().fold(first, EventTime::min));
        self.next = next;
        least
    }
}

impl Record {
    fn time(&mut self, open: &Open, source: &Source) -> Time {
        if let Time::Unread = self.ts {
            let ts = self.bytes.as_deref().and_then(|bytes| {
                let log_time = Some(open.path_time.unwrap_or(LAST));
                let raw = Raw { log_time, ..Raw::line(bytes) };
                let texts = TextArena::new();
                telemetry::decode(&raw, &open.rules, source, &texts).first().map(Sample::ts)
            });
            self.ts = if ts == Some(LAST) { Time::OfLog } else { Time::Known(ts) };
        }
        self.ts
    }
}

/// The rules of the topic whose records a file holds.
fn rules<'s>(file: &RecordingFile, source: &'s Source) -> Result<&'s TopicRule, FilesError> {
    let topics = &source.topics;
    let Some(topic) = &file.topic else { return topics.first().ok_or(FilesError::None) };
    topics.iter().find(|rules| rules.name == *topic).ok_or_else(|| {
        let known: Vec<_> = topics.iter().map(|topic| topic.name.as_str()).collect();
        let (file, source) = (name(&file.path), source.id.clone());
        FilesError::NoTopic(file, source, topic.clone(), known.join(", "))
    })
}

/// Whether the time of records may be that of the log.
fn takes_log_time(rules: &TopicRule) -> bool {
    let ts = rules.mapping.as_ref().and_then(|mapping| mapping.fields.get(&SampleField::Ts));
    ts.is_some_and(|ts| ts.from.iter().any(|place| place.root == PlaceRoot::LogTime))
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
