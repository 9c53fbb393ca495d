//! Names the build: the version and a hash of everything that a shard's fold runs through. Two
//! programs with the same hash decide alike. `tests/pure/shard/build.rs` includes this file.

use std::fs;
use std::io;
use std::path::Path;

/// The rooms that a shard's fold runs through.
pub(crate) const ROOMS: [&str; 6] = ["model", "sums", "phrases", "judge", "undo", "shard"];

/// Where the tests of a file begin; nothing follows them.
const TESTS: &str = "\n#[cfg(test)]\nmod tests";

fn main() -> io::Result<()> {
    // Cargo runs a build script in its package's folder.
    let root = Path::new("");
    let lock = fs::read_to_string("Cargo.lock")?;
    let hash = hash(&sources(root)?, &lock);
    // Twelve digits tell builds apart and still fit on a line.
    let short = hash >> 16;
    println!("cargo:rustc-env=RIPCORD_BUILD={}+{short:012x}", env!("CARGO_PKG_VERSION"));
    for room in ROOMS {
        println!("cargo:rerun-if-changed=src/{room}");
    }
    for file in ["build.rs", "Cargo.lock"] {
        println!("cargo:rerun-if-changed={file}");
    }
    Ok(())
}

/// Every source file of the rooms under `root`, as its path and its text.
pub(crate) fn sources(root: &Path) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for room in ROOMS {
        collect(&root.join("src").join(room), &format!("src/{room}"), &mut files)?;
    }
    Ok(files)
}

fn collect(folder: &Path, name: &str, files: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{name}/{file}");
        if path.is_dir() {
            collect(&path, &name, files)?;
        } else if file.ends_with(".rs") && file != "tests.rs" {
            files.push((name, fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// The hash of `files`, whatever their order, and of the locked version of `libm`, whose last bits
/// are in every statistic. Comments, blank lines and tests do not count.
pub(crate) fn hash(files: &[(String, String)], lock: &str) -> u64 {
    let mut files: Vec<_> = files.iter().collect();
    files.sort();
    let mut text = format!("libm {}\n", locked(lock, "libm"));
    for (name, source) in files {
        text.push_str(name);
        text.push('\n');
        text.push_str(&bare(source));
    }
    fnv(text.as_bytes())
}

/// The version of a package in a Cargo.lock; empty if it is not there.
fn locked<'a>(lock: &'a str, package: &str) -> &'a str {
    let entry = lock
        .split("[[package]]")
        .find(|entry| entry.lines().any(|line| line.trim_end() == format!("name = \"{package}\"")));
    let mut lines = entry.unwrap_or_default().lines();
    let version = lines.find_map(|line| line.strip_prefix("version = "));
    version.unwrap_or_default().trim().trim_matches('"')
}

/// FNV-1a with 64 bits: small, and the same wherever it is built.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Rust text without comments, blank lines, line ends and tests.
fn bare(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let live = text.split(TESTS).next().unwrap_or_default();
    let mut out = String::with_capacity(live.len());
    let mut rest = live;
    while let Some(first) = rest.chars().next() {
        let before = out.chars().next_back();
        let (length, comment) = match (comment(rest), literal(rest, before)) {
            (Some(length), _) => (length, true),
            (None, Some(length)) => (length, false),
            (None, None) => (first.len_utf8(), false),
        };
        let (taken, left) = rest.split_at(length);
        rest = left;
        match comment {
            true => {}
            // A line end within a string is a part of it, not a line end of the program.
            false if length > first.len_utf8() => out.push_str(&taken.replace('\n', "\u{1}")),
            false => out.push_str(taken),
        }
    }
    out.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// How long the comment at the start of `rest` is.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    rest.starts_with("/*").then(|| {
        let (mut depth, mut at) = (0_u32, 0);
        while let Some(left) = rest.get(at..).filter(|left| !left.is_empty()) {
            if left.starts_with("/*") {
                (depth, at) = (depth + 1, at + 2);
            } else if left.starts_with("*/") {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    break;
                }
            } else {
                at += left.chars().next().map_or(1, char::len_utf8);
            }
        }
        at
    })
}

/// How long the string or character at the start of `rest` is.
fn literal(rest: &str, before: Option<char>) -> Option<usize> {
    if rest.starts_with('"') {
        return Some(quoted(rest));
    }
    let in_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if !in_name && let Some(raw) = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r')) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let inside = raw.get(hashes..).and_then(|raw| raw.strip_prefix('"'));
        if let Some(inside) = inside {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = rest.len() - inside.len();
            return Some(inside.find(&end).map_or(rest.len(), |at| start + at + end.len()));
        }
    }
    // A character, not a lifetime: '\n', 'x'.
    let mut chars = rest.strip_prefix('\'')?.char_indices();
    match chars.next()?.1 {
        '\\' => rest.get(3..)?.find('\'').map(|at| at + 4),
        _ => chars.next().filter(|c| c.1 == '\'').map(|(at, _)| at + 2),
    }
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}
