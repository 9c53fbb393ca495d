//! The bytes of a recording as they were before they were zipped.
//!
//! Law: what follows the last gzip member costs nothing that is before it. Zeros are padding, as
//! gzip has it; anything else is counted, for a note.

use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;

use crate::wire::telemetry::utf16;

const BUFFER: usize = 1 << 17;
/// The first bytes of gzip; the first one begins no text.
const GZIP: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes that tell an encoding.
const HEAD: u64 = 64;

/// A recording's bytes, without a byte order mark.
pub(super) struct Stored {
    pub(super) bytes: Box<dyn BufRead + Send>,
    pub(super) gzip: bool,
    /// The encoding that it should not have, as `iconv` calls it.
    pub(super) encoding: Option<&'static str>,
    /// Bytes after the last gzip member that are no padding.
    pub(super) trailing: Arc<AtomicU64>,
}

/// Counts what is read of the file.
pub(super) struct Counted<R> {
    pub(super) inner: R,
    pub(super) read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Stored {
    /// Looks at the first bytes. Whether they are gzip shows there, not in the file's name.
    pub(super) fn new(input: impl Read + Send + 'static) -> io::Result<Self> {
        let mut stored = BufReader::with_capacity(BUFFER, input);
        let gzip = peek(&mut stored)? == Some(GZIP[0]);
        let trailing = Arc::default();
        let mut bytes: Box<dyn BufRead + Send> = if gzip {
            let member = Some(GzDecoder::new(stored));
            let members = Members { member, trailing: Arc::clone(&trailing) };
            Box::new(BufReader::with_capacity(BUFFER, members))
        } else {
            Box::new(stored)
        };
        let mut head = Vec::new();
        let failed = bytes.by_ref().take(HEAD).read_to_end(&mut head).err();
        let encoding = utf16(&head);
        let mark = if head.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let mut head = Cursor::new(head);
        head.set_position(mark as u64);
        Ok(Self { bytes: Box::new(Headed { head, failed, rest: bytes }), gzip, encoding, trailing })
    }
}

/// The first byte of what is left.
pub(super) fn peek(input: &mut (impl BufRead + ?Sized)) -> io::Result<Option<u8>> {
    loop {
        match input.fill_buf() {
            Ok(bytes) => return Ok(bytes.first().copied()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The first bytes, which were looked at, why there are no more of them, and the rest.
struct Headed<R> {
    head: Cursor<Vec<u8>>,
    failed: Option<io::Error>,
    rest: R,
}

impl<R: BufRead> Read for Headed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Headed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.in_head() {
            return self.head.fill_buf();
        }
        match self.failed.take() {
            Some(failed) => Err(failed),
            None => self.rest.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        if self.in_head() { self.head.consume(amount) } else { self.rest.consume(amount) }
    }
}

impl<R> Headed<R> {
    fn in_head(&self) -> bool {
        self.head.position() < self.head.get_ref().len() as u64
    }
}

/// The members of a gzip file, one after the other.
struct Members<R> {
    member: Option<GzDecoder<R>>,
    trailing: Arc<AtomicU64>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let rest = self.member.take().map(GzDecoder::into_inner);
            self.member = match rest {
                Some(rest) => self.next(rest)?,
                None => None,
            };
        }
        Ok(0)
    }
}

impl<R: BufRead> Members<R> {
    /// The next member; without one, what follows is counted.
    fn next(&self, mut rest: R) -> io::Result<Option<GzDecoder<R>>> {
        if peek(&mut rest)?.is_none() {
            return Ok(None);
        }
        let next = rest.fill_buf()?;
        if next.iter().zip(GZIP).all(|(found, magic)| *found == magic) {
            return Ok(Some(GzDecoder::new(rest)));
        }
        let (mut length, mut padding) = (0, true);
        while peek(&mut rest)?.is_some() {
            let bytes = rest.fill_buf()?;
            let amount = bytes.len();
            padding &= bytes.iter().all(|byte| *byte == 0);
            length += amount as u64;
            rest.consume(amount);
        }
        if !padding {
            self.trailing.store(length, Ordering::Relaxed);
        }
        Ok(None)
    }
}
