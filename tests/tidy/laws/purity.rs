//! In pure rooms the same input gives the same output.

use super::{PURE, rust};
use crate::text::{File, word};

/// What no pure room names, and what to do instead.
const IMPURE: [(&str, &str); 21] = [
    ("std::time", "time is an argument: EventTime, LogTime or Span of model"),
    ("std::fs", "edge reads and writes files"),
    ("std::net", "edge talks to the network"),
    ("std::io", "edge reads and writes"),
    ("std::process", "edge runs programs"),
    ("std::env", "config reads the environment"),
    ("std::thread", "app owns the threads"),
    ("thread_local", "keep state in fields"),
    ("tokio", "app and edge wait"),
    ("async", "app and edge wait"),
    ("await", "app and edge wait"),
    ("tracing", "say it in `out`; edge/diagnostics names it"),
    ("rusqlite", "edge/log keeps records"),
    ("reqwest", "edge talks to the network"),
    ("axum", "edge talks to the network"),
    ("rand", "take what is random as an argument"),
    ("new_v4", "derive ids from what they stand for: new_v5"),
    ("RandomState", "a BTreeMap has one order"),
    ("Utc::now", "time is an argument"),
    ("serde_json", "derive serde; only shard/snapshot.rs encodes, only wire reads JSON"),
    ("bincode", "derive serde; only shard/snapshot.rs encodes"),
];

fn pure(files: &[File]) -> impl Iterator<Item = &File> {
    rust(files, "src/").filter(|file| file.room().is_some_and(|room| PURE.contains(&room)))
}

/// Pure rooms name no clock, no I/O, no threads, no chance; and ask clippy for the rest.
pub(crate) fn purity(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in pure(files) {
        for (line, text) in file.live() {
            for (banned, instead) in IMPURE {
                let allowed = match banned {
                    "serde_json" => file.path == "src/shard/snapshot.rs" || !encodes(text),
                    _ => false,
                };
                if word(text, banned).is_some() && !allowed {
                    found.push(file.at(line, &format!("{banned} in a pure room; {instead}")));
                }
            }
            if text.contains("std::sync::") && !text.contains("std::sync::Arc;") {
                found.push(file.at(line, "of std::sync a pure room has Arc alone: &mut self"));
            }
        }
        if file.path.ends_with("/mod.rs") && file.path.matches('/').count() == 2 {
            for lint in ["disallowed_types", "indexing_slicing", "iter_over_hash_type"] {
                if !file.code.contains("#![deny(") || !file.code.contains(lint) {
                    let what = format!("say #![deny(clippy::{lint})] at the top of a pure room");
                    found.push(file.at(1, &what));
                }
            }
        }
    }
    found
}

/// Whether it does more with JSON than hold a value somebody wrote into the settings.
fn encodes(text: &str) -> bool {
    text.replace("serde_json::Value", "").contains("serde_json")
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
        crate::check(purity, path, text, expected);
    }
}
