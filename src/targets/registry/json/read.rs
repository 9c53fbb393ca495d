//! Reads JSON and keeps how it was written.

use super::{JsonMember, JsonMembers, JsonString, JsonText, LiteralJson};

/// How deep lists and objects may be nested.
const DEPTH: usize = 128;

/// Python's words for numbers that JSON does not have.
const NOT_FINITE: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// Where a text stops being JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {wrong}")]
pub struct JsonSyntaxError {
    line: usize,
    /// In characters.
    column: usize,
    wrong: String,
}

impl JsonText {
    /// Reads the text of a file.
    pub(in crate::targets::registry) fn read(text: &str) -> Result<Self, JsonSyntaxError> {
        let mut reader = Reader { text, at: 0, line: 1 };
        reader.eat("\u{feff}");
        reader.space();
        let before = reader.since(0);
        let root = reader.value(DEPTH)?;
        let after = reader.space();
        if reader.peek().is_some() {
            return Err(reader.expected("the end of the file"));
        }
        Ok(Self { before, root, after, indent: indent_of(text) })
    }
}

/// The white space before the first indented line; empty if the text is one line.
fn indent_of(text: &str) -> String {
    let mut lines = text.trim().lines().skip(1);
    let first = lines.find(|line| line.starts_with([' ', '\t']));
    let indent = first.map(|line| line.chars().take_while(|c| matches!(c, ' ' | '\t')));
    indent.map_or(String::new(), Iterator::collect)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> String {
        self.text.get(start..self.at).unwrap_or_default().to_owned()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, token: &str) -> bool {
        let eaten = self.rest().starts_with(token);
        self.at += if eaten { token.len() } else { 0 };
        eaten
    }

    fn eat_one(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        let next = self.peek().filter(|c| wanted(*c));
        self.at += next.map_or(0, char::len_utf8);
        next.is_some()
    }

    fn space(&mut self) -> String {
        let start = self.at;
        while self.eat_one(|c| matches!(c, ' ' | '\t' | '\r' | '\n')) {}
        let space = self.since(start);
        // No line ends within a value.
        self.line += space.matches('\n').count();
        space
    }

    fn expected(&self, wanted: &str) -> JsonSyntaxError {
        let found = match self.peek() {
            Some(c) => format!("{c:?}"),
            None => "the end of the file".to_owned(),
        };
        self.wrong(format!("expected {wanted}, found {found}"))
    }

    fn wrong(&self, wrong: String) -> JsonSyntaxError {
        let before = self.text.get(..self.at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        JsonSyntaxError { line, column, wrong }
    }

    fn value(&mut self, depth: usize) -> Result<LiteralJson, JsonSyntaxError> {
        if let Some(word) = NOT_FINITE.into_iter().find(|word| self.eat(word)) {
            return Ok(LiteralJson::Number(word.to_owned()));
        }
        if self.eat("null") {
            return Ok(LiteralJson::Null);
        }
        if self.eat("true") {
            return Ok(LiteralJson::Flag(true));
        }
        if self.eat("false") {
            return Ok(LiteralJson::Flag(false));
        }
        match self.peek() {
            Some('{') => self.members('}', depth).map(LiteralJson::Object),
            Some('[') => self.members(']', depth).map(LiteralJson::List),
            Some('"') => self.string().map(LiteralJson::Text),
            Some('-' | '0'..='9') => self.number().map(LiteralJson::Number),
            Some(_) | None => Err(self.expected("a value")),
        }
    }

    fn members(&mut self, close: char, depth: usize) -> Result<JsonMembers, JsonSyntaxError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.wrong(format!("nested more than {DEPTH} levels deep")));
        };
        self.eat_one(|_| true);
        let mut all = Vec::new();
        let mut lead = self.space();
        if self.eat_one(|c| c == close) {
            return Ok(JsonMembers { all, end: Some(lead) });
        }
        loop {
            let line = self.line;
            let (name, colon) = if close == '}' { self.name()? } else { (None, None) };
            let value = self.value(depth)?;
            let after = self.space();
            let mut member = JsonMember { lead: Some(lead), name, colon, value, after, line };
            if self.eat_one(|c| c == close) {
                let end = Some(std::mem::take(&mut member.after));
                all.push(member);
                return Ok(JsonMembers { all, end });
            }
            if !self.eat(",") {
                return Err(self.expected(&format!("',' or '{close}'")));
            }
            all.push(member);
            lead = self.space();
        }
    }

    /// The name of a field, and the colon after it.
    fn name(&mut self) -> Result<(Option<JsonString>, Option<String>), JsonSyntaxError> {
        if self.peek() != Some('"') {
            return Err(self.expected("a field name in double quotes"));
        }
        let name = self.string()?;
        let start = self.at;
        self.space();
        if !self.eat(":") {
            return Err(self.expected("':'"));
        }
        self.space();
        Ok((Some(name), Some(self.since(start))))
    }

    fn string(&mut self) -> Result<JsonString, JsonSyntaxError> {
        let start = self.at;
        self.eat("\"");
        while !self.eat("\"") {
            if self.eat("\\u") {
                for _ in 0..4 {
                    if !self.eat_one(|c| c.is_ascii_hexdigit()) {
                        return Err(self.expected("four hex digits after \\u"));
                    }
                }
            } else if self.eat("\\") {
                if !self.eat_one(|c| "\"\\/bfnrt".contains(c)) {
                    return Err(self.expected("one of \" \\ / b f n r t u after \\"));
                }
            } else if !self.eat_one(|c| c >= ' ') {
                return Err(self.expected("the rest of the text or its closing quote"));
            }
        }
        let written = self.since(start);
        // The form is checked above, so only half of a surrogate pair cannot be decoded.
        let text = serde_json::from_str(&written).ok();
        Ok(JsonString { written, text })
    }

    fn number(&mut self) -> Result<String, JsonSyntaxError> {
        let start = self.at;
        self.eat("-");
        if !self.eat("0") {
            self.digits()?;
        }
        if self.eat(".") {
            self.digits()?;
        }
        if self.eat_one(|c| matches!(c, 'e' | 'E')) {
            self.eat_one(|c| matches!(c, '+' | '-'));
            self.digits()?;
        }
        Ok(self.since(start))
    }

    fn digits(&mut self) -> Result<(), JsonSyntaxError> {
        if !self.eat_one(|c| c.is_ascii_digit()) {
            return Err(self.expected("a digit"));
        }
        while self.eat_one(|c| c.is_ascii_digit()) {}
        Ok(())
    }
}
