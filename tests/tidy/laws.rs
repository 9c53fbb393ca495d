//! The laws: each one takes the files and answers its offenders, with what to do.
//!
//! Over 300 lines: one law after the other, and no law needs the next.

use std::collections::BTreeSet;

use crate::text::{File, word};

/// A law, read off the text.
pub(crate) type Law = fn(&[File]) -> Vec<String>;

/// What each room may use besides itself, in reading order. `app` and `main` may use anything.
const ROOMS: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("sums", &["model"]),
    ("measure", &["model", "sums"]),
    ("judge", &["model", "sums"]),
    ("undo", &["model", "sums"]),
    ("shard", &["model", "sums", "judge", "undo"]),
    ("router", &["model"]),
    ("cli", &["model"]),
    ("config", &["model"]),
    ("wire", &["model", "sums", "measure", "judge", "undo", "shard", "router"]),
    ("edge", &["model", "sums", "router", "config", "wire"]),
];

/// The rooms in which the same input gives the same output.
const PURE: [&str; 7] = ["model", "sums", "measure", "judge", "undo", "shard", "router"];

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
const MOST_LINES: usize = 300;

fn rust<'a>(files: &'a [File], under: &'a str) -> impl Iterator<Item = &'a File> {
    files.iter().filter(move |file| file.is_rust() && file.path.starts_with(under))
}

fn pure(files: &[File]) -> impl Iterator<Item = &File> {
    rust(files, "src/").filter(|file| file.room().is_some_and(|room| PURE.contains(&room)))
}

/// A room uses only the rooms it may.
pub(crate) fn layers(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in rust(files, "src/") {
        let Some((room, may)) = ROOMS.iter().find(|(room, _)| file.room() == Some(room)) else {
            continue;
        };
        for (line, used) in crate_paths(&file.code) {
            let item = used.starts_with(|c: char| c.is_uppercase());
            if used != *room && !may.contains(&used.as_str()) && !item {
                let may = if may.is_empty() { "nothing".to_owned() } else { may.join(", ") };
                let what = format!("{room} uses {used}; it may use {may}: pass data, join in app");
                found.push(file.at(line, &what));
            }
        }
        let top = file.path.ends_with("mod.rs") && file.path.matches('/').count() == 2;
        for (line, test, text) in file.lines() {
            if text.contains("super::super") || (top && !test && text.contains("super::")) {
                found.push(file.at(line, "climbs with super; write crate::room so that it shows"));
            }
        }
    }
    found
}

/// The names right after `crate::`, those in braces too, with their lines.
fn crate_paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        let line = |byte: usize| code[..byte].matches('\n').count() + 1;
        let from = at + start.len();
        let rest = &code[from..];
        if !rest.trim_start().starts_with('{') {
            found.push((line(at), name(rest)));
            continue;
        }
        let (mut depth, mut fresh) = (0, false);
        for (offset, c) in rest.char_indices() {
            match c {
                '{' => (depth, fresh) = (depth + 1, depth == 0),
                '}' if depth == 1 => break,
                '}' => depth -= 1,
                ',' if depth == 1 => fresh = true,
                _ if fresh && depth == 1 && !c.is_whitespace() => {
                    found.push((line(from + offset), name(&rest[offset..])));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
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
        if lines > MOST_LINES && !file.doc().contains("Over 300 lines: ") {
            let what = format!(
                "{lines} lines; split it, or say why not in its module doc: `Over 300 lines: …`"
            );
            found.push(file.at(1, &what));
        }
    }
    found
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
            // Where the moment itself is what is tested, as in a kill at random, it is said beside.
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

/// What has one place stands nowhere else.
pub(crate) fn places(files: &[File]) -> Vec<String> {
    const PRINTS: &str = "edge/terminal prints, and edge/diagnostics logs";
    const LOGS: &str = "edge/diagnostics.rs names log events";
    const METRICS: &str = "edge/diagnostics/metrics.rs names metrics";
    let places: [(&str, &[&str], &str); 6] = [
        ("io::stdout", &["src/edge/terminal"], PRINTS),
        ("io::stderr", &["src/edge/terminal", "src/edge/diagnostics.rs"], PRINTS),
        ("tracing", &["src/edge/diagnostics.rs"], LOGS),
        ("tracing_subscriber", &["src/edge/diagnostics.rs"], LOGS),
        ("prometheus_client", &["src/edge/diagnostics/metrics"], METRICS),
        ("rusqlite", &["src/edge/log/local"], "edge/log/local keeps records"),
    ];
    let mut found = Vec::new();
    for file in rust(files, "src/") {
        for (line, text) in file.live() {
            for (what, places, instead) in places {
                let here = places.iter().any(|place| file.path.starts_with(place));
                if word(text, what).is_some() && !here {
                    found.push(file.at(line, &format!("{what} here; only {instead}")));
                }
            }
        }
    }
    found
}

/// A schema has an example, and an example a schema.
pub(crate) fn schemas(files: &[File]) -> Vec<String> {
    let stems = |end: &str| -> Vec<(&File, String)> {
        let files = files.iter().filter(|file| file.path.starts_with("schemas/"));
        files.filter_map(|f| Some((f, f.path.strip_suffix(end)?.to_owned()))).collect()
    };
    let examples = stems(".v1.example.json");
    let schemas: Vec<_> =
        stems(".v1.json").into_iter().filter(|(_, stem)| !stem.ends_with(".example")).collect();
    let of = |example: &str, schema: &str| {
        example.strip_prefix(schema).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let mut found = Vec::new();
    for (file, schema) in &schemas {
        if !examples.iter().any(|(_, example)| of(example, schema)) {
            found.push(file.at(1, &format!("no example; write {schema}.v1.example.json")));
        }
    }
    for (file, example) in &examples {
        if !schemas.iter().any(|(_, schema)| of(example, schema)) {
            found.push(file.at(1, "an example of no schema; write the schema"));
        }
    }
    found
}

/// Every dependency says what it is for, and comes from the public registry.
pub(crate) fn dependencies(files: &[File]) -> Vec<String> {
    const REGISTRY: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path == "Cargo.toml") {
        let mut inside = false;
        for (index, line) in file.text.lines().enumerate() {
            if line.starts_with('[') {
                inside = line.trim_end_matches(']').ends_with("dependencies");
            } else if inside && line.contains(" = ") && !line.contains(" # ") {
                found.push(file.at(index + 1, "a dependency without a reason: add `# what for`"));
            }
        }
    }
    for file in files.iter().filter(|file| file.path == "Cargo.lock") {
        for (index, line) in file.text.lines().enumerate() {
            let source = line.strip_prefix("source = ");
            if source.is_some_and(|source| source != REGISTRY) {
                found.push(file.at(index + 1, "not from crates.io; take a published version"));
            }
        }
    }
    found
}

/// Nothing holds on one machine only.
pub(crate) fn portable(files: &[File]) -> Vec<String> {
    // In two parts, so that this file is no offender.
    let homes = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
    let mut found = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if homes.iter().any(|home| line.contains(home)) {
                found.push(file.at(index + 1, "a path of one machine; write it relative"));
            }
        }
    }
    found
}

/// The settings that the laws held by clippy and rustfmt rest on.
pub(crate) fn settings(files: &[File]) -> Vec<String> {
    let needed = [
        ("Cargo.toml", "unsafe_code = \"forbid\""),
        ("Cargo.toml", "missing_docs = \"warn\""),
        ("Cargo.toml", "disallowed_methods = \"warn\""),
        ("Cargo.toml", "print_stdout = \"warn\""),
        ("Cargo.toml", "print_stderr = \"warn\""),
        ("Cargo.toml", "too_many_lines = \"warn\""),
        ("Cargo.toml", "unwrap_used = \"warn\""),
        ("Cargo.toml", "expect_used = \"warn\""),
        ("Cargo.toml", "wildcard_enum_match_arm = \"warn\""),
        ("clippy.toml", "too-many-lines-threshold = 70"),
        ("clippy.toml", "\"std::time::SystemTime::now\""),
        ("clippy.toml", "\"std::time::Instant::now\""),
        ("clippy.toml", "\"f64::ln\""),
        ("clippy.toml", "\"std::collections::HashMap\""),
        ("rustfmt.toml", "max_width = 100"),
    ];
    let missing = needed.iter().filter(|(path, text)| {
        !files.iter().any(|file| file.path == *path && file.text.contains(text))
    });
    missing.map(|(path, text)| format!("{path}:1: a law rests on `{text}`; put it back")).collect()
}
