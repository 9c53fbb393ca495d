//! The records in a text: lines of JSON, one object, or lists.
//!
//! Law: a record that cannot be read costs no other one, as far as it can be told where the next
//! begins.

use std::fmt;
use std::ops::Range;

use super::cursor::RawValue;
use super::scan::{elements, whole};
use super::{Rejected, event, parse};
use crate::model::TopicRule;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where a record begins in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordAt {
    /// Its line, from 1.
    pub line: u64,
    /// Which of a list it is, from 1.
    pub element: Option<u64>,
}

impl RecordAt {
    /// What is said of the record, where its line is named already.
    #[must_use]
    pub fn within_line(self, detail: String) -> String {
        match self.element {
            Some(element) => format!("element {element}: {detail}"),
            None => detail,
        }
    }
}

impl fmt::Display for RecordAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.element {
            Some(element) => write!(f, "line {}, element {element}", self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

/// A record and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPart<'a> {
    /// Where it begins.
    pub at: RecordAt,
    /// Its bytes, or why it cannot be told from the rest.
    pub value: Result<&'a [u8], Rejected>,
}

/// Calls `take` with each record of a text: a record a line, one object over several lines, or the
/// elements of a list; and of an event whose data is a list each record as an event of its own.
///
/// # Errors
/// The first error of `take`, after which nothing more is taken.
pub fn each_record<E>(
    text: &[u8],
    topic: &TopicRule,
    mut take: impl FnMut(RecordPart<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut first = text.split(|byte| *byte == b'\n').filter(|line| !is_blank(line));
    let Some(first) = first.next() else { return Ok(()) };
    let lines = whole(first.trim_ascii()).is_ok();
    if !lines && (text.trim_ascii().starts_with(b"[") || is_object(text)) {
        let blank = text.len() - text.trim_ascii_start().len();
        let line = 1 + newlines(text.get(..blank).unwrap_or_default());
        return value(text.trim_ascii(), line, topic, &mut take);
    }
    for (line, bytes) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        if !is_blank(bytes) {
            value(bytes.trim_ascii(), line, topic, &mut take)?;
        }
    }
    Ok(())
}

/// Whether a text is UTF-16, and how `iconv` calls it: JSON begins with ASCII, so every other byte
/// is 0 where the mark is missing.
#[must_use]
pub fn utf16(text: &[u8]) -> Option<&'static str> {
    let looked_at = text.get(..text.len().min(64) & !1).unwrap_or_default();
    let alternate = |zero: usize| {
        let mut bytes = looked_at.iter().enumerate();
        looked_at.len() >= 4 && bytes.all(|(at, byte)| (*byte == 0) == (at % 2 == zero))
    };
    match text {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        _ if alternate(1) => Some("UTF-16LE"),
        _ if alternate(0) => Some("UTF-16BE"),
        _ => None,
    }
}

/// The records in one value, which begins in this line.
fn value<E>(
    text: &[u8],
    line: u64,
    topic: &TopicRule,
    take: &mut impl FnMut(RecordPart<'_>) -> Result<(), E>,
) -> Result<(), E> {
    if !text.starts_with(b"[") {
        return record(text, RecordAt { line, element: None }, topic, take);
    }
    let (mut line, mut seen, mut element) = (line, 0, 0);
    let mut list = elements(text);
    loop {
        let next = match list.next() {
            Some(next) => next.map(|found| place(text, found)),
            None => match whole(text) {
                Ok(_) => return Ok(()),
                Err(broken) => Err(broken),
            },
        };
        element += 1;
        let begins = next.as_ref().map_or_else(|broken| broken.at, |found| found.start);
        line += newlines(text.get(seen..begins).unwrap_or_default());
        seen = begins.max(seen);
        match next {
            Ok(found) => {
                let bytes = text.get(found).unwrap_or_default();
                record(bytes, RecordAt { line, element: Some(element) }, topic, take)?;
            }
            Err(broken) => {
                let value = Err(parse::broken(text, broken));
                let at = RecordAt { line, element: Some(element) };
                return take(RecordPart { at, value });
            }
        }
    }
}

/// A record, or those in the list of an event.
fn record<E>(
    bytes: &[u8],
    at: RecordAt,
    topic: &TopicRule,
    take: &mut impl FnMut(RecordPart<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let in_list = event::each_in_list(bytes, topic.mapping.as_ref(), |nth, record| {
        let at = RecordAt { element: at.element.or(Some(nth)), ..at };
        take(RecordPart { at, value: Ok(record) })
    });
    in_list.unwrap_or_else(|| take(RecordPart { at, value: Ok(bytes) }))
}

/// Where a value is in the text that it is a part of.
fn place(text: &[u8], value: RawValue<'_>) -> Range<usize> {
    let bytes = value.bytes();
    let quote = usize::from(matches!(value, RawValue::Text(_)));
    let from = bytes.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    from.saturating_sub(quote)..from + bytes.len() + quote
}

fn is_object(text: &[u8]) -> bool {
    matches!(whole(text), Ok(RawValue::Object(_)))
}

fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

fn newlines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Span;

    /// What is found in a text: line, element and value of each record; `!` before what is broken.
    fn told(text: &str) -> Vec<String> {
        let topic = TopicRule { name: "t".to_owned(), allowed_disorder: Span::ZERO, mapping: None };
        let mut told = Vec::new();
        each_record(
            text.as_bytes(),
            &topic,
            |RecordPart { at: RecordAt { line, element }, value }| {
                let element = element.map_or(String::new(), |element| format!(".{element}"));
                let value = value.map(|value| String::from_utf8_lossy(value).into_owned());
                let value = value.unwrap_or_else(|why| format!("!{}", why.detail));
                told.push(format!("{line}{element} {value}"));
                Ok::<(), ()>(())
            },
        )
        .unwrap();
        told
    }

    #[test]
    fn records_are_found_in_lines_objects_and_lists() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            (" \n\t", &[]),
            ("\u{feff}{}\n{}", &["1 {}", "2 {}"]),
            ("{}\r\n\n nonsense \n{\n", &["1 {}", "3 nonsense", "4 {"]),
            ("\n{\n\"a\": 1\n}\n", &["2 {\n\"a\": 1\n}"]),
            ("{\n{}\n", &["1 {", "2 {}"]),
            ("[]", &[]),
            ("[{}, {}]", &["1.1 {}", "1.2 {}"]),
            ("[{}]\n{}\n[1,\"b\"]", &["1.1 {}", "2 {}", "3.1 1", "3.2 \"b\""]),
            ("\n[\n{},\n\n{\n}\n]\n", &["3.1 {}", "5.2 {\n}"]),
            (
                "[\n{},\n{",
                &[
                    "2.1 {}",
                    "3.2 !it is cut off (byte 7, at its end); write one JSON \
                              object per record",
                ],
            ),
        ];
        for (text, expected) in table {
            assert_eq!(told(text), *expected, "{text:?}");
        }
        let trailing = told("[{}] x");
        assert_eq!(trailing.len(), 2);
        assert!(trailing[1].starts_with("1.2 !something follows the value"), "{trailing:?}");
    }

    #[test]
    fn each_record_in_the_list_of_an_event_is_an_event() {
        let packed = r#"{"specversion":"1.0","data":[{"a":1},{"b":2}],"id":"e"}"#;
        let base64 = r#"{"specversion":"1.0","id":"e","data_base64":"W3siYSI6MX0seyJiIjoyfV0="}"#;
        let quoted = r#"{"specversion":"1.0","id":"e","data":"[{\"a\":1},{\"b\":2}]"}"#;
        let events = [
            r#"1.1 {"specversion":"1.0","id":"e","data":{"a":1}}"#,
            r#"1.2 {"specversion":"1.0","id":"e","data":{"b":2}}"#,
        ];
        for text in [packed, base64, quoted] {
            assert_eq!(told(text), events, "{text}");
        }
        let batch = format!("[{packed},{{}}]");
        assert_eq!(told(&batch).len(), 3);
    }

    #[test]
    fn utf16_is_told_from_frames_and_text() {
        for (bytes, expected) in [
            (&b"\xff\xfe{\0"[..], Some("UTF-16")),
            (b"\xfe\xff\0{", Some("UTF-16")),
            (b"{\0\"\0t\0", Some("UTF-16LE")),
            (b"\0{\0\"\0t", Some("UTF-16BE")),
            (b"\0\0\0\0\x01{", None),
            (b"{\"a\":1}", None),
            (b"{", None),
            (b"", None),
        ] {
            assert_eq!(utf16(bytes), expected, "{bytes:?}");
        }
    }
}
