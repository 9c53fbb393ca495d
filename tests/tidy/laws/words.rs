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
        for (index, line) in prose_of(file).lines().enumerate() {
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
    let folders = ["src/", "schemas/", "tests/", "benches/", "docker/", ".ci/"];
    // This file quotes what no other may say.
    path != "tests/tidy/laws/words.rs"
        && (path == "test"
            || ends.iter().any(|end| path.ends_with(end))
            || folders.iter().any(|folder| path.starts_with(folder)))
}

/// A document as it is; of Rust its comments and strings; of a schema what describes a field.
fn prose_of(file: &File) -> String {
    if file.is_rust() {
        let code = file.code.chars().chain(std::iter::repeat(' '));
        let blank = |(text, code): (char, char)| match (text, code) {
            ('\n', _) => '\n',
            (text, ' ') => text,
            _ => ' ',
        };
        return file.text.chars().zip(code).map(blank).collect();
    }
    if file.path.ends_with(".json") {
        let told = |line: &&str| line.contains("\"description\"") || line.contains("\"title\"");
        let lines = file.text.lines().map(|line| if told(&line) { line } else { "" });
        return lines.collect::<Vec<_>>().join("\n");
    }
    file.text.clone()
}

fn says(line: &str, phrase: &str) -> bool {
    let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    line.match_indices(phrase).any(|(at, _)| {
        let after = &line[at + phrase.len()..];
        // "It stands for" and "there is none" are English.
        let idiom = phrase == "stands" && after.starts_with(" for ")
            || phrase == "is none" && line[..at].ends_with("there ");
        alone(line[..at].chars().next_back()) && alone(after.chars().next()) && !idiom
    })
}

#[test]
fn a_sentence_that_reads_like_a_translation_is_caught() {
    for (path, text, expected) in [
        ("README.md", "It begins anew.", "README.md:1: \"anew\""),
        ("src/a.rs", "/// What became of a record.", "the result of"),
        ("src/a.rs", "fn stands_by() {}", ""),
        ("src/a.rs", "let stands = \"It stands here.\";", "write is"),
        ("src/a.rs", "let stands = 'x'; // There is none.", ""),
        ("schemas/a.json", "\"beside\": {\n\"description\": \"beside\"", "a.json:2"),
        ("config.toml", "# It stands for the model.", ""),
        ("config.toml", "# It stands in the file.", "write is"),
        ("tests/a.rs", "// anew", "again"),
        ("LICENSE", "beside", ""),
    ] {
        crate::check(prose, path, text, expected);
    }
}
