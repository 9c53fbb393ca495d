//! Expectations that stand in files: lines in and, below them, the lines that must come out.

use std::path::Path;

/// Holds what was said against the file, line by line. With `UPDATE=1` a file that says something
/// else is written again instead; read the difference before you commit it.
#[track_caller]
pub fn check(file: &Path, said: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    if text == said {
        return;
    }
    if std::env::var_os("UPDATE").is_some_and(|update| update == "1") {
        // By another name first: another test may be reading the file.
        let new = file.with_extension("new");
        std::fs::write(&new, said).unwrap();
        std::fs::rename(&new, file).unwrap();
        return;
    }
    let hint = "if that is right, UPDATE=1 writes it down";
    for (n, (expected, got)) in text.lines().zip(said.lines()).enumerate() {
        assert_eq!(got, expected, "{}:{}; {hint}", file.display(), n + 1);
    }
    panic!(
        "{} has {} lines, {} were said; {hint}",
        file.display(),
        text.lines().count(),
        said.lines().count()
    );
}
