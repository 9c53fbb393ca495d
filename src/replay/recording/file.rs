//! One recording: a file of lines, plain or gzipped, or standard input.
//!
//! Memory holds one line, at most of the cap's length.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::RecordingError;

const BUFFER: usize = 1 << 17;
/// The first byte of gzip, and of no text.
const GZIP: u8 = 0x1f;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line that is not blank. Lines count from 1, blank ones too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its bytes, without the line's end.
    Whole {
        /// Which.
        line: u64,
        /// What it says.
        bytes: &'a [u8],
    },
    /// Longer than the cap; skipped.
    TooLarge {
        /// Which.
        line: u64,
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
    input: Box<dyn BufRead + Send>,
    gzip: bool,
    read: Arc<AtomicU64>,
    total: Option<u64>,
    /// Bytes in a line at most.
    cap: usize,
    buffer: Vec<u8>,
    line: u64,
    ended: bool,
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Recording {
    /// Opens a file, or standard input if `path` is `-`. Whether it is gzipped shows in its first
    /// byte, not in its name. Lines longer than `cap` bytes are skipped.
    ///
    /// # Errors
    /// It cannot be opened or not be read at all.
    pub fn open(path: &Path, cap: usize) -> Result<Self, RecordingError> {
        if path.as_os_str() == "-" {
            return Self::new("standard input".to_owned(), io::stdin(), None, cap);
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
            Ok((file, total)) => Self::new(name, file, total, cap),
            Err(source) => Err(RecordingError::Open { file: name, source }),
        }
    }

    fn new(
        name: String,
        input: impl Read + Send + 'static,
        total: Option<u64>,
        cap: usize,
    ) -> Result<Self, RecordingError> {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: input, read: Arc::clone(&read) };
        let mut stored = BufReader::with_capacity(BUFFER, counted);
        let gzip = match peek(&mut stored) {
            Ok(first) => first == Some(GZIP),
            Err(source) => return Err(RecordingError::Read { file: name, line: 0, source }),
        };
        let input: Box<dyn BufRead + Send> = if gzip {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(stored)))
        } else {
            Box::new(stored)
        };
        let buffer = Vec::new();
        Ok(Self { name, input, gzip, read, total, cap, buffer, line: 0, ended: false })
    }

    /// The next line that is not blank; none at the end, or after an error.
    ///
    /// # Errors
    /// The recording cannot be read on.
    pub fn line(&mut self) -> Result<Option<Line<'_>>, RecordingError> {
        while !self.ended {
            let length = match self.fill() {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) => {
                    self.ended = true;
                    return Err(self.explain(error));
                }
            };
            self.line += 1;
            let mark = if self.line == 1 { BYTE_ORDER_MARK } else { b"" };
            let skip = if self.buffer.starts_with(mark) { mark.len() } else { 0 };
            let end = self.buffer.len() - line_end(&self.buffer);
            let range = skip.min(end)..end;
            if range.len() > self.cap {
                return Ok(Some(Line::TooLarge { line: self.line, bytes: length }));
            }
            if !self.buffer[range.clone()].trim_ascii().is_empty() {
                let bytes = &self.buffer[range];
                return Ok(Some(Line::Whole { line: self.line, bytes }));
            }
        }
        self.ended = true;
        Ok(None)
    }

    /// How far this has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress { read: self.read.load(Ordering::Relaxed), total: self.total }
    }

    /// Takes the next line into the buffer, of a long one not much more than the cap. Answers the
    /// length of the line; 0 at the end.
    fn fill(&mut self) -> io::Result<u64> {
        self.buffer.clear();
        // A line of the cap's length still has its mark and its end.
        let limit = (self.cap + BYTE_ORDER_MARK.len() + 2) as u64;
        let held = self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer)? as u64;
        if held < limit || self.buffer.ends_with(b"\n") {
            return Ok(held);
        }
        Ok(held + self.input.skip_until(b'\n')? as u64)
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
}

fn peek(input: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        match input.fill_buf() {
            Ok(bytes) => return Ok(bytes.first().copied()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn line_end(line: &[u8]) -> usize {
    if line.ends_with(b"\r\n") {
        2
    } else {
        usize::from(line.ends_with(b"\n") || line.ends_with(b"\r"))
    }
}

#[cfg(test)]
mod tests;
