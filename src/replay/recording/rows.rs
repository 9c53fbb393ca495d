//! The rows of a CSV file, as records.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::{ByteRecord, ReaderBuilder, Terminator};

use crate::model::Source;
use crate::wire::telemetry::Columns;

/// What the reader of rows reads in advance.
const AHEAD: u64 = 1 << 16;

/// Why a row is no record.
pub(super) enum RowError {
    /// Reading failed.
    Read(io::Error),
    /// The line, and what is wrong there.
    Row(u64, String),
}

/// A CSV file being read.
pub(super) struct Rows {
    reader: csv::Reader<Bounded>,
    columns: Columns,
    row: ByteRecord,
    /// Bytes that may be read for the next row.
    left: Arc<AtomicU64>,
    most: u64,
}

/// Ends the file where a row does not end: a quote may never be closed.
struct Bounded {
    inner: Box<dyn BufRead + Send>,
    left: Arc<AtomicU64>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let read = self.inner.read(buffer)?;
        self.left.store(left.saturating_sub(read as u64), Ordering::Relaxed);
        Ok(read)
    }
}

impl Rows {
    /// Reads the first row, which names the columns.
    pub(super) fn new(input: Box<dyn BufRead + Send>, source: &Source) -> Result<Self, RowError> {
        let most = source.max_record_bytes as u64 + AHEAD;
        let left = Arc::new(AtomicU64::new(most));
        let bounded = Bounded { inner: input, left: Arc::clone(&left) };
        let mut builder = ReaderBuilder::new();
        // With the usual one, the line break after a carriage return counts to the next row.
        builder.flexible(true).terminator(Terminator::Any(b'\n'));
        builder.buffer_capacity(AHEAD as usize / 2);
        let mut reader = builder.from_reader(bounded);
        let line = |why| RowError::Row(1, why);
        let names = match reader.byte_headers() {
            Ok(names) => names.clone(),
            Err(why) => return Err(failed(why, 1)),
        };
        let columns = Columns::new(cells(&names), source).map_err(line)?;
        Ok(Self { reader, columns, row: ByteRecord::new(), left, most })
    }

    /// Takes the next row into the buffer, as a record; answers its line. `None` at the end.
    pub(super) fn row(&mut self, buffer: &mut Vec<u8>) -> Result<Option<u64>, RowError> {
        loop {
            self.left.store(self.most, Ordering::Relaxed);
            let after = self.reader.position().line();
            match self.reader.read_byte_record(&mut self.row) {
                Ok(false) => return Ok(None),
                Ok(true) if cells(&self.row).all(<[u8]>::is_empty) && self.row.len() == 1 => {}
                Ok(true) => {
                    let written = self.columns.write(cells(&self.row), buffer);
                    written.map_err(|why| RowError::Row(after, why))?;
                    return Ok(Some(after));
                }
                Err(why) => return Err(failed(why, after)),
            }
        }
    }
}

/// The cells of a row, without a carriage return at its end.
fn cells(row: &ByteRecord) -> impl ExactSizeIterator<Item = &[u8]> {
    let last = row.len().saturating_sub(1);
    row.iter().enumerate().map(move |(nth, cell)| match cell.strip_suffix(b"\r") {
        Some(cell) if nth == last => cell,
        Some(_) | None => cell,
    })
}

fn failed(why: csv::Error, line: u64) -> RowError {
    let described = why.to_string();
    let csv::ErrorKind::Io(why) = why.into_kind() else {
        return RowError::Row(line, described);
    };
    if why.kind() == io::ErrorKind::FileTooLarge {
        let why = "the row does not end within max_record_bytes; is a quote not closed?";
        return RowError::Row(line, why.to_owned());
    }
    RowError::Read(why)
}
