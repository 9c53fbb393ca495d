//! Lines, their numbers, gzip and errors.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

const CAP: usize = 8;

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What is read of `bytes`: one text per line, `!` before what is too large or wrong.
fn told(bytes: &[u8]) -> Vec<String> {
    let input = io::Cursor::new(bytes.to_vec());
    let mut recording = Recording::new("x.jsonl".to_owned(), input, None, CAP).unwrap();
    let mut told = Vec::new();
    loop {
        match recording.line() {
            Ok(None) => return told,
            Ok(Some(Line::Whole { line, bytes })) => {
                told.push(format!("{line} {}", String::from_utf8_lossy(bytes)));
            }
            Ok(Some(Line::TooLarge { line, bytes })) => told.push(format!("{line} !{bytes}")),
            Err(error) => told.push(format!("!{error}")),
        }
    }
}

#[test]
fn lines_come_with_their_numbers() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        ("a\nb\n", &["1 a", "2 b"]),
        ("a\nb", &["1 a", "2 b"]),
        ("a\r\n\r\n \t\nb\r\n", &["1 a", "4 b"]),
        ("\u{feff}12345678\n\u{feff}1\n", &["1 12345678", "2 \u{feff}1"]),
        ("12345678\r\n123456789\n1\n", &["1 12345678", "2 !10", "3 1"]),
        ("1\n1234567890123456789012", &["1 1", "2 !22"]),
        ("1234567890123456789012\n2", &["1 !23", "2 2"]),
    ];
    for (text, expected) in table {
        assert_eq!(&told(text.as_bytes()), expected, "{text:?}");
        assert_eq!(&told(&zipped(text.as_bytes())), expected, "{text:?} zipped");
    }
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
    let mut recording = Recording::open(&path, CAP).unwrap();
    while recording.line().unwrap().is_some() {}
    let length = bytes.len() as u64;
    assert_eq!(recording.progress(), Progress { read: length, total: Some(length) });
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = |path: &Path| Recording::open(path, CAP).err().unwrap().to_string();
    let none = said(&folder.path().join("none.jsonl"));
    assert!(none.ends_with("none.jsonl cannot be opened; check its name and permissions"));
    assert!(said(folder.path()).contains("is a directory"));
}

proptest! {
    #[test]
    fn any_bytes_end_and_every_line_is_told(bytes in proptest::collection::vec(
        prop_oneof![Just(b'\n'), Just(b'\r'), Just(b' '), any::<u8>()], 0..200,
    )) {
        prop_assume!(bytes.first() != Some(&GZIP));
        let body = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
        let full = body.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
        prop_assert!(told(&bytes).len() >= full.count());
        told(&zipped(&bytes));
    }
}
