//! Lines, their numbers, gzip and errors.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::wire::telemetry::utf16;

const CAP: usize = 8;
/// The first byte of gzip, and of no text.
const GZIP: u8 = 0x1f;

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn source() -> Source {
    let config = Config::load(&[], &BTreeMap::new()).unwrap();
    let source = config.settings.sources.into_iter().next().unwrap();
    Source { max_record_bytes: CAP, ..source }
}

/// What is read of `bytes`: one text per record, `!` before what is too large or wrong, `#` before
/// what is odd.
fn told_of(name: &str, bytes: &[u8]) -> Vec<String> {
    let input = io::Cursor::new(bytes.to_vec());
    let mut recording = match Recording::new(name.to_owned(), input, None, &source()) {
        Ok(recording) => recording,
        Err(error) => return vec![format!("!{error}")],
    };
    let mut told = Vec::new();
    let place = |at: RecordAt| match at.element {
        Some(element) => format!("{}.{element}", at.line),
        None => at.line.to_string(),
    };
    loop {
        match recording.line() {
            Ok(None) => break,
            Ok(Some(Line::Whole { at, bytes })) => {
                told.push(format!("{} {}", place(at), String::from_utf8_lossy(bytes)));
            }
            Ok(Some(Line::TooLarge { at, bytes })) => told.push(format!("{} !{bytes}", place(at))),
            Err(error) => told.push(format!("!{error}")),
        }
    }
    told.extend(recording.notes().into_iter().map(|note| format!("#{note}")));
    told
}

fn told(bytes: &[u8]) -> Vec<String> {
    told_of("x.jsonl", bytes)
}

#[test]
fn records_come_with_their_places() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        ("a\nb\n", &["1 a", "2 b"]),
        ("a\nb", &["1 a", "2 b"]),
        ("a\r\n\r\n \t\nb\r\n", &["1 a", "4 b"]),
        ("\n\n a\n", &["3 a"]),
        ("\u{feff}12345678\n\u{feff}1\n", &["1 12345678", "2 \u{feff}1"]),
        ("12345678\r\n123456789\n1\n", &["1 12345678", "2 !10", "3 1"]),
        ("1\n1234567890123456789012", &["1 1", "2 !22"]),
        ("1234567890123456789012\n2", &["1 !23", "2 2"]),
        ("[]", &[]),
        ("\u{feff}[{},1, \"],\"]\n", &["1.1 {}", "1.2 1", "1.3 \"],\""]),
        ("\n[\n{\n},\n\n[[1]]\n]\n[2]\nb", &["3.1 {\n}", "6.2 [[1]]", "8.1 2", "9 b"]),
        ("[12345678,123456789,{}]", &["1.1 12345678", "1.2 !9", "1.3 {}"]),
        ("[1,,2,]", &["1.1 1", "1.3 2"]),
        ("{}\n[1]\n", &["1 {}", "2 [1]"]),
        (
            "[1,{",
            &[
                "1.1 1",
                "1.2 {",
                "#x.jsonl: its list is not closed; if it was cut off, copy it again.",
            ],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(&told(text.as_bytes()), expected, "{text:?}");
        assert_eq!(&told(&zipped(text.as_bytes())), expected, "{text:?} zipped");
    }
}

#[test]
fn rows_of_a_table_are_records() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        ("a\n", &[]),
        ("\u{feff}a,b\r\n1,\r\n,x", &[r#"2 {"a":1}"#, "3 !9"]),
        ("a\n1\n\"x\n\"\n2\n", &[r#"2 {"a":1}"#, "3 !15", r#"5 {"a":2}"#]),
        ("a,a\n", &["!x.csv line 1: two columns are called \"a\"; rename one"]),
        (
            "a\n1,2\n3\n",
            &["!x.csv line 2: the row has 2 cells, the first line names 1 columns; put a cell \
               with a comma in quotes, and leave cells that have no value empty"],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(&told_of("x.csv", text.as_bytes()), expected, "{text:?}");
        assert_eq!(&told_of("x.CSV.gz", &zipped(text.as_bytes())).len(), &expected.len());
    }
    let open = format!("a\n\"{}", "x".repeat(1_000_000));
    let told = told_of("x.csv", open.as_bytes());
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("line 2: the row does not end within max_record_bytes"), "{told:?}");
}

#[test]
fn utf16_is_refused_once_and_for_all() {
    let bytes: Vec<u8> = "\u{feff}{}\n{}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let what =
        "is UTF-16, not UTF-8; convert it: `iconv -f UTF-16 -t UTF-8 x.jsonl > x.utf8.jsonl`";
    assert_eq!(told(&bytes), [format!("!x.jsonl {what}")]);
    let unmarked = told_of("x.csv", &bytes[2..]);
    assert!(unmarked[0].contains("iconv -f UTF-16LE -t UTF-8 x.csv > x.utf8.csv"), "{unmarked:?}");
}

#[test]
fn what_follows_the_last_member_costs_no_record() {
    let whole = zipped(b"a\nb\n");
    let padded = [whole.clone(), vec![0; 300_000]].concat();
    assert_eq!(told(&padded), ["1 a", "2 b"]);
    let odd = [whole.clone(), vec![0; 3], b"odd".to_vec()].concat();
    let note = "#x.jsonl: 6 bytes after its gzip data are not gzip and were ignored; `gzip -dc` \
                reads as much.";
    assert_eq!(told(&odd), ["1 a", "2 b", note]);
    let torn = [whole, vec![GZIP, 0x8b]].concat();
    assert!(told(&torn)[2].contains("ends in the middle of its gzip data"));
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
             or extract the intact part with `gzip -dc` and use that"
        )
    );
    let mut wrong = whole;
    let check = wrong.len() - 8;
    wrong[check] ^= 1;
    let told = told(&wrong);
    assert!(told.last().unwrap().contains("gzip data are invalid after line 20000"), "{told:?}");
}

#[test]
fn a_file_tells_its_progress_in_stored_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("named-wrongly.txt");
    let bytes = zipped(b"a\nb\n");
    std::fs::write(&path, &bytes).unwrap();
    let mut recording = Recording::open(&path, &source()).unwrap();
    while recording.line().unwrap().is_some() {}
    let length = bytes.len() as u64;
    assert_eq!(recording.progress(), Progress { read: length, total: Some(length) });
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = |path: &Path| Recording::open(path, &source()).err().unwrap().to_string();
    let none = said(&folder.path().join("none.jsonl"));
    assert!(none.ends_with("none.jsonl cannot be opened; check its name and permissions"));
    assert!(said(folder.path()).contains("is a directory"));
}

proptest! {
    #[test]
    fn any_bytes_end_and_every_line_is_told(bytes in proptest::collection::vec(
        prop_oneof![Just(b'\n'), Just(b'\r'), Just(b' '), any::<u8>()], 0..200,
    )) {
        prop_assume!(bytes.first() != Some(&GZIP) && utf16(&bytes).is_none());
        let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let full = body.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let list = body.trim_ascii_start().starts_with(b"[");
        prop_assert!(list || told(&bytes).len() >= full.count());
        told(&zipped(&bytes));
        told_of("x.csv", &bytes);
    }
}
