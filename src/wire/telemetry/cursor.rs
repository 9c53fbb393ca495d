//! A place in a JSON text, and the way past the value that begins there.

/// A value as it is in the text, not yet read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RawValue<'a> {
    /// What is between the quotes, escapes included.
    Text(&'a [u8]),
    /// An object, with its brackets.
    Object(&'a [u8]),
    /// An array, with its brackets.
    Array(&'a [u8]),
    /// A number, true, false, null, or a word that JSON does not have.
    Word(&'a [u8]),
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

/// A place in a text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn broken(&self, what: &'static str) -> Broken {
        Broken { at: self.at, what }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn since(&self, from: usize) -> &'a [u8] {
        self.bytes.get(from..self.at).unwrap_or_default()
    }

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
            Some(_) => {
                let end = |byte: &u8| {
                    matches!(
                        byte,
                        b',' | b'}'
                            | b']'
                            | b' '
                            | b'\n'
                            | b'\t'
                            | b'\r'
                            | b':'
                            | b'"'
                            | b'{'
                            | b'['
                    )
                };
                let rest = self.rest();
                self.at += rest.iter().position(end).unwrap_or(rest.len());
                match self.since(from) {
                    [] => Err(self.broken("a value is missing")),
                    word => Ok(RawValue::Word(word)),
                }
            }
        }
    }

    /// What is between the quotes, the first of which is here.
    pub(super) fn text(&mut self) -> Result<&'a [u8], Broken> {
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

    /// Goes past the array or object that begins here.
    fn nested(&mut self) -> Result<(), Broken> {
        // Which bracket closes each of the outer 128 levels; further in, only their number counts.
        let (mut depth, mut kinds) = (0_u32, 0_u128);
        loop {
            let rest = self.rest();
            let found =
                rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'));
            let Some(offset) = found else {
                self.at = self.bytes.len();
                return Err(self.broken(CUT));
            };
            self.at += offset;
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
