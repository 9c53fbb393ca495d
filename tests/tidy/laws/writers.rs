//! Files are written in one place.

use super::rust;
use crate::text::{File, word};

/// Only one place opens files to write them, so that no link, mode or truncation is forgotten.
pub(crate) fn writers(files: &[File]) -> Vec<String> {
    const WRITES: [&str; 17] = [
        "fs::write",
        "fs::copy",
        "fs::rename",
        "create_dir",
        "create_dir_all",
        "DirBuilder",
        "hard_link",
        "symlink",
        "set_permissions",
        "chown",
        "fchown",
        "lchown",
        "File::create",
        "File::create_new",
        "File::options",
        "OpenOptions",
        "tokio::fs",
    ];
    let mut found = Vec::new();
    let elsewhere =
        |file: &&File| !file.path.starts_with("src/edge/files") && !file.path.contains("/tests/");
    for file in rust(files, "src/").filter(elsewhere) {
        for (line, text) in file.live() {
            let listed = text.split_once("fs::{").is_some_and(|(_, list)| {
                ["write", "copy", "rename"].iter().any(|name| word(list, name).is_some())
            });
            if let Some(what) = WRITES.iter().find(|what| word(text, what).is_some()) {
                found.push(file.at(line, &format!("{what} here; only edge/files writes files")));
            } else if listed {
                found.push(file.at(line, "a function that writes; only edge/files writes files"));
            }
        }
    }
    found
}

#[test]
fn a_second_writer_of_files_is_caught() {
    for (path, text, expected) in [
        ("src/app/a.rs", "std::fs::write(path, text)?;", "a.rs:1: fs::write here"),
        ("src/app/a.rs", "let file = File::create(path)?;", "File::create here"),
        ("src/demo/a.rs", "fs::create_dir_all(path)?;", "create_dir_all here"),
        ("src/demo/a.rs", "file.set_permissions(mode)?;", "set_permissions here"),
        ("src/edge/log/a.rs", "use std::fs::OpenOptions;", "OpenOptions here"),
        ("src/edge/log/a.rs", "use std::fs::{self, write};", "a function that writes"),
        ("src/edge/log/a.rs", "use std::fs::{self, File};\nlet a = File::open(path)?;", ""),
        ("src/edge/files.rs", "OpenOptions::new()", ""),
        ("src/edge/a.rs", "#[cfg(test)]\nmod tests {\nfs::write(a, b);\n}", ""),
    ] {
        crate::check(writers, path, text, expected);
    }
}
