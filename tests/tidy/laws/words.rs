//! Prose that a native technical writer would not write.

use crate::text::File;

/// What no text says, and what to write instead. Matched as whole words.
const PROSE: [(&str, &str); 14] = [
    ("anew", "again, or new"),
    ("beside", "next to, with, or in addition to"),
    ("came to", "say what happened"),
    ("fared", "how it went"),
    ("is none", "say what is missing"),
    ("is nothing that", "say what is wrong"),
    ("of whom", "whose"),
    ("otherwise than", "differently from"),
    ("river", "pipeline, or topics"),
    ("so many", "how many"),
    ("stands", "is"),
    ("the like", "name them"),
    ("what became of", "the result of"),
    ("whoever", "the process that, or anyone who"),
];

/// Documents, settings, and comments and texts of the program are in plain English.
pub(crate) fn prose(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| is_read(&file.path)) {
        for (index, line) in file.text.lines().enumerate() {
            let said = line.to_lowercase();
            for (phrase, instead) in PROSE {
                if says(&said, phrase) {
                    found.push(file.at(index + 1, &format!("{phrase:?}; write {instead}")));
                }
            }
        }
    }
    found
}

/// What users and developers read. Licences are others' words.
fn is_read(path: &str) -> bool {
    let ends = [".md", ".html", "config.toml", "ripcord.toml", "compose.yaml"];
    ends.iter().any(|end| path.ends_with(end))
        || path.starts_with("src/")
        || path.starts_with("schemas/")
}

fn says(line: &str, phrase: &str) -> bool {
    let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    line.match_indices(phrase).any(|(at, _)| {
        let after = &line[at + phrase.len()..];
        // "It stands for" is English.
        let idiom = phrase == "stands" && after.starts_with(" for ");
        alone(line[..at].chars().next_back()) && alone(after.chars().next()) && !idiom
    })
}

#[test]
fn a_sentence_that_reads_like_a_translation_is_caught() {
    for (path, text, expected) in [
        ("README.md", "It begins anew.", "README.md:1: \"anew\""),
        ("src/a.rs", "/// What became of a record.", "the result of"),
        ("src/a.rs", "fn stands_by() {}", ""),
        ("config.toml", "# It stands for the model.", ""),
        ("config.toml", "# It stands in the file.", "write is"),
        ("tests/a.rs", "// anew", ""),
        ("LICENSE", "beside", ""),
    ] {
        crate::check(prose, path, text, expected);
    }
}
