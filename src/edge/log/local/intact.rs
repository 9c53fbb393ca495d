//! Whether the files of a log are the ones that were opened, and hold all that was ever written.
//!
//! SQLite goes on with files that were deleted beneath it, and takes what is left of a cut
//! write-ahead log for the whole. So a file called `end` holds how many records the log has taken.
//! It is written after they are durable, so it is never ahead of them, and it needs no sync: after
//! a power loss it may only be behind.

use std::cell::Cell;
use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::store::damage;
use crate::edge::chain::chain;
use crate::edge::files;
use crate::edge::log::LogError;

/// The name of the file, next to the database.
const END: &str = "end";

/// The files of an open log.
pub(super) struct LogFiles {
    db: WatchedFile,
    /// The write-ahead log; known once something was written.
    ahead: WatchedFile,
    end: File,
    noted: u64,
}

/// A file, and which one was found under its name at first.
struct WatchedFile {
    path: PathBuf,
    first: Cell<Option<(u64, u64)>>,
}

impl LogFiles {
    /// Compares what the database holds, `records` in all, with what it held once.
    ///
    /// # Errors
    /// It holds less; the storage failed.
    pub(super) fn open(db: &Path, name: &str, records: u64) -> Result<Self, LogError> {
        let path = db.with_file_name(END);
        let failed = |error: &dyn std::error::Error| LogError::Storage {
            doing: format!("opening {}", path.display()),
            source: format!(
                "{}; check that its disk has room and that this user may write it",
                chain(error)
            )
            .into(),
        };
        let end = files::own_to_rewrite(&path).map_err(|error| failed(&error))?;
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // What cannot be read says nothing: it may be half written.
        let held = text.trim().parse::<u64>().unwrap_or(0);
        if held > records {
            return Err(damage(name, &shrunk(db, &path, held, records)));
        }
        let mut ahead = db.as_os_str().to_owned();
        ahead.push("-wal");
        let files = Self {
            db: WatchedFile::new(db.to_owned()),
            ahead: WatchedFile::new(PathBuf::from(ahead)),
            end,
            noted: records,
        };
        files.write(records).map_err(|error| failed(&error))?;
        Ok(files)
    }

    /// Why the log cannot be trusted any more; `None` while its files are there.
    pub(super) fn missing(&self) -> Option<String> {
        [&self.db, &self.ahead].into_iter().find_map(|file| {
            file.is_gone().then(|| {
                format!(
                    "{} was deleted or replaced while this process had it open, so what was \
                     written since is lost with this process",
                    file.path.display()
                )
            })
        })
    }

    /// Notes how many records the log holds. Should that fail, the log is complete all the same.
    pub(super) fn note(&mut self, records: u64) {
        if records > self.noted && self.write(records).is_ok() {
            self.noted = records;
        }
    }

    /// Always as long, so that it needs no room once it is there.
    fn write(&self, records: u64) -> std::io::Result<()> {
        self.end.write_all_at(format!("{records:020}\n").as_bytes(), 0)
    }
}

fn shrunk(db: &Path, end: &Path, held: u64, records: u64) -> String {
    format!(
        "it has taken {held} records, as {} says, and {} holds only {records} of them. The last \
         ones are missing, for example because log.sqlite-wal was deleted or cut, or an older copy \
         was put back. To go on without them, delete {}",
        end.display(),
        db.display(),
        end.display()
    )
}

impl WatchedFile {
    fn new(path: PathBuf) -> Self {
        let file = Self { path, first: Cell::default() };
        // It looks, and so remembers what is there.
        file.is_gone();
        file
    }

    /// Whether it is not the one that was there first.
    fn is_gone(&self) -> bool {
        let identity = |data: Metadata| (data.dev(), data.ino());
        let found = self.path.metadata().ok().map(identity);
        match self.first.get() {
            Some(first) => found != Some(first),
            None => {
                self.first.set(found);
                false
            }
        }
    }
}
