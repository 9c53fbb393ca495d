//! One recording: a file of lines, a list or a table, plain or gzipped, or standard input.
//!
//! Memory holds one record, at most of the cap's length.

use std::fs::File;
use std::io::{self, BufRead, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::RecordingError;
use super::lines::{fill, line_end};
use super::list::{Element, Then, element};
use super::rows::{RowError, Rows};
use super::stored::{Counted, Stored, peek};
use crate::model::Source;
use crate::phrases::count;
use crate::wire::telemetry::RecordAt;

/// A record that is not blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its bytes, without the line's end.
    Whole {
        /// Where it begins; blank lines count too.
        at: RecordAt,
        /// What it says.
        bytes: &'a [u8],
    },
    /// Longer than the cap; skipped.
    TooLarge {
        /// Where it begins.
        at: RecordAt,
        /// How long it is, with its end.
        bytes: u64,
    },
}

/// How far the reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read, as they are stored: compressed ones if they are.
    pub read: u64,
    /// Bytes in all, where that is known.
    pub total: Option<u64>,
}

/// A recording being read.
pub struct Recording {
    name: String,
    layout: Layout,
    gzip: bool,
    read: Arc<AtomicU64>,
    total: Option<u64>,
    trailing: Arc<AtomicU64>,
    /// Bytes in a record at most.
    cap: usize,
    buffer: Vec<u8>,
    /// Lines that were read to their end.
    line: u64,
    torn_list: bool,
}

/// How records follow each other.
enum Layout {
    /// The first byte tells: a bracket begins a list, anything else a line.
    Unknown(Box<dyn BufRead + Send>),
    Lines(Box<dyn BufRead + Send>),
    /// A list, and the elements of it that were read. What follows it is unknown again.
    List(Box<dyn BufRead + Send>, u64),
    Rows(Box<Rows>),
    Ended,
}

impl Recording {
    /// Opens a file, or standard input if `path` is `-`. Whether it is gzipped shows in its first
    /// byte, not in its name; that it is a table, in its name. Records longer than the source's
    /// limit are skipped.
    ///
    /// # Errors
    /// It cannot be opened or not be read at all.
    pub fn open(path: &Path, source: &Source) -> Result<Self, RecordingError> {
        if path.as_os_str() == "-" {
            return Self::new("standard input".to_owned(), io::stdin(), None, source);
        }
        let name = path.display().to_string();
        let open = || {
            let file = File::open(path)?;
            let about = file.metadata()?;
            Ok((file, about.is_file().then_some(about.len())))
        };
        if path.is_dir() {
            return Err(RecordingError::Directory(name));
        }
        match open() {
            Ok((file, total)) => Self::new(name, file, total, source),
            Err(source) => Err(RecordingError::Open { file: name, source }),
        }
    }

    fn new(
        name: String,
        input: impl Read + Send + 'static,
        total: Option<u64>,
        source: &Source,
    ) -> Result<Self, RecordingError> {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: input, read: Arc::clone(&read) };
        let Stored { bytes, gzip, encoding, trailing } = match Stored::new(counted) {
            Ok(stored) => stored,
            Err(source) => return Err(RecordingError::Read { file: name, line: 0, source }),
        };
        if let Some(encoding) = encoding {
            return Err(RecordingError::Encoding { file: name, encoding, gzip });
        }
        let lower = name.to_ascii_lowercase();
        let table = lower.ends_with(".csv") || lower.ends_with(".csv.gz");
        let (buffer, cap, layout) = (Vec::new(), source.max_record_bytes, Layout::Unknown(bytes));
        let (line, torn_list) = (0, false);
        let mut recording =
            Self { name, layout, gzip, read, total, trailing, cap, buffer, line, torn_list };
        if table {
            recording.as_table(source)?;
        }
        Ok(recording)
    }

    fn as_table(&mut self, source: &Source) -> Result<(), RecordingError> {
        if let Layout::Unknown(mut bytes) = std::mem::replace(&mut self.layout, Layout::Ended)
            && peek(&mut bytes).map_err(|why| self.explain(why))?.is_some()
        {
            let rows = Rows::new(bytes, source).map_err(|why| self.explain_row(why))?;
            self.layout = Layout::Rows(Box::new(rows));
        }
        Ok(())
    }

    /// The next record that is not blank; none at the end, or after an error.
    ///
    /// # Errors
    /// The recording cannot be read on.
    pub fn line(&mut self) -> Result<Option<Line<'_>>, RecordingError> {
        let found = match self.next() {
            Ok(found) => found,
            Err(error) => {
                self.layout = Layout::Ended;
                return Err(error);
            }
        };
        let Some((at, length)) = found else {
            self.layout = Layout::Ended;
            return Ok(None);
        };
        let bytes = &self.buffer[..self.buffer.len() - line_end(&self.buffer)];
        match bytes.len() > self.cap {
            true => Ok(Some(Line::TooLarge { at, bytes: length })),
            false => Ok(Some(Line::Whole { at, bytes })),
        }
    }

    /// How far this has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress { read: self.read.load(Ordering::Relaxed), total: self.total }
    }

    /// What is odd about the file, although its records could be read.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let trailing = self.trailing.load(Ordering::Relaxed);
        if trailing > 0 {
            notes.push(format!(
                "{}: {} bytes after its gzip data are not gzip and were ignored; `gzip -dc` reads \
                 as much.",
                self.name,
                count(trailing)
            ));
        }
        if self.torn_list {
            notes.push(format!(
                "{}: its list is not closed; if it was cut off, copy it again.",
                self.name
            ));
        }
        notes
    }

    /// Takes the next record into the buffer, of a long one not much more than the cap. Answers
    /// where it begins and how long it is.
    fn next(&mut self) -> Result<Option<(RecordAt, u64)>, RecordingError> {
        loop {
            let step = match &mut self.layout {
                Layout::Ended => return Ok(None),
                Layout::Rows(rows) => {
                    let row = rows.row(&mut self.buffer);
                    let row = row.map_err(|why| self.explain_row(why))?;
                    let Some(line) = row else { return Ok(None) };
                    self.line = line;
                    let at = RecordAt { line, element: None };
                    return Ok(Some((at, self.buffer.len() as u64)));
                }
                Layout::Unknown(_) => self.tell_layout().map(|()| None),
                Layout::Lines(input) => match fill(input, self.cap, &mut self.buffer) {
                    Ok(0) => return Ok(None),
                    Ok(length) => {
                        self.line += 1;
                        Ok(Some((RecordAt { line: self.line, element: None }, length)))
                    }
                    Err(why) => Err(why),
                },
                Layout::List(..) => self.element(),
            };
            let step = step.map_err(|why| self.explain(why))?;
            if let Some((_, length)) = step {
                let whole = length == self.buffer.len() as u64;
                if !whole || !self.buffer.trim_ascii().is_empty() {
                    return Ok(step);
                }
            }
        }
    }

    /// Looks at the first byte that is not blank.
    fn tell_layout(&mut self) -> io::Result<()> {
        let Layout::Unknown(mut input) = std::mem::replace(&mut self.layout, Layout::Ended) else {
            return Ok(());
        };
        while let Some(byte) = peek(&mut input)? {
            if !byte.is_ascii_whitespace() {
                self.layout = if byte == b'[' {
                    input.consume(1);
                    Layout::List(input, 0)
                } else {
                    Layout::Lines(input)
                };
                return Ok(());
            }
            input.consume(1);
            self.line += u64::from(byte == b'\n');
        }
        Ok(())
    }

    fn element(&mut self) -> io::Result<Option<(RecordAt, u64)>> {
        let Layout::List(input, nth) = &mut self.layout else { return Ok(None) };
        let found = element(input, self.cap, &mut self.buffer)?;
        let Element { lines_before, lines_within, bytes, then } = found;
        *nth += 1;
        let at = RecordAt { line: self.line + lines_before + 1, element: Some(*nth) };
        self.line += lines_before + lines_within;
        match then {
            Then::More => {}
            Then::Torn => self.torn_list = true,
            Then::Closed => {
                let list = std::mem::replace(&mut self.layout, Layout::Ended);
                if let Layout::List(input, _) = list {
                    self.layout = Layout::Unknown(input);
                }
            }
        }
        if self.torn_list && bytes == 0 {
            self.layout = Layout::Ended;
        }
        Ok(Some((at, bytes)))
    }

    fn explain(&self, source: io::Error) -> RecordingError {
        let (file, line) = (self.name.clone(), self.line);
        if !self.gzip {
            return RecordingError::Read { file, line, source };
        }
        if source.kind() == ErrorKind::UnexpectedEof {
            return RecordingError::Torn { file, line };
        }
        if matches!(source.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData) {
            return RecordingError::Damaged { file, line, source };
        }
        RecordingError::Read { file, line, source }
    }

    fn explain_row(&self, why: RowError) -> RecordingError {
        match why {
            RowError::Read(source) => self.explain(source),
            RowError::Row(line, problem) => {
                RecordingError::Row { file: self.name.clone(), line, problem }
            }
        }
    }
}

#[cfg(test)]
mod tests;
