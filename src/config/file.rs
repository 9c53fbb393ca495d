//! Reads the files that settings name: regular files, and links to them.
//!
//! A FIFO would block its reader for ever, and a device may have no end. So both are refused
//! before they are opened, and again after that, since a name may change in between.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// The bit that lets every user of the machine read a file.
const READABLE_BY_ALL: u32 = 0o004;

/// A file with a secret that every user of the machine may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExposedFile {
    /// The setting that names it.
    pub setting: String,
    /// The file.
    pub file: PathBuf,
}

/// Opens a regular file to read it; links are followed.
///
/// # Errors
/// It is something else, or cannot be opened.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    only_regular(&std::fs::metadata(path).map_err(in_words)?)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let file = File::from(opened.map_err(|why| in_words(why.into()))?);
    only_regular(&file.metadata()?)?;
    Ok(file)
}

/// The text of a regular file; links are followed.
///
/// # Errors
/// It is something else, cannot be read, or is not UTF-8.
pub(crate) fn read_regular(path: &Path) -> io::Result<String> {
    text_of(open_regular(path)?)
}

/// The text of a regular file, and whether every user of the machine may read it.
pub(super) fn read_secret(path: &Path) -> io::Result<(String, bool)> {
    let file = open_regular(path)?;
    let exposed = readable_by_all(&file.metadata()?);
    Ok((text_of(file)?, exposed))
}

/// Whether every user of the machine may read a file.
pub(crate) fn readable_by_all(about: &Metadata) -> bool {
    about.permissions().mode() & READABLE_BY_ALL != 0
}

/// Refuses what is not a regular file, in words.
///
/// # Errors
/// What it is, and what to do.
pub(crate) fn only_regular(about: &Metadata) -> io::Result<()> {
    let kind = about.file_type();
    let found = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a FIFO (named pipe)",
        () if kind.is_socket() => "a socket",
        () if kind.is_symlink() => "a symbolic link",
        () => "a device",
    };
    Err(io::Error::other(format!("it is {found}; put a regular file in its place")))
}

/// What the system says of links, in words.
pub(crate) fn in_words(error: io::Error) -> io::Error {
    let links = error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
    let words = "its symbolic links lead in a circle; point them to a regular file";
    if links { io::Error::other(words) } else { error }
}

fn text_of(mut file: File) -> io::Result<String> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_a_regular_file_is_read_and_a_link_to_one() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "text").unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink(at("circle"), at("circle")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        assert_eq!(read_regular(&at("file")).unwrap(), "text");
        assert_eq!(read_regular(&at("link")).unwrap(), "text");
        for (name, said) in [
            ("fifo", "it is a FIFO (named pipe)"),
            ("zero", "it is a device"),
            ("circle", "its symbolic links lead in a circle"),
            (".", "it is a directory"),
        ] {
            let why = read_regular(&at(name)).unwrap_err().to_string();
            assert!(why.starts_with(said), "{name}: {why}");
        }
    }
}
