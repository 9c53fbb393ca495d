//! Why a recording cannot be read.

use std::io;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be opened.
    #[error("{file} cannot be opened; check its name and permissions")]
    Open {
        /// Which file.
        file: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It is a directory.
    #[error("{0} is a directory; name the files in it")]
    Directory(String),
    /// It is not UTF-8.
    #[error("{file} is {encoding}, not UTF-8; convert it: `{}`", convert(.file, .encoding, *.gzip))]
    Encoding {
        /// Which file.
        file: String,
        /// The encoding, as `iconv` calls it.
        encoding: &'static str,
        /// Whether it is gzipped.
        gzip: bool,
    },
    /// A row of a table cannot be a record.
    #[error("{file} line {line}: {problem}")]
    Row {
        /// Which file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Its gzip data end too early.
    #[error(
        "{file} ends in the middle of its gzip data, after line {line}; copy it again, or extract \
         the intact part with `gzip -dc` and use that"
    )]
    Torn {
        /// Which file.
        file: String,
        /// The last complete line.
        line: u64,
    },
    /// Its gzip data are invalid.
    #[error("{file} is damaged: its gzip data are invalid after line {line}; copy it again")]
    Damaged {
        /// Which file.
        file: String,
        /// The last complete line.
        line: u64,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Reading failed.
    #[error("{file} cannot be read after line {line}; check the disk or copy the file")]
    Read {
        /// Which file.
        file: String,
        /// The last complete line.
        line: u64,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// The command that converts a file.
fn convert(file: &str, encoding: &str, gzip: bool) -> String {
    let quoted = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@".contains(c);
        if name.chars().all(plain) {
            return name.to_owned();
        }
        format!("'{}'", name.replace('\'', "'\\''"))
    };
    let bare = file.strip_suffix(".gz").unwrap_or(file);
    let at = bare.rfind('.').filter(|at| *at > bare.rfind('/').map_or(0, |slash| slash + 1));
    let (stem, ending) = bare.split_at(at.unwrap_or(bare.len()));
    let to = quoted(&format!("{stem}.utf8{ending}"));
    match gzip {
        true => format!("gzip -dc {} | iconv -f {encoding} -t UTF-8 > {to}", quoted(file)),
        false => format!("iconv -f {encoding} -t UTF-8 {} > {to}", quoted(file)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_converts_a_file_can_be_pasted() {
        for (file, gzip, expected) in [
            ("u16.bin", false, "iconv -f UTF-16 -t UTF-8 u16.bin > u16.utf8.bin"),
            ("a.b/c", false, "iconv -f UTF-16 -t UTF-8 a.b/c > a.b/c.utf8"),
            ("a/.b", false, "iconv -f UTF-16 -t UTF-8 a/.b > a/.b.utf8"),
            ("x.jsonl.gz", true, "gzip -dc x.jsonl.gz | iconv -f UTF-16 -t UTF-8 > x.utf8.jsonl"),
            ("it's.x", false, r"iconv -f UTF-16 -t UTF-8 'it'\''s.x' > 'it'\''s.utf8.x'"),
        ] {
            assert_eq!(convert(file, "UTF-16", gzip), expected);
        }
    }
}
