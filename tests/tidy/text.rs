//! The files of the project, and Rust text without its comments and strings.

use std::fs;
use std::path::Path;

/// One file: its path in the project, what it says, and what of that is code.
pub(crate) struct File {
    /// From the top of the project, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The same lines with comments, strings and characters blanked out. Rust only, else empty.
    pub(crate) code: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") { code(text) } else { String::new() };
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The folder or file under `src/` that it belongs to.
    pub(crate) fn room(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        Some(rest.split('/').next().unwrap_or(rest).trim_end_matches(".rs"))
    }

    /// The module doc: the `//!` lines at the top.
    pub(crate) fn doc(&self) -> String {
        let lines = self.text.lines().take_while(|line| line.starts_with("//!"));
        lines.map(|line| line.trim_start_matches("//!").trim()).collect::<Vec<_>>().join(" ")
    }

    /// Lines of code: number, whether it is of a test, text.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, bool, &str)> {
        let whole = self.path.starts_with("tests/") || self.path.ends_with("/tests.rs");
        let tests = self.code.find("#[cfg(test)]\nmod tests {");
        let from = tests.map_or(usize::MAX, |byte| self.code[..byte].lines().count());
        let lines = self.code.lines().enumerate();
        lines.map(move |(index, line)| (index + 1, whole || index >= from, line))
    }

    /// Lines of code that are not of a test.
    pub(crate) fn live(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(_, test, _)| !test).map(|(line, _, text)| (line, text))
    }

    /// The same as one text, with empty lines for those of tests.
    pub(crate) fn live_code(&self) -> String {
        let line = |(_, test, text): (usize, bool, &str)| {
            if test { "\n".to_owned() } else { format!("{text}\n") }
        };
        self.lines().map(line).collect()
    }

    /// Whether the comment above a line says that the moment itself is what is tested.
    pub(crate) fn excused(&self, line: usize) -> bool {
        let above = line.checked_sub(2).and_then(|above| self.text.lines().nth(above));
        above.is_some_and(|above| above.trim().starts_with("// ") && above.contains("moment"))
    }

    /// An offender of this file.
    pub(crate) fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// Every text file of the project but what is built or private to a tool.
pub(crate) fn project() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(root, root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 50, "no project at {}", root.display());
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let built = folder == root
                && ["target", "ripcord-data", "ripcord-demo"].contains(&name.as_str());
            let fetched = ["node_modules", "__pycache__"].contains(&name.as_str());
            let hidden = name.starts_with('.') && name != ".ci";
            if !hidden && !built && !fetched {
                collect(root, &path, files);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            files.push(File::new(&path, &text));
        }
    }
}

/// The byte where `word` begins in `line` as a whole word: no letter, digit or `_` next to it.
pub(crate) fn word(line: &str, word: &str) -> Option<usize> {
    let of_name = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let bytes = line.as_bytes();
    let alone = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let first = word.starts_with(|c: char| c.is_alphanumeric());
        let last = word.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let after = bytes.get(at + word.len());
        !(first && of_name(before) || last && of_name(after))
    };
    line.match_indices(word).map(|(at, _)| at).find(|at| alone(*at))
}

/// Rust text with comments, strings and characters blanked out, line by line.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, keep) = match foreign(rest, out.chars().next_back()) {
            Some(length) => (length, false),
            None => (first.len_utf8(), true),
        };
        let (taken, left) = rest.split_at(length);
        rest = left;
        if keep {
            out.push_str(taken);
        } else {
            out.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
    }
    out
}

/// How long the comment, string or character is that `rest` begins with, if it does.
fn foreign(rest: &str, before: Option<char>) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    if rest.starts_with('"') {
        return Some(quoted(rest));
    }
    let in_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if !in_name && let Some(raw) = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r')) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = rest.len() - raw.len() + hashes + 1;
            let length = rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len());
            return Some(length);
        }
    }
    // A character, not a lifetime: '\n', 'x'.
    let mut chars = rest.strip_prefix('\'')?.char_indices();
    match chars.next()?.1 {
        '\\' => rest[2..].char_indices().skip(1).find(|c| c.1 == '\'').map(|(at, _)| at + 3),
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

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

#[test]
fn comments_strings_and_characters_are_no_code() {
    for (text, left) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"f("x // \" y") g"#, "f(           ) g"),
        ("r#\"a\"b\"# c", "         c"),
        ("'x' '\\'' '\\u{1F}' <'a> c", "                  <'a> c"),
        ("for_r\"s\"", "for_r   "),
    ] {
        assert_eq!(code(text), left, "{text}");
    }
}

#[test]
fn a_word_stands_alone() {
    for (line, found) in
        [("rand::x", true), ("operand", false), ("a.await;", true), ("awaits", false)]
    {
        let hit = word(line, "rand").or(word(line, "await"));
        assert_eq!(hit.is_some(), found, "{line}");
    }
}

#[test]
fn tests_of_a_file_are_told_from_its_code() {
    let file = File::new("src/judge/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n}\n");
    assert_eq!((file.live().count(), file.lines().count()), (1, 4));
    assert_eq!(file.room(), Some("judge"));
    assert_eq!(File::new("src/cli.rs", "").room(), Some("cli"));
}
