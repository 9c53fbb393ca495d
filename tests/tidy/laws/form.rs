//! Laws of form: how long a line and a file may be, how a file begins, what may be left open.

use std::collections::BTreeSet;

use super::rust;
use crate::text::{File, word};

/// Lints that hold a law, and the only files that may be excused.
const EXCUSED: [(&str, &[&str]); 8] = [
    ("disallowed_methods", &["src/edge/clock.rs"]),
    ("print_stdout", &["src/edge/terminal.rs"]),
    ("print_stderr", &["src/edge/terminal.rs"]),
    ("disallowed_types", &["src/measure/names.rs"]),
    ("iter_over_hash_type", &[]),
    ("indexing_slicing", &[]),
    ("too_many_lines", &[]),
    ("unsafe_code", &[]),
];

const MOST_COLUMNS: usize = 100;
/// Lines of a file, unless its module doc says why it is longer.
const MOST_LINES: usize = 300;
/// Lines of a file of `src`, whatever its module doc says.
const MOST_LINES_AT_ALL: usize = 400;
/// Lines of the median file of `src`.
const MEDIAN_LINES: usize = 150;

/// Lines fit, and a long file says why it is one file.
pub(crate) fn sizes(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for (index, line) in file.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > MOST_COLUMNS {
                let what = format!("{columns} columns; break it at {MOST_COLUMNS}");
                found.push(file.at(index + 1, &what));
            }
        }
        let lines = file.text.lines().count();
        if lines > MOST_LINES_AT_ALL && file.path.starts_with("src/") {
            found
                .push(file.at(1, &format!("{lines} lines; split it: {MOST_LINES_AT_ALL} at most")));
        }
        if lines > MOST_LINES && !file.doc().contains("Over 300 lines: ") {
            let what = format!(
                "{lines} lines; split it, or say why not in its module doc: `Over 300 lines: …`"
            );
            found.push(file.at(1, &what));
        }
    }
    found
}

/// Lines of the files of `src`, the median and the longest.
pub(crate) fn lengths(files: &[File]) -> (usize, usize) {
    let mut lengths: Vec<_> = rust(files, "src/").map(|file| file.text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    (median, lengths.last().copied().unwrap_or_default())
}

/// Most files fit in the head.
pub(crate) fn median(files: &[File]) -> Vec<String> {
    let (median, _) = lengths(files);
    let what = format!("src: the median file has {median} lines; split long ones: {MEDIAN_LINES}");
    if median > MEDIAN_LINES { vec![what] } else { Vec::new() }
}

/// Every file has a module doc, and a room states its law there.
pub(crate) fn docs(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in rust(files, "src/").chain(rust(files, "tests/")) {
        if file.doc().is_empty() {
            found.push(file.at(1, "no module doc; begin with `//!` and what the file is for"));
        }
        let room = file.path.matches('/').count() == 2 && file.path.ends_with("/mod.rs");
        if room && file.path.starts_with("src/") && !file.doc().contains("Law: ") {
            found.push(file.at(1, "a room states its law in its module doc: `Law: …`"));
        }
    }
    found
}

/// Every file of tests belongs to one of the crates: `tests/NAME/main.rs` and what that names.
pub(crate) fn tests(files: &[File]) -> Vec<String> {
    let own = rust(files, "tests/").filter(|file| file.path.matches('/').count() == 1);
    own.map(|file| {
        file.at(1, "a crate of its own; move it into one, tests/NAME/, by what it needs")
    })
    .collect()
}

/// Every file under `src` and in the folders of `tests` is compiled.
pub(crate) fn reachable(files: &[File]) -> Vec<String> {
    let mut declared = BTreeSet::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let (folder, stem) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let stem = stem.trim_end_matches(".rs");
        let root = ["mod", "lib", "main"].contains(&stem);
        let inside = if root { folder.to_owned() } else { format!("{folder}/{stem}") };
        let mut path = None;
        for (code, text) in file.code.lines().zip(file.text.lines()) {
            if code.trim_start().starts_with("#[path") {
                path = text.split('"').nth(1);
                continue;
            }
            let Some(at) = word(code, "mod") else { continue };
            let Some(module) = code[at + 3..].trim().strip_suffix(';') else { continue };
            match path.take() {
                Some(path) => declared.insert(joined(folder, path)),
                None => declared.insert(format!("{inside}/{module}.rs")),
            };
            declared.insert(format!("{inside}/{module}/mod.rs"));
        }
    }
    let root = |path: &str| match path.strip_prefix("tests/").and_then(|path| path.split_once('/'))
    {
        Some((_, file)) => file == "main.rs",
        None => ["src/main.rs", "src/lib.rs"].contains(&path),
    };
    let files = rust(files, "src/").chain(rust(files, "tests/"));
    let lost = files.filter(|file| !declared.contains(&file.path) && !root(&file.path));
    lost.map(|file| file.at(1, "no `mod` names it; declare it or delete it")).collect()
}

/// `path` as it is meant in `folder`: each `..` leads out of one.
fn joined(folder: &str, path: &str) -> String {
    let (mut folder, mut path) = (folder, path);
    while let Some(rest) = path.strip_prefix("../") {
        (folder, path) = (folder.rsplit_once('/').map_or("", |(above, _)| above), rest);
    }
    format!("{folder}/{path}")
}

/// Nothing is left for later, switched off without a reason, or timed by sleeping.
pub(crate) fn finished(files: &[File]) -> Vec<String> {
    // In two parts, so that this file is no offender.
    let later = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let mut found = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if later.iter().any(|later| word(line, later).is_some()) {
                found.push(file.at(index + 1, "left for later; do it or write an issue"));
            }
        }
        for (line, test, text) in file.lines() {
            if ["todo!", "unimplemented!"].iter().any(|stub| word(text, stub).is_some()) {
                found.push(file.at(line, "a stub; build it or leave its caller out"));
            }
            if text.contains("#[ignore]") {
                found.push(file.at(line, "ignored without a reason: #[ignore = \"…\"]"));
            }
            // Where the moment itself is what is tested, as in a kill at random, a comment says so.
            let sleeps = text.contains("thread::sleep") || text.contains("time::sleep");
            if test && sleeps && !file.excused(line) {
                found.push(file.at(line, "a test that sleeps; wait for what it waits for"));
            }
        }
    }
    found
}

/// Only the file that a law names is excused from it, and every excuse has a reason.
pub(crate) fn excuses(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in rust(files, "src/") {
        let attributes =
            file.code.match_indices("allow(").chain(file.code.match_indices("expect("));
        for (at, start) in attributes {
            let before = file.code[..at].trim_end_matches(' ');
            if !before.ends_with("#[") && !before.ends_with("#![") {
                continue;
            }
            let line = before.matches('\n').count() + 1;
            let inner = file.code[at + start.len()..].split(')').next().unwrap_or_default();
            if start == "allow(" {
                found.push(file.at(line, "allow; write expect, which tells when it is not needed"));
            }
            if !inner.contains("reason") {
                found.push(file.at(line, "an excuse without `reason = \"…\"`"));
            }
            for (lint, files) in EXCUSED {
                if word(inner, lint).is_some() && !files.contains(&file.path.as_str()) {
                    let what = match files {
                        [] => format!("nothing is excused from {lint}; write it otherwise"),
                        files => format!("{lint} is excused in {} alone; use it", files.join(", ")),
                    };
                    found.push(file.at(line, &what));
                }
            }
        }
    }
    found
}

#[test]
fn what_grew_too_big_is_caught() {
    let wide = format!("// {}", "ä".repeat(98));
    let long = "\n".repeat(301);
    crate::check(sizes, "src/a.rs", &wide, "a.rs:1: 101 columns");
    crate::check(sizes, "src/a.rs", &wide[..wide.len() - 2], "");
    crate::check(sizes, "src/a.rs", &format!("//! A.{long}"), "301 lines");
    let said = |lines: usize| format!("//! A.\n//!\n//! Over 300 lines: b.{}", "\n".repeat(lines));
    crate::check(sizes, "src/a.rs", &said(301), "");
    crate::check(sizes, "src/a.rs", &said(401), "400 at most");
    crate::check(sizes, "tests/a/b.rs", &said(401), "");
    crate::check(median, "src/a.rs", &said(151), "the median file has");
    crate::check(median, "src/a.rs", &said(100), "");
}

#[test]
fn a_silent_or_lost_file_is_caught() {
    crate::check(docs, "src/a.rs", "fn a() {}", "no module doc");
    crate::check(docs, "src/judge/mod.rs", "//! Judges.", "states its law");
    crate::check(docs, "src/judge/mod.rs", "//! Judges.\n//!\n//! Law: it never acts.", "");

    let files = |lost: &str| {
        [
            File::new("src/lib.rs", "pub mod a;\n// mod d;"),
            File::new("src/a/mod.rs", "mod b;\nmod tests { }"),
            File::new("src/a/b.rs", "mod c;"),
            File::new("src/a/b/c.rs", ""),
            File::new("tests/t/main.rs", "#[path = \"../common/mod.rs\"]\nmod common;\nmod u;"),
            File::new("tests/t/u.rs", ""),
            File::new("tests/common/mod.rs", "mod words;"),
            File::new("tests/common/words.rs", ""),
            File::new(lost, ""),
        ]
    };
    assert_eq!(reachable(&files("src/main.rs")), [""; 0]);
    for lost in ["src/d.rs", "src/a/c.rs", "tests/t/v.rs", "tests/common/u.rs"] {
        assert_eq!(reachable(&files(lost)).len(), 1, "{lost}");
    }
    crate::check(tests, "tests/a.rs", "", "tests/a.rs:1: a crate of its own");
    crate::check(tests, "tests/t/main.rs", "", "");
    crate::check(tests, "tests/t/a.rs", "", "");
}

#[test]
fn what_is_left_for_later_is_caught() {
    let note = concat!("# TO", "DO: more");
    for (path, text, expected) in [
        ("config.toml", note, "left for later"),
        ("src/a.rs", "fn a() { todo!() }", "a stub"),
        ("tests/a.rs", "#[ignore]\nfn a() {}", "without a reason"),
        ("tests/a.rs", "#[ignore = \"long\"]\nfn a() {}", ""),
        ("tests/a.rs", "std::thread::sleep(a);", "sleeps"),
        ("src/a.rs", "#[cfg(test)]\nmod tests {\nthread::sleep(a);\n}", "sleeps"),
        ("src/edge/a.rs", "std::thread::sleep(a);", ""),
        ("src/a.rs", "let a = \"todo!\"; // thread::sleep", ""),
    ] {
        crate::check(finished, path, text, expected);
    }
}

#[test]
fn a_wrong_excuse_is_caught() {
    for (path, text, expected) in [
        ("src/a.rs", "#[expect(clippy::expect_used, reason = \"b\")]", ""),
        ("src/a.rs", "#[expect(clippy::expect_used)]", "without `reason"),
        ("src/a.rs", "#![allow(clippy::float_cmp, reason = \"b\")]", "write expect"),
        ("src/a.rs", "\n#[expect(clippy::print_stdout, reason = \"b\")]", "a.rs:2: print_stdout"),
        ("src/edge/terminal.rs", "#![expect(clippy::print_stdout, reason = \"b\")]", ""),
        ("src/judge/a.rs", "#[expect(clippy::indexing_slicing, reason = \"b\")]", "nothing is"),
        ("src/a.rs", "let a = b.expect(\"c\");", ""),
    ] {
        crate::check(excuses, path, text, expected);
    }
}
