//! A place in a JSON text, and the way past the value that begins there.

use super::number::Short;

/// A value as it is in the text, not yet read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RawValue<'a> {
    /// A text in quotes.
    Text(Text<'a>),
    /// An object, with its brackets.
    Object(&'a [u8]),
    /// An array, with its brackets.
    Array(&'a [u8]),
    /// A number, true, false, null, or a word that JSON does not have.
    Word(&'a [u8]),
}

impl<'a> RawValue<'a> {
    /// Its bytes; of a text those between the quotes.
    pub(super) const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.bytes(),
            Self::Object(bytes) | Self::Array(bytes) | Self::Word(bytes) => bytes,
        }
    }
}

/// What is between two quotes, not yet read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text<'a> {
    /// Printable ASCII without a backslash: it stands for itself.
    Plain(&'a str),
    /// Any bytes, escapes included.
    Other(&'a [u8]),
}

impl<'a> Text<'a> {
    pub(super) const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Plain(text) => text.as_bytes(),
            Self::Other(bytes) => bytes,
        }
    }
}

/// What is wrong with the structure, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

pub(super) const CUT: &str = "it is cut off";

/// Levels of nesting whose kind of bracket is remembered: one bit each.
const KINDS: u32 = u128::BITS;

/// Whether a byte ends a number or a bare word.
#[inline]
const fn ends_word(byte: &u8) -> bool {
    matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r' | b':' | b'"' | b'{' | b'[')
}

/// Whether a byte stands for itself in a text: printable ASCII, neither quote nor backslash.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// A byte in each byte.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The high bit of each byte that is not plain, right up to the first of them; of the later ones
/// some may be wrong.
#[inline]
const fn odd(eight: u64) -> u64 {
    let control = eight.wrapping_sub(each(b' '));
    let quote = (eight ^ each(b'"')).wrapping_sub(each(1));
    let backslash = (eight ^ each(b'\\')).wrapping_sub(each(1));
    let delete = eight.wrapping_add(each(1));
    (eight | control | quote | backslash | delete) & each(0x80)
}

/// The same of each quote and bracket.
#[inline]
const fn structure(eight: u64) -> u64 {
    // This bit is all that tells square brackets from curly ones.
    let curly = eight | each(b'{' ^ b'[');
    let quote = (eight ^ each(b'"')).wrapping_sub(each(1));
    let open = (curly ^ each(b'{')).wrapping_sub(each(1));
    let close = (curly ^ each(b'}')).wrapping_sub(each(1));
    (quote | open | close) & !eight & each(0x80)
}

/// A place in a text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    /// The same bytes, if they are known to be UTF-8, else nothing.
    utf8: &'a str,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    /// A place in bytes of which nothing is known.
    pub(super) const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, utf8: "", at }
    }

    /// A place in bytes that are looked through once, so that no text in them has to be again.
    pub(super) fn checked(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, utf8: std::str::from_utf8(bytes).unwrap_or_default(), at }
    }

    pub(super) const fn broken(&self, what: &'static str) -> Broken {
        Broken { at: self.at, what }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn since(&self, from: usize) -> &'a [u8] {
        self.bytes.get(from..self.at).unwrap_or_default()
    }

    #[inline]
    pub(super) fn blank(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn end(&mut self) -> Result<(), Broken> {
        self.blank();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.broken("something follows the value; write one per record")),
        }
    }

    #[inline(always)]
    pub(super) fn value(&mut self) -> Result<RawValue<'a>, Broken> {
        self.blank();
        let from = self.at;
        match self.peek() {
            None => Err(self.broken(CUT)),
            Some(b'"') => self.text().map(RawValue::Text),
            Some(b'{') => {
                self.nested()?;
                Ok(RawValue::Object(self.since(from)))
            }
            Some(b'[') => {
                self.nested()?;
                Ok(RawValue::Array(self.since(from)))
            }
            Some(_) => match self.word() {
                [] => Err(self.broken("a value is missing")),
                word => Ok(RawValue::Word(word)),
            },
        }
    }

    /// The number here, if it is a short one. Else nothing was done.
    #[inline(always)]
    pub(super) fn short_number(&mut self) -> Option<f64> {
        let rest = self.rest();
        let Short { number, length, .. } = Short::at_start(rest)?;
        if rest.get(length).is_some_and(|next| !ends_word(next)) {
            return None;
        }
        self.at += length;
        Some(number)
    }

    /// What is here up to the end of a number or a bare word.
    #[inline]
    fn word(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let word = rest.split_at_checked(rest.iter().position(ends_word).unwrap_or(rest.len()));
        let word = word.map_or(rest, |(word, _)| word);
        self.at += word.len();
        word
    }

    /// What is between the quotes, the first of which is here.
    #[inline(always)]
    pub(super) fn text(&mut self) -> Result<Text<'a>, Broken> {
        match self.plain_text() {
            Some(text) => Ok(Text::Plain(text)),
            None => self.other_text().map(Text::Other),
        }
    }

    /// The text here, if it is plain and the record is known to be UTF-8. Else nothing was done.
    #[inline]
    fn plain_text(&mut self) -> Option<&'a str> {
        if self.utf8.is_empty() {
            return None;
        }
        let from = self.at + 1;
        let mut to = from;
        loop {
            let rest = self.bytes.get(to..)?;
            let Some(eight) = rest.first_chunk() else {
                to += rest.iter().take_while(|byte| is_plain(**byte)).count();
                break;
            };
            let marks = odd(u64::from_le_bytes(*eight));
            if marks != 0 {
                to += marks.trailing_zeros() as usize / 8;
                break;
            }
            to += 8;
        }
        if self.bytes.get(to) != Some(&b'"') {
            return None;
        }
        let text = self.utf8.get(from..to)?;
        self.at = to + 1;
        Some(text)
    }

    #[cold]
    fn other_text(&mut self) -> Result<&'a [u8], Broken> {
        self.at += 1;
        let from = self.at;
        loop {
            match memchr::memchr2(b'"', b'\\', self.rest()) {
                None => {
                    self.at = self.bytes.len();
                    return Err(self.broken(CUT));
                }
                Some(offset) => {
                    self.at += offset;
                    if self.peek() == Some(b'"') {
                        let text = self.since(from);
                        self.at += 1;
                        return Ok(text);
                    }
                    // A backslash, and whatever it escapes.
                    self.at += 2;
                }
            }
        }
    }

    /// Goes to the next quote or bracket, or to the end.
    #[inline]
    fn seek_structure(&mut self) {
        while !matches!(self.peek(), None | Some(b'"' | b'{' | b'[' | b'}' | b']')) {
            let marks =
                self.rest().first_chunk().map(|eight| structure(u64::from_le_bytes(*eight)));
            // The last few are looked at one by one.
            self.at += marks.map_or(1, |marks| marks.trailing_zeros() as usize / 8);
        }
    }

    /// Goes past the array or object that begins here.
    fn nested(&mut self) -> Result<(), Broken> {
        // Which bracket closes each of the outer 128 levels; further in, only their number counts.
        let (mut depth, mut kinds) = (0_u32, 0_u128);
        loop {
            self.seek_structure();
            match self.peek() {
                Some(b'"') => {
                    self.text()?;
                    continue;
                }
                Some(open @ (b'{' | b'[')) => {
                    depth += 1;
                    if depth <= KINDS {
                        kinds = (kinds << 1) | u128::from(open == b'{');
                    }
                }
                None => return Err(self.broken(CUT)),
                close => {
                    if depth <= KINDS {
                        if (kinds & 1 == 1) != (close == Some(b'}')) {
                            return Err(self.broken("brackets do not match"));
                        }
                        kinds >>= 1;
                    }
                    depth -= 1;
                }
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }
}
