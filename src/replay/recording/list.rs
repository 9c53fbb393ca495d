//! The elements of a JSON list in a file, one at a time.
//!
//! Law: memory holds one element, at most a byte more than the cap. Of the structure only quotes
//! and brackets count; what an element is, the decoder says.

use std::io::{self, BufRead};

use super::stored::peek;

/// An element, whose bytes are in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    /// Line breaks before it, since the place where reading went on.
    pub(super) lines_before: u64,
    /// Line breaks in it.
    pub(super) lines_within: u64,
    /// How long it is; beyond the cap, the buffer holds only its beginning.
    pub(super) bytes: u64,
    /// What comes after it.
    pub(super) then: Then,
}

/// What comes after an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Another one.
    More,
    /// The end of the list.
    Closed,
    /// The end of the file, in the middle of the list.
    Torn,
}

/// Takes the next element into the buffer. One that is blank has no bytes.
pub(super) fn element(
    input: &mut dyn BufRead,
    cap: usize,
    buffer: &mut Vec<u8>,
) -> io::Result<Element> {
    buffer.clear();
    let mut found = Element { lines_before: 0, lines_within: 0, bytes: 0, then: Then::Torn };
    let (mut depth, mut quoted, mut escaped) = (0_u64, false, false);
    while let Some(byte) = peek(input)? {
        input.consume(1);
        let blank = found.bytes == 0 && byte.is_ascii_whitespace();
        if byte == b'\n' {
            let lines = if blank { &mut found.lines_before } else { &mut found.lines_within };
            *lines += 1;
        }
        match byte {
            _ if blank => continue,
            _ if quoted => {
                quoted = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            }
            b'"' => quoted = true,
            b'{' | b'[' => depth += 1,
            b',' if depth == 0 => return Ok(Element { then: Then::More, ..found }),
            b']' if depth == 0 => return Ok(Element { then: Then::Closed, ..found }),
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        found.bytes += 1;
        if buffer.len() <= cap {
            buffer.push(byte);
        }
    }
    Ok(found)
}
