//! Recordings: files of lines, plain or gzipped, or standard input.
//!
//! What cannot be used is said with file and line; memory holds one line of at most the cap.
//!
//! Over 300 lines: its tests stand in it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

const BUFFER: usize = 1 << 17;
/// The first byte of gzip, and of no text.
const GZIP: u8 = 0x1f;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a recording cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be opened.
    #[error("{file} cannot be opened; check its name and that you may read it")]
    Open {
        /// Which.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds files, no records.
    #[error("{0} is a directory; name the files in it")]
    Directory(String),
    /// Its gzip data stop before their end.
    #[error(
        "{file} ends in the middle of its gzip data, after line {line}; copy it again, or save \
         what is whole with `gzip -dc` and use that"
    )]
    Torn {
        /// Which.
        file: String,
        /// The last whole line.
        line: u64,
    },
    /// Its gzip data are wrong.
    #[error("{file} is damaged: its gzip data are wrong after line {line}; copy it again")]
    Damaged {
        /// Which.
        file: String,
        /// The last whole line.
        line: u64,
        /// How.
        #[source]
        source: io::Error,
    },
    /// Reading failed.
    #[error("{file} cannot be read after line {line}; check the disk or copy the file")]
    Read {
        /// Which.
        file: String,
        /// The last whole line.
        line: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
}

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
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    const CAP: usize = 8;

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What is read of `bytes`: one text per line, `!` before what is too large or wrong.
    fn told(bytes: &[u8]) -> Vec<String> {
        let input = io::Cursor::new(bytes.to_vec());
        let mut recording = Recording::new("x.jsonl".to_owned(), input, None, CAP).unwrap();
        let mut told = Vec::new();
        loop {
            match recording.line() {
                Ok(None) => return told,
                Ok(Some(Line::Whole { line, bytes })) => {
                    told.push(format!("{line} {}", String::from_utf8_lossy(bytes)));
                }
                Ok(Some(Line::TooLarge { line, bytes })) => told.push(format!("{line} !{bytes}")),
                Err(error) => told.push(format!("!{error}")),
            }
        }
    }

    #[test]
    fn lines_come_with_their_numbers() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a\nb\n", &["1 a", "2 b"]),
            ("a\nb", &["1 a", "2 b"]),
            ("a\r\n\r\n \t\nb\r\n", &["1 a", "4 b"]),
            ("\u{feff}12345678\n\u{feff}1\n", &["1 12345678", "2 \u{feff}1"]),
            ("12345678\r\n123456789\n1\n", &["1 12345678", "2 !10", "3 1"]),
            ("1\n1234567890123456789012", &["1 1", "2 !22"]),
            ("1234567890123456789012\n2", &["1 !23", "2 2"]),
        ];
        for (text, expected) in table {
            assert_eq!(&told(text.as_bytes()), expected, "{text:?}");
            assert_eq!(&told(&zipped(text.as_bytes())), expected, "{text:?} zipped");
        }
    }

    #[test]
    fn members_of_a_gzip_file_follow_each_other() {
        let bytes = [zipped(b"a\nb"), zipped(b"c\n"), zipped(b""), zipped(b"d")].concat();
        assert_eq!(told(&bytes), ["1 a", "2 bc", "3 d"]);
    }

    #[test]
    fn torn_and_damaged_gzip_says_where_and_what_to_do() {
        let text: Vec<u8> =
            (0..20_000).flat_map(|i: u32| format!("{}\n", i % 977).into_bytes()).collect();
        let whole = zipped(&text);
        let torn = told(&whole[..whole.len() - 9]);
        let last = torn.last().unwrap();
        assert!(torn.len() > 10_000, "whole lines come first: {}", torn.len());
        let line = torn.len() - 1;
        assert_eq!(
            *last,
            format!(
                "!x.jsonl ends in the middle of its gzip data, after line {line}; copy it again, \
                 or save what is whole with `gzip -dc` and use that"
            )
        );
        let mut wrong = whole;
        let check = wrong.len() - 8;
        wrong[check] ^= 1;
        let told = told(&wrong);
        assert!(told.last().unwrap().contains("gzip data are wrong after line 20000"), "{told:?}");
    }

    #[test]
    fn a_file_tells_its_progress_in_stored_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("named-wrongly.txt");
        let bytes = zipped(b"a\nb\n");
        std::fs::write(&path, &bytes).unwrap();
        let mut recording = Recording::open(&path, CAP).unwrap();
        while recording.line().unwrap().is_some() {}
        let length = bytes.len() as u64;
        assert_eq!(recording.progress(), Progress { read: length, total: Some(length) });
    }

    #[test]
    fn what_cannot_be_opened_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| Recording::open(path, CAP).err().unwrap().to_string();
        let none = said(&folder.path().join("none.jsonl"));
        assert!(
            none.ends_with("none.jsonl cannot be opened; check its name and that you may read it")
        );
        assert!(said(folder.path()).contains("is a directory"));
    }

    proptest! {
        #[test]
        fn any_bytes_end_and_every_line_is_told(bytes in proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(b'\r'), Just(b' '), any::<u8>()], 0..200,
        )) {
            prop_assume!(bytes.first() != Some(&GZIP));
            let body = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
            let full = body.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
            prop_assert!(told(&bytes).len() >= full.count());
            told(&zipped(&bytes));
        }
    }
}
