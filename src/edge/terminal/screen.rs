//! The last thing that a text passes on its way to people: hidden characters of others become
//! visible, Ripcord's own colours stay.
//!
//! Everything that is printed and every line of the log passes here, so that no place that makes a
//! text has to remember it.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use crate::model::is_hidden;

/// The sequences that Ripcord itself and its tables and bars send. No other one passes.
const OWN: [&str; 14] = [
    "\u{1b}[0m",
    "\u{1b}[1m",
    "\u{1b}[2m",
    "\u{1b}[22m",
    "\u{1b}[1;31m",
    "\u{1b}[1;32m",
    "\u{1b}[31m",
    "\u{1b}[32m",
    "\u{1b}[33m",
    "\u{1b}[39m",
    "\u{1b}[38;5;9m",
    "\u{1b}[38;5;10m",
    "\u{1b}[38;5;11m",
    "\u{1b}[49m",
];

/// The text as people may see it. `colours`: whether Ripcord's own pass.
pub(super) fn screened(text: &str, colours: bool) -> Cow<'_, str> {
    if !text.contains(|c| c != '\n' && is_hidden(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let own = OWN.iter().find(|own| colours && c == '\u{1b}' && rest.starts_with(**own));
        let taken = own.map_or(c.len_utf8(), |own| own.len());
        let (piece, after) = rest.split_at(taken);
        match own.is_none() && c != '\n' && is_hidden(c) {
            true => out.extend(c.escape_unicode()),
            false => out.push_str(piece),
        }
        rest = after;
    }
    Cow::Owned(out)
}

/// JSON for people and programs, over several lines. What is hidden is escaped as JSON does it, so
/// that a program reads what was written.
///
/// # Errors
/// The value cannot be JSON.
pub fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(json_escaped(&text, |c| c != '\n'))
}

/// `text`, which is JSON, with hidden characters as JSON escapes; `also` leaves out some.
fn json_escaped(text: &str, also: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !(also(c) && is_hidden(c)) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// Writes events, one line each: what is hidden in them, line breaks too, is escaped.
#[derive(Debug)]
pub struct EventLines<W> {
    to: W,
    json: bool,
}

impl<W> EventLines<W> {
    /// Lines of text, or of JSON.
    pub fn new(to: W, json: bool) -> Self {
        Self { to, json }
    }
}

impl<W: Write> Write for EventLines<W> {
    /// An event is written at once, with the line break at its end.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let shown = match self.json {
            true => json_escaped(line, |_| true),
            false => screened(line, false).replace('\n', "\\u{a}"),
        };
        let end = if line.len() < text.len() { "\n" } else { "" };
        self.to.write_all(format!("{shown}{end}").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_colours_pass_and_nothing_of_others() {
        let text =
            "\u{1b}[1;31mbad\u{1b}[0m é\n\u{1b}]0;PWN\u{7}\u{1b}[2J\r\u{202e}\u{9b}\u{e0041}";
        let rest = "\\u{1b}]0;PWN\\u{7}\\u{1b}[2J\\u{d}\\u{202e}\\u{9b}\\u{e0041}";
        assert_eq!(screened(text, true), format!("\u{1b}[1;31mbad\u{1b}[0m é\n{rest}"));
        assert_eq!(screened(text, false), format!("\\u{{1b}}[1;31mbad\\u{{1b}}[0m é\n{rest}"));
        assert!(matches!(screened("plain\nlines", false), Cow::Borrowed(_)));
    }

    #[test]
    fn json_stays_json_and_says_the_same() {
        let value = serde_json::json!({"a\u{202e}": ["\u{1b}[31m", "\u{e0041}\u{9b}\n", "é"]});
        let text = json(&value).unwrap();
        assert!(!text.contains(|c| c != '\n' && is_hidden(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert!(text.contains("é"));
    }

    #[test]
    fn an_event_is_one_line() {
        let event = "WARN why=\u{1b}[31mred\u{202e}\nripcord: all healthy\n".as_bytes();
        for (json, expected) in [
            (false, "WARN why=\\u{1b}[31mred\\u{202e}\\u{a}ripcord: all healthy\n"),
            (true, "WARN why=\\u001b[31mred\\u202e\\u000aripcord: all healthy\n"),
        ] {
            let mut out = Vec::new();
            EventLines::new(&mut out, json).write_all(event).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
