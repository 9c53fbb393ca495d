//! The lines of a file, one at a time.

use std::io::{self, BufRead, Read as _};

/// Takes a line into the buffer, of a long one not much more than the cap. Answers its length; 0 at
/// the end.
pub(super) fn fill(input: &mut dyn BufRead, cap: usize, buffer: &mut Vec<u8>) -> io::Result<u64> {
    buffer.clear();
    // A line of the cap's length still has its end.
    let limit = (cap + 2) as u64;
    let held = input.take(limit).read_until(b'\n', buffer)? as u64;
    if held < limit || buffer.ends_with(b"\n") {
        return Ok(held);
    }
    Ok(held + input.skip_until(b'\n')? as u64)
}

/// Bytes of the line break at the end of a line.
pub(super) fn line_end(line: &[u8]) -> usize {
    if line.ends_with(b"\r\n") {
        2
    } else {
        usize::from(line.ends_with(b"\n") || line.ends_with(b"\r"))
    }
}
