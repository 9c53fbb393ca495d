//! The laws of ARCHITECTURE.md that no compiler holds, read off the text of the project.
//!
//! Clippy holds what it can (clocks, prints, long functions, indexing and hash maps in pure
//! rooms); `settings` and `excuses` hold clippy. Every law is shown to catch what it is for. A
//! law that stands in the way of something better is changed here and in ARCHITECTURE.md at once.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod laws;
mod text;

use laws::Law;
use text::{File, project};

const LAWS: [(&str, Law); 12] = [
    ("layers", laws::layers),
    ("purity", laws::purity),
    ("sizes", laws::sizes),
    ("docs", laws::docs),
    ("tests", laws::tests),
    ("reachable", laws::reachable),
    ("finished", laws::finished),
    ("excuses", laws::excuses),
    ("places", laws::places),
    ("schemas", laws::schemas),
    ("dependencies", laws::dependencies),
    ("portable", laws::portable),
];

#[test]
fn the_project_keeps_its_laws() {
    let files = project();
    let laws = LAWS.iter().chain(&[("settings", laws::settings as Law)]);
    let broken: Vec<String> = laws
        .flat_map(|(name, law)| law(&files).into_iter().map(move |what| format!("{name} {what}")))
        .collect();
    assert!(broken.is_empty(), "{} offenders:\n{}", broken.len(), broken.join("\n"));
}

/// One law over one planted file: `expected` is what its only offender says, `""` that none is.
fn check(law: Law, path: &str, text: &str, expected: &str) {
    let found = law(&[File::new(path, text)]);
    let hit = match expected {
        "" => found.is_empty(),
        expected => found.len() == 1 && found[0].contains(expected),
    };
    assert!(hit, "{path}\n{text}\nexpected: {expected}\nfound: {found:#?}");
}

#[test]
fn a_room_that_reaches_too_far_is_caught() {
    for (path, text, expected) in [
        ("src/judge/a.rs", "use crate::model::X;", ""),
        ("src/judge/a.rs", "use crate::judge::b;", ""),
        ("src/judge/a.rs", "\nuse crate::undo::X;", "judge/a.rs:2: judge uses undo"),
        ("src/undo/a.rs", "use crate::{model::{a, b},\n sums, judge::c};", "undo/a.rs:2: undo"),
        ("src/edge/log/a.rs", "fn a() { crate::shard::b() }", "edge uses shard"),
        ("src/edge/a.rs", "use crate::wire::json;", ""),
        ("src/config/mod.rs", "use crate::edge::clock;", "config uses edge"),
        ("src/cli.rs", "use crate::config::Config;", "cli uses config"),
        ("src/app/a.rs", "use crate::{edge, cli};", ""),
        ("src/judge/a.rs", "// crate::undo\nconst A: &str = \"crate::undo\";", ""),
        ("src/model/a/b.rs", "use super::super::c;", "climbs"),
        ("src/model/mod.rs", "use super::undo;", "climbs"),
        ("src/model/mod.rs", "#[cfg(test)]\nmod tests {\nuse super::X;\n}", ""),
    ] {
        check(laws::layers, path, text, expected);
    }
}

#[test]
fn an_impure_room_is_caught() {
    for (path, text, expected) in [
        ("src/undo/a.rs", "use std::time::Instant;", "a.rs:1: std::time in a pure room"),
        ("src/undo/a.rs", "async fn a() {}", "async"),
        ("src/undo/a.rs", "use std::sync::Mutex;", "Arc alone"),
        ("src/undo/a.rs", "use std::sync::Arc;", ""),
        ("src/undo/a.rs", "let operand = 1; // async", ""),
        ("src/undo/a.rs", "serde_json::to_string(&a)", "serde_json"),
        ("src/shard/snapshot.rs", "serde_json::to_string(&a)", ""),
        ("src/model/source.rs", "a: BTreeMap<String, serde_json::Value>,", ""),
        ("src/undo/a.rs", "#[cfg(test)]\nmod tests {\nserde_json::to_string(&a)\n}", ""),
        ("src/edge/a.rs", "use std::time::Duration;", ""),
        (
            "src/undo/mod.rs",
            "#![deny(clippy::disallowed_types, clippy::indexing_slicing)]",
            "iter_over_hash_type",
        ),
    ] {
        check(laws::purity, path, text, expected);
    }
}

#[test]
fn what_grew_too_big_is_caught() {
    let wide = format!("// {}", "ä".repeat(98));
    let long = "\n".repeat(301);
    check(laws::sizes, "src/a.rs", &wide, "a.rs:1: 101 columns");
    check(laws::sizes, "src/a.rs", &wide[..wide.len() - 2], "");
    check(laws::sizes, "src/a.rs", &format!("//! A.{long}"), "301 lines");
    check(laws::sizes, "src/a.rs", &format!("//! A.\n//!\n//! Over 300 lines: b.{long}"), "");
}

#[test]
fn a_silent_or_lost_file_is_caught() {
    check(laws::docs, "src/a.rs", "fn a() {}", "no module doc");
    check(laws::docs, "src/judge/mod.rs", "//! Judges.", "states its law");
    check(laws::docs, "src/judge/mod.rs", "//! Judges.\n//!\n//! Law: it never acts.", "");

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
    assert_eq!(laws::reachable(&files("src/main.rs")), [""; 0]);
    for lost in ["src/d.rs", "src/a/c.rs", "tests/t/v.rs", "tests/common/u.rs"] {
        assert_eq!(laws::reachable(&files(lost)).len(), 1, "{lost}");
    }
    check(laws::tests, "tests/a.rs", "", "tests/a.rs:1: a crate of its own");
    check(laws::tests, "tests/t/main.rs", "", "");
    check(laws::tests, "tests/t/a.rs", "", "");
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
        check(laws::finished, path, text, expected);
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
        check(laws::excuses, path, text, expected);
    }
}

#[test]
fn what_stands_in_the_wrong_place_is_caught() {
    for (path, text, expected) in [
        ("src/app/a.rs", "tracing::info!(\"b\");", "edge/diagnostics.rs names"),
        ("src/edge/diagnostics.rs", "tracing::info!(\"b\");", ""),
        ("src/edge/http/a.rs", "use prometheus_client::registry::Registry;", "metrics.rs names"),
        ("src/edge/diagnostics.rs", "use prometheus_client::registry;", "metrics.rs names"),
        ("src/edge/diagnostics/metrics.rs", "use prometheus_client::registry::Registry;", ""),
        ("src/app/a.rs", "let out = std::io::stdout();", "edge/terminal prints"),
        ("src/app/a.rs", "use rusqlite::Connection;", "edge/log/local"),
    ] {
        check(laws::places, path, text, expected);
    }
}

#[test]
fn a_lonely_schema_a_bare_dependency_and_a_private_path_are_caught() {
    check(laws::schemas, "schemas/a.v1.json", "", "write schemas/a.v1.example.json");
    check(laws::schemas, "schemas/a.b.v1.example.json", "", "an example of no schema");
    let both = [File::new("schemas/a.v1.json", ""), File::new("schemas/a.b.v1.example.json", "")];
    assert_eq!(laws::schemas(&both), [""; 0]);

    check(laws::dependencies, "Cargo.toml", "[dependencies]\na = \"1\"", "toml:2: a dependency");
    check(laws::dependencies, "Cargo.toml", "[dev-dependencies]\na = \"1\" # b", "");
    check(laws::dependencies, "Cargo.toml", "[package]\nname = \"a\"", "");
    check(laws::dependencies, "Cargo.lock", "source = \"git+https://a\"", "not from crates.io");

    check(laws::portable, "docs/a.md", concat!("see /ho", "me/me/a"), "a.md:1: a path of one");
    check(laws::portable, "docs/a.md", "see ~/a and ./b", "");
    assert!(laws::settings(&[File::new("clippy.toml", "")]).len() > 10);
}
